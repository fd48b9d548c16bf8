//! What is to happen later on this node?
//!
//! Role       Timers of processes, deadlines of waits, and the driver's next wake.
//! Owns       A few wheels, each behind its own lock, so that schedulers seldom meet.
//! Invariant  Nothing fires before its deadline.
//! Limit      `u32::MAX - 1` timers a shard.

mod wheel;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use serde::{Deserialize, Serialize};

pub use wheel::{Key as WheelKey, Wheel};

use crate::Pid;
use crate::envelope::Envelope;
use crate::heap;

const SHARDS: usize = 4;

/// A timer of `send_after` or `start_timer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerRef {
    pub(crate) owner: Pid,
    pub(crate) id: u64,
}

/// Where a timer of this node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    shard: usize,
    key: WheelKey,
}

/// What happens at a deadline.
pub(crate) enum Action {
    /// The process looks whether what it waits for is overdue.
    Wake(Pid),
    /// Code outside any process, or inside a combinator, looks.
    Waker(Waker),
    /// A message is delivered to a process.
    Deliver { to: Pid, message: Envelope },
    /// A message is delivered to whoever has the name then.
    DeliverNamed { to: Box<str>, message: Envelope },
}

pub(crate) struct Timers {
    shards: [Mutex<Wheel<Action>>; SHARDS],
    /// When the driver means to wake, in nanoseconds; `u64::MAX` for never.
    planned: AtomicU64,
    /// Held while what is due is taken out and done.
    firing: Mutex<()>,
}

impl Timers {
    pub(crate) fn new(now: u64) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Wheel::new(now))),
            planned: AtomicU64::new(u64::MAX),
            firing: Mutex::new(()),
        }
    }

    fn shard(&self, shard: usize) -> MutexGuard<'_, Wheel<Action>> {
        self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a timer; `true` when the driver means to wake too late for it.
    pub(crate) fn arm(&self, hint: u32, deadline: u64, action: Action) -> (Key, bool) {
        let shard = hint as usize % SHARDS;
        let key = heap::of_the_node(|| self.shard(shard).insert(deadline, action));
        (
            Key { shard, key },
            deadline < self.planned.load(Ordering::SeqCst),
        )
    }

    /// Takes a timer back: its deadline, unless it has fired.
    pub(crate) fn cancel(&self, key: Key) -> Option<u64> {
        let mut shard = self.shard(key.shard);
        let deadline = shard.deadline(key.key)?;
        let action = shard.cancel(key.key);
        drop(shard);
        // Dropped outside the lock: a message's drop is the program's code.
        drop(action);
        Some(deadline)
    }

    /// Takes back a timer that would deliver to `pid`.
    pub(crate) fn cancel_if_to(&self, key: Key, pid: Pid) {
        let mut shard = self.shard(key.shard);
        let hit = matches!(shard.get(key.key), Some(Action::Deliver { to, .. }) if *to == pid);
        let action = if hit { shard.cancel(key.key) } else { None };
        drop(shard);
        drop(action);
    }

    /// The deadline of a timer that has not fired.
    pub(crate) fn deadline(&self, key: Key) -> Option<u64> {
        self.shard(key.shard).deadline(key.key)
    }

    /// Everything due at `now`, in the order of deadlines.
    pub(crate) fn advance(&self, now: u64, due: &mut Vec<(u64, Action)>) {
        for shard in 0..SHARDS {
            self.shard(shard).advance(now, due);
        }
        due.sort_by_key(|(deadline, _)| *deadline);
    }

    /// Says that what [`Timers::advance`] returns is being done, until the guard is dropped.
    pub(crate) fn firing(&self) -> MutexGuard<'_, ()> {
        self.firing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every timer that was taken out has had its effect. Only a process may call it:
    /// what fires a timer runs no process.
    pub(crate) fn await_firing(&self) {
        drop(self.firing());
    }

    /// No timer fires before this.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        (0..SHARDS)
            .filter_map(|shard| self.shard(shard).next_deadline())
            .min()
    }

    /// Says when the driver will look again. Arming an earlier timer then says so.
    pub(crate) fn plan(&self, at: u64) {
        self.planned.store(at, Ordering::SeqCst);
    }

    /// What `look` makes of each timer that runs, by deadline.
    pub(crate) fn list<R>(&self, mut look: impl FnMut(u64, &Action) -> Option<R>) -> Vec<(u64, R)> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let shard = self.shard(shard);
            let timers = shard.iter();
            found.extend(timers.filter_map(|(at, action)| Some((at, look(at, action)?))));
        }
        found.sort_by_key(|(deadline, _)| *deadline);
        found
    }

    pub(crate) fn len(&self) -> usize {
        (0..SHARDS).map(|shard| self.shard(shard).len()).sum()
    }

    /// Drops all timers; whoever waits for one waits no more.
    pub(crate) fn clear(&self, now: u64) {
        for shard in 0..SHARDS {
            let dropped = std::mem::replace(&mut *self.shard(shard), Wheel::new(now));
            // Outside the lock: what a timer holds is the program's.
            drop(dropped);
        }
    }
}
