//! Who carries a connection?
//!
//! Role       Starts the process of each connection that this node dials or has been dialled for.
//! Invariant  It is linked with the mesh, which holds it from here on.

use std::sync::Arc;

use foundation_runtime::{Pid, Process, SpawnOptions};

use super::ConnectionId;
use super::driver::{Held, Mesh};
use super::news::NodeEvent;
use crate::connection;
use crate::handshake::Who;

impl Mesh {
    /// A connection to this address.
    pub(super) fn dial(&mut self, address: Box<str>, knocks: bool) {
        let id = self.plan.context.next_id();
        let (context, mesh) = (Arc::clone(&self.plan.context), self.client());
        let to = address.clone();
        self.spawn(id, move |_| {
            connection::dialled(context, mesh, id, (to, knocks))
        });
        if let Some(held) = self.held.get_mut(&id) {
            held.dialled = Some(address);
        }
    }

    /// A connection to this node, through others.
    pub(super) fn dial_through(&mut self, who: Who) {
        let id = self.plan.context.next_id();
        let (context, mesh) = (Arc::clone(&self.plan.context), self.client());
        let to = who.clone();
        self.spawn(id, move |_| {
            connection::dialled_through(context, mesh, id, to)
        });
        if let Some(held) = self.held.get_mut(&id) {
            held.through = Some(who);
        }
    }

    pub(super) fn spawn<L>(
        &mut self,
        id: ConnectionId,
        life: impl FnOnce(Pid) -> L + Send + 'static,
    ) where
        L: Future<Output = ()> + Send + 'static,
    {
        let options = SpawnOptions::new().link();
        let body = move |me: Process<NodeEvent>| life(me.pid());
        match self.plan.context.node.spawn_fn_with(&options, body) {
            Ok((process, _)) => {
                let pid = process.pid();
                let held = Held {
                    pid,
                    started: None,
                    dialled: None,
                    through: None,
                    killed: None,
                    heard: 0,
                    sent: 0,
                };
                self.held.insert(id, held);
            }
            Err(error) => tracing::error!(
                target: "foundation::cluster",
                %error,
                "a connection could not be started"
            ),
        }
    }
}
