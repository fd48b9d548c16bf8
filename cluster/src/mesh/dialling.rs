//! Whom does a node dial, and what becomes of a dial that comes to nothing?
//!
//! Role       Puts together what the overlay needs, what processes want, and the addresses there are.

use super::event::Effect;
use super::graph::Graph;
use super::machine::{Machine, Out};
use super::peer::Link;
use super::sparse::Sparse;
use super::targets::{Cause, Manner, Target};
use crate::handshake::{Refusal, Who};
use crate::machine::Tick;

impl Machine {
    pub(super) fn undialled(
        &mut self,
        now: Tick,
        address: &str,
        refusal: Refusal,
        out: &mut Out<'_>,
    ) {
        let is_failed = self.targets.undialled(now, address, refusal);
        // Who was knocked at is knocked at again, or whoever has waited for that.
        if refusal == Refusal::Deadline {
            self.dial(now, out);
        }
        let mut members = self.members.at(address);
        members.retain(|who| !self.names.contains_key(&who.name));
        for who in &members {
            self.try_through(now, who, refusal, out);
        }
        if !is_failed {
            return;
        }
        if members.is_empty() {
            self.targets.gone(address);
        }
        if let Graph::View(sparse) = &mut self.graph {
            sparse.unreached(now, address, &self.members, out);
        }
        for who in members {
            if !self.unreached.is_tried(who.peer_id()) {
                self.give_up(now, who, out);
            }
        }
    }

    /// Asks for the connections that the overlay wants.
    pub(super) fn want(&mut self, now: Tick) {
        let wants = self.graph.view().map(Sparse::wants);
        for who in wants.into_iter().flatten() {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Wanted);
        }
    }

    pub(super) fn dial(&mut self, now: Tick, out: &mut Out<'_>) {
        self.want(now);
        if self.is_leaving {
            return;
        }
        let (links, names, graph) = (&self.links, &self.names, &self.graph);
        let (members, turn) = (&self.members, self.takes_turn);
        let is_needed = |address: &str, target: &Target| {
            let name = target.name.as_ref();
            // There are as many targets as members, and this is asked at every step: names come last.
            let is_wanted = match graph {
                Graph::Full => true,
                Graph::Star { .. } => {
                    let is_new = || names.is_empty() || turn && !members.has_address(address);
                    let is_server = || name.is_some_and(|name| graph.dials(name));
                    target.is_wanted() || target.is_kept() && is_new() || is_server()
                }
                Graph::View(sparse) => {
                    let is_new = || sparse.is_isolated() || turn && !members.has_address(address);
                    target.is_wanted() || target.is_kept() && is_new()
                }
            };
            if !is_wanted || name.is_some_and(|name| names.contains_key(name)) {
                return false;
            }
            let there = |link: &Link| *link.who.address == *address || name == Some(&link.who.name);
            !links.values().any(there)
        };
        for (address, manner) in self.targets.due(now, is_needed) {
            out.push(match manner {
                Manner::Dial => Effect::Dial(address),
                Manner::Knock => Effect::Knock(address),
            });
        }
    }

    /// Somebody has something to say to this one.
    pub(super) fn wanted(&mut self, now: Tick, who: Who, out: &mut Out<'_>) {
        let link = self.named(&who.name).map(|(_, link)| link.is_parting);
        if link != Some(false) && who.name != self.own.name {
            self.targets
                .add(now, who.address, Some(who.name), Cause::Wanted);
            self.dial(now, out);
        }
    }

    pub(super) fn candidate(&mut self, now: Tick, address: Box<str>, out: &mut Out<'_>) {
        if !self.is_leaving {
            self.targets.add(now, address, None, Cause::Candidate);
            self.dial(now, out);
        }
    }
}
