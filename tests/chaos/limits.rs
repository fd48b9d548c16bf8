//! Do a full mailbox and an init that fails end as they must?
//!
//! Role       Scenes of their own: a mailbox of each kind is filled to its bound and beyond, and a
//!            restart fails as often as its supervisor has patience.

use foundation::WhenFull;
use foundation::prelude::*;

use crate::events::Chaos;
use crate::ledger::Outcome;
use crate::tree::RESTARTS;
use crate::worker::{Grip, Kind};

/// How many messages are sent that have no place.
const EXCESS: u32 = 3;

impl Chaos {
    /// Somebody with a bounded mailbox.
    fn bounded(&mut self) -> Option<(Pid, usize, WhenFull)> {
        let book = self.ledger.book();
        let bound = |pid: &Pid| {
            let (capacity, when_full) = book.facts[pid].bound()?;
            Some((*pid, capacity, when_full))
        };
        let all: Vec<_> = book.living.iter().filter_map(bound).collect();
        drop(book);
        (!all.is_empty()).then(|| all[self.dice.below(all.len())])
    }

    /// Fills the mailbox of somebody who is suspended, and then lets it go on.
    pub(crate) async fn mailbox_fills(&mut self) {
        let Some((pid, capacity, when_full)) = self.bounded() else {
            return;
        };
        self.hands[0].send(Grip::Suspend(pid)).expect("local");
        self.world.settle().await;
        let (worker, room) = (self.reference(pid), capacity as u32);
        let refused = self.ledger.book().refused;
        for number in 0..room + EXCESS {
            self.cast(pid, || worker.number(number));
        }
        let refused = self.ledger.book().refused - refused;
        self.call_within(&self.node, pid, Kind::Echo, secs(1));
        self.world.settle().await;
        let told = matches!(when_full, WhenFull::Block | WhenFull::Reject);
        self.must(refused == u64::from(told) * u64::from(EXCESS), || {
            format!("{when_full:?}: {refused} refused")
        });
        self.hands[0].send(Grip::ResumeAll).expect("local");
        self.world.advance(secs(2)).await;
        let expected: Vec<(Pid, u32)> = match when_full {
            // The call took a place as well.
            WhenFull::DropOldest => EXCESS + 1..room + EXCESS,
            _ => 0..room,
        }
        .map(|number| (pid, number))
        .collect();
        let book = self.ledger.book();
        self.must(book.heard == expected, || {
            format!("{when_full:?}, {capacity}: {:?}", book.heard)
        });
        let answered = book.calls.values().next_back().is_some_and(|call| {
            let answered = |(_, outcome): &_| matches!(outcome, Outcome::Answered(_));
            call.server == pid && call.outcomes.iter().any(answered)
        });
        let patient = matches!(when_full, WhenFull::Block | WhenFull::DropOldest);
        self.must(answered == patient, || {
            format!("{when_full:?}: a call to a full mailbox, answered: {answered}")
        });
    }

    /// The restart of somebody fails so often that the supervisor gives up.
    pub(crate) async fn inits_fail(&mut self) {
        self.part().await;
        let (group, _) = self.group();
        let supervisor = self.node.whereis(group).expect("it is there");
        let members = self.members(group).await;
        let Some(victim) = members[3].or(members[0]) else {
            return;
        };
        self.ledger.book().failing = RESTARTS;
        self.node.exit(victim, Reason::Kill);
        self.world.advance(ms(500)).await;
        let left = self.ledger.book().failing;
        let now = self.node.whereis(group);
        self.must(
            left == 0 && now.is_some() && now != Some(supervisor),
            || format!("{group} did not give up after {RESTARTS} inits that failed, less {left}"),
        );
    }
}
