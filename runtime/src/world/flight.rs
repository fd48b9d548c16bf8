//! What has been sent, and has not arrived yet?
//!
//! Role       The way between two processes of a simulated world: what is sent there waits until the
//!            schedule lets it arrive. So signals of two processes can cross, as they do when both
//!            run at the same time.
//! Inputs     One envelope at a time, with its sender.
//! Outputs    One envelope at a time, of the target that was chosen.
//! Limit      None of its own: what is on its way would otherwise lie in an inbox.
//! Invariant  What one process sends to another arrives in that order; that a node has come before
//!            all that comes from there, and its loss after it. Unless the order is [`Delivery::Pairwise`], everything that
//!            is sent to one process keeps its order.

use std::collections::VecDeque;
use std::hash::BuildHasherDefault;
use std::str::FromStr;

use indexmap::IndexMap;
use rustc_hash::FxHasher;

use crate::envelope::{Envelope, Signal};
use crate::{NodeId, Pid};

/// In which order what is sent in a simulated world arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// At once: a process finds whatever was sent to it before it began to run.
    AtOnce,
    /// Later, in the order in which it was sent to that process, whoever sent it: what can happen
    /// between the processes of one node, where two that run at the same time do not see what the
    /// other sends meanwhile.
    #[default]
    Late,
    /// Later, and only what one process sends to one other keeps its order: all that may be relied
    /// on, and what can happen between nodes.
    Pairwise,
}

/// The text names no delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDelivery(pub Box<str>);

impl std::fmt::Display for BadDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is no delivery; it is one of at_once, late, pairwise",
            self.0
        )
    }
}

impl std::error::Error for BadDelivery {}

impl FromStr for Delivery {
    type Err = BadDelivery;

    fn from_str(text: &str) -> Result<Self, BadDelivery> {
        match text {
            "at_once" => Ok(Self::AtOnce),
            "late" => Ok(Self::Late),
            "pairwise" => Ok(Self::Pairwise),
            other => Err(BadDelivery(other.into())),
        }
    }
}

/// Where something is on its way to: the node's number in its world, and the process.
pub(super) type To = (usize, Pid);

/// Who sent something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Process(Pid),
    /// A process of another node, over a connection to it, which keeps the order of all of them.
    Away(NodeId),
    /// The beginning or the end of the connection to a node.
    Connection(NodeId),
    /// The test's body, or a timer.
    Outside,
}

impl Sender {
    /// Who sent this, if a process did, or nobody, in whose name that is; and from which node it was
    /// brought, if it was.
    pub(super) fn of(envelope: &Envelope, by: Option<Pid>, away: Option<NodeId>) -> Self {
        match (envelope.as_signal(), away, by) {
            (Some(Signal::NodeLost { node, .. } | Signal::NodeChanged { node, .. }), ..) => {
                Self::Connection(*node)
            }
            (_, Some(node), _) => Self::Away(node),
            (_, None, Some(pid)) => Self::Process(pid),
            (_, None, None) => Self::Outside,
        }
    }

    pub(super) fn process(self) -> Option<Pid> {
        match self {
            Self::Process(pid) => Some(pid),
            Self::Away(_) | Self::Connection(_) | Self::Outside => None,
        }
    }

    /// Whether what these two send to one process keeps its order.
    fn is_ordered_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Connection(node), Self::Process(pid))
            | (Self::Process(pid), Self::Connection(node)) => pid.node() == node,
            (Self::Connection(node), Self::Away(from))
            | (Self::Away(from), Self::Connection(node)) => from == node,
            (one, other) => one == other,
        }
    }
}

struct Sent {
    at: u64,
    from: Sender,
    envelope: Envelope,
}

/// Everything that is on its way.
pub(super) struct Flights {
    delivery: Delivery,
    to: IndexMap<To, VecDeque<Sent>, BuildHasherDefault<FxHasher>>,
}

impl Flights {
    pub(super) fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            to: IndexMap::default(),
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// Whether something is on its way to that process.
    pub(super) fn has(&self, to: To) -> bool {
        self.to.contains_key(&to)
    }

    /// How many processes something is on its way to.
    pub(super) fn targets(&self) -> usize {
        self.to.len()
    }

    /// The nth of them.
    pub(super) fn target(&self, nth: usize) -> Option<To> {
        self.to.get_index(nth).map(|(to, _)| *to)
    }

    /// Everything on its way, as target and how many could arrive first there, the longest first.
    pub(super) fn oldest_first(&self) -> Vec<(To, usize)> {
        let mut all: Vec<(u64, To, usize)> = self
            .to
            .iter()
            .filter_map(|(to, queue)| Some((queue.front()?.at, *to, self.firsts(queue).len())))
            .collect();
        all.sort_unstable_by_key(|(at, ..)| *at);
        all.into_iter()
            .map(|(_, to, firsts)| (to, firsts))
            .collect()
    }

    /// How many could arrive first at a target: one, or one of each sender.
    pub(super) fn choices(&self, to: To) -> usize {
        self.to.get(&to).map_or(0, |queue| self.firsts(queue).len())
    }

    /// The places of those that may arrive next.
    fn firsts(&self, queue: &VecDeque<Sent>) -> Vec<usize> {
        if self.delivery != Delivery::Pairwise {
            return vec![0];
        }
        let mut seen: Vec<Sender> = Vec::new();
        let mut places = Vec::new();
        for (place, sent) in queue.iter().enumerate() {
            if seen.contains(&sent.from) {
                continue;
            }
            if !seen.iter().any(|from| from.is_ordered_with(sent.from)) {
                places.push(place);
            }
            seen.push(sent.from);
        }
        places
    }

    pub(super) fn send(&mut self, at: u64, from: Sender, to: To, envelope: Envelope) {
        let sent = Sent { at, from, envelope };
        self.to.entry(to).or_default().push_back(sent);
    }

    /// Takes the nth of those that could arrive first, and says who sent it.
    pub(super) fn take(&mut self, to: To, nth: usize) -> Option<(Sender, Envelope)> {
        let place = *self.firsts(self.to.get(&to)?).get(nth)?;
        let queue = self.to.get_mut(&to)?;
        let sent = queue.remove(place)?;
        if queue.is_empty() {
            self.to.swap_remove(&to);
        }
        Some((sent.from, sent.envelope))
    }

    /// Takes everything that is on its way to a process, in order.
    pub(super) fn take_all(&mut self, to: To) -> Vec<Envelope> {
        let queue = self.to.swap_remove(&to).unwrap_or_default();
        queue.into_iter().map(|sent| sent.envelope).collect()
    }
}
