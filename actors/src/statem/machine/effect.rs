//! What does a state machine want done?
//!
//! Role       The whole of what the machine can cause.
//! Source     otp: gen_statem, "Event Handling"

use std::time::Duration;

use super::{Timeout, TimerId};

/// One thing to be done by the driver. `E` is an event of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<E> {
    /// Handle this event in the current state; the next input is `Done`.
    Handle(E),
    /// Call the enter handler of the current state; the next input is `Done`.
    Enter,
    /// Feed `Fired` with these after this long.
    Arm {
        /// Which timeout.
        timeout: Timeout,
        /// Which of those that the timeout ever had.
        timer: TimerId,
        /// How long.
        after: Duration,
    },
    /// The timer of this timeout is needed no more. It may fire all the same.
    Disarm {
        /// Which timeout.
        timeout: Timeout,
    },
    /// Too many events are postponed: this one is given up.
    Refuse(E),
}
