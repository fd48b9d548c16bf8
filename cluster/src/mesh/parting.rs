//! When does a connection end that nobody needs?
//!
//! Role       Both ends have to agree: neither the overlay nor processes of either need it.
//! Invariant  A connection that one of its ends needs stays.

use std::time::Duration;

use super::event::Effect;
use super::machine::{Machine, Out};
use super::peer::ConnectionId;
use crate::handshake::Refusal;
use crate::machine::Tick;

/// How long after a switch no connection ends: the new overlay chooses among those that are there.
const SETTLING: Duration = Duration::from_secs(3);

impl Machine {
    /// Asks for the end of what neither the overlay nor processes need.
    pub(super) fn part_idle(&mut self, now: Tick, out: &mut Out<'_>) {
        if self.graph.is_full() || now.since(self.switched) < SETTLING {
            return;
        }
        let mut parting = Vec::new();
        for (id, link) in &mut self.links {
            let is_idle = link.idle_bound(&self.config) <= now.since(link.used);
            if link.is_up && is_idle && !link.is_parting && !self.graph.needs(&link.who) {
                link.is_parting = true;
                parting.push((*id, link.who.peer_id()));
            }
        }
        for (id, peer) in parting {
            if let Some(sparse) = self.graph.view() {
                sparse.parting(peer);
            }
            out.push(Effect::Part(id));
        }
    }

    /// The other end wants to end this connection.
    pub(super) fn may_part(&mut self, now: Tick, id: ConnectionId, out: &mut Out<'_>) {
        let mut may = false;
        if let Some(link) = self.links.get_mut(&id) {
            let is_idle = link.idle_bound(&self.config) / 2 <= now.since(link.used);
            let is_unneeded = !self.graph.is_full() && !self.graph.needs(&link.who);
            may = link.is_up && (link.is_parting || is_idle && is_unneeded);
            if may {
                link.is_parting = true;
                let peer = link.who.peer_id();
                if let Some(sparse) = self.graph.view() {
                    sparse.parting(peer);
                }
            }
        }
        let answer = if may { Ok(()) } else { Err(Refusal::NoLink) };
        out.push(Effect::Answer(id, answer));
    }

    /// A connection that was to end is needed after all, by one of its ends.
    pub(super) fn kept(&mut self, now: Tick, id: ConnectionId, out: &mut Out<'_>) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        (link.is_parting, link.used) = (false, now);
        let (who, is_up) = (link.who.clone(), link.is_up);
        self.targets.found(now, &who);
        if is_up {
            self.join(now, id, &who, out);
        }
    }
}
