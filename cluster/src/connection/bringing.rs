//! What does the receiving end of a lane tell the sending one?
//!
//! Role       How many bytes it has read, and which of them processes have taken.
//! Limit      It speaks up after [`SEEN_BYTES`], and after a quarter of a credit; what is less is told
//!            when the mesh looks around.

use foundation_runtime::planted::{self, Bug};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use foundation_runtime::Brought;

use super::association::Association;
use super::frame::{BadFrame, Kind, acknowledged, fence, seen};
use super::keeper::Keeper;
use super::ordering::Delivery;
use super::queue::STAMPED;
use crate::channel::kept::Stream;

/// After so many bytes it says at once that it has read them: half of what may always be under way.
const SEEN_BYTES: u64 = 32 * 1024;

/// The receiving end of one lane.
#[derive(Debug)]
pub(super) struct Bringing {
    keeper: Arc<Keeper>,
    stream: Stream,
    number: u8,
    /// How many bytes of a sender may be on this node and not taken; zero when nobody counts.
    credit: u32,
    due: Mutex<Due>,
}

#[derive(Debug, Default)]
struct Due {
    read: u64,
    told: u64,
    /// What there is is to be told, however little.
    all: bool,
    credits: BTreeMap<u8, u32>,
    /// The last numbered frame of each bucket that has come, and was not told yet.
    come: BTreeMap<u8, u64>,
    waker: Option<Waker>,
}

impl Bringing {
    pub(super) fn new(keeper: Arc<Keeper>, stream: Stream, number: u8, credit: u32) -> Self {
        Self {
            keeper,
            stream,
            number,
            credit,
            due: Mutex::default(),
        }
    }

    /// Whose it is.
    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    /// Whether it is this lane of this channel.
    pub(super) fn is(&self, stream: Stream, number: u8) -> bool {
        self.stream == stream && self.number == number
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes were read.
    pub(super) fn read(&self, bytes: usize) {
        self.due().read += bytes as u64;
    }

    /// How a frame of this bucket and length comes to its process.
    pub(super) fn brought(self: &Arc<Self>, bucket: u8, bytes: usize) -> Brought {
        let kept = (self.credit > 0).then(|| {
            let kept: Box<dyn Any + Send> = Box::new(Kept {
                of: Arc::clone(self),
                bucket,
                bytes: bytes as u32,
            });
            kept
        });
        Brought {
            channel: self.stream.1,
            causal: bucket == STAMPED,
            kept,
        }
    }

    /// Whether the frame of this number comes for the first time; it is acknowledged in any case, once
    /// [`Bringing::came`] says that it was delivered.
    pub(super) fn is_first(&self, bucket: u8, number: u64) -> bool {
        self.keeper.kept().is_first(self.stream, bucket, number)
    }

    /// The frame of this number was delivered.
    pub(super) fn came(&self, bucket: u8, number: u64) {
        if planted::is(Bug::AckDropped) {
            return;
        }
        self.due().come.insert(bucket, number);
    }

    /// The same, by somebody who does not read this lane.
    pub(super) fn came_late(&self, bucket: u8, number: u64) {
        self.came(bucket, number);
        wake(self.due());
    }

    /// A message of causal order came over it: it is given out by [`Bringing::give_out`].
    pub(super) fn arrive(
        self: &Arc<Self>,
        of: &Arc<Association>,
        number: Option<u64>,
        stamped: Vec<u8>,
        brought: Brought,
    ) -> Result<(), BadFrame> {
        let delivery = Delivery {
            of: Arc::clone(of),
            lane: Arc::clone(self),
            number,
            frame: Vec::new(),
            brought,
        };
        let keeper = &self.keeper;
        keeper.ordering.arrive(&keeper.channels, stamped, delivery)
    }

    /// Gives out what follows nothing that is not there.
    pub(super) fn give_out(&self) {
        self.keeper.ordering.give_out();
    }

    /// Whatever is not told yet is told.
    pub(super) fn tell_all(&self) {
        let mut due = self.due();
        if due.told != due.read || !due.credits.is_empty() {
            due.all = true;
            wake(due);
        }
    }

    /// A process has taken a frame.
    fn taken(&self, bucket: u8, bytes: u32) {
        let mut due = self.due();
        let credit = due.credits.entry(bucket).or_default();
        *credit = credit.saturating_add(bytes);
        if self.credit / 4 <= *credit {
            due.all = true;
            wake(due);
        }
    }

    /// Takes what is to be told; when there is nothing, wakes later.
    pub(super) fn take(&self, out: &mut Vec<u8>, waker: &Waker) -> bool {
        let mut due = self.due();
        let at_once = SEEN_BYTES <= due.read - due.told;
        let all = std::mem::take(&mut due.all);
        if at_once || all && due.told < due.read {
            due.told = due.read;
            out.extend_from_slice(&seen(due.read, at_once));
        }
        if all {
            for (bucket, bytes) in std::mem::take(&mut due.credits) {
                out.extend_from_slice(&fence(Kind::Credit, bucket, bytes));
            }
        }
        for (bucket, number) in std::mem::take(&mut due.come) {
            out.extend_from_slice(&acknowledged(bucket, number));
        }
        if out.is_empty() {
            due.waker = Some(waker.clone());
        }
        !out.is_empty()
    }
}

fn wake(mut due: MutexGuard<'_, Due>) {
    let waker = due.waker.take();
    drop(due);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// With a message until a process takes it.
struct Kept {
    of: Arc<Bringing>,
    bucket: u8,
    bytes: u32,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.of.taken(self.bucket, self.bytes);
    }
}
