//! The state machine as a pure machine: which event is handled next, and when is a state entered?
//!
//! Role       Keeps what waits inside one state machine: inserted and postponed events, timeouts.
//!            States are opaque to it; that one changed is all it is told.
//! Inputs     [`Input`]: an event came, a timer fired, a handler is done, what is next.
//! Outputs    [`Effect`]s in the order in which they are to be performed.
//! Limit      [`POSTPONED_MAX`], [`QUEUED_MAX`], [`TIMEOUTS_MAX`].
//! Absent     I/O, clocks, randomness, locks, tasks, and the program's states.
//! Source     otp: gen_statem, "Event Handling", "Time-Outs", transition_option()
//!
//! ```text
//!              +----------------------- machine -----------------------+
//!  Received    | queue     : inserted first, then retried, as they came |  Handle, Enter
//!  Fired    => | zero      : timeouts of no time, after the queue       | => Arm, Disarm
//!  Done, Next  | postponed : until the state changes                    |  Refuse
//!              +-------------------------------------------------------+
//! ```
//!
//! How it is driven: it begins as if a handler ran (that is init), so the first input is `Done`.
//! While [`Machine::waits`], feed `Next` and perform its one effect, then `Done` with what the
//! handler asked for. Otherwise take something from outside: `Received` for an event, which is
//! handled at once, `Fired` for a timer.

mod effect;
mod input;
mod queue;
mod timers;

pub use effect::Effect;
pub use input::{Ask, Asks, Change, Input, Outcome, Timeout, TimeoutName, TimerId};
pub use queue::{Machine, POSTPONED_MAX, QUEUED_MAX};
pub use timers::TIMEOUTS_MAX;
