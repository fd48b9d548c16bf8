//! How is a socket of the machine opened?
//!
//! Role       TCP, as small frames like it: without Nagle's delay, and with an end that is noticed.
//! Invariant  Nothing beyond reach is listened at or dialled, whoever told the address: a peer, too.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use super::address::{BadAddress, Reach};

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn listen(address: &str, reach: Reach) -> io::Result<TcpListener> {
    TcpListener::bind(&within(address, reach).await?[..]).await
}

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn dial(address: &str, reach: Reach) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(&within(address, reach).await?[..]).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an address stands for, if any of it is within reach.
async fn within(address: &str, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host(address).await?;
    let within: Vec<_> = found.filter(|found| reach.has(found.ip())).collect();
    match within.is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            BadAddress::Beyond.to_string(),
        )),
        false => Ok(within),
    }
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
    async fn another_machine_is_not_dialled_without_tls() {
        let dialled = dial("192.0.2.1:9", Reach::Machine).await;
        let error = dialled.expect_err("it is not of this machine");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let listened = listen("0.0.0.0:0", Reach::Machine).await;
        let error = listened.expect_err("it is not of this machine alone");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        for reach in [Reach::Machine, Reach::Network] {
            let listener = listen("127.0.0.1:0", reach).await.expect("a port is free");
            let address = listener.local_addr().expect("it is bound").to_string();
            dial(&address, reach).await.expect("it listens");
        }
        listen("0.0.0.0:0", Reach::Network)
            .await
            .expect("a port is free");
    }
}
