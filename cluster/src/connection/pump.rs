//! How do bytes get from a stream to processes, and from the queue to a stream?
//!
//! Role       One go at both directions of one connection, as far as they go without waiting.
//! Limit      A share of reading, then others run; what is to be sent when it closes has a second,
//!            and so has the other end to close first when this node leaves.
//! Invariant  A frame is brought in as soon as it is whole, in the order in which it came. What
//!            comes over a further connection is brought in only while the association stands.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use foundation_runtime::{Brought, time};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::assembly::Assembly;
use super::association::Association;
use super::bringing::Bringing;
use super::frame::{BadFrame, Kind, fence, read_acknowledged, read_fence, read_part, read_seen};
use super::inbound::Inbound;
use super::lane::Lane;
use super::queue::{NOBODY, Route, STAMPED};
use crate::channel::pack::{split, unpack};
use crate::mesh::Loss;
use crate::transport::{Stream, complaint};

/// How many bytes are read before other processes run.
const READ_BUDGET: usize = 256 * 1024;
/// A buffer that grew beyond this is given back once it is empty.
const KEPT_BYTES: usize = 2 << 20;
/// How long what is queued may take to leave when a connection closes.
const CLOSING: Duration = Duration::from_secs(1);

/// What comes out of one go at both directions.
pub(super) enum Turn {
    /// A frame that is not between processes.
    Came(Kind, Vec<u8>),
    /// Somebody sends what should go over a connection of its own.
    WantsBulk,
    /// Somebody sends over a lane that is not open.
    WantsLane(Lane),
    Lost(Loss),
}

/// What a pump is to do.
pub(super) enum Duty {
    /// The connection that makes two nodes connected: all but what other connections have.
    Main,
    /// It sends large messages.
    Bulk,
    /// It takes large messages.
    Hears,
    /// It sends what one lane has, and hears how far that has come.
    Sends(Lane),
    /// It takes what the other end's lane has, and says how far that has come.
    Takes(Arc<Bringing>),
}

pub(super) struct Pump {
    association: Arc<Association>,
    stream: Stream,
    duty: Duty,
    inbound: Inbound,
    assembly: Assembly,
    /// Bytes that were read, and that the other end of a lane was not told of.
    untold: usize,
    writing: Vec<u8>,
    written: usize,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Pump {
    /// A pump of this stream, of which `rest` has come already.
    pub(super) fn new(
        association: &Arc<Association>,
        stream: Stream,
        duty: Duty,
        rest: &[u8],
    ) -> Self {
        Self {
            association: Arc::clone(association),
            stream,
            duty,
            inbound: Inbound::new(rest),
            assembly: Assembly::default(),
            untold: rest.len(),
            writing: Vec::new(),
            written: 0,
            closing: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Poller<'_>) -> Poll<Turn> {
        if let Some(loss) = self.poll_write(cx) {
            return Poll::Ready(Turn::Lost(loss));
        }
        if let Duty::Main = self.duty {
            if self.association.outgoing.wants_bulk() {
                return Poll::Ready(Turn::WantsBulk);
            }
            if let Some(lane) = self.association.lanes.wanted() {
                return Poll::Ready(Turn::WantsLane(lane));
            }
        }
        let mut budget = READ_BUDGET;
        loop {
            if let Some(turn) = self.deliver() {
                return Poll::Ready(turn);
            }
            // What was given out has been read, and nothing before that: the other end may send what follows over
            // another lane from here on.
            if let Duty::Takes(lane) = &self.duty
                && self.untold > 0
            {
                lane.read(std::mem::take(&mut self.untold));
                if let Some(loss) = self.poll_write(cx) {
                    return Poll::Ready(Turn::Lost(loss));
                }
            }
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut room = ReadBuf::new(self.inbound.space());
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
            let count = room.filled().len();
            match read {
                Ok(()) if count > 0 => {}
                Ok(()) => return Poll::Ready(Turn::Lost(Loss::Closed)),
                Err(error) => return Poll::Ready(Turn::Lost(broken(&error))),
            }
            self.inbound.came(count);
            self.association.hear();
            if let Duty::Hears = self.duty {
                time::give_way();
            }
            self.untold += count;
            budget = budget.saturating_sub(count);
        }
    }

    /// Sends what waits, as far as it goes.
    fn poll_write(&mut self, cx: &mut Poller<'_>) -> Option<Loss> {
        loop {
            if self.written == self.writing.len() {
                self.writing.clear();
                self.written = 0;
                if self.writing.capacity() > KEPT_BYTES {
                    self.writing = Vec::new();
                }
                if !self.take(cx) {
                    return self.poll_rest(cx);
                }
            }
            let rest = &self.writing[self.written..];
            let written = Pin::new(&mut self.stream).poll_write(cx, rest);
            if let Duty::Bulk = self.duty {
                time::give_way();
                let count = match &written {
                    Poll::Ready(Ok(count)) => *count,
                    _ => 0,
                };
                self.association.bulk_sent(count);
            }
            match written {
                Poll::Ready(Ok(count)) if count > 0 => self.written += count,
                Poll::Ready(_) => return Some(Loss::Closed),
                Poll::Pending => return self.poll_closing(cx),
            }
        }
    }

    /// Takes what is to be sent next, if there is anything.
    fn take(&mut self, cx: &Poller<'_>) -> bool {
        let (out, waker) = (&mut self.writing, cx.waker());
        let outgoing = &self.association.outgoing;
        match &self.duty {
            Duty::Main => outgoing.take(Route::Main, out, waker),
            Duty::Bulk => outgoing.take(Route::Bulk, out, waker),
            Duty::Hears => false,
            Duty::Sends(lane) => lane.take(out, outgoing.waiting() > 0, waker),
            Duty::Takes(lane) => lane.take(out, waker),
        }
    }

    /// Nothing waits: what was written leaves, also what the stream has kept of it.
    fn poll_rest(&mut self, cx: &mut Poller<'_>) -> Option<Loss> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Ok(())) => match self.association.outgoing.closed()? {
                // The other one reads that, and closes: what it sends meanwhile would otherwise make
                // its system throw away what it has not read yet.
                Loss::Leaving | Loss::Evicted | Loss::Unneeded => self.poll_closing(cx),
                loss => Some(loss),
            },
            Poll::Ready(Err(_)) => Some(Loss::Closed),
            Poll::Pending => self.poll_closing(cx),
        }
    }

    /// What still waits when it closes has a moment to leave, and to be read.
    fn poll_closing(&mut self, cx: &mut Poller<'_>) -> Option<Loss> {
        let loss = self.association.outgoing.closed()?;
        let node = self.association.node.clone();
        let closing = self
            .closing
            .get_or_insert_with(|| Box::pin(async move { node.sleep(CLOSING).await }));
        closing.as_mut().poll(cx).is_ready().then_some(loss)
    }

    /// Gives processes what has come for them.
    fn deliver(&mut self) -> Option<Turn> {
        let association = Arc::clone(&self.association);
        let entered = match self.duty {
            Duty::Main => None,
            _ => match association.enter() {
                None => return Some(Turn::Lost(Loss::Closed)),
                entered => entered,
            },
        };
        let delivered = self.deliver_all(&association);
        drop(entered);
        if let Duty::Takes(lane) = &self.duty {
            // Outside: what is given out may be of another association, which is entered for it.
            lane.give_out();
        }
        delivered.unwrap_or_else(|error| {
            tracing::error!(
                target: "foundation::cluster",
                %error,
                "what came is no frame; the connection is closed"
            );
            Some(Turn::Lost(Loss::Garbage))
        })
    }

    fn deliver_all(&mut self, association: &Arc<Association>) -> Result<Option<Turn>, Unreadable> {
        while let Some((kind, content)) = self.inbound.next()? {
            match kind {
                Kind::Process | Kind::Part => {
                    bring(association, &self.duty, &mut self.assembly, kind, content)?;
                }
                Kind::Packed => {
                    let frames = unpack(content)?;
                    let mut frames = frames.as_slice();
                    while let Some((kind, content, rest)) = split(frames)? {
                        bring(association, &self.duty, &mut self.assembly, kind, content)?;
                        frames = rest;
                    }
                }
                Kind::Seen | Kind::Credit | Kind::Acknowledged => hear(&self.duty, kind, content)?,
                Kind::Fence => {
                    let (bucket, serial) = read_fence(content)?;
                    let back = fence(Kind::Fenced, bucket, serial);
                    association.outgoing.control(&back);
                }
                Kind::Fenced => {
                    let (bucket, serial) = read_fence(content)?;
                    association.outgoing.fenced(bucket, serial);
                }
                Kind::Heartbeat => {}
                kind => return Ok(Some(Turn::Came(kind, content.to_vec()))),
            }
        }
        Ok(None)
    }
}

/// Gives a process what has come for it, when it is whole.
fn bring(
    association: &Arc<Association>,
    duty: &Duty,
    assembly: &mut Assembly,
    kind: Kind,
    content: &[u8],
) -> Result<(), Unreadable> {
    let brought = |bucket, bytes| match duty {
        Duty::Takes(lane) => lane.brought(bucket, bytes),
        _ => Brought::default(),
    };
    let (node, peer) = (&association.node, association.peer_id);
    match kind {
        Kind::Process => node.receive_frame(peer, brought(NOBODY, 0), content)?,
        Kind::Part => {
            let Some(whole) = assembly.part(content)? else {
                return Ok(());
            };
            let (bucket, _, of, _) = read_part(content)?;
            let brought = brought(bucket, whole.len());
            let (number, whole) = match of.is_numbered {
                true => split_number(whole)?,
                false => (None, whole),
            };
            match (duty, number) {
                (Duty::Takes(lane), _) if of.is_stamped && bucket == STAMPED => {
                    lane.arrive(association, number, whole, brought)?;
                }
                _ if of.is_stamped => return Err(BadFrame::Content.into()),
                (_, None) => node.receive_frame(peer, brought, &whole)?,
                (Duty::Takes(lane), Some(number)) => {
                    if lane.is_first(bucket, number) {
                        node.receive_frame(peer, brought, &whole)?;
                    }
                    lane.came(bucket, number);
                }
                _ => return Err(BadFrame::Content.into()),
            }
        }
        _ => return Err(BadFrame::Content.into()),
    }
    Ok(())
}

/// The number with which a frame begins, and the frame.
fn split_number(mut whole: Vec<u8>) -> Result<(Option<u64>, Vec<u8>), BadFrame> {
    let number = *whole.first_chunk().ok_or(BadFrame::Content)?;
    whole.drain(..size_of_val(&number));
    Ok((Some(u64::from_be_bytes(number)), whole))
}

/// What the receiving end of a lane says.
fn hear(duty: &Duty, kind: Kind, content: &[u8]) -> Result<(), BadFrame> {
    let Duty::Sends(lane) = duty else {
        return Err(BadFrame::Content);
    };
    if kind == Kind::Acknowledged {
        let (bucket, number) = read_acknowledged(content)?;
        lane.acknowledged(bucket, number);
        return Ok(());
    }
    if kind == Kind::Credit {
        let (bucket, bytes) = read_fence(content)?;
        lane.credit(bucket, bytes);
        return Ok(());
    }
    let (total, at_once) = read_seen(content)?;
    match lane.seen(total, at_once) {
        true => Ok(()),
        false => Err(BadFrame::Content),
    }
}

/// What came is not the protocol.
enum Unreadable {
    Frame(BadFrame),
    Content(foundation_runtime::BadFrame),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Content(error) => error.fmt(f),
        }
    }
}

impl From<BadFrame> for Unreadable {
    fn from(error: BadFrame) -> Self {
        Self::Frame(error)
    }
}

impl From<foundation_runtime::BadFrame> for Unreadable {
    fn from(error: foundation_runtime::BadFrame) -> Self {
        Self::Content(error)
    }
}

/// What an error of the stream means: somebody may have changed what is under TLS.
fn broken(error: &io::Error) -> Loss {
    match complaint(error) {
        Some((_, reason)) => {
            tracing::error!(
                target: "foundation::cluster",
                %reason,
                "what came is not what was sent; the connection is closed"
            );
            Loss::Garbage
        }
        None => Loss::Closed,
    }
}
