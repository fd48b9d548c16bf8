//! The sockets of a network that turmoil simulates.
//!
//! Role       What takes the place of the machine's in a build for tests with the feature `turmoil`.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

pub(crate) use ::turmoil::net::{TcpListener, TcpStream};

fn first(of: &[SocketAddr]) -> io::Result<SocketAddr> {
    of.first()
        .copied()
        .ok_or_else(|| ErrorKind::InvalidInput.into())
}

pub(super) async fn bind(to: &[SocketAddr]) -> io::Result<TcpListener> {
    TcpListener::bind(first(to)?).await
}

pub(super) async fn connect(to: &[SocketAddr]) -> io::Result<TcpStream> {
    TcpStream::connect(first(to)?).await
}

#[expect(clippy::unused_async, reason = "that of the machine waits")]
pub(super) async fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = address.rsplit_once(':').ok_or(ErrorKind::InvalidInput)?;
    let port = port.parse().map_err(|_| ErrorKind::InvalidInput)?;
    let ip = host
        .parse::<IpAddr>()
        .unwrap_or_else(|_| ::turmoil::lookup(host));
    Ok(vec![SocketAddr::new(ip, port)])
}
