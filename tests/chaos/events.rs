//! What can happen to the tree?
//!
//! Role       One random event after the other, most of which nobody waits for; now and then all
//!            comes to rest, and is checked.

use std::time::Duration;

use foundation::prelude::*;
use foundation::testkit::CrashReports;
use foundation::{DeadLetterStream, Mailbox, Restart, Rng, time};

use crate::ledger::{Facts, Ledger, MonitorFate, TimerFate};
use crate::nodes::Wires;
use crate::tree::{self, DYNAMICS, GROUPS, WORKERS};
use crate::worker::{Cfg, Grip, Job, Kind, Plain, Tick, Worker, caller, hand};

/// How many events there are between two checks.
const ROUND: u64 = 400;
/// How many dead letters may come in a round.
const LETTERS: usize = 100_000;
/// Names that workers are given.
const NAMES: usize = 6;

pub(crate) struct Chaos {
    pub(crate) world: World,
    pub(crate) node: Node,
    /// All nodes: that of the tree, and the others.
    pub(crate) nodes: Vec<Node>,
    pub(crate) wires: Wires,
    pub(crate) seed: u64,
    pub(crate) dice: Rng,
    pub(crate) ledger: Ledger,
    pub(crate) letters: Vec<DeadLetterStream>,
    pub(crate) crashes: CrashReports,
    pub(crate) hands: Vec<ProcessRef<Grip>>,
    /// Pids of workers that may have died since.
    stale: Vec<Pid>,
    pub(crate) count: u64,
}

impl Chaos {
    pub(crate) async fn begin(world: &World, dice: Rng, seed: u64) -> Self {
        let (node, ledger) = (world.node(), Ledger::default());
        let nodes = vec![node.clone(), world.start("b"), world.start("c")];
        let letters = nodes.iter().map(|node| node.dead_letters(LETTERS));
        let letters = letters.collect();
        for far in &nodes[1..] {
            tree::far(&ledger, far).await;
        }
        tree::tree(&ledger).start(&node).await.expect("it starts");
        let hands = (0..2).map(|_| node.spawn_fn(hand).expect("spawned"));
        ledger.book().stormy = true;
        Self {
            world: world.clone(),
            hands: hands.collect(),
            crashes: node.capture_crashes(),
            letters,
            ledger,
            wires: Wires::new(world, &nodes),
            node,
            nodes,
            seed,
            dice,
            stale: Vec::new(),
            count: 0,
        }
    }

    /// Ends the tree in order, and everything beside it.
    pub(crate) async fn end(&mut self) {
        self.rest().await;
        self.check().await;
        let root = self.node.at(tree::ROOT);
        let stopped = self.node.stop(&root, Reason::Shutdown, secs(60)).await;
        self.must(stopped == Ok(()), || {
            format!("the root did not stop: {stopped:?}")
        });
        for hand in &self.hands {
            self.node.exit(hand, Reason::Kill);
        }
        for node in &self.nodes[1..] {
            let far = node.at(tree::dynamic_name(tree::FAR));
            let stopped = node.stop(&far, Reason::Shutdown, secs(60)).await;
            self.must(stopped == Ok(()), || {
                format!("what is far did not stop: {stopped:?}")
            });
        }
        // Timers to those that are gone are due one day.
        self.world.advance(secs(10)).await;
        let left = self.ledger.book().living.clone();
        self.must(left.is_empty(), || format!("alive after the end: {left:?}"));
    }

    /// Fails, naming seed and event, unless it is so.
    #[track_caller]
    pub(crate) fn must(&self, so: bool, what: impl FnOnce() -> String) {
        assert!(so, "seed {}, event {}: {}", self.seed, self.count, what());
    }

    /// A worker that lived a moment ago, or seldom one that did long ago.
    fn anybody(&mut self) -> Option<Pid> {
        if !self.stale.is_empty() && self.dice.below(30) == 0 {
            let at = self.dice.below(self.stale.len());
            return Some(self.stale[at]);
        }
        let pid = {
            let book = self.ledger.book();
            let count = book.living.len();
            (count > 0).then(|| book.living[self.dice.below(count)])
        }?;
        if self.stale.len() < 50 {
            self.stale.push(pid);
        } else {
            let at = self.dice.below(50);
            self.stale[at] = pid;
        }
        Some(pid)
    }

    /// Leads to a worker from its own node.
    pub(crate) fn reference(&self, pid: Pid) -> Ref<Worker> {
        self.home(pid).reference(pid)
    }

    /// Notes that something is sent, and sends it.
    pub(crate) fn cast(&self, to: Pid, send: impl FnOnce() -> Result<(), SendError>) {
        self.ledger.book().sent += 1;
        let sent = send();
        let refused = sent == Err(SendError::Full);
        if refused {
            self.refused(to);
        }
        self.must(sent.is_ok() || refused, || format!("not sent: {sent:?}"));
    }

    /// Notes that a mailbox was full.
    fn refused(&self, to: Pid) {
        let mut book = self.ledger.book();
        book.refused += 1;
        let facts = book.facts.get(&to).cloned();
        drop(book);
        let right = facts.as_ref().is_some_and(Facts::refuses);
        self.must(right, || format!("{to} refused a message: {facts:?}"));
    }

    /// Lets a worker do something in its own name.
    pub(crate) fn perform(&self, pid: Pid, job: impl FnOnce(&mut Cx<Worker>) + Send + 'static) {
        let job: Job = Box::new(job);
        let worker = self.reference(pid);
        self.cast(pid, move || worker.perform(job));
    }

    pub(crate) async fn event(&mut self) {
        self.count += 1;
        if let Some(pid) = self.anybody() {
            self.happen(pid);
        }
        match self.dice.below(64) {
            0..8 => self.world.settle().await,
            8..24 => time::yield_now().await,
            24 => {
                let pause = self.dice.below(30) as u64;
                self.world.advance(ms(pause)).await;
            }
            _ => {}
        }
        if self.count.is_multiple_of(ROUND) {
            self.rest().await;
            self.check().await;
            self.scene().await;
            self.check().await;
            self.ledger.book().stormy = true;
        }
    }

    fn happen(&mut self, pid: Pid) {
        let worker = self.somewhere().reference::<Worker>(pid);
        match self.dice.below(200) {
            0..50 => self.cast(pid, || worker.note()),
            50..80 => self.call(pid, Kind::Echo),
            80..90 => self.call(pid, Kind::Slow),
            90..98 => self.call(pid, Kind::Hold),
            98..104 => self.cast(pid, || worker.release()),
            104..114 => self.monitor(pid),
            114..120 => self.demonitor(),
            120..124 => self.link(pid),
            124..132 => self.unlink(pid),
            132..140 => self.name(pid),
            140..150 => self.timer(pid),
            150..154 => self.cancel(),
            154..156 => self.cast(pid, || worker.crash()),
            156..159 => {
                let reason = self.reason();
                self.cast(pid, || worker.end(reason));
            }
            159..163 => {
                let reason = self.reason();
                self.node.exit(pid, reason);
            }
            163..165 => self.exit_by_another(pid),
            165..170 => self.grip(pid),
            170..180 => self.send_named(),
            180..192 => self.ask_dynamic(pid),
            192..197 => self.ask_group(),
            197 | 198 => self.rewire(),
            _ => self.kill_supervisor(),
        }
    }

    pub(crate) fn reason(&mut self) -> Reason {
        match self.dice.below(5) {
            0 => Reason::Normal,
            1 => Reason::Shutdown,
            2 => Reason::Kill,
            _ => Reason::other("boom"),
        }
    }

    fn call(&mut self, server: Pid, kind: Kind) {
        let bound = ms(1 + self.dice.below(400) as u64);
        let from = self.somewhere();
        let caller = self.call_within(&from, server, kind, bound);
        if self.dice.below(20) == 0 {
            self.node.exit(&caller, Reason::Kill);
        }
    }

    /// Lets a process of its own make a call.
    pub(crate) fn call_within(
        &self,
        from: &Node,
        server: Pid,
        kind: Kind,
        bound: Duration,
    ) -> ProcessRef<Plain> {
        let (ledger, server) = (self.ledger.clone(), from.reference(server));
        let body = move |me| caller(me, ledger, server, kind, bound);
        from.spawn_fn(body).expect("spawned")
    }

    fn monitor(&mut self, pid: Pid) {
        let Some(target) = self.anybody() else { return };
        self.watch(pid, target);
    }

    /// Lets one worker monitor another.
    pub(crate) fn watch(&self, pid: Pid, target: Pid) {
        let ledger = self.ledger.clone();
        self.perform(pid, move |cx| {
            let monitor = cx.monitor(target);
            let cut = !ledger.book().is_connected(cx.pid(), target);
            let fate = MonitorFate {
                watcher: cx.pid(),
                target,
                fired: 0,
                taken: false,
                cut,
            };
            // Nobody is told of its own end.
            if target != cx.pid() {
                ledger.book().monitors.insert(monitor, fate);
            } else {
                cx.demonitor(monitor);
            }
        });
    }

    fn demonitor(&mut self) {
        let picked = {
            let book = self.ledger.book();
            let count = book.monitors.len();
            let nth = (count > 0).then(|| self.dice.below(count));
            nth.and_then(|nth| book.monitors.iter().nth(nth))
                .map(|(monitor, fate)| (*monitor, fate.watcher))
        };
        let Some((monitor, watcher)) = picked else {
            return;
        };
        let (ledger, flush) = (self.ledger.clone(), self.dice.below(2) == 0);
        self.perform(watcher, move |cx| {
            let active = match flush {
                true => cx.demonitor_flush(monitor),
                false => cx.demonitor(monitor),
            };
            let mut book = ledger.book();
            let Some(fate) = book.monitors.get_mut(&monitor) else {
                return;
            };
            // Without a flush a down that was queued before still comes.
            if active || (flush && fate.fired == 0) {
                fate.taken = true;
            }
            if active && fate.fired > 0 {
                book.wrong(format!("{monitor:?} was active after it had fired"));
            }
        });
    }

    fn link(&mut self, pid: Pid) {
        let Some(other) = self.anybody() else { return };
        self.perform(pid, move |cx| {
            let _ = cx.link(other);
        });
        if self.dice.below(2) == 0 {
            // It may cross.
            self.perform(other, move |cx| cx.unlink(pid));
        }
    }

    /// Takes its links back, but for that with its supervisor.
    fn unlink(&mut self, pid: Pid) {
        self.perform(pid, move |cx| {
            let parent = cx.parent();
            for other in cx.info().links {
                if Some(other) != parent {
                    cx.unlink(other);
                }
            }
        });
    }

    fn name(&mut self, pid: Pid) {
        if pid.node() != self.node.id() {
            return;
        }
        let name = format!("name-{}", self.dice.below(NAMES));
        let wrong = match self.node.register(&name, pid) {
            Ok(()) => self.node.whereis(&name) != Some(pid),
            Err(foundation::RegisterError::Taken(holder)) => {
                self.node.whereis(&name) != Some(holder)
            }
            Err(_) => false,
        };
        self.must(!wrong, || format!("{name} is not whose it was said to be"));
        if self.dice.below(3) == 0 {
            let _ = self.node.unregister(&name);
            self.must(self.node.whereis(&name).is_none(), || {
                format!("{name} was not released")
            });
        }
    }

    fn send_named(&mut self) {
        let name = format!("name-{}", self.dice.below(NAMES));
        let holder = self.node.whereis(&name);
        self.ledger.book().sent += 1;
        let sent = self.node.send_named(&name, Plain);
        match holder {
            Some(holder) if sent == Err(SendError::Full) => self.refused(holder),
            holder => self.must(sent.is_ok() == holder.is_some(), || {
                format!("{name}: {sent:?}")
            }),
        }
    }

    fn timer(&mut self, pid: Pid) {
        let Some(to) = self.anybody() else { return };
        // A tick cannot travel.
        let to = if to.node() == pid.node() { to } else { pid };
        let (ledger, delay) = (self.ledger.clone(), ms(self.dice.below(500) as u64));
        self.perform(pid, move |cx| {
            let ticket = ledger.book().ticket();
            let timer = cx.send_after(delay, to, Tick(ticket));
            let fate = TimerFate {
                timer,
                owner: cx.pid(),
                to,
                due: cx.node().now() + delay,
                cancelled: false,
                fired: 0,
            };
            ledger.book().timers.insert(ticket, fate);
        });
    }

    fn cancel(&mut self) {
        let picked = {
            let book = self.ledger.book();
            let count = book.timers.len();
            let nth = (count > 0).then(|| self.dice.below(count));
            nth.and_then(|nth| book.timers.iter().nth(nth))
                .map(|(ticket, fate)| (*ticket, fate.timer, fate.owner))
        };
        let Some((ticket, timer, owner)) = picked else {
            return;
        };
        let ledger = self.ledger.clone();
        self.perform(owner, move |cx| {
            let cancelled = cx.cancel_timer(timer).is_some();
            if let Some(fate) = ledger.book().timers.get_mut(&ticket) {
                fate.cancelled |= cancelled;
            }
        });
    }

    fn exit_by_another(&mut self, pid: Pid) {
        let (Some(other), reason) = (self.anybody(), self.reason()) else {
            return;
        };
        self.perform(pid, move |cx| cx.exit(other, reason));
    }

    fn grip(&mut self, pid: Pid) {
        let nth = self.dice.below(self.hands.len());
        if self.dice.below(20) == 0 {
            // Whoever it suspended is resumed.
            self.node.exit(&self.hands[nth], Reason::Kill);
            self.hands[nth] = self.node.spawn_fn(hand).expect("spawned");
        }
        let order = match self.dice.below(2) {
            0 => Grip::Suspend(pid),
            _ => Grip::ResumeAll,
        };
        self.hands[nth].send(order).expect("local");
    }

    /// Asks in a process of its own: nobody waits for the answer.
    fn apart<Fut>(&self, ask: Fut)
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let asker = self.node.spawn_fn(|_: Process<Plain>| ask);
        asker.expect("spawned");
    }

    fn ask_dynamic(&mut self, pid: Pid) {
        let (group, _) = DYNAMICS[self.dice.below(DYNAMICS.len())];
        let dynamic = self.node.at(tree::dynamic_name(group));
        let traps = self.dice.below(2) == 0;
        let mailbox = Mailbox::unbounded();
        let facts = Facts {
            group,
            traps,
            mailbox,
        };
        let ledger = self.ledger.clone();
        let ends = self.dice.below(4) == 0;
        self.apart(async move {
            match ends {
                true => drop(dynamic.terminate_child(pid).await),
                false => drop(dynamic.start_child(Cfg { facts, ledger }).await),
            }
        });
    }

    fn ask_group(&mut self) {
        let group = GROUPS[self.dice.below(GROUPS.len())];
        let (id, restart) = WORKERS[self.dice.below(WORKERS.len())];
        let supervisor = self.node.at(tree::group_name(group));
        let what = self.dice.below(3);
        let again = restart == Restart::Temporary;
        if what == 2 {
            self.ledger.book().terminated.insert(group);
        }
        let child = tree::worker(&self.ledger, group, id, restart, what == 0);
        self.apart(async move {
            match what {
                0 if again => drop(supervisor.start_child(child).await),
                0 | 1 => drop(supervisor.restart_child(id).await),
                _ => {
                    drop(supervisor.terminate_child(id).await);
                    drop(supervisor.restart_child(id).await);
                }
            }
        });
    }

    fn kill_supervisor(&mut self) {
        let names = GROUPS.len() + DYNAMICS.len();
        let name = match self.dice.below(names) {
            nth if nth < GROUPS.len() => GROUPS[nth],
            nth => DYNAMICS[nth - GROUPS.len()].0,
        };
        if let Some(pid) = self.node.whereis(name) {
            self.node.exit(pid, Reason::other("boom"));
        }
    }
}
