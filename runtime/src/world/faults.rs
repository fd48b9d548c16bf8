//! What can go wrong with a node of a simulated world?
//!
//! Role       Nodes that stop where they are, rest, are slow, or have a clock that goes wrong.
//! Inputs     [`World::halt`], [`World::pause`], [`World::slow`], [`World::clock_rate`], ...
//! Invariant  A fault is part of the run: same seed, same faults at the same times, same trace.
//! Limit      A clock goes between a tenth and ten times as fast as the world's, and never back: what
//!            nodes read is a monotonic clock.

use std::time::Duration;

use super::ready::Entry;
use super::sim::Sim;
use super::{Kind, World};
use crate::Node;
use crate::disk::SimDisk;
use crate::heap;
use crate::platform::clock::Clock;
use crate::scheduler::Priority;

const RATES: std::ops::RangeInclusive<f64> = 0.1..=10.0;

impl World {
    /// The node stops where it is, as if its program was killed: none of its processes runs any
    /// more, no `terminate` is called, no timer goes off, and what they hold is dropped. Nodes that are
    /// connected to it by [`World::connect`] lose it. It can not go on; another one may be
    /// started under its name.
    ///
    /// ```
    /// use foundation_runtime::{Process, World};
    /// use std::time::Duration;
    /// # struct Word;
    /// # impl foundation_runtime::Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: foundation_runtime::Codec<Self> = foundation_runtime::Codec::local();
    /// #     fn tag() -> foundation_runtime::Tag { foundation_runtime::Tag::of("docs", "Word", "") }
    /// # }
    /// World::simulate(1, |world| async move {
    ///     let node = world.start("a");
    ///     let sleeper = async |me: Process<Word>| me.node().sleep(Duration::from_secs(9)).await;
    ///     let sleeper = node.spawn_fn(sleeper).expect("there is room");
    ///     world.halt(&node);
    ///     world.settle().await;
    ///     assert!(!node.is_alive(sleeper.pid()));
    ///     assert!(node.spawn_fn(async |_: Process<Word>| {}).is_err());
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    pub fn halt(&self, node: &Node) {
        let (sim, node) = self.faulty(node);
        sim.resume(node);
        sim.slow(node, 0);
        sim.state().halted.entry(node).or_insert(false);
    }

    /// The disk of the machine on which nodes of this name run: see [`disk`](crate::disk). It is there from the first
    /// time that it is asked for, and goes on whatever becomes of its nodes.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use foundation_runtime::disk::DiskError;
    /// World::simulate(1, |world| async move {
    ///     let file = world.start("a").disk().open("ledger").await.expect("it opens");
    ///     world.disk("a").set_capacity(3);
    ///     assert_eq!(file.write_at(0, "four").await, Err(DiskError::Full));
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world.
    #[must_use]
    pub fn disk(&self, name: &str) -> SimDisk {
        match &self.0.kind {
            Kind::Simulated(sim) => SimDisk::of(sim, name),
            Kind::Real { .. } => panic!("only disks of a simulated world can be broken"),
        }
    }

    /// The node's processes run no more until [`World::resume`]. Its clock goes on: timers that come
    /// due meanwhile are overdue then, and what is sent to it waits in its inboxes.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use std::time::Duration;
    /// World::simulate(1, |world| async move {
    ///     let (a, second) = (world.start("a"), Duration::from_secs(1));
    ///     world.pause(&a);
    ///     world.sleep(second).await;
    ///     world.resume(&a);
    ///     assert_eq!(a.now(), second);
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    pub fn pause(&self, node: &Node) {
        let (sim, node) = self.faulty(node);
        if !sim.is_halted(node) {
            let mut state = sim.state();
            let ready = state.ready.take_node(node);
            heap::of_the_node(|| state.rest.pause(node, ready));
        }
    }

    /// A node that was paused goes on.
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    pub fn resume(&self, node: &Node) {
        let (sim, node) = self.faulty(node);
        sim.resume(node);
    }

    /// From now on each turn of a process of the node takes so long, and no other of its processes
    /// runs meanwhile. With [`Duration::ZERO`] turns take no time, as they do unless this is said.
    ///
    /// ```
    /// use foundation_runtime::{Process, World};
    /// use std::time::Duration;
    /// # struct Word;
    /// # impl foundation_runtime::Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: foundation_runtime::Codec<Self> = foundation_runtime::Codec::local();
    /// #     fn tag() -> foundation_runtime::Tag { foundation_runtime::Tag::of("docs", "Word", "") }
    /// # }
    /// World::simulate(1, |world| async move {
    ///     let (node, turn) = (world.start("a"), Duration::from_millis(10));
    ///     world.slow(&node, turn);
    ///     let all: Vec<_> = (0..5)
    ///         .map(|_| node.spawn_fn(async |_: Process<Word>| {}).expect("there is room"))
    ///         .collect();
    ///     world.eventually(10 * turn, async || all.iter().all(|it| !node.is_alive(it.pid()))).await;
    ///     assert!(4 * turn <= world.now());
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    pub fn slow(&self, node: &Node, turn: Duration) {
        let (sim, node) = self.faulty(node);
        if !sim.is_halted(node) {
            sim.slow(node, crate::time::nanos(turn));
        }
    }

    /// The node's clock goes so many times as fast as the world's from now on: 1.0 is right.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use std::time::Duration;
    /// World::simulate(1, |world| async move {
    ///     let (a, b) = (world.start("a"), world.start("b"));
    ///     world.clock_rate(&b, 1.5);
    ///     world.sleep(Duration::from_secs(10)).await;
    ///     assert_eq!((a.now().as_secs(), b.now().as_secs()), (10, 15));
    ///     b.sleep(Duration::from_secs(3)).await;
    ///     assert_eq!(world.now().as_secs(), 12);
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, when the node is none of this one, and when the rate is not between 0.1 and
    /// 10.
    pub fn clock_rate(&self, node: &Node, rate: f64) {
        assert!(
            RATES.contains(&rate),
            "a clock {rate} times as fast as the world's: between 0.1 and 10 is possible"
        );
        self.bend_clock(node, 0, Some((rate * 1e6).round() as u64));
    }

    /// The node's clock jumps ahead by so much, as that of a virtual machine that was asleep: timers
    /// that are due by then go off at once.
    ///
    /// ```
    /// use foundation_runtime::World;
    /// use std::time::Duration;
    /// World::simulate(1, |world| async move {
    ///     let (node, hour) = (world.start("a"), Duration::from_secs(3600));
    ///     world.clock_jump(&node, hour);
    ///     assert_eq!((node.now(), world.now()), (hour, Duration::ZERO));
    /// })?;
    /// # Ok::<(), foundation_runtime::SimError>(())
    /// ```
    ///
    /// # Panics
    /// In a real world, and when the node is none of this one.
    pub fn clock_jump(&self, node: &Node, ahead: Duration) {
        self.bend_clock(node, crate::time::nanos(ahead), None);
    }

    fn bend_clock(&self, node: &Node, ahead: u64, rate: Option<u64>) {
        let (sim, at) = self.faulty(node);
        if let Clock::Virtual(clock) = node.core().clock() {
            clock.bend(ahead, rate.unwrap_or_else(|| clock.rate()));
        }
        // When its timers are due is to be asked again.
        let now = sim.now();
        sim.due(|due| due.sooner(at, now));
    }

    /// The simulation, and the node's number in it.
    fn faulty(&self, node: &Node) -> (&Sim, usize) {
        let Kind::Simulated(sim) = &self.0.kind else {
            panic!("such faults are there in a simulated world alone");
        };
        let nodes = self.nodes();
        let at = nodes.iter().position(|other| other.id() == node.id());
        let Some(at) = at else {
            panic!("the node `{}` is none of this world", node.name());
        };
        (sim, at)
    }
}

impl Sim {
    pub(super) fn is_halted(&self, node: usize) -> bool {
        let state = self.state();
        !state.halted.is_empty() && state.halted.contains_key(&node)
    }

    fn resume(&self, node: usize) {
        let mut state = self.state();
        let ready = state.rest.resume(node);
        state.can_run_again(ready);
    }

    fn slow(&self, node: usize, cost: u64) {
        self.state().rest.slow(node, cost);
    }

    /// A process of this node has had a turn, which takes time if the node is slow.
    pub(super) fn had_a_turn(&self, node: usize) {
        let now = self.now();
        let mut state = self.state();
        if let Some(cost) = state.rest.cost(node) {
            let ready = state.ready.take_node(node);
            let until = now.saturating_add(cost);
            heap::of_the_node(|| state.rest.rest_until(node, until, ready));
        }
    }

    /// When somebody who waits in the world's time is woken, or a slow node goes on.
    pub(super) fn next_wake(&self) -> Option<u64> {
        let state = self.state();
        let wakes = state.alarms.next().into_iter().chain(state.rest.next());
        wakes.min()
    }

    /// Wakes whoever waits until now in the world's time.
    pub(super) fn wake(&self, now: u64) {
        let due = {
            let mut state = self.state();
            let ready = state.rest.wake(now);
            state.can_run_again(ready);
            state.alarms.due(now)
        };
        due.into_iter().for_each(std::task::Waker::wake);
    }

    /// No node is paused or slow any more.
    pub(super) fn rest_no_more(&self) {
        let mut state = self.state();
        let ready = state.rest.end();
        state.can_run_again(ready);
    }
}

impl super::sim::State {
    fn can_run_again(&mut self, entries: Vec<(Priority, Entry)>) {
        heap::of_the_node(|| {
            for (level, entry) in entries {
                self.ready.push(level, entry);
            }
        });
    }
}
