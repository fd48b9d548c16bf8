//! How do events get to whoever subscribed?
//!
//! Role       A bounded buffer with a bounded rate, in front of one reader.
//! Invariant  Nobody who puts something in waits. What does not fit is counted; the count is told in
//!            the place of what is missing. `now` is an argument.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::event::{TraceEvent, Traced};
use crate::Pid;

/// How much of the rate may be used at once.
const BURST: u64 = 1_000_000_000;

pub(super) struct Channel {
    nobody: Pid,
    capacity: usize,
    price: u64,
    flow: Mutex<Flow>,
}

struct Flow {
    events: VecDeque<TraceEvent>,
    /// Lost since the last event that was kept.
    missing: u64,
    lost: u64,
    /// Nanoseconds of the rate that are left, as of `seen`.
    left: u64,
    seen: u64,
    waker: Option<Waker>,
}

impl Channel {
    pub(super) fn new(nobody: Pid, capacity: usize, price: u64, now: u64) -> Self {
        Self {
            nobody,
            capacity,
            price,
            flow: Mutex::new(Flow {
                events: VecDeque::new(),
                missing: 0,
                lost: 0,
                left: BURST,
                seen: now,
                waker: None,
            }),
        }
    }

    fn flow(&self) -> std::sync::MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event if there is room, and says who waits for it.
    pub(super) fn put(&self, now: u64, event: &TraceEvent) -> Option<Waker> {
        let mut flow = self.flow();
        let passed = now.saturating_sub(flow.seen);
        flow.seen = now.max(flow.seen);
        flow.left = flow.left.saturating_add(passed).min(BURST);
        if flow.left < self.price || flow.events.len() >= self.capacity {
            flow.missing += 1;
            flow.lost += 1;
            return None;
        }
        flow.left -= self.price;
        if let Some(gap) = flow.gap(self.nobody, event.at) {
            flow.events.push_back(gap);
        }
        flow.events.push_back(event.clone());
        flow.waker.take()
    }

    /// The next event; a gap that nothing came after yet is told when nothing else is left.
    pub(super) fn take(&self, now: u64) -> Option<TraceEvent> {
        let mut flow = self.flow();
        let event = flow.events.pop_front();
        event.or_else(|| flow.gap(self.nobody, Duration::from_nanos(now)))
    }

    pub(super) fn poll(&self, now: u64, waker: &Waker) -> Poll<TraceEvent> {
        if let Some(event) = self.take(now) {
            return Poll::Ready(event);
        }
        let mut flow = self.flow();
        // Something may have come between the two looks.
        if flow.events.is_empty() && flow.missing == 0 {
            flow.waker = Some(waker.clone());
            return Poll::Pending;
        }
        drop(flow);
        self.take(now).map_or(Poll::Pending, Poll::Ready)
    }

    pub(super) fn lost(&self) -> u64 {
        self.flow().lost
    }
}

impl Flow {
    fn gap(&mut self, nobody: Pid, at: Duration) -> Option<TraceEvent> {
        let count = std::mem::take(&mut self.missing);
        (count > 0).then_some(TraceEvent {
            at,
            pid: nobody,
            what: Traced::Lost { count },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    fn event(child: u64) -> TraceEvent {
        let nobody = Pid::nobody(NodeId::unconnected("a"));
        TraceEvent {
            at: Duration::from_nanos(child),
            pid: nobody,
            what: Traced::Unlinked { from: nobody },
        }
    }

    fn channel(capacity: usize, price: u64) -> Channel {
        Channel::new(Pid::nobody(NodeId::unconnected("a")), capacity, price, 0)
    }

    #[test]
    fn what_does_not_fit_is_counted_where_it_is_missing() {
        let channel = channel(2, 1);
        for at in 0..5 {
            channel.put(0, &event(at));
        }
        assert_eq!(channel.take(0), Some(event(0)));
        channel.put(0, &event(7));
        let mut rest = std::iter::from_fn(|| channel.take(9));
        let what: Vec<_> = rest.by_ref().map(|event| event.what).collect();
        assert!(matches!(what[1], Traced::Lost { count: 3 }), "{what:?}");
        assert_eq!((what.len(), channel.lost()), (3, 3));
        channel.put(0, &event(8));
        channel.put(0, &event(8));
        channel.put(0, &event(8));
        let count = std::iter::from_fn(|| channel.take(9)).count();
        assert_eq!(
            (count, channel.lost()),
            (3, 4),
            "a gap at the end is told, too"
        );
    }

    #[test]
    fn a_rate_is_kept_over_a_second() {
        let channel = channel(1000, BURST / 10);
        for at in 0..20 {
            channel.put(at, &event(at));
        }
        assert_eq!(channel.lost(), 10);
        // A tenth of a second later there is room for one.
        channel.put(BURST / 10 + 20, &event(1));
        channel.put(BURST / 10 + 20, &event(1));
        assert_eq!(channel.lost(), 11);
    }
}
