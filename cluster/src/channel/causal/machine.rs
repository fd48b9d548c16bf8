//! Which messages may be given out now, and what does the next one follow?
//!
//! Role       Causal order of one node over one channel.
//! Inputs     What is sent, with the node it goes to; what came, with its stamp; nodes that are gone; time.
//! Outputs    Stamps; messages, in the order in which they are to be given out.
//! Limit      A message waits for `bound`, and all together are [`WAITING_BYTES_MAX`]: beyond either it is
//!            given out without what it follows, and counted. What was learned longer ago than
//!            [`MEMORY`] is not told any more.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use foundation_runtime::NodeId;
use foundation_runtime::planted::{self, Bug};

use super::stamp::{DEPENDENCIES_MAX, Dependency, Stamp};
use crate::machine::Tick;

/// How many bytes of messages may wait for others.
pub(crate) const WAITING_BYTES_MAX: usize = 16 << 20;
/// For how long it is told which messages are on their way.
const MEMORY: Duration = Duration::from_secs(60);
/// For how long nobody waits for what a node has sent that is gone.
const GONE: Duration = Duration::from_secs(180);

/// A message that has come.
pub(crate) trait Item {
    /// How many bytes it takes while it waits.
    fn bytes(&self) -> usize;
}

/// The newest number of each sender, and when it was learned.
type Newest = BTreeMap<NodeId, (u64, Tick)>;

#[derive(Debug)]
struct Waiting<T> {
    stamp: Stamp,
    since: Tick,
    item: T,
}

/// The causal order of one node over one channel.
#[derive(Debug)]
pub(crate) struct Causal<T> {
    own: NodeId,
    bound: Duration,
    /// The number of the last message to each node. Numbers are at least as large as the time: none is
    /// given twice, even when a node was forgotten.
    sent: BTreeMap<NodeId, u64>,
    /// What is known to go to each node, as far as nothing that is told with it follows it.
    known: BTreeMap<NodeId, Newest>,
    /// Up to which number the messages of each node were given out here, or are lost.
    given: BTreeMap<NodeId, u64>,
    waiting: BTreeMap<NodeId, VecDeque<Waiting<T>>>,
    bytes: usize,
    ready: VecDeque<T>,
    gone: BTreeMap<NodeId, Tick>,
    disordered: BTreeMap<NodeId, u64>,
    disordered_ever: u64,
}

impl<T: Item> Causal<T> {
    /// Of this node; a message waits so long for others.
    pub(crate) fn new(own: NodeId, bound: Duration) -> Self {
        Self {
            own,
            bound,
            sent: BTreeMap::new(),
            known: BTreeMap::new(),
            given: BTreeMap::new(),
            waiting: BTreeMap::new(),
            bytes: 0,
            ready: VecDeque::new(),
            gone: BTreeMap::new(),
            disordered: BTreeMap::new(),
            disordered_ever: 0,
        }
    }

    /// What the next message to this node carries. It counts as sent when [`Causal::sent`] says so.
    pub(crate) fn stamp(&mut self, now: Tick, to: NodeId) -> Stamp {
        self.forget_old(now);
        let last = self.sent.get(&to).copied().unwrap_or(0);
        let own = self.own;
        let all = self.known.iter();
        let all = all.flat_map(|(to, newest)| dependencies(now, *to, newest));
        // Its own earlier ones to the same node are before it on the lane.
        let told = all.filter(|it| (it.to, it.from) != (to, own));
        Stamp {
            number: now.as_nanos().max(last + 1),
            after: told.collect(),
        }
    }

    /// What was learned too long ago is not told any more, nor the oldest of more than a message may carry.
    fn forget_old(&mut self, now: Tick) {
        let mut oldest = Tick::ZERO;
        if DEPENDENCIES_MAX < self.known.values().map(BTreeMap::len).sum() {
            let learned = self.known.values().flat_map(BTreeMap::values);
            let mut learned: Vec<Tick> = learned.map(|(_, learned)| *learned).collect();
            let first = learned.len() - DEPENDENCIES_MAX;
            // What is as old as the newest that is too many goes as well.
            oldest = *learned.select_nth_unstable(first - 1).1 + Duration::from_nanos(1);
        }
        self.known.retain(|_, newest| {
            let is_told = |learned: Tick| oldest <= learned && now.since(learned) < MEMORY;
            newest.retain(|_, (_, learned)| is_told(*learned));
            !newest.is_empty()
        });
    }

    /// A message with this number is on its way to this node: who follows it follows all before it there.
    pub(crate) fn sent(&mut self, now: Tick, to: NodeId, number: u64) {
        self.sent.insert(to, number);
        let newest = Newest::from([(self.own, (number, now))]);
        self.known.insert(to, newest);
    }

    /// The connection to this node broke, and stands again: own messages to it may be lost. The mark
    /// that comes behind all that may still come, if there were any: nobody waits for the others then.
    pub(crate) fn mark(&mut self, now: Tick, to: NodeId) -> Option<Stamp> {
        let last = self.sent.get_mut(&to)?;
        *last = now.as_nanos().max(*last + 1);
        Some(Stamp {
            number: *last,
            after: Vec::new(),
        })
    }

    /// A message has come. Those of one node come in the order of their numbers.
    pub(crate) fn arrive(&mut self, now: Tick, from: NodeId, stamp: Stamp, item: T) {
        self.bytes += item.bytes();
        let waiting = self.waiting.entry(from).or_default();
        waiting.push_back(Waiting {
            stamp,
            since: now,
            item,
        });
        self.pass_over_lost(from);
        self.release(now);
        while WAITING_BYTES_MAX < self.bytes && self.force_oldest(now) {
            self.release(now);
        }
    }

    /// Gives out whatever follows nothing that is not there.
    fn release(&mut self, now: Tick) {
        loop {
            let may = |waiting: &&VecDeque<Waiting<T>>| {
                waiting
                    .front()
                    .is_some_and(|first| self.is_next(&first.stamp))
            };
            let found = self.waiting.iter().find(|(_, waiting)| may(waiting));
            let Some(from) = found.map(|(from, _)| *from) else {
                return;
            };
            self.give(now, from);
        }
    }

    /// What was before the first message that waits has come, too, or never will.
    fn pass_over_lost(&mut self, from: NodeId) {
        if let Some(first) = self.waiting.get(&from).and_then(VecDeque::front) {
            let given = self.given.entry(from).or_default();
            *given = first.stamp.number.saturating_sub(1).max(*given);
        }
    }

    /// Whether all that a message follows on this node was given out.
    fn is_next(&self, stamp: &Stamp) -> bool {
        planted::is(Bug::CausalUnheld) || self.missing(stamp).next().is_none()
    }

    /// What a message follows on this node that was not given out.
    fn missing<'a>(&'a self, stamp: &'a Stamp) -> impl Iterator<Item = &'a Dependency> {
        let here = stamp.after.iter().filter(|it| it.to == self.own);
        here.filter(|it| {
            let given = self.given.get(&it.from).copied().unwrap_or(0);
            given < it.number && !self.gone.contains_key(&it.from)
        })
    }

    /// Gives out the first message of this node.
    fn give(&mut self, now: Tick, from: NodeId) {
        let Some(waiting) = self.waiting.get_mut(&from) else {
            return;
        };
        let first = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&from);
        }
        let Some(Waiting { stamp, item, .. }) = first else {
            return;
        };
        self.bytes -= item.bytes();
        let given = self.given.entry(from).or_default();
        *given = stamp.number.max(*given);
        self.pass_over_lost(from);
        for it in &stamp.after {
            if it.to != self.own && !planted::is(Bug::CausalForgotten) {
                let newest = self.known.entry(it.to).or_default();
                let learned = now - Duration::from_millis(it.age.into());
                learn(newest, it.from, it.number, learned);
            }
        }
        if DEPENDENCIES_MAX < self.known.values().map(BTreeMap::len).sum() {
            self.forget_old(now);
        }
        self.ready.push_back(item);
    }

    /// Gives out the message that has waited longest, whatever it follows; whether there was one.
    fn force_oldest(&mut self, now: Tick) -> bool {
        let firsts = self.waiting.iter();
        let firsts = firsts.filter_map(|(from, waiting)| Some((waiting.front()?.since, *from)));
        let Some((_, from)) = firsts.min() else {
            return false;
        };
        self.force(now, from);
        true
    }

    /// Gives out the first message of this node. For what it follows nobody waits again.
    fn force(&mut self, now: Tick, from: NodeId) {
        let first = self.waiting.get(&from).and_then(VecDeque::front);
        let Some(first) = first else {
            return;
        };
        let missing: Vec<Dependency> = self.missing(&first.stamp).copied().collect();
        for it in missing {
            self.given.insert(it.from, it.number);
        }
        *self.disordered.entry(from).or_default() += 1;
        self.disordered_ever += 1;
        self.give(now, from);
    }

    /// Time has passed: what has waited long enough is given out.
    pub(crate) fn tick(&mut self, now: Tick) {
        self.gone.retain(|_, since| now.since(*since) < GONE);
        self.forget_old(now);
        loop {
            let is_over = |waiting: &VecDeque<Waiting<T>>| {
                let first = waiting.front();
                first.is_some_and(|first| first.since + self.bound <= now)
            };
            let found = self.waiting.iter().find(|(_, waiting)| is_over(waiting));
            let Some(from) = found.map(|(from, _)| *from) else {
                break;
            };
            self.force(now, from);
            self.release(now);
        }
    }

    /// The connection to this node is over: what of it waits is lost with it, or comes again.
    pub(crate) fn drop_from(&mut self, from: NodeId) -> Vec<T> {
        let dropped = self.waiting.remove(&from).unwrap_or_default();
        let items: Vec<T> = dropped.into_iter().map(|waiting| waiting.item).collect();
        self.bytes -= items.iter().map(Item::bytes).sum::<usize>();
        self.disordered.remove(&from);
        items
    }

    /// This node will not come back: nobody waits for what it has sent.
    pub(crate) fn gone(&mut self, now: Tick, node: NodeId) {
        self.gone.insert(node, now);
        self.sent.remove(&node);
        self.known.remove(&node);
        self.given.remove(&node);
        self.disordered.remove(&node);
        self.release(now);
    }

    /// How many messages are known to be on their way.
    #[cfg(test)]
    pub(super) fn knows(&self) -> usize {
        self.known.values().map(BTreeMap::len).sum()
    }

    /// The next message to give out.
    pub(crate) fn next(&mut self) -> Option<T> {
        self.ready.pop_front()
    }

    /// How many messages were ever given out without what they follow.
    pub(crate) fn disordered(&self) -> u64 {
        self.disordered_ever
    }

    /// How many messages of this node wait, and how many were given out without what they follow since
    /// it was connected.
    pub(crate) fn figures(&self, from: NodeId) -> (usize, u64) {
        let waiting = self.waiting.get(&from).map_or(0, VecDeque::len);
        (waiting, self.disordered.get(&from).copied().unwrap_or(0))
    }
}

fn dependencies(now: Tick, to: NodeId, newest: &Newest) -> impl Iterator<Item = Dependency> {
    let dependency = move |(from, (number, learned)): (&NodeId, &(u64, Tick))| Dependency {
        to,
        from: *from,
        number: *number,
        age: u32::try_from(now.since(*learned).as_millis()).unwrap_or(u32::MAX),
    };
    newest.iter().map(dependency)
}

fn learn(newest: &mut Newest, from: NodeId, number: u64, learned: Tick) {
    let entry = newest.entry(from).or_insert((number, learned));
    if entry.0 < number {
        *entry = (number, learned);
    }
}
