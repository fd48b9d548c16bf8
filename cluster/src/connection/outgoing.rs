//! What waits to be sent to one node, shared by those who send and those who carry?
//!
//! Role       The queue behind its lock, the senders that are held, and the wakers of the processes
//!            that carry.
//! Limit      From [`HIGH_WATER`] on, processes that send over a path wait until what is there has
//!            left. What does not wait, a handler that never yields and code outside any process, is
//!            told at [`FULL_BYTES`](super::queue::FULL_BYTES) that there is no room. Signals are
//!            always taken.
//! Invariant  Closed, it takes nothing; what it had taken may be lost, as with any connection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use foundation_runtime::{Carried, Freight, Node, Pid};

use super::frame::{Kind, header};
use super::queue::{BUCKETS, Bulk, HIGH_WATER, NOBODY, Pushed, Queue, Route};
use crate::mesh::Loss;

const BOTH: [Route; 2] = [Route::Main, Route::Bulk];

/// Frames on their way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    node: Node,
    state: Mutex<State>,
    /// Somebody sends large frames, and nobody has opened the bulk connection for it yet.
    wants_bulk: AtomicBool,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// Bytes that were taken for the main connection and have not left yet.
    leaving: usize,
    wakers: [Option<Waker>; 2],
    /// Processes that wait until there is room on the path of their bucket.
    held: BTreeMap<u8, BTreeSet<Pid>>,
    closed: Option<Loss>,
}

impl State {
    fn waiting(&self, bucket: u8) -> usize {
        self.queue.waiting(bucket) + self.leaving
    }

    /// Those for whom there is room, when all has left that was taken for this connection.
    fn freed(&mut self, route: Route) -> Vec<Pid> {
        let Self { queue, held, .. } = self;
        let is_free = |bucket: u8| match queue.has(bucket) {
            true => queue.waiting(bucket) < HIGH_WATER,
            false => route == Route::Main,
        };
        let freed = held.extract_if(.., |bucket, _| is_free(*bucket));
        freed.flat_map(|(_, pids)| pids).collect()
    }
}

/// Which bucket a sender is in.
fn bucket(sender: Option<Pid>) -> u8 {
    sender.map_or(NOBODY, |pid| (pid.spread(BUCKETS)) as u8)
}

impl Outgoing {
    pub(super) fn new(node: &Node) -> Self {
        let state = State {
            queue: Queue::new(),
            leaving: 0,
            wakers: [None, None],
            held: BTreeMap::new(),
            closed: None,
        };
        Self {
            node: node.clone(),
            state: Mutex::new(state),
            wants_bulk: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame between processes.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        let bucket = bucket(freight.sender);
        let mut state = self.state();
        if state.closed.is_some() {
            return Carried::Gone;
        }
        let (leaving, before) = (state.leaving, state.queue.bulk());
        let waits = match state.queue.push(bucket, frame, freight.kind, leaving) {
            Pushed::Full => return Carried::Full,
            Pushed::Waits(bytes) => bytes,
        };
        if before == Bulk::Unopened && state.queue.bulk() == Bulk::Wanted {
            self.wants_bulk.store(true, Ordering::Relaxed);
        }
        match state.queue.has(bucket) {
            true => wake(state, &BOTH),
            false => wake(state, &BOTH[..1]),
        }
        match waits < HIGH_WATER {
            true => Carried::Taken,
            false => Carried::Busy,
        }
    }

    /// Queues what the node itself says, which is short.
    pub(crate) fn say(&self, kind: Kind, content: &[u8]) {
        let mut frame = header(kind, content.len()).to_vec();
        frame.extend_from_slice(content);
        self.control(&frame);
    }

    /// Queues whole frames that are the connection's own.
    pub(super) fn control(&self, frames: &[u8]) {
        let mut state = self.state();
        if state.closed.is_none() {
            state.queue.control(frames);
            wake(state, &BOTH[..1]);
        }
    }

    /// A process waits for room; `false` when there is some, or it waits already.
    pub(super) fn wait(&self, pid: Pid) -> bool {
        let mut state = self.state();
        let bucket = bucket(Some(pid));
        let is_busy = HIGH_WATER <= state.waiting(bucket);
        let waits = is_busy && state.closed.is_none();
        waits && state.held.entry(bucket).or_default().insert(pid)
    }

    /// Takes what leaves next over this connection, in exchange for an empty buffer; when nothing
    /// does, wakes later.
    pub(super) fn take(&self, route: Route, empty: &mut Vec<u8>, waker: &Waker) -> bool {
        assert!(empty.is_empty(), "it was sent");
        let mut state = self.state();
        if route == Route::Main {
            state.leaving = 0;
        }
        // What they waited for has left; what is taken now is what others have queued meanwhile.
        let freed = match state.held.is_empty() {
            true => Vec::new(),
            false => state.freed(route),
        };
        let taken = state.queue.take(route, empty);
        match taken {
            true if route == Route::Main => state.leaving = empty.len(),
            true => {}
            false => state.wakers[route as usize] = Some(waker.clone()),
        }
        drop(state);
        for pid in freed {
            self.node.release(pid);
        }
        taken
    }

    /// Whoever carries over the main connection looks at what else there is to do.
    pub(super) fn wake_main(&self) {
        wake(self.state(), &BOTH[..1]);
    }

    /// A fence has come back.
    pub(super) fn fenced(&self, bucket: u8, serial: u32) {
        let mut state = self.state();
        state.queue.fenced(bucket, serial);
        wake(state, &BOTH);
    }

    /// Whether somebody wants a bulk connection, and nobody was told so yet.
    pub(super) fn wants_bulk(&self) -> bool {
        self.wants_bulk.load(Ordering::Relaxed) && self.wants_bulk.swap(false, Ordering::Relaxed)
    }

    /// The bulk connection is there, or cannot be had.
    pub(super) fn bulk_opened(&self, is_open: bool) {
        let mut state = self.state();
        state.queue.bulk_opened(is_open);
        wake(state, &BOTH);
    }

    /// Whether nothing waits, and all went over the main connection.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        let is_empty = state.queue.bytes() + state.leaving == 0;
        is_empty && state.queue.bulk() == Bulk::Unopened
    }

    /// How many bytes wait, or are leaving.
    pub(crate) fn waiting(&self) -> usize {
        let state = self.state();
        state.queue.bytes() + state.leaving
    }

    /// Whether somebody who sends is held, since too much waits.
    pub(crate) fn is_holding(&self) -> bool {
        !self.state().held.is_empty()
    }

    /// How many frames were queued so far.
    pub(crate) fn frames(&self) -> u64 {
        self.state().queue.frames()
    }

    /// Takes nothing more, for this reason. What waits is sent, if the connection still lives.
    pub(crate) fn close(&self, loss: Loss) {
        let mut state = self.state();
        state.closed.get_or_insert(loss);
        let held = std::mem::take(&mut state.held);
        wake(state, &BOTH);
        for pid in held.into_values().flatten() {
            self.node.release(pid);
        }
    }

    /// Why it takes nothing more.
    pub(crate) fn closed(&self) -> Option<Loss> {
        self.state().closed
    }
}

/// Whoever carries over these connections looks again.
fn wake(mut state: MutexGuard<'_, State>, routes: &[Route]) {
    let taken = routes
        .iter()
        .map(|route| state.wakers[*route as usize].take());
    let wakers: [Option<Waker>; 2] = {
        let mut taken = taken.fuse();
        [taken.next().flatten(), taken.next().flatten()]
    };
    drop(state);
    wakers.into_iter().flatten().for_each(Waker::wake);
}
