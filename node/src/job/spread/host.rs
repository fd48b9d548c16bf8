//! Who starts processes on a node for the router of another?
//!
//! Role       One on every node, under a name: starts guests and tables for whoever asks.
//! Inputs     Requests of the first node's router and steward.
//! Outputs    References to what was started.
//! Owns       Nothing that is lost with it: it is there again, and guests end with the table.
//! Invariant  When the router that it works for is gone, or cannot be reached, so is all that it
//!            started.

use std::time::Duration;

use foundation::Shutdown;
use foundation::prelude::*;
use foundation::supervisor::SupervisorBuilder;

use super::front::{Founding, Front};
use super::guest::{Errand, Guest};
use crate::job::router::Router;

/// The name that a host has on its node.
pub(crate) const HOST: Name<Host> = Name::new("host");
pub(crate) const GUESTS: Name<Dynamic<Guest>> = Name::new("guests");
const FRONTS: Name<Dynamic<Front>> = Name::new("fronts");

/// A supervisor may be being started again itself, or may not have noticed that a child has ended.
const PAUSE: Duration = ms(1);
/// So often a start is tried before the host gives up, and ends.
const TRIES_MAX: u32 = 2_000;
/// More restarts than these, in five seconds, are no accident.
const RESTARTS_MAX: u32 = 50;

pub(crate) struct Host {
    router: Option<Ref<Router>>,
    front: Option<Ref<Front>>,
}

/// What every node of the job has.
pub fn host_tree(clients_max: usize) -> SupervisorBuilder {
    let guests = Supervisor::dynamic::<Guest>()
        .temporary()
        .max_children(clients_max)
        .shutdown(Shutdown::BrutalKill)
        .name(GUESTS);
    let fronts = Supervisor::dynamic::<Front>()
        .temporary()
        .shutdown(Shutdown::BrutalKill)
        .name(FRONTS);
    Supervisor::one_for_one()
        .intensity(RESTARTS_MAX, secs(5))
        .child(fronts)
        .child(guests)
        .child(child(Host::new).name(HOST))
}

#[actor]
impl Host {
    fn new() -> Self {
        Self {
            router: None,
            front: None,
        }
    }

    /// Answers: the node can take part.
    #[call]
    pub(crate) fn greet(&self) {}

    /// From now on it works for this router; what it started for another ends.
    #[call]
    pub(crate) fn enlist(&mut self, router: Ref<Router>, cx: &mut Cx<Self>) -> Ref<Host> {
        let known = self.router.as_ref().map(Ref::pid);
        if known != Some(router.pid()) {
            self.clear(cx);
            cx.monitor(router.pid());
            self.router = Some(router);
        }
        cx.self_ref()
    }

    /// Starts a client's process, and tells the router.
    #[cast]
    pub(crate) async fn start(&mut self, errand: Errand, cx: &mut Cx<Self>) {
        let (index, life) = (errand.index, errand.life);
        let guests = cx.node().at(GUESTS);
        for _ in 0..TRIES_MAX {
            if let Ok(Ok(Some(guest))) = guests.start_child(errand.clone()).await {
                if let Some(router) = &self.router {
                    drop(router.guest(index, life, guest));
                }
                return;
            }
            foundation::time::sleep(PAUSE).await;
        }
        // Whoever waits for the start finds this host gone.
        cx.stop(Reason::other("no guest can be started"));
    }

    /// Starts a table that goes on where its second copy is.
    #[call]
    pub(crate) async fn found(
        &mut self,
        founding: Founding,
        cx: &mut Cx<Self>,
    ) -> Option<Ref<Front>> {
        self.end_front(cx);
        let fronts = cx.node().at(FRONTS);
        for _ in 0..TRIES_MAX {
            if let Ok(Ok(Some(front))) = fronts.start_child(founding.clone()).await {
                self.front = Some(front.clone());
                return Some(front);
            }
            foundation::time::sleep(PAUSE).await;
        }
        None
    }

    #[down]
    fn gone(&mut self, down: Down, cx: &mut Cx<Self>) {
        if down.pid.is_some() && down.pid == self.router.as_ref().map(Ref::pid) {
            self.router = None;
            self.clear(cx);
        }
    }

    fn clear(&mut self, cx: &mut Cx<Self>) {
        self.end_front(cx);
        let node = cx.node();
        if let Some(guests) = node.whereis(GUESTS.as_str()) {
            node.exit(guests, Reason::Kill);
        }
    }

    fn end_front(&mut self, cx: &mut Cx<Self>) {
        if let Some(front) = self.front.take() {
            cx.node().exit(front.pid(), Reason::Kill);
        }
    }
}
