//! Should the cluster have another overlay?
//!
//! Role       What one node sees from one look to the next, and the look: the member with the smallest number
//!            orders what the policy wants.

use std::time::Duration;

use super::machine::{Machine, Out};
use crate::machine::Tick;
use crate::overlay::{Policy, Seen};

/// So many looks after a switch for load sizes change nothing.
const TROUBLED_LOOKS: u32 = 10;

/// What was seen since the last look.
#[derive(Debug)]
pub(super) struct Watch {
    policy: Policy,
    next: Tick,
    ticks: u32,
    busy_ticks: u32,
    losses: usize,
    round_trip: Option<Duration>,
    troubled: u32,
}

impl Watch {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            next: Tick::ZERO + policy.interval,
            policy,
            ticks: 0,
            busy_ticks: 0,
            losses: 0,
            round_trip: None,
            troubled: 0,
        }
    }

    /// A connection broke.
    pub(super) fn lost(&mut self) {
        self.losses += 1;
    }

    /// Whether somebody waits for a busy connection now, and how long answers take.
    pub(super) fn loaded(&mut self, is_busy: bool, round_trip: Option<Duration>) {
        self.ticks += 1;
        self.busy_ticks += u32::from(is_busy);
        self.round_trip = round_trip;
    }

    fn look(&mut self, now: Tick, members: usize) -> Option<Seen> {
        if now < self.next {
            return None;
        }
        let seen = Seen {
            members,
            round_trip: self.round_trip,
            busy: f64::from(self.busy_ticks) / f64::from(self.ticks.max(1)),
            losses: self.losses,
            is_troubled: self.troubled > 0,
        };
        self.next = now + self.policy.interval;
        self.troubled = self.troubled.saturating_sub(1);
        (self.ticks, self.busy_ticks, self.losses) = (0, 0, 0);
        Some(seen)
    }
}

impl Machine {
    /// Looks whether there is a better overlay, when it is time for that, and orders it, when it is this
    /// node that does.
    pub(super) fn look(&mut self, now: Tick, out: &mut Out<'_>) {
        let (own, members) = (self.own.peer_id(), &self.members);
        let (count, is_first) = (members.count() + 1, Some(own) < members.smallest());
        let Some(watch) = &mut self.watch else {
            return;
        };
        let Some(seen) = watch.look(now, count) else {
            return;
        };
        let overlay = &self.epoch.overlay;
        let wanted = watch.policy.wants(overlay, &seen);
        if let Some(wanted) = wanted.filter(|_| is_first) {
            if watch.policy.by_load(overlay, &seen).is_some() {
                watch.troubled = TROUBLED_LOOKS;
            }
            self.switch(now, wanted, out);
        }
    }
}
