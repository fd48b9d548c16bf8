//! Who is told of what the machine decides?
//!
//! Role       The membership, the relay, whoever broadcasts, those who watch the nodes, and the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::driver::Mesh;
use super::event::Event;
use super::{Loss, NodeEvent};
use crate::broadcast;
use crate::connection::Association;
use crate::handshake::Who;
use crate::membership;
use crate::overlay::{Epoch, Overlay, PeerId, routing};
use crate::relay;

impl Mesh {
    /// The overlay is another one from here on.
    pub(super) fn switched(&mut self, epoch: Epoch) {
        tracing::info!(
            target: "foundation::cluster",
            overlay = %epoch.overlay, epoch = epoch.number,
            "the overlay is switched"
        );
        self.plan.context.enter(epoch.clone());
        self.reconfigure_membership(&epoch);
        let _ = relay::of(&self.plan.context.node).reach(hops(&epoch.overlay));
        self.tell_watchers(&NodeEvent::Switched(epoch));
    }

    /// The membership goes by the overlay that there is.
    pub(super) fn reconfigure_membership(&self, epoch: &Epoch) {
        let is_sparse = epoch.overlay != Overlay::FullMesh;
        let config = membership::config_of(&self.plan.config, is_sparse);
        let _ = membership::of(&self.plan.context.node).reconfigure(config, is_sparse);
    }

    /// Letters are passed on to those that are connected directly.
    pub(super) fn tell_relay(&self, event: &Event) {
        let relay = relay::of(&self.plan.context.node);
        // Where it has ended, the next one asks.
        let _ = match event {
            Event::Up(who) => match self.started(who).filter(|of| !of.is_through) {
                Some(direct) => relay.linked(Arc::clone(direct)),
                None => return,
            },
            Event::Down(who, _) => relay.unlinked(who.clone()),
        };
    }

    pub(super) fn tell_relay_all(&self) {
        let relay = relay::of(&self.plan.context.node);
        let _ = relay.reach(hops(&self.machine.epoch().overlay));
        let started = self.held.values().filter_map(|held| held.started.as_ref());
        for direct in started.filter(|of| !of.is_through) {
            let _ = relay.linked(Arc::clone(direct));
        }
        if self.machine.epoch().overlay == Overlay::FullMesh {
            return;
        }
        for who in self.machine.near() {
            let _ = relay.neighbour(who.clone(), true);
        }
    }

    /// Whoever broadcasts speaks with the neighbours of the overlay that are connected, in what order they
    /// ever became that.
    pub(super) fn tell_tree(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        let near = self.machine.near().into_iter();
        let near: BTreeMap<PeerId, &Who> = near.map(|who| (who.peer_id(), who)).collect();
        let tree = broadcast::of(&self.plan.context.node);
        told.retain(|peer| {
            let is_near = near.contains_key(peer);
            if !is_near {
                // Where it has ended, the next one asks.
                let _ = tree.unlinked(*peer);
            }
            is_near
        });
        for (peer, who) in near {
            if !told.contains(&peer)
                && let Some(started) = self.started(who)
            {
                let _ = tree.linked(Arc::clone(started));
                told.insert(peer);
            }
        }
        self.told = told;
    }

    fn started(&self, who: &Who) -> Option<&Arc<Association>> {
        let mut up = self.held.values().filter_map(|held| held.started.as_ref());
        up.find(|started| started.peer.name == who.name)
    }

    /// The membership speaks over what is connected.
    pub(super) fn tell_membership(&self, event: &Event) {
        let membership = membership::of(&self.plan.context.node);
        // Where it has ended, this process ends, too, and both begin anew.
        let _ = match event {
            Event::Up(who) => match self.started(who) {
                Some(started) => membership.linked(who.clone(), Arc::clone(started)),
                None => return,
            },
            Event::Down(who, _) => membership.unlinked(who.clone()),
        };
    }

    pub(super) fn tell(&mut self, event: &Event) {
        let event = match event {
            Event::Up(who) if self.machine.epoch().overlay != Overlay::FullMesh => {
                tracing::debug!(target: "foundation::cluster", name = %who.name, "connected");
                NodeEvent::Up(who.name.clone())
            }
            Event::Down(who, Loss::Unneeded) => {
                tracing::debug!(target: "foundation::cluster", name = %who.name, "not needed");
                NodeEvent::Down(who.name.clone(), Loss::Unneeded)
            }
            Event::Up(who) => {
                tracing::info!(target: "foundation::cluster", name = %who.name, "node up");
                NodeEvent::Up(who.name.clone())
            }
            Event::Down(who, loss) => {
                tracing::info!(
                    target: "foundation::cluster", name = %who.name, %loss, "node down"
                );
                NodeEvent::Down(who.name.clone(), *loss)
            }
        };
        self.tell_watchers(&event);
    }

    pub(super) fn tell_watchers(&mut self, event: &NodeEvent) {
        let node = self.plan.context.node.clone();
        self.watchers.retain(|watcher| node.is_alive(*watcher));
        for watcher in &self.watchers {
            // It may have ended since.
            let _ = node.send(*watcher, event.clone());
        }
    }
}

/// How many connections a letter may pass. Where all are connected to all, or to all servers, one node is
/// between any others.
fn hops(overlay: &Overlay) -> u8 {
    match overlay {
        Overlay::FullMesh | Overlay::ClientServer(_) => 2,
        Overlay::HyParView(_) => routing::Config::default().hops_max,
    }
}
