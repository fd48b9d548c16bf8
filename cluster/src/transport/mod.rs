//! What carries bytes between two nodes?
//!
//! Role       Streams of bytes, in order, with an end: sockets of the machine, with TLS over them or
//!            without, or of a simulated network. Everything above is the same code on all.
//! Invariant  The only room of this crate with sockets. A stream that is dropped is closed. What was
//!            written may be on its way only once it was flushed.

mod address;
#[cfg_attr(feature = "turmoil", path = "turmoil.rs")]
mod net;
mod plain;
pub mod simulated;
mod sockets;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use foundation_runtime::Node;
use net::{TcpListener, TcpStream};
use plain::Plain;
use simulated::{SimHost, SimListener, SimStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::relay::CircuitStream;
pub(crate) use address::{BadAddress, Reach, host_of, join};
use tls::TlsStream;
pub(crate) use tls::{Identity, complaint};

/// Where a node's connections come from.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// Sockets of the machine; with an identity, over TLS.
    Sockets(Option<Identity>),
    /// A host of a simulated network; with an identity, over TLS.
    Simulated(SimHost, Option<Identity>),
}

/// How often it is knocked.
const KNOCK: Duration = Duration::from_millis(100);

/// Where others can dial.
pub(crate) enum Listener {
    Socket(TcpListener),
    Simulated(SimListener),
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener(..)")
    }
}

/// Bytes in order, both ways.
#[derive(Debug)]
pub(crate) enum Stream {
    Socket(TcpStream),
    Tls(Box<TlsStream>),
    Simulated(SimStream),
    /// Through other nodes.
    Through(CircuitStream),
}

impl Transport {
    /// How far it may go.
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Sockets(None) => Reach::Machine,
            Self::Sockets(Some(_)) | Self::Simulated(..) => Reach::Network,
        }
    }

    /// Takes connections at this address from here on.
    pub(crate) async fn listen(&self, address: &str) -> io::Result<Listener> {
        match self {
            Self::Sockets(_) => {
                let listener = sockets::listen(address, self.reach()).await?;
                Ok(Listener::Socket(listener))
            }
            Self::Simulated(host, _) => host.listen(address).map(Listener::Simulated),
        }
    }

    /// Opens a connection. It may take as long as the other end likes: the caller bounds it. Who knocks
    /// does not leave it to the system when it asks again, and is heard as soon as somebody is there.
    pub(crate) async fn dial(
        &self,
        node: &Node,
        address: &str,
        knocks: bool,
    ) -> io::Result<Stream> {
        let stream = match self {
            Self::Sockets(_) if knocks => {
                Plain::Socket(sockets::knock(node, address, self.reach()).await?)
            }
            Self::Sockets(_) => Plain::Socket(sockets::dial(address, self.reach()).await?),
            Self::Simulated(host, _) => Plain::Simulated(host.dial(node, address, knocks).await?),
        };
        self.dialled(stream).await
    }

    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Sockets(identity) | Self::Simulated(_, identity) => identity.as_ref(),
        }
    }

    async fn dialled(&self, stream: Plain) -> io::Result<Stream> {
        match self.identity() {
            Some(identity) => identity.dialled(stream).await.map(Stream::tls),
            None => Ok(stream.into()),
        }
    }

    /// Makes of a circuit that was opened what a dial makes of a connection.
    pub(crate) async fn through(&self, stream: CircuitStream) -> io::Result<Stream> {
        self.dialled(Plain::Through(stream)).await
    }

    /// Makes of a connection that was accepted what its dialler made of it. It may take as long as
    /// the other end likes: the caller bounds it.
    pub(crate) async fn secured(&self, stream: Stream) -> io::Result<Stream> {
        let Some(identity) = self.identity() else {
            return Ok(stream);
        };
        let plain = match stream {
            Stream::Socket(stream) => Plain::Socket(stream),
            Stream::Simulated(stream) => Plain::Simulated(stream),
            Stream::Through(stream) => Plain::Through(stream),
            Stream::Tls(_) => return Ok(stream),
        };
        identity.accepted(plain).await.map(Stream::tls)
    }
}

impl From<Plain> for Stream {
    fn from(stream: Plain) -> Self {
        match stream {
            Plain::Socket(stream) => Self::Socket(stream),
            Plain::Simulated(stream) => Self::Simulated(stream),
            Plain::Through(stream) => Self::Through(stream),
        }
    }
}

impl Stream {
    fn tls(stream: TlsStream) -> Self {
        Self::Tls(Box::new(stream))
    }

    /// What both ends see of this connection and of no other; empty where there is no such thing.
    pub(crate) fn binding(&self) -> &[u8] {
        match self {
            Self::Tls(stream) => stream.binding(),
            Self::Socket(_) | Self::Simulated(_) | Self::Through(_) => &[],
        }
    }

    /// Whether the node at the other end may have this name, as far as its certificate goes.
    pub(crate) fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Tls(stream) => stream.is_of(name),
            Self::Socket(_) | Self::Simulated(_) | Self::Through(_) => true,
        }
    }
}

impl Listener {
    /// The address at which it listens.
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
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buffer),
            Self::Simulated(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Through(stream) => Pin::new(stream).poll_read(cx, buffer),
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
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
            Self::Simulated(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Through(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Self::Simulated(_) | Self::Through(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Through(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
