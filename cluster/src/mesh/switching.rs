//! How does a cluster come to another overlay while it works?
//!
//! Role       A node that hears of a later epoch takes it over and tells all that are connected to it; two
//!            that meet tell each other theirs.
//! Invariant  The epoch of a node only grows. No connection breaks for a switch: those that the new
//!            overlay does not need end later, when nothing is under way, as any others do.

use foundation_runtime::planted::{self, Bug};
use std::time::Duration;

use super::event::Effect;
use super::graph::Graph;
use super::machine::{Machine, Out};
use super::peer::ConnectionId;
use super::targets::Cause;
use crate::handshake::Who;
use crate::machine::Tick;
use crate::overlay::wire::{Said, Unreadable};
use crate::overlay::{Epoch, Overlay};

impl Machine {
    /// How long no other overlay can be ordered here, after the last switch.
    #[must_use]
    pub fn cools_down(&self, now: Tick) -> Duration {
        let is_first = self.epoch.number == 0;
        let passed = now.since(self.switched);
        let rest = self.config.switch_pause.saturating_sub(passed);
        if is_first { Duration::ZERO } else { rest }
    }

    /// Somebody orders this overlay for the whole cluster. It has no effect when that cannot be, too early
    /// after another switch, or while this node leaves.
    pub(super) fn switch(&mut self, now: Tick, overlay: Overlay, out: &mut Out<'_>) {
        let may = overlay.check().is_ok() && !self.is_leaving;
        if may && self.cools_down(now).is_zero() {
            let epoch = self.epoch.next(self.own.peer_id(), overlay);
            self.adopt(now, epoch, None, out);
        }
    }

    /// Who is met hears of the epoch, unless it is what nodes start with anyway.
    pub(super) fn tell_epoch(&self, id: ConnectionId, out: &mut Out<'_>) {
        let is_usual = self.epoch == Epoch::first(Overlay::default());
        if !is_usual {
            out.push(Effect::Say(id, self.epoch.encode()));
        }
    }

    /// What the overlay of another node says.
    pub(super) fn said(
        &mut self,
        now: Tick,
        id: ConnectionId,
        from: &Who,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> Result<(), Unreadable> {
        let (view, members) = (self.graph.view(), &self.members);
        match (Said::decode(bytes)?, view) {
            (Said::Epoch(epoch), _) => self.told(now, id, from, epoch, out),
            (Said::Introduction(said), Some(view)) => view.heard(now, from, said, members, out),
            (Said::Beacon(beacon), Some(view)) => {
                view.heard_beacon(now, from.peer_id(), beacon, out);
            }
            (Said::Sounding(sounding), Some(view)) => {
                view.sounded(now, (from, id), sounding, members, out);
            }
            // Of an epoch in which there was a view.
            (Said::Introduction(_) | Said::Beacon(_) | Said::Sounding(_), None) => {}
        }
        Ok(())
    }

    /// Another node is in this epoch.
    fn told(&mut self, now: Tick, id: ConnectionId, from: &Who, epoch: Epoch, out: &mut Out<'_>) {
        let is_later = match planted::is(Bug::WrongEpoch) {
            true => self.epoch.number + 1 < epoch.number,
            false => self.epoch.mark() < epoch.mark(),
        };
        if is_later {
            self.adopt(now, epoch, Some(id), out);
        } else if epoch.mark() == self.epoch.mark() && epoch.overlay != self.epoch.overlay {
            out.push(Effect::Differs(from.clone(), epoch.overlay));
        }
    }

    fn adopt(&mut self, now: Tick, epoch: Epoch, from: Option<ConnectionId>, out: &mut Out<'_>) {
        let Ok(graph) = Graph::new(&epoch, &self.own, self.rng.next_u64()) else {
            return;
        };
        for id in self.standing().filter(|(_, id)| Some(*id) != from) {
            out.push(Effect::Say(id.1, epoch.encode()));
        }
        if !self.graph.is_full() {
            for (who, _) in self
                .standing()
                .filter(|(who, _)| self.graph.is_neighbour(who))
            {
                out.push(Effect::Neighbour(who, false));
            }
        }
        (self.epoch, self.graph, self.switched) = (epoch, graph, now);
        out.push(Effect::Switched(self.epoch.clone()));
        self.targets.only_kept();
        self.unreached.begin();
        for link in self.links.values_mut() {
            link.used = now;
        }
        self.begin(now, out);
        self.dial(now, out);
    }

    /// The overlay begins, with the connections that are there.
    fn begin(&mut self, now: Tick, out: &mut Out<'_>) {
        for who in self.members.all() {
            if !self.graph.is_full() {
                out.push(Effect::Reach(who.clone()));
            }
            if !self.graph.dials(&who.name) {
                continue;
            }
            let (address, name) = (who.address.clone(), Some(who.name.clone()));
            self.targets
                .add(now, address.clone(), name.clone(), Cause::Member);
            if !self.names.contains_key(&who.name) {
                // What was to be told to it so far waits for a connection: it is told of its failure.
                self.targets.add(now, address, name, Cause::Wanted);
            }
        }
        let linked: Vec<(Who, ConnectionId)> = self.standing().collect();
        match &mut self.graph {
            Graph::Full => {}
            Graph::Star { .. } => {
                for (who, _) in linked.into_iter().filter(|(who, _)| self.graph.needs(who)) {
                    out.push(Effect::Neighbour(who, true));
                }
            }
            Graph::View(sparse) => sparse.begin(now, &linked, &self.members, out),
        }
    }

    /// The connections over which something can be said.
    fn standing(&self) -> impl Iterator<Item = (Who, ConnectionId)> {
        let links = self.links.iter();
        let up = links.filter(|(_, link)| link.is_up && !link.is_parting);
        up.map(|(id, link)| (link.who.clone(), *id))
    }
}
