//! Do single scenes end as they must, in the middle of everything else?
//!
//! Role       After a check, with all at rest, one thing is done and its whole effect is looked at:
//!            strategies, restart types, intensity, and what a link carries.

use foundation::prelude::*;
use foundation::{ChildInfo, ChildState, Restart};

use crate::events::Chaos;
use crate::tree::{self, GROUPS, PERIOD, RESTARTS, WORKERS};

impl Chaos {
    pub(crate) async fn scene(&mut self) {
        match self.dice.below(8) {
            0 => self.strategy().await,
            1 => self.restart_types().await,
            2 => self.intensity().await,
            3 => self.links_cross().await,
            4 => self.mailbox_fills().await,
            5 => self.inits_fail().await,
            6 => self.node_lost().await,
            _ => self.link_carries().await,
        }
    }

    /// Where the group's workers run, in the order of [`WORKERS`]; `None` for who does not.
    pub(crate) async fn members(&self, group: &'static str) -> Vec<Option<Pid>> {
        let supervisor = self.node.at(tree::group_name(group));
        let known = supervisor.which_children().await.expect("it answers");
        let of = |id: &str| {
            let found = known
                .iter()
                .find(|child| child.id.as_ref().is_some_and(|known| known.as_str() == id))?;
            match found.state {
                ChildState::Running(pid) => Some(pid),
                _ => None,
            }
        };
        WORKERS.iter().map(|(id, _)| of(id)).collect()
    }

    /// At which place of the group each of [`WORKERS`] stands: who was added anew is the last.
    async fn order(&self, group: &'static str) -> Vec<Option<usize>> {
        let supervisor = self.node.at(tree::group_name(group));
        let known = supervisor.which_children().await.expect("it answers");
        let is = |id: &str, known: &ChildInfo<Pid>| {
            known.id.as_ref().is_some_and(|known| known.as_str() == id)
        };
        let place = |id: &str| known.iter().position(|child| is(id, child));
        WORKERS.iter().map(|(id, _)| place(id)).collect()
    }

    /// Cuts all links that workers made, so that nobody else falls; and lets the time go by in which
    /// restarts count.
    pub(crate) async fn part(&mut self) {
        let living = self.ledger.book().living.clone();
        for pid in living {
            self.perform(pid, |cx| {
                let parent = cx.parent();
                for other in cx.info().links {
                    if Some(other) != parent {
                        cx.unlink(other);
                    }
                }
            });
        }
        self.world.advance(secs(PERIOD + 2)).await;
    }

    pub(crate) fn group(&mut self) -> (&'static str, usize) {
        let nth = self.dice.below(GROUPS.len());
        // The nested group of the nth one is of the next strategy.
        let strategy = if nth < 3 { nth } else { (nth + 1) % 3 };
        (GROUPS[nth], strategy)
    }

    async fn strategy(&mut self) {
        self.part().await;
        let (group, strategy) = self.group();
        let before = self.members(group).await;
        let order = self.order(group).await;
        let at = [0, 3][self.dice.below(2)];
        let Some(victim) = before[at] else { return };
        // Each attempt is a restart: the last that may be succeeds.
        let failing = self.dice.below(RESTARTS as usize) as u32;
        self.ledger.book().failing = failing;
        self.node.exit(victim, Reason::Kill);
        self.world.advance(ms(200)).await;
        self.must(self.ledger.book().failing == 0, || "too few inits".into());
        let after = self.members(group).await;
        for (nth, (id, restart)) in WORKERS.iter().enumerate() {
            let falls = nth == at || strategy == 1 || (strategy == 2 && order[nth] > order[at]);
            let right = match (before[nth], restart) {
                // Who did not run is started if its neighbours are, and is no temporary one.
                (None, _) => after[nth].is_none() || falls,
                (Some(_), Restart::Temporary) if falls => after[nth].is_none(),
                (Some(old), _) if falls => after[nth].is_some_and(|new| new != old),
                (Some(old), _) => after[nth] == Some(old),
            };
            self.must(right, || {
                format!("{group} ({strategy}), {id}: {before:?}, then {after:?}")
            });
        }
    }

    async fn restart_types(&mut self) {
        self.part().await;
        // Alone only in a group whose children are.
        let group = ["one", "rest-in"][self.dice.below(2)];
        let nth = self.dice.below(WORKERS.len());
        let (id, restart) = WORKERS[nth];
        let Some(old) = self.members(group).await[nth] else {
            return;
        };
        let (normal, worker) = (self.dice.below(2) == 0, self.reference(old));
        match normal {
            true => self.cast(old, || worker.end(Reason::Normal)),
            false => self.cast(old, || worker.crash()),
        }
        self.world.advance(ms(200)).await;
        let new = self.members(group).await[nth];
        let again = match restart {
            Restart::Permanent => true,
            Restart::Transient => !normal,
            Restart::Temporary => false,
        };
        let right = new.is_some() == again && new != Some(old);
        self.must(right, || {
            format!("{group}, {id}, normal: {normal}: {old}, then {new:?}")
        });
    }

    async fn intensity(&mut self) {
        self.part().await;
        let (group, _) = self.group();
        let supervisor = self.node.whereis(group).expect("it is there");
        for nth in 0..=RESTARTS {
            let members = self.members(group).await;
            let Some(victim) = members[3].or(members[0]) else {
                return;
            };
            self.must(self.node.whereis(group) == Some(supervisor), || {
                format!("{group} gave up after {nth} restarts")
            });
            self.node.exit(victim, Reason::Kill);
            self.world.settle().await;
        }
        self.world.advance(ms(500)).await;
        let now = self.node.whereis(group);
        self.must(now.is_some() && now != Some(supervisor), || {
            format!("{group} did not give up after {RESTARTS} restarts")
        });
    }

    /// Two workers that live.
    fn pair(&mut self) -> Option<(Pid, Pid)> {
        let book = self.ledger.book();
        let count = book.living.len();
        (count > 1).then(|| {
            let at = self.dice.below(count);
            let other = (at + 1 + self.dice.below(count - 1)) % count;
            (book.living[at], book.living[other])
        })
    }

    /// One takes a link back while the other makes it anew: the check that follows wants both sides
    /// to say the same.
    async fn links_cross(&mut self) {
        for _ in 0..4 {
            let Some((a, b)) = self.pair() else { return };
            self.perform(a, move |cx| {
                let _ = cx.link(b);
            });
            self.world.settle().await;
            self.perform(a, move |cx| cx.unlink(b));
            self.perform(b, move |cx| {
                cx.unlink(a);
                let _ = cx.link(a);
            });
            self.world.settle().await;
        }
    }

    async fn link_carries(&mut self) {
        self.part().await;
        let Some((a, b)) = self.pair() else { return };
        let (facts, same) = {
            let book = self.ledger.book();
            (
                book.facts[&b].clone(),
                book.facts[&a].group == book.facts[&b].group,
            )
        };
        // Whom a supervisor stops, or lives below one that falls, ends anyway.
        if same || facts.group.starts_with("all") || facts.group.starts_with("rest") {
            return;
        }
        self.perform(a, move |cx| {
            let _ = cx.link(b);
        });
        self.world.settle().await;
        self.node.exit(a, Reason::Kill);
        self.world.settle().await;
        let told = self
            .ledger
            .book()
            .exits
            .iter()
            .any(|(pid, exit)| *pid == b && exit.from == a && exit.reason == Reason::Killed);
        let alive = self.ledger.book().living.contains(&b);
        self.must(told == facts.traps && alive == facts.traps, || {
            format!("{a} was killed, linked with {b} ({facts:?}): told {told}, alive {alive}")
        });
        self.world.advance(ms(500)).await;
    }
}
