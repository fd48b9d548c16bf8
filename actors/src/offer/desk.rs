//! Who starts processes for other nodes?
//!
//! Role       The process that spawns them. A child is linked with it until its starter has said that
//!            it knows of it; whose starter gives up, or is lost with its node, it ends.
//! Limit      [`Offers::spawns_max`] starts of each node under way; each ends after the starter's own
//!            bound and [`GRACE`].
//! Source     otp: erlang:spawn_request/5, spawn_request_abandon/1

use foundation_runtime::planted::{self, Bug};
use std::time::Duration;

use foundation_macros::actor;
use foundation_runtime::{Exit, Info, NodeChange, Reason, ReplyTo};

use super::offers::Offers;
use super::pending::{Pending, Unsettled};
use super::words::{NotSpawned, StartId, Wanted};
use crate::server::{Cx, Name, Spawned};

/// The name that starters on other nodes know.
pub(super) const DESK: Name<Desk> = Name::new("foundation_offers");
/// How long a starter's word may be on its way.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// The process that answers.
pub(crate) struct Desk {
    offers: Offers,
    pending: Pending,
}

#[actor(crate = crate)]
impl Desk {
    #[init]
    fn init(offers: Offers, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        cx.monitor_nodes();
        let pending = Pending::new(offers.most());
        Self { offers, pending }
    }

    /// Starts a process, which answers itself.
    #[call]
    pub(super) fn start(&mut self, wanted: Wanted, from: ReplyTo<Spawned>, cx: &mut Cx<Self>) {
        let own = cx.pid().node();
        let of = from.caller().map_or(own, |caller| caller.node());
        let id = StartId { of, ..wanted.id };
        let Some(offered) = self.offers.find(wanted.actor) else {
            return from.send(Err(NotSpawned::NotOffered));
        };
        if !self.pending.has_room(of) {
            return from.send(Err(NotSpawned::Busy(self.offers.most())));
        }
        if self.pending.has(id) {
            return from.refuse("there is such a start already");
        }
        let bound = wanted.bound.saturating_add(GRACE);
        if let Some(child) = offered.start(**cx, wanted, from) {
            let bell = cx.msg_after(bound, DeskMsg::Expire(id));
            self.pending.begin(id, Unsettled { child, bell });
        }
    }

    /// The starter knows of its child, which is on its own from here on.
    #[cast]
    pub(super) fn settle(&mut self, id: StartId, cx: &mut Cx<Self>) {
        if let Some(start) = self.pending.end(id) {
            cx.cancel_timer(start.bell);
            cx.unlink(start.child);
        }
    }

    /// The starter does not wait any more.
    #[cast]
    pub(super) fn give_up(&mut self, id: StartId, cx: &mut Cx<Self>) {
        if let Some(start) = self.pending.end(id) {
            end(cx, &start);
        }
    }

    /// The starter has said nothing for too long.
    #[cast(local)]
    fn expire(&mut self, id: StartId, cx: &mut Cx<Self>) {
        if let Some(start) = self.pending.end(id) {
            end(cx, &start);
        }
    }

    /// A child has ended before its starter said anything: its init failed, as a rule.
    #[exit]
    fn ended(&mut self, exit: Exit, cx: &mut Cx<Self>) {
        if let Some(start) = self.pending.ended(exit.from) {
            cx.cancel_timer(start.bell);
        }
    }

    #[info]
    fn changed(&mut self, info: Info, cx: &mut Cx<Self>) {
        if let Ok(NodeChange::Down { node, .. }) = info.take()
            && !planted::is(Bug::StartForgotten)
        {
            for start in self.pending.lost(node) {
                end(cx, &start);
            }
        }
    }
}

/// Nobody is to know of this child.
fn end(cx: &mut Cx<Desk>, start: &Unsettled) {
    cx.cancel_timer(start.bell);
    cx.unlink(start.child);
    if planted::is(Bug::StartForgotten) {
        return;
    }
    cx.exit(start.child, Reason::Kill);
}

#[cfg(test)]
mod tests {
    use foundation_runtime::{Codec, Node, World};

    use super::*;
    use crate::server::NodeExt;
    use crate::supervisor::Supervisor;

    struct Guest;

    #[actor(crate = crate)]
    impl Guest {
        #[init]
        fn init(_n: u8) -> Self {
            Self
        }
    }

    fn wanted(of: &Node, number: u64, bound: Duration) -> Wanted {
        use crate::server::Actor as _;
        Wanted {
            id: StartId {
                of: of.id(),
                number,
            },
            actor: Guest::type_tag(),
            name: None,
            args: Codec::<u8>::portable().write(&1).expect("it is a number"),
            link: None,
            monitor: None,
            leader: None,
            bound,
        }
    }

    /// A starter whose word does not come, because there is no room for it, say.
    #[test]
    fn who_says_nothing_in_time_has_no_child() {
        for seed in 0..10 {
            let run = World::simulate(seed, |world| async move {
                let node = world.node();
                let offers = Supervisor::one_for_one().child(Offers::new().offer::<Guest>());
                offers.start(&node).await.expect("it starts");
                let (desk, bound) = (node.at(DESK), Duration::from_secs(1));
                let silent = desk.start(wanted(&node, 1, bound)).await;
                let silent = silent.expect("it answers").expect("it starts");
                let settled = desk.start(wanted(&node, 2, bound)).await;
                let settled = settled.expect("it answers").expect("it starts");
                let id = StartId {
                    of: node.id(),
                    number: 2,
                };
                desk.settle(id).expect("there is room");
                node.sleep(bound + GRACE - Duration::from_millis(10)).await;
                assert!(node.is_alive(silent), "its time is not over");
                node.sleep(Duration::from_millis(20)).await;
                assert!(!node.is_alive(silent) && node.is_alive(settled));
            });
            run.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }

    /// The same start asked for twice is one.
    #[test]
    fn a_number_is_used_once() {
        let run = World::simulate(1, |world| async move {
            let node = world.node();
            let offers = Supervisor::one_for_one().child(Offers::new().offer::<Guest>());
            offers.start(&node).await.expect("it starts");
            let (desk, bound) = (node.at(DESK), Duration::from_secs(1));
            let first = desk.start(wanted(&node, 1, bound)).await;
            assert!(matches!(first, Ok(Ok(_))), "{first:?}");
            let again = desk.start(wanted(&node, 1, bound)).await;
            assert!(again.is_err(), "{again:?}");
        });
        run.unwrap_or_else(|error| panic!("{error}"));
    }
}
