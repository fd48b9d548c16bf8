//! Which members are not reached, and when are they dialled through others?
//!
//! Role       Members that cannot be dialled, and since when; those that processes have lost.
//! Invariant  Who is lost is lost until it is connected: it is dialled at ever longer pauses, and nobody
//!            is told meanwhile that it may be spoken to. A member is tried through others when it has not
//!            been reached for longer than it takes to find that a node has failed: who has crashed is not
//!            looked for on all connections. It is not tried twice at the same time.
//! Limit      As many as there are members; [`TRIED_MAX`] of them are tried at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::config::Relaying;
use super::event::Effect;
use super::graph::Graph;
use super::machine::{Machine, Out};
use crate::handshake::{Refusal, Who};
use crate::machine::Tick;
use crate::overlay::PeerId;

/// How many are tried at the same time: over few connections each is looked for on all of them.
const TRIED_MAX: usize = 4;

/// Members that cannot be dialled.
#[derive(Debug, Default)]
pub(super) struct Unreached {
    since: BTreeMap<PeerId, Tick>,
    tried: BTreeSet<PeerId>,
    /// Those whose loss processes were told of.
    lost: BTreeSet<PeerId>,
}

impl Unreached {
    /// Is it being tried through others?
    pub(super) fn is_tried(&self, peer: PeerId) -> bool {
        self.tried.contains(&peer)
    }

    /// It is connected, or is no member any more.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.since.remove(&peer);
        self.tried.remove(&peer);
        self.lost.remove(&peer);
    }

    /// Were processes told of its loss?
    pub(super) fn is_lost(&self, peer: PeerId) -> bool {
        self.lost.contains(&peer)
    }

    /// Another overlay begins: all members may be spoken to.
    pub(super) fn begin(&mut self) {
        self.lost.clear();
    }

    /// It was not reached, again: whether it was not for so long.
    fn fails(&mut self, now: Tick, peer: PeerId, bound: Duration) -> bool {
        bound <= now.since(*self.since.entry(peer).or_insert(now))
    }
}

impl Machine {
    /// What waited for it is lost, and so is it until it is connected.
    pub(super) fn give_up(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        out.push(Effect::Lose(who.clone()));
        if !self.graph.is_full() {
            self.seek(now, who, self.config.redial_max);
        }
    }

    /// A member that was lost is dialled, after such a pause if nothing is known of its address.
    pub(super) fn seek(&mut self, now: Tick, who: Who, pause: Duration) {
        self.unreached.lost.insert(who.peer_id());
        self.targets.seek(now, who, pause);
    }

    /// This member was not reached by a dial.
    pub(super) fn try_through(
        &mut self,
        now: Tick,
        who: &Who,
        refusal: Refusal,
        out: &mut Out<'_>,
    ) {
        let may = match self.config.relaying {
            Relaying::Never => false,
            Relaying::Few => !self.graph.is_full(),
            Relaying::Always => true,
        };
        // Who answers, but will not have this node, is reached.
        let is_silent = matches!(refusal, Refusal::Deadline | Refusal::Closed);
        if !may || !is_silent || self.is_leaving {
            return;
        }
        let peer = who.peer_id();
        let is_time = self.unreached.fails(now, peer, self.patience(refusal));
        let has_others = self.links.values().any(|link| link.is_up);
        let has_room = self.unreached.tried.len() < TRIED_MAX;
        if is_time && has_others && has_room && self.unreached.tried.insert(peer) {
            out.push(Effect::DialThrough(who.clone()));
        }
    }

    /// How long a member is not reached before it is tried through others: in that time one that has failed
    /// is missed. News go far over few connections.
    fn patience(&self, refusal: Refusal) -> Duration {
        let once = self.config.silence + 2 * self.config.tick;
        let times = match self.graph {
            Graph::Full | Graph::Star { .. } => 1,
            Graph::View(_) => self.members.count().max(1).ilog10() + 1,
        };
        match refusal {
            // The dial itself took a while to fail.
            Refusal::Deadline => once * (times - 1),
            _ => once * times,
        }
    }

    /// It was not reached through others either.
    pub(super) fn unthrough(&mut self, now: Tick, who: &Who, out: &mut Out<'_>) {
        let peer = who.peer_id();
        if !self.unreached.tried.remove(&peer) {
            return;
        }
        self.unreached.since.insert(peer, now);
        let is_there = self.names.contains_key(&who.name);
        if self.members.get(peer).is_some() && !is_there {
            self.give_up(now, who.clone(), out);
        }
    }
}
