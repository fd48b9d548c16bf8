//! What carries bytes between two nodes?
//!
//! Role       Streams of bytes, in order, with an end: sockets of the machine, or of a simulated
//!            network. Everything above is the same code on both.
//! Invariant  The only room of this crate with sockets. A stream that is dropped is closed.

pub mod simulated;
mod sockets;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use foundation_runtime::Node;
use simulated::{SimHost, SimListener, SimStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Where a node's connections come from.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// Sockets of the machine.
    Sockets,
    /// A host of a simulated network.
    Simulated(SimHost),
}

/// Where others can dial.
#[derive(Debug)]
pub(crate) enum Listener {
    Socket(TcpListener),
    Simulated(SimListener),
}

/// Bytes in order, both ways.
#[derive(Debug)]
pub(crate) enum Stream {
    Socket(TcpStream),
    Simulated(SimStream),
}

impl Transport {
    /// Takes connections at this address from here on.
    pub(crate) async fn listen(&self, address: &str) -> io::Result<Listener> {
        match self {
            Self::Sockets => sockets::listen(address).await.map(Listener::Socket),
            Self::Simulated(host) => host.listen(address).map(Listener::Simulated),
        }
    }

    /// Opens a connection. It may take as long as the system likes: the caller bounds it.
    pub(crate) async fn dial(&self, node: &Node, address: &str) -> io::Result<Stream> {
        match self {
            Self::Sockets => sockets::dial(address).await.map(Stream::Socket),
            Self::Simulated(host) => host.dial(node, address).await.map(Stream::Simulated),
        }
    }
}

impl Listener {
    /// The address at which it listens, as others can dial it.
    pub(crate) fn address(&self) -> io::Result<Box<str>> {
        match self {
            Self::Socket(listener) => Ok(listener.local_addr()?.to_string().into()),
            Self::Simulated(listener) => Ok(listener.address().into()),
        }
    }

    /// The next connection, and from where it comes.
    pub(crate) async fn accept(&mut self, node: &Node) -> io::Result<(Stream, Box<str>)> {
        match self {
            Self::Socket(listener) => {
                let (stream, from) = sockets::accept(listener).await?;
                Ok((Stream::Socket(stream), from))
            }
            Self::Simulated(listener) => {
                let (stream, from) = listener.accept(node).await?;
                Ok((Stream::Simulated(stream), from))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Simulated(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Simulated(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_flush(cx),
            Self::Simulated(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
