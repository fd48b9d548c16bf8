//! Is everything as the ledger says?
//!
//! Role       Lets the tree come to rest, and compares.
//! Invariant  At rest nothing is on its way, nobody is suspended, and no call is open.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation::prelude::*;
use foundation::{ChildState, ProcessInfo, Status, WhenFull};

use crate::events::Chaos;
use crate::ledger::{Facts, Outcome};
use crate::tree::{self, DYNAMICS, GROUPS};
use crate::worker::Grip;

impl Chaos {
    /// Nobody is suspended any more, every call is over, every timer has fired.
    pub(crate) async fn rest(&mut self) {
        self.ledger.book().stormy = false;
        self.mend_all();
        // A hand may wait a second for somebody whom the other holds.
        for _ in 0..3 {
            for hand in &self.hands {
                hand.send(Grip::ResumeAll).expect("local");
            }
            self.world.advance(secs(2)).await;
        }
        self.restart_nested().await;
        // The tree is whole again, also where a group was killed.
        for group in GROUPS {
            self.must(self.node.whereis(group).is_some(), || {
                format!("{group} is gone")
            });
        }
    }

    /// Who is terminated while its restart is tried again is not tried again, nor are the siblings
    /// that were stopped for it: as in OTP, all that were to be started with it stay away.
    async fn restart_nested(&mut self) {
        for (nth, group) in GROUPS[..3].iter().enumerate() {
            let nested = GROUPS[nth + 3];
            let terminated = self.ledger.book().terminated.contains(group);
            if terminated && self.node.whereis(nested).is_none() {
                let supervisor = self.node.at(tree::group_name(group));
                let started = supervisor.restart_child(nested).await;
                self.must(started.is_ok(), || format!("{nested}: {started:?}"));
            }
        }
    }

    pub(crate) async fn check(&mut self) {
        self.world.settle().await;
        let infos = self.infos().await;
        self.check_processes(&infos);
        self.check_messages();
        self.check_calls();
        self.check_links(&infos);
        self.check_monitors(&infos);
        self.check_timers();
        self.check_names();
        self.check_children(&infos).await;
        self.begin_round();
    }

    async fn infos(&self) -> BTreeMap<Pid, ProcessInfo> {
        let mut infos = BTreeMap::new();
        for node in &self.nodes {
            for pid in node.processes() {
                let info = node.info(pid, secs(1)).await;
                let info = info.expect("it answers").expect("nobody dies at rest");
                infos.insert(pid, info);
            }
        }
        infos
    }

    /// Who lives is who was born and has not died; and is at rest.
    fn check_processes(&self, infos: &BTreeMap<Pid, ProcessInfo>) {
        let far = self.nodes.len() - 1;
        let others = 1 + GROUPS.len() + DYNAMICS.len() + self.hands.len() + far;
        let book = self.ledger.book();
        for pid in &book.living {
            self.must(infos.contains_key(pid), || {
                format!("{pid} has gone without a trace")
            });
        }
        let expected = book.living.len() + others;
        self.must(infos.len() == expected, || {
            format!("{} processes, not {expected}", infos.len())
        });
        let counts = self.nodes.iter().map(|node| node.stats().processes);
        let counted = counts.sum::<usize>();
        self.must(counted == expected, || {
            format!("{counted} counted, not {expected}")
        });
        for info in infos.values() {
            let quiet = info.message_queue_len == 0 && info.status != Status::Suspended;
            self.must(quiet, || format!("not at rest: {info:?}"));
        }
    }

    /// Sent is handled, or a dead letter.
    fn check_messages(&mut self) {
        for letters in &mut self.letters {
            while let Some(letter) = letters.try_next() {
                self.ledger.book().dead_letter(&letter);
            }
        }
        let lost = self.letters.iter().any(|letters| letters.lost() > 0);
        self.must(!lost, || "letters were lost".into());
        let (sent, handled, dead, refused) = {
            let book = self.ledger.book();
            (book.sent, book.handled, book.dead, book.refused)
        };
        self.must(sent == handled + dead + refused, || {
            format!("{sent} sent, but {handled} handled, {dead} dead letters, {refused} refused")
        });
        let violation = self.ledger.book().violations.first().cloned();
        self.must(violation.is_none(), || violation.unwrap_or_default());
    }

    /// Each call has one outcome, and the right one.
    fn check_calls(&self) {
        let book = self.ledger.book();
        for (ticket, call) in &book.calls {
            let died = book.died_at(call.server);
            let local = call.caller.node() == call.server.node();
            let right = match call.outcomes.as_slice() {
                [(_, Outcome::Abandoned)] => call.handled <= 1,
                [(_, Outcome::Answered(answer))] => call.handled == 1 && answer == ticket,
                [(at, Outcome::Failed(error))] => match error {
                    CallError::NoProc => call.handled == 0 && died.is_some_and(|died| died <= *at),
                    CallError::Down(_) => call.handled <= 1 && died.is_some_and(|died| died <= *at),
                    // Nothing was sent. Where callers wait, it waited in vain.
                    CallError::Full => match book.facts.get(&call.server).and_then(Facts::bound) {
                        None => false,
                        Some((_, WhenFull::Block)) if local => {
                            call.handled == 0 && *at >= call.begun + call.bound
                        }
                        Some(_) => call.handled == 0,
                    },
                    CallError::NoConnection => call.handled <= 1 && call.cut.is_some(),
                    // The end of the server, or of the connection, would have come first.
                    CallError::Timeout => {
                        let end = call.begun + call.bound;
                        let later =
                            |other: Option<Duration>| other.is_none_or(|other| other >= end);
                        call.handled <= 1 && *at >= end && later(died) && later(call.cut)
                    }
                    _ => false,
                },
                _ => false,
            };
            self.must(right, || format!("call {ticket}: {call:?}, died {died:?}"));
        }
    }

    /// Both sides of a link have it, and both live.
    fn check_links(&self, infos: &BTreeMap<Pid, ProcessInfo>) {
        for (pid, info) in infos {
            for other in &info.links {
                let back = infos.get(other);
                let back = back.is_some_and(|back| back.links.contains(pid));
                self.must(back, || format!("{pid} is linked with {other}, one way"));
            }
        }
    }

    /// Each monitor has fired once if its target is dead, and is there if it is not.
    fn check_monitors(&self, infos: &BTreeMap<Pid, ProcessInfo>) {
        let book = self.ledger.book();
        let mut open: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        let mut watched: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        for (monitor, fate) in &book.monitors {
            if !infos.contains_key(&fate.watcher) {
                continue;
            }
            let dead = !infos.contains_key(&fate.target);
            let right = fate.taken || fate.fired == u32::from(dead || fate.cut);
            self.must(right, || {
                format!("{monitor:?}, target dead: {dead}: {fate:?}")
            });
            if !fate.taken && !dead && !fate.cut {
                open.entry(fate.watcher).or_default().push(fate.target);
                watched.entry(fate.target).or_default().push(fate.watcher);
            }
        }
        for pid in &book.living {
            let mut there = infos[pid].monitors.clone();
            let mut noted = open.remove(pid).unwrap_or_default();
            there.sort_unstable();
            noted.sort_unstable();
            self.must(there == noted, || {
                format!("{pid} watches {there:?}, not {noted:?}")
            });
            // Supervisors watch those that they stop.
            let mut by = infos[pid].monitored_by.clone();
            by.retain(|watcher| book.facts.contains_key(watcher));
            let mut noted = watched.remove(pid).unwrap_or_default();
            by.sort_unstable();
            noted.sort_unstable();
            self.must(by == noted, || {
                format!("{pid} is watched by {by:?}, not {noted:?}")
            });
        }
    }

    /// Every timer has fired, unless it was cancelled or its target had died.
    fn check_timers(&self) {
        let book = self.ledger.book();
        let mut missing: BTreeMap<Pid, u32> = BTreeMap::new();
        for (ticket, fate) in &book.timers {
            let died = book.died_at(fate.to);
            // A process that dies with the tick unread has not seen it.
            let may_miss = fate.cancelled || died.is_some();
            // Nobody's own timers outlive it.
            let own = fate.owner == fate.to && died.is_some();
            let right = fate.fired == 1 || (fate.fired == 0 && (may_miss || own));
            // A full mailbox takes its own process's ticks only.
            if !right && fate.fired == 0 && fate.owner != fate.to {
                *missing.entry(fate.to).or_default() += 1;
                continue;
            }
            self.must(right, || format!("timer {ticket}: {fate:?}, died {died:?}"));
        }
        for (pid, count) in missing {
            let dropped = book.ticks_dropped.get(&pid).copied().unwrap_or_default();
            self.must(count == dropped, || {
                format!("{count} ticks did not reach {pid}, but {dropped} were dropped")
            });
        }
    }

    /// A name leads to somebody alive, whom it names alone.
    fn check_names(&self) {
        let mut named = BTreeMap::new();
        let names = self.nodes.iter().flat_map(Node::registered);
        for (name, pid) in names {
            self.must(self.home(pid).is_alive(pid), || {
                format!("{name} is a dead one's")
            });
            let other = named.insert(pid, name.clone());
            self.must(other.is_none(), || {
                format!("{pid} is both {name} and {other:?}")
            });
        }
    }

    /// What supervisors know of their children is so, and nobody else has them for a parent.
    async fn check_children(&self, infos: &BTreeMap<Pid, ProcessInfo>) {
        let mut children: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        for (pid, info) in infos {
            if let Some(parent) = info.parent {
                children.entry(parent).or_default().push(*pid);
            }
        }
        for group in GROUPS.iter().copied().chain(["root"]) {
            let supervisor = self.node.at(tree::group_name(group));
            let known = supervisor.which_children().await.expect("it answers");
            let counts = supervisor.count_children().await.expect("it answers");
            let mut running = Vec::new();
            for child in &known {
                match child.state {
                    ChildState::Running(pid) => running.push(pid),
                    ChildState::Restarting => self.must(false, || format!("{group}: {child:?}")),
                    _ => {}
                }
            }
            let counted = counts.active == running.len() && counts.specs == known.len();
            self.must(counted, || {
                format!("{group} counts {counts:?} of {known:?}")
            });
            self.check_family(group, supervisor.pid(), running, &mut children);
        }
        let here = DYNAMICS.map(|(name, _)| (&self.node, name));
        let far = self.nodes[1..].iter().map(|node| (node, tree::FAR));
        for (node, name) in here.into_iter().chain(far) {
            let supervisor = node.at(tree::dynamic_name(name));
            let counts = supervisor.count_children().await.expect("it answers");
            let known = supervisor.which_children().await.expect("it answers");
            let running: Vec<Pid> = known
                .iter()
                .filter_map(|child| match child.state {
                    ChildState::Running(pid) => Some(pid),
                    _ => None,
                })
                .collect();
            let counted = counts.active == running.len() && running.len() == known.len();
            self.must(counted, || format!("{name} counts {counts:?} of {known:?}"));
            self.check_family(name, supervisor.pid(), running, &mut children);
        }
        self.must(children.is_empty(), || format!("orphans: {children:?}"));
    }

    fn check_family(
        &self,
        name: &str,
        parent: Pid,
        mut known: Vec<Pid>,
        children: &mut BTreeMap<Pid, Vec<Pid>>,
    ) {
        let there = children.remove(&parent).unwrap_or_default();
        known.sort_unstable();
        self.must(known == there, || {
            format!("{name} knows {known:?}, its children are {there:?}")
        });
    }

    /// Forgets what is over.
    fn begin_round(&mut self) {
        let mut book = self.ledger.book();
        let living: std::collections::BTreeSet<Pid> = book.living.iter().copied().collect();
        book.calls.clear();
        book.timers.clear();
        book.exits.clear();
        book.terminated.clear();
        book.heard.clear();
        book.ticks_dropped.clear();
        // Their callers have given up.
        book.shelf.clear();
        book.deaths.clear();
        book.facts.retain(|pid, _| living.contains(pid));
        book.monitors.retain(|_, fate| {
            let live = living.contains(&fate.watcher) && living.contains(&fate.target);
            live && !fate.taken && !fate.cut
        });
        drop(book);
        drop(self.crashes.take_all());
    }
}
