//! Does more wait in a mailbox than should?
//!
//! Role       The high-water alarm of every mailbox: raised when more waits than the mark, taken back
//!            when no more than half as much does, and told to whoever reads, and to `tracing`.
//! Owns       An entry per mailbox that is in alarm.
//! Limit      One event when it is raised, one when it is taken back or the process ends; readers
//!            lose the oldest beyond their capacity.
//! Invariant  A process whose queue is empty when a message comes pays nothing. The count of those
//!            that wait behind the first lies in the upper bits of the block's own word, and begins so far
//!            from the end that the addition which passes the mark overflows: that is the comparison.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{HIGH_WATER, HIGH_WATER_MAX};
use crate::feed::{Feed, Stream};
use crate::process::{RAISED, WAITING_MASK};
use crate::scheduler::Running;
use crate::{Node, Pid};

/// What became of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlarmState {
    /// More waits than the mark.
    Raised,
    /// No more than half as much waits.
    Cleared,
    /// The process has ended with the mailbox in alarm.
    Ended,
}

/// A mailbox went into alarm, or out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxAlarm {
    /// Whose mailbox it is.
    pub pid: Pid,
    /// The name it is registered under.
    pub name: Option<String>,
    /// The name of its code: an actor's type, or the function's.
    pub initial_call: &'static str,
    /// How many messages wait.
    pub length: usize,
    /// The mark.
    pub mark: u32,
    /// What happened.
    pub state: AlarmState,
}

/// Alarms of mailboxes, from the moment of subscription on.
pub type MailboxAlarmStream = Stream<MailboxAlarm>;

/// The mark of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks(u32);

impl Default for Marks {
    fn default() -> Self {
        Self::new(HIGH_WATER)
    }
}

impl Marks {
    /// Alarm above `mark`; a mark above the highest is none.
    pub(crate) fn new(mark: u32) -> Self {
        Self(mark.clamp(1, HIGH_WATER_MAX + 1))
    }

    fn is_off(self) -> bool {
        HIGH_WATER_MAX < self.0
    }

    /// What the count begins with.
    pub(crate) fn bias(self) -> u32 {
        WAITING_MASK + 1 - self.0
    }

    fn low(self) -> usize {
        self.0 as usize / 2
    }
}

/// The alarms of a node.
#[derive(Default)]
pub(crate) struct Alarms {
    raised: Mutex<BTreeMap<Pid, MailboxAlarm>>,
    feed: Feed<MailboxAlarm>,
}

impl Alarms {
    fn raised(&self) -> MutexGuard<'_, BTreeMap<Pid, MailboxAlarm>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mailboxes that are in alarm, as they were when it was raised.
    pub(crate) fn list(&self) -> Vec<MailboxAlarm> {
        self.raised().values().cloned().collect()
    }

    pub(crate) fn subscribe(&self, capacity: usize) -> MailboxAlarmStream {
        self.feed.subscribe(capacity)
    }

    fn raise(&self, alarm: MailboxAlarm) {
        tracing::warn!(
            target: "foundation::mailbox",
            pid = %alarm.pid,
            name = alarm.name.as_deref(),
            process = alarm.initial_call,
            length = alarm.length,
            mark = alarm.mark,
            "a mailbox rose above its high-water mark"
        );
        self.raised().insert(alarm.pid, alarm.clone());
        self.feed.tell(&alarm);
    }

    fn end(&self, pid: Pid, length: usize, state: AlarmState) {
        let Some(alarm) = self.raised().remove(&pid) else {
            return;
        };
        let alarm = MailboxAlarm {
            length,
            state,
            ..alarm
        };
        tracing::info!(
            target: "foundation::mailbox",
            pid = %alarm.pid,
            name = alarm.name.as_deref(),
            process = alarm.initial_call,
            length,
            ended = state == AlarmState::Ended,
            "a mailbox is out of alarm"
        );
        self.feed.tell(&alarm);
    }
}

impl Node {
    /// Alarms of mailboxes from now on. A reader that falls behind loses the oldest beyond
    /// `capacity`.
    #[must_use]
    pub fn mailbox_alarms(&self, capacity: usize) -> MailboxAlarmStream {
        self.core().alarms().subscribe(capacity)
    }

    /// The mailboxes that are in alarm now, each as it was when the alarm was raised.
    #[must_use]
    pub fn mailboxes_in_alarm(&self) -> Vec<MailboxAlarm> {
        self.core().alarms().list()
    }
}

fn marks(running: &Running) -> Marks {
    let own = running.local(|local| local.extra.as_ref().and_then(|extra| extra.marks));
    own.unwrap_or_else(|| running.core().marks())
}

/// The count of the running process's queue has overflown: it is above its mark.
#[cold]
pub(crate) fn rose(running: &Running) {
    let marks = marks(running);
    if marks.is_off() || running.set(RAISED, true) {
        return;
    }
    let core = running.core();
    let name = core.names().of(running.pid());
    core.alarms().raise(MailboxAlarm {
        pid: running.pid(),
        name: name.map(|name| name.to_string()),
        initial_call: running.code(),
        length: running.waiting(marks.bias()),
        mark: marks.0,
        state: AlarmState::Raised,
    });
}

/// The running process, whose mailbox is in alarm, begins a slice: takes the alarm back when it is
/// time, and otherwise sees to it that the slice ends when it may be.
#[cold]
pub(crate) fn settle(running: &Running) {
    let marks = marks(running);
    let length = running.waiting(marks.bias());
    // The count has no more bits than the highest mark needs: a long queue is looked at.
    let low = marks.low();
    if length <= low && running.local(|local| local.queue.messages_up_to(low + 1)) <= low {
        running.set(RAISED, false);
        running
            .core()
            .alarms()
            .end(running.pid(), length, AlarmState::Cleared);
        return;
    }
    if low < length {
        let ahead = u32::try_from(length - low).unwrap_or(u32::MAX);
        running.budget.set(running.budget.get().min(ahead));
    }
}

/// The running process ends.
#[cold]
pub(crate) fn ended(running: &Running) {
    let bias = marks(running).bias();
    let length = running.waiting(bias);
    let alarms = running.core().alarms();
    alarms.end(running.pid(), length, AlarmState::Ended);
}
