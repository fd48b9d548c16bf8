//! Who has subscribed a stage, and what did they ask for?
//!
//! Owns       The subscribers, those first that were served longest ago.

use std::fmt;

/// One subscription of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(pub u64);

/// Says which items a subscriber of a broadcast wants.
pub type Selector<T> = Box<dyn Fn(&T) -> bool + Send>;

/// Why a subscription was refused. The stage is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The stage has as many subscribers as it may: this many.
    TooMany(usize),
    /// The stage has so many partitions, and the subscription names none.
    NoPartition(usize),
    /// There is no such partition: the one asked for, and how many there are.
    NoSuchPartition(usize, usize),
    /// The partition has a subscriber.
    PartitionTaken(usize),
    /// The subscription names a partition, and the stage has none.
    NotPartitioned,
    /// The subscription selects items, which only a stage that broadcasts allows.
    NoSelection,
    /// The demand is zero, or what is left to be asked at is not below it: the least, the most.
    BadDemand(usize, usize),
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(limit) => write!(f, "the stage has {limit} subscribers, its limit"),
            Self::NoPartition(parts) => write!(
                f,
                "the stage has {parts} partitions: say which one by `partition`"
            ),
            Self::NoSuchPartition(part, parts) => write!(
                f,
                "there is no partition {part}: the stage has {parts}, counted from 0"
            ),
            Self::PartitionTaken(part) => {
                write!(f, "partition {part} has a subscriber already")
            }
            Self::NotPartitioned => f.write_str("the stage has no partitions"),
            Self::NoSelection => {
                f.write_str("only a stage that broadcasts lets its subscribers select")
            }
            Self::BadDemand(least, most) => write!(
                f,
                "the demand must be 1 or more and its refill mark below it: {least} is not below {most}"
            ),
        }
    }
}

impl std::error::Error for SubscribeError {}

pub(super) struct Subscriber<T> {
    pub(super) id: SubscriberId,
    pub(super) partition: usize,
    pub(super) selector: Option<Selector<T>>,
    /// What it asked for and did not get.
    pub(super) pending: usize,
}

pub(super) struct Subscribers<T>(Vec<Subscriber<T>>);

impl<T> Default for Subscribers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Subscribers<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn demand(&self) -> usize {
        self.0
            .iter()
            .fold(0, |sum: usize, one| sum.saturating_add(one.pending))
    }

    /// What everybody has asked for; 0 when there is nobody.
    pub(super) fn common_demand(&self) -> usize {
        self.0.iter().map(|one| one.pending).min().unwrap_or(0)
    }

    pub(super) fn has_partition(&self, part: usize) -> bool {
        self.0.iter().any(|one| one.partition == part)
    }

    pub(super) fn add(&mut self, subscriber: Subscriber<T>) {
        let known = self.0.iter().any(|one| one.id == subscriber.id);
        assert!(!known, "{:?} subscribed twice", subscriber.id);
        self.0.push(subscriber);
    }

    pub(super) fn remove(&mut self, id: SubscriberId) {
        self.0.retain(|one| one.id != id);
    }

    pub(super) fn get_mut(&mut self, id: SubscriberId) -> Option<&mut Subscriber<T>> {
        self.0.iter_mut().find(|one| one.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subscriber<T>> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscriber<T>> {
        self.0.iter_mut()
    }

    /// The one of this partition that asked for most; of equals, the one served longest ago. It
    /// counts as served.
    pub(super) fn serve(&mut self, part: usize) -> Option<&mut Subscriber<T>> {
        let mut best: Option<usize> = None;
        for (at, one) in self.0.iter().enumerate() {
            let asks = one.partition == part && 0 < one.pending;
            if asks && best.is_none_or(|best| self.0[best].pending < one.pending) {
                best = Some(at);
            }
        }
        self.0[best?..].rotate_left(1);
        self.0.last_mut()
    }

    /// Takes out all whose ask is open, of the partitions that `over` names.
    pub(super) fn take_asking_if(&mut self, over: impl Fn(usize) -> bool) -> Vec<SubscriberId> {
        let ends = |one: &Subscriber<T>| 0 < one.pending && over(one.partition);
        let ending = self.0.iter().filter(|one| ends(one));
        let ending: Vec<SubscriberId> = ending.map(|one| one.id).collect();
        self.0.retain(|one| !ends(one));
        ending
    }
}
