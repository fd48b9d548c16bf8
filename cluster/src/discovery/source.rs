//! What does one finder yield at present?
//!
//! Role       Its addresses, when it is asked again, and why it yields nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::machine::{Failure, Way};
use crate::machine::Tick;

/// One finder, as the machine sees it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) way: Way,
    /// When it is asked again, or the next beat is sent.
    pub(super) next: Tick,
    /// How long it waits when nobody is found.
    pub(super) pause: Duration,
    /// The number of the question that is under way, and since when.
    pub(super) asked: Option<(u64, Tick)>,
    /// What it yields; who was heard, until when.
    pub(super) found: BTreeMap<Box<str>, Option<Tick>>,
    pub(super) failure: Option<Failure>,
}

impl Source {
    pub(super) fn new(way: Way, now: Tick, pause: Duration) -> Self {
        Self {
            way,
            next: now,
            pause,
            asked: None,
            found: BTreeMap::new(),
            failure: None,
        }
    }

    /// When something has to be done about it, if nothing comes before that.
    pub(super) fn due(&self, bound: Duration) -> Tick {
        let own = match self.asked {
            Some((_, since)) => since + bound,
            None => self.next,
        };
        let ends = self.found.values().filter_map(|until| *until).min();
        ends.map_or(own, |ends| ends.min(own))
    }

    /// Who was not heard any more until now.
    pub(super) fn expired(&self, now: Tick) -> Vec<Box<str>> {
        let is_over = |until: &Option<Tick>| until.is_some_and(|until| until <= now);
        let over = self.found.iter().filter(|(_, until)| is_over(until));
        over.map(|(address, _)| address.clone()).collect()
    }
}
