//! Who gets which items, and when is the source asked for more?
//!
//! Role       The pure machine of a stage: subscribers ask, items arrive, and the two are matched.
//! Inputs     [`Input`]: subscriptions, asks, items, pushes.
//! Outputs    [`Effect`]s, in order.
//! Owns       At most [`Limits::buffer`] items that nobody asked for yet and pushes that wait for room,
//!            at most [`Limits::pushers`] of them.
//! Invariant  An item is delivered to those who asked for it, once, in the order of arrival; no
//!            subscriber is sent more than it asked for; the source is never asked for more than
//!            subscribers asked for.
//! Absent     Processes, time, closures that wait.
//! Source     elixir: GenStage, "Dispatchers"

mod deliver;
mod subscribers;

use std::collections::VecDeque;

pub use subscribers::{Selector, SubscribeError, SubscriberId};
use subscribers::{Subscriber, Subscribers};

/// A push that is answered when there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PushToken(pub u64);

/// How items are shared out.
pub enum Policy<T> {
    /// Each item to one subscriber: the one that asked for most.
    Demand,
    /// Each item to all subscribers, as fast as the slowest of them; with how an item is copied.
    Broadcast(fn(&T) -> T),
    /// Each item to the subscriber of its partition: how many there are, and the key that an item
    /// is placed by.
    Partition(usize, Box<dyn Fn(&T) -> u64 + Send>),
}

impl<T> std::fmt::Debug for Policy<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Demand => f.write_str("Demand"),
            Self::Broadcast(_) => f.write_str("Broadcast"),
            Self::Partition(parts, _) => f.debug_tuple("Partition").field(parts).finish(),
        }
    }
}

/// What happens to a push for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It waits until there is: the pusher is held back.
    #[default]
    Wait,
    /// It is dropped, and so counted; what was pushed first is kept.
    KeepFirst,
    /// The oldest items are dropped, and so counted; what was pushed last is kept.
    KeepLast,
}

/// The bounds of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items that may wait for somebody to ask for them.
    pub buffer: usize,
    /// Pushes that may wait for room.
    pub pushers: usize,
    /// Subscribers at a time.
    pub subscribers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            buffer: 10_000,
            pushers: 1_000,
            subscribers: 1_000,
        }
    }
}

/// What can happen to a stage.
pub enum Input<T> {
    /// Somebody wants items: of a partition, or those that the selector takes.
    Subscribed {
        /// Who it is from here on.
        id: SubscriberId,
        /// Which partition it wants; for [`Policy::Partition`] only.
        partition: Option<usize>,
        /// Which items it wants; for [`Policy::Broadcast`] only.
        selector: Option<Selector<T>>,
    },
    /// A subscriber has gone, or wants no more.
    Cancelled {
        /// Who.
        id: SubscriberId,
    },
    /// A subscriber asks for up to so many items. One ask of it is open at a time.
    Asked {
        /// Who.
        id: SubscriberId,
        /// How many at most.
        demand: usize,
    },
    /// The source has made what it was asked for, or some of it.
    Arrived {
        /// The items, oldest first.
        items: Vec<T>,
    },
    /// Somebody pushes items.
    Pushed {
        /// What answers it.
        token: PushToken,
        /// The items, oldest first.
        items: Vec<T>,
    },
    /// There will be no more items.
    Done,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<T> {
    /// Answers a subscription.
    Accepted {
        /// Who asked.
        id: SubscriberId,
        /// Whether it has one.
        outcome: Result<(), SubscribeError>,
    },
    /// Answers the open ask of a subscriber.
    Deliver {
        /// Who.
        id: SubscriberId,
        /// The items, oldest first; empty only with `last`.
        items: Vec<T>,
        /// Nothing will follow: the subscription is over.
        last: bool,
    },
    /// Asks the source for items: at least one, at most so many.
    Produce {
        /// How many at most.
        demand: usize,
    },
    /// Answers a push.
    Pushed {
        /// Which.
        token: PushToken,
        /// Its items, when they were not taken; all of them or none.
        refused: Option<Vec<T>>,
    },
    /// So many items were dropped for want of room.
    Dropped {
        /// How many.
        count: usize,
    },
    /// All has been delivered, and nobody waits.
    Finished,
}

/// How a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Standing {
    /// Subscribers.
    pub subscribers: usize,
    /// Items that nobody has asked for yet.
    pub buffered: usize,
    /// Items that subscribers have asked for and not got.
    pub demand: usize,
    /// Items that the source was asked for and has not made.
    pub requested: usize,
    /// Pushes that wait for room.
    pub pushers: usize,
    /// Items delivered so far; to several subscribers, several times.
    pub delivered: u64,
    /// Items dropped so far.
    pub dropped: u64,
}

/// The machine.
pub struct Dispatcher<T> {
    policy: Policy<T>,
    limits: Limits,
    overflow: Overflow,
    /// Whether there is a source that is asked for items.
    pulls: bool,
    subscribers: Subscribers<T>,
    /// One queue, or one a partition.
    queues: Vec<VecDeque<T>>,
    waiting: VecDeque<(PushToken, Vec<T>)>,
    requested: usize,
    done: bool,
    finished: bool,
    delivered: u64,
    dropped: u64,
}

impl<T> std::fmt::Debug for Dispatcher<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("policy", &self.policy)
            .field("standing", &self.standing())
            .finish_non_exhaustive()
    }
}

impl<T> Dispatcher<T> {
    /// A machine without subscribers.
    ///
    /// # Panics
    /// For a partition policy without partitions, or a limit of zero: builders refuse those.
    #[must_use]
    pub fn new(policy: Policy<T>, limits: Limits, overflow: Overflow, pulls: bool) -> Self {
        let parts = match &policy {
            Policy::Partition(parts, _) => *parts,
            _ => 1,
        };
        assert!(0 < parts, "a stage without partitions delivers nothing");
        assert!(0 < limits.buffer, "a stage without room delivers nothing");
        assert!(0 < limits.subscribers, "a stage that nobody may subscribe");
        Self {
            policy,
            limits,
            overflow,
            pulls,
            subscribers: Subscribers::default(),
            queues: (0..parts).map(|_| VecDeque::new()).collect(),
            waiting: VecDeque::new(),
            requested: 0,
            done: false,
            finished: false,
            delivered: 0,
            dropped: 0,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            subscribers: self.subscribers.len(),
            buffered: self.buffered(),
            demand: self.subscribers.demand(),
            requested: self.requested,
            pushers: self.waiting.len(),
            delivered: self.delivered,
            dropped: self.dropped,
        }
    }

    /// Whether there will be no more items.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes one input; what follows from it is appended to `out`.
    pub fn step(&mut self, input: Input<T>, out: &mut Vec<Effect<T>>) {
        match input {
            Input::Subscribed {
                id,
                partition,
                selector,
            } => {
                let outcome = self.subscribe(id, partition, selector);
                out.push(Effect::Accepted { id, outcome });
            }
            Input::Cancelled { id } => self.subscribers.remove(id),
            Input::Asked { id, demand } => self.asked(id, demand, out),
            Input::Arrived { items } => self.arrived(items),
            Input::Pushed { token, items } => self.pushed(token, items, out),
            Input::Done => self.done = true,
        }
        self.settle(out);
        self.check();
    }

    fn subscribe(
        &mut self,
        id: SubscriberId,
        partition: Option<usize>,
        selector: Option<Selector<T>>,
    ) -> Result<(), SubscribeError> {
        if self.limits.subscribers <= self.subscribers.len() {
            return Err(SubscribeError::TooMany(self.limits.subscribers));
        }
        match (&self.policy, partition) {
            (Policy::Partition(parts, _), Some(part)) if *parts <= part => {
                return Err(SubscribeError::NoSuchPartition(part, *parts));
            }
            (Policy::Partition(..), Some(part)) if self.subscribers.has_partition(part) => {
                return Err(SubscribeError::PartitionTaken(part));
            }
            (Policy::Partition(parts, _), None) => {
                return Err(SubscribeError::NoPartition(*parts));
            }
            (Policy::Demand | Policy::Broadcast(_), Some(_)) => {
                return Err(SubscribeError::NotPartitioned);
            }
            _ => {}
        }
        if selector.is_some() && !matches!(self.policy, Policy::Broadcast(_)) {
            return Err(SubscribeError::NoSelection);
        }
        self.subscribers.add(Subscriber {
            id,
            partition: partition.unwrap_or(0),
            selector,
            pending: 0,
        });
        Ok(())
    }

    /// A stranger, or one whose subscription is over, is told that nothing will follow.
    fn asked(&mut self, id: SubscriberId, demand: usize, out: &mut Vec<Effect<T>>) {
        if let Some(subscriber) = self.subscribers.get_mut(id) {
            subscriber.pending = subscriber.pending.saturating_add(demand.max(1));
            return;
        }
        out.push(Effect::Deliver {
            id,
            items: Vec::new(),
            last: true,
        });
    }

    fn arrived(&mut self, items: Vec<T>) {
        assert!(
            items.len() <= self.requested,
            "the producer made {} items, and was asked for {}",
            items.len(),
            self.requested
        );
        assert!(
            !items.is_empty(),
            "the producer made no item: it is to wait for one, or to say that it is done"
        );
        self.requested = 0;
        self.place(items);
    }

    fn place(&mut self, items: Vec<T>) {
        for item in items {
            let queue = match &self.policy {
                Policy::Partition(parts, key) => (key(&item) % *parts as u64) as usize,
                _ => 0,
            };
            self.queues[queue].push_back(item);
        }
    }

    fn pushed(&mut self, token: PushToken, items: Vec<T>, out: &mut Vec<Effect<T>>) {
        let full = self.overflow == Overflow::Wait && self.limits.pushers <= self.waiting.len();
        if self.done || full {
            let refused = Some(items);
            return out.push(Effect::Pushed { token, refused });
        }
        match self.overflow {
            Overflow::Wait => self.waiting.push_back((token, items)),
            Overflow::KeepFirst | Overflow::KeepLast => {
                self.place(items);
                self.settle(out);
                self.trim(out);
                let refused = None;
                out.push(Effect::Pushed { token, refused });
            }
        }
    }

    /// Drops what is too much, after everybody who had asked was served.
    fn trim(&mut self, out: &mut Vec<Effect<T>>) {
        let mut count = 0;
        while self.limits.buffer < self.buffered() {
            let fullest = self.queues.iter_mut().max_by_key(|queue| queue.len());
            let queue = fullest.expect("a stage has a queue");
            let _ = match self.overflow {
                Overflow::KeepLast => queue.pop_front(),
                _ => queue.pop_back(),
            };
            count += 1;
        }
        if 0 < count {
            self.dropped += count as u64;
            out.push(Effect::Dropped { count });
        }
    }

    fn buffered(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// Delivers, takes pushes for which there is room, asks the source, and ends.
    fn settle(&mut self, out: &mut Vec<Effect<T>>) {
        loop {
            self.deliver(out);
            if !self.admit(out) {
                break;
            }
        }
        let want = self.want();
        if self.pulls && !self.done && self.requested == 0 && 0 < want {
            self.requested = want;
            out.push(Effect::Produce { demand: want });
        }
        if self.done && !self.finished {
            self.finish(out);
        }
    }

    /// Takes one push that waits, if there is room. One that is larger than all room is taken when
    /// nothing else waits.
    fn admit(&mut self, out: &mut Vec<Effect<T>>) -> bool {
        let buffered = self.buffered();
        let Some((_, items)) = self.waiting.front() else {
            return false;
        };
        if 0 < buffered && self.limits.buffer < buffered + items.len() {
            return false;
        }
        let Some((token, items)) = self.waiting.pop_front() else {
            return false;
        };
        self.place(items);
        let refused = None;
        out.push(Effect::Pushed { token, refused });
        true
    }

    /// Panics when the state is impossible.
    pub fn check(&self) {
        assert!(
            !self.finished || (self.buffered() == 0 && self.subscribers.is_empty()),
            "a stage is over when all has been delivered and told"
        );
        assert!(self.waiting.len() <= self.limits.pushers);
        assert!(self.subscribers.len() <= self.limits.subscribers);
        for (part, queue) in self.queues.iter().enumerate() {
            assert!(
                queue.is_empty() || !self.could_deliver(part),
                "items and those who want them wait for each other"
            );
        }
    }
}
