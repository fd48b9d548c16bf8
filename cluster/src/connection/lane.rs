//! One lane of a channel: what the process that carries it does with the queue.
//!
//! Role       Takes what leaves next over its connection, and hears from the other end how far that has come.
//! Invariant  What leaves in one turn is one step of the lane's pace: so the queue knows which turns were seen.

use std::sync::Arc;
use std::task::Waker;

use foundation_runtime::Priority;

use super::outlet::{Outlet, Over, Phase, Sending, State};
use crate::channel::Turn;
use crate::channel::pace::WINDOW_MIN;
use crate::channel::pack::pack;

/// The most bytes that leave at once.
const TURN_BYTES: usize = 256 * 1024;

/// One lane.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(super) outlet: Arc<Outlet>,
    pub(super) number: u8,
}

impl Lane {
    fn place(&self) -> usize {
        usize::from(self.number)
    }

    /// Its connection is there.
    pub(super) fn opened(&self) {
        let mut state = self.outlet.state();
        let beside = state.lanes[0].pace.beside();
        let lane = &mut state.lanes[self.place()];
        if lane.phase == Phase::Opening {
            lane.phase = Phase::Open;
            if self.number > 0 {
                lane.pace = beside;
            }
        }
    }

    /// Its connection could not be had. Where the channel has no other, what waits is given up: the next message
    /// tries again, unless the other node has no such channel.
    pub(super) fn unopened(&self, is_unknown: bool) {
        let now = self.outlet.now();
        let mut state = self.outlet.state();
        state.lanes[self.place()].phase = Phase::Unopened;
        if state.over == Some(Over::Closed) {
            return;
        }
        if is_unknown {
            state.over = Some(Over::Unknown);
        }
        let goes = |lane: &Sending| lane.phase != Phase::Unopened;
        if is_unknown || !state.lanes.iter().any(goes) {
            self.outlet.give_up(state, is_unknown);
            return;
        }
        state.width.failed(now, self.number);
        state.use_lanes();
        self.outlet.settle(state);
    }

    /// Takes what leaves next, in exchange for an empty buffer; when nothing does, wakes later.
    /// `pressed` when something waits on the main connection.
    pub(super) fn take(&self, out: &mut Vec<u8>, pressed: bool, waker: &Waker) -> bool {
        assert!(out.is_empty(), "it was sent");
        let outlet = &self.outlet;
        let now = outlet.now();
        let mut state = outlet.state();
        let priority = outlet.channel.priority;
        let pressed = pressed && priority < Priority::Normal || outlet.pressing.on(priority);
        let State {
            queue,
            meter,
            lanes,
            ..
        } = &mut *state;
        let under_way: usize = lanes.iter().map(|lane| lane.pace.under_way()).sum();
        let lane = &mut lanes[self.place()];
        lane.is_woken = false;
        let room = match pressed {
            true => WINDOW_MIN.saturating_sub(under_way),
            false => lane.pace.room(),
        };
        let room = room.min(TURN_BYTES);
        let turn = Turn {
            lane: self.number,
            number: lane.pace.turns()[0] + 1,
        };
        let mut gone = 0;
        let mut waited = |wait| {
            meter.waits.add(wait);
            gone += 1;
        };
        queue.take(now, turn, room, out, &mut waited);
        if room > 0 && out.is_empty() {
            // What it gets is there at once, or when the other end has seen what is under way of it, which wakes.
            queue.ask_for_more(self.number);
            queue.take(now, turn, room, out, &mut waited);
        }
        if out.is_empty() {
            lane.waker = Some(waker.clone());
            // A wake at once would find no room again: the other end's word for it wakes.
            outlet.settle_and(Vec::new(), state);
            return false;
        }
        meter.messages += gone;
        meter.bytes += out.len() as u64;
        if outlet.channel.is_compressed
            && let Some(packed) = pack(out)
        {
            *out = packed;
        }
        meter.wire_bytes += out.len() as u64;
        lane.pace.sent(now, out.len());
        outlet.settle(state);
        true
    }

    /// The other end has read so many bytes; `false` when that cannot be.
    pub(super) fn seen(&self, total: u64, at_once: bool) -> bool {
        let now = self.outlet.now();
        let mut state = self.outlet.state();
        let State { queue, lanes, .. } = &mut *state;
        let pace = &mut lanes[self.place()].pace;
        let is_so = pace.seen(now, total, at_once);
        queue.seen(self.number, pace.turns()[1]);
        self.outlet.settle(state);
        is_so
    }

    /// The other end has this frame of this bucket, and all before it.
    pub(super) fn acknowledged(&self, bucket: u8, number: u64) {
        let mut state = self.outlet.state();
        state.queue.acknowledged(bucket, number);
        self.outlet.settle(state);
    }

    /// Processes of the other node have taken so many bytes of this bucket.
    pub(super) fn credit(&self, bucket: u8, bytes: u32) {
        let mut state = self.outlet.state();
        state.queue.credit(bucket, bytes as usize);
        self.outlet.settle(state);
    }
}
