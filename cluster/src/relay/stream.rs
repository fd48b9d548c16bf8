//! What does a connection see of a circuit?
//!
//! Role       A stream of bytes, as a socket is one.
//! Invariant  A stream that is dropped closes its circuit.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use foundation_actors::Ref;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::driver::Relay;
use super::end::{End, State};
use crate::overlay::circuit::{CircuitId, WhyClosed};

/// Bytes in order, both ways, through other nodes.
#[derive(Debug)]
pub(crate) struct CircuitStream {
    relay: Ref<Relay>,
    id: CircuitId,
    end: Arc<End>,
}

impl CircuitStream {
    pub(super) fn new(relay: Ref<Relay>, id: CircuitId, end: Arc<End>) -> Self {
        Self { relay, id, end }
    }

    /// There are news for the relay.
    fn tell(&self, mut state: std::sync::MutexGuard<'_, State>) {
        let tells = state.tells();
        drop(state);
        if tells {
            // A relay that has ended has closed the circuit.
            let _ = self.relay.poke(self.id);
        }
    }
}

impl AsyncRead for CircuitStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.end.state();
        let Some(bytes) = state.read(buffer.remaining()) else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        match (bytes.is_empty(), state.closed) {
            (true, Some(why)) if why != WhyClosed::Done && why != WhyClosed::OtherEnd => {
                return Poll::Ready(Err(error(why)));
            }
            (true, _) => return Poll::Ready(Ok(())),
            (false, _) => buffer.put_slice(&bytes),
        }
        self.tell(state);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CircuitStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.end.state();
        if let Some(why) = state.closed {
            return Poll::Ready(Err(error(why)));
        }
        match state.write(bytes) {
            0 if !bytes.is_empty() => {
                state.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            count => {
                self.tell(state);
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.end.state();
        state.finish();
        self.tell(state);
        Poll::Ready(Ok(()))
    }
}

impl Drop for CircuitStream {
    fn drop(&mut self) {
        let mut state = self.end.state();
        state.let_go();
        self.tell(state);
    }
}

fn error(why: WhyClosed) -> io::Error {
    let kind = match why {
        WhyClosed::Refused | WhyClosed::TooMany => ErrorKind::ConnectionRefused,
        WhyClosed::Unreachable => ErrorKind::HostUnreachable,
        WhyClosed::Stalled => ErrorKind::TimedOut,
        _ => ErrorKind::BrokenPipe,
    };
    io::Error::new(kind, format!("the circuit is closed: {why:?}"))
}
