//! What waits to be sent on one connection?
//!
//! Role       A queue of bytes that many fill and one process empties: everything that came together
//!            leaves together.
//! Limit      From [`HIGH_WATER`] on, processes that send wait until what is there has left. What does
//!            not wait, a handler that never yields and code outside any process, is told at
//!            [`FULL_BYTES`] that there is no room. Signals are always taken.
//! Invariant  Closed, it takes nothing; what it had taken may be lost, as with any connection.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use foundation_runtime::{Carried, Freight, Node, Pid};

use super::frame::{HEADER_BYTES, Kind, header};
use crate::mesh::Loss;

/// How many bytes may wait before senders are held.
pub(crate) const HIGH_WATER: usize = 1 << 20;

/// How many bytes may wait before messages are refused.
pub(crate) const FULL_BYTES: usize = 128 << 20;

/// Frames on their way out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    node: Node,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// Bytes that were taken and have not left yet.
    leaving: usize,
    waker: Option<Waker>,
    /// Processes that wait until there is room.
    held: BTreeSet<Pid>,
    closed: Option<Loss>,
    frames: u64,
}

impl Outgoing {
    pub(super) fn new(node: &Node) -> Self {
        let (node, state) = (node.clone(), Mutex::default());
        Self { node, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a frame.
    pub(crate) fn push(&self, kind: Kind, content: &[u8], what: Freight) -> Carried {
        let mut state = self.state();
        if state.closed.is_some() {
            return Carried::Gone;
        }
        let waiting = state.bytes.len() + state.leaving;
        if what == Freight::Message && FULL_BYTES < waiting + content.len() {
            return Carried::Full;
        }
        state.bytes.reserve(HEADER_BYTES + content.len());
        state.bytes.extend_from_slice(&header(kind, content.len()));
        state.bytes.extend_from_slice(content);
        state.frames += 1;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        match waiting < HIGH_WATER {
            true => Carried::Taken,
            false => Carried::Busy,
        }
    }

    /// A process waits for room; `false` when there is some, or it waits already.
    pub(super) fn wait(&self, pid: Pid) -> bool {
        let mut state = self.state();
        let is_busy = HIGH_WATER <= state.bytes.len() + state.leaving;
        is_busy && state.closed.is_none() && state.held.insert(pid)
    }

    /// Takes all that waits, in exchange for an empty buffer; when nothing does, wakes later.
    pub(super) fn take(&self, empty: &mut Vec<u8>, waker: &Waker) -> bool {
        assert!(empty.is_empty(), "it was sent");
        let mut state = self.state();
        state.leaving = 0;
        // What they waited for has left; what is taken now is what others have queued meanwhile.
        let held = std::mem::take(&mut state.held);
        let taken = Self::take_from(&mut state, empty, waker);
        drop(state);
        held.into_iter().for_each(|pid| self.node.release(pid));
        taken
    }

    fn take_from(state: &mut State, empty: &mut Vec<u8>, waker: &Waker) -> bool {
        if state.bytes.is_empty() {
            state.waker = Some(waker.clone());
            return false;
        }
        std::mem::swap(empty, &mut state.bytes);
        state.leaving = empty.len();
        true
    }

    /// How many bytes wait, or are leaving.
    pub(crate) fn waiting(&self) -> usize {
        let state = self.state();
        state.bytes.len() + state.leaving
    }

    /// How many frames were queued so far.
    pub(crate) fn frames(&self) -> u64 {
        self.state().frames
    }

    /// Takes nothing more, for this reason. What waits is sent, if the connection still lives.
    pub(crate) fn close(&self, loss: Loss) {
        let (waker, held) = {
            let mut state = self.state();
            state.closed.get_or_insert(loss);
            (state.waker.take(), std::mem::take(&mut state.held))
        };
        held.into_iter().for_each(|pid| self.node.release(pid));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Why it takes nothing more.
    pub(super) fn closed(&self) -> Option<Loss> {
        self.state().closed
    }
}
