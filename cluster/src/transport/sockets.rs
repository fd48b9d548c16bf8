//! How is a socket of the machine opened?
//!
//! Role       TCP, as small frames like it: without Nagle's delay, and with an end that is noticed.
//! Invariant  What is dialled is of this machine, whoever told the address: a peer, too.

use std::io;

use tokio::net::{TcpListener, TcpStream};

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn listen(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn dial(address: &str) -> io::Result<TcpStream> {
    let mut found = tokio::net::lookup_host(address).await?;
    let here = found.find(|address| address.ip().is_loopback());
    let here = here.ok_or(io::ErrorKind::PermissionDenied)?;
    let stream = TcpStream::connect(here).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Box<str>)> {
    let (stream, from) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, from.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_machine_is_not_dialled() {
        let dialled = dial("192.0.2.1:9").await;
        let error = dialled.expect_err("it is not of this machine");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let listener = listen("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        dial(&address).await.expect("it listens");
    }
}
