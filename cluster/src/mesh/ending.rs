//! How does a connection end?
//!
//! Role       In agreement with the other end, when nobody needs it; else at once, with a word to whoever may
//!            still listen.

use std::sync::Arc;

use foundation_runtime::Reason;

use super::driver::Mesh;
use super::event::Input;
use super::{ConnectionId, Loss};

impl Mesh {
    /// Asks the other end whether a connection may end over which nothing is on its way.
    pub(super) fn part(&mut self, id: ConnectionId) {
        let context = Arc::clone(&self.plan.context);
        let started = self.held.get(&id).and_then(|held| held.started.as_ref());
        let (Some(started), ways) = (started, &context.ways) else {
            return;
        };
        ways.detach(started);
        if started.is_quiet() {
            started.ask_to_part();
        } else {
            ways.reattach(started);
            self.take(Input::Kept(id));
        }
    }

    /// Whoever may still listen is told; whoever does not is cut off at once.
    pub(super) fn close(&mut self, id: ConnectionId, loss: Loss) {
        let Some(held) = self.held.get_mut(&id) else {
            return;
        };
        held.killed = Some(loss);
        match (&held.started, loss) {
            (Some(started), Loss::Leaving | Loss::Left | Loss::Evicted) => {
                started.outgoing.close(loss);
            }
            _ => self.plan.context.node.exit(held.pid, Reason::Kill),
        }
    }
}
