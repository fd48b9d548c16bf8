//! What takes the place of TLS in a build without it?
//!
//! Role       The same names with no values: a build without the feature `tls` has no identity, so
//!            nothing of this is ever called.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::plain::Plain;
use crate::handshake::Refusal;

/// What a node would prove itself with.
#[derive(Clone, Debug)]
pub(crate) enum Identity {}

impl Identity {
    pub(super) async fn dialled(&self, _: Plain) -> io::Result<TlsStream> {
        match *self {}
    }

    pub(super) async fn accepted(&self, _: Plain) -> io::Result<TlsStream> {
        match *self {}
    }
}

/// A stream that there is none of.
#[derive(Debug)]
pub(crate) enum TlsStream {}

impl TlsStream {
    pub(super) fn binding(&self) -> &[u8] {
        match *self {}
    }

    pub(super) fn is_of(&self, _: &str) -> bool {
        match *self {}
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self.get_mut() {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }
}

/// Nothing fails by TLS.
pub(crate) fn complaint(_: &io::Error) -> Option<(Refusal, String)> {
    None
}
