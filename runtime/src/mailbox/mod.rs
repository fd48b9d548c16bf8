//! Mailboxes: what may wait in them, what happens when it is much, and what goes first.
//!
//! Role       Everything about mailboxes that a process need not have. One that is unbounded, and
//!            keeps up, pays for none of it.
//! Invariant  Options change admission or order of messages, never of signals.

mod admit;
mod alarm;
mod choice;
mod gate;
mod limit;
mod ready;

pub(crate) use admit::{fetch_held, release_one};
pub use alarm::{AlarmState, MailboxAlarm, MailboxAlarmStream};
pub(crate) use alarm::{Alarms, Marks, ended, rose, settle};
pub(crate) use choice::first_flags;
pub use choice::{
    BadMailbox, Bound, CAPACITY_MAX, HIGH_WATER, HIGH_WATER_MAX, Mailbox, QueueData, WhenFull,
};
pub(crate) use limit::{Limit, Limits};
pub(crate) use ready::Waiter;
pub use ready::{Place, Ready, ReadyError, Reserved};
