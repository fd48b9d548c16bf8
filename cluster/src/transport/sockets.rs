//! How is a socket of the machine opened?
//!
//! Role       TCP, as small frames like it: without Nagle's delay, and with an end that is noticed.

use std::io;

use tokio::net::{TcpListener, TcpStream};

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn listen(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn dial(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Box<str>)> {
    let (stream, from) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, from.to_string().into()))
}
