//! The sockets of the machine.
//!
//! Role       The few calls by which this crate opens streams; a build for turmoil has that one's in their place.

use std::io;
use std::net::SocketAddr;

pub(crate) use tokio::net::{TcpListener, TcpStream};

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn bind(to: &[SocketAddr]) -> io::Result<TcpListener> {
    TcpListener::bind(to).await
}

#[expect(clippy::disallowed_methods, reason = "the room that opens sockets")]
pub(super) async fn connect(to: &[SocketAddr]) -> io::Result<TcpStream> {
    TcpStream::connect(to).await
}

pub(super) async fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host(address).await?.collect())
}
