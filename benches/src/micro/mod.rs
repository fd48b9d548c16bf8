//! Which operations are measured one by one?
//!
//! Role       The list of them, for `counts`; `cargo bench` names the functions.
//! Outputs    [`ALL`]; each function does its operation so often and says how long that took.
//! Owns       Nothing.
//! Invariant  The driver is a process, so a message never comes from outside the node.

mod life;
mod links;
mod mail;
mod restarts;
mod statem;
mod timers;

use std::time::Duration;

use foundation::Node;

pub use life::{ending, life, spawn};
pub use links::{link, linked_life, monitor};
pub use mail::{call, cast, hop, receive, selective, send};
pub use restarts::{restart_exit, restart_panic};
pub use statem::{statem, statem_call};
pub use timers::timer;

/// An operation that can be repeated.
#[derive(Debug)]
pub struct Micro {
    /// The name on the command line.
    pub name: &'static str,
    /// What one of them is.
    pub what: &'static str,
    /// Does it so often, and says how long that took.
    pub run: fn(&Node, u64) -> Duration,
}

const fn micro(name: &'static str, what: &'static str, run: fn(&Node, u64) -> Duration) -> Micro {
    Micro { name, what, run }
}

/// Every operation.
pub const ALL: &[Micro] = &[
    micro("spawn", "spawn a plain process, and its first turn", spawn),
    micro("ending", "the same, told by a message to return", ending),
    micro("life", "spawn a plain process that returns at once", life),
    micro("send", "cast to an actor, without its turn", send),
    micro("cast", "cast to an actor, and its handler", cast),
    micro(
        "statem",
        "cast to a state machine, and its handler for the state",
        statem,
    ),
    micro(
        "statem_call",
        "call a state machine, and have the answer",
        statem_call,
    ),
    micro(
        "hop",
        "one cast of a ping-pong: send, wake, turn, handler",
        hop,
    ),
    micro("call", "call an actor, and have the answer", call),
    micro("receive", "send to oneself, and receive", receive),
    micro(
        "selective",
        "the same behind a message that does not match",
        selective,
    ),
    micro("link", "link and unlink, with the other's side", link),
    micro(
        "monitor",
        "monitor and demonitor, with the other's side",
        monitor,
    ),
    micro(
        "linked_life",
        "spawn linked, end, and trap the exit",
        linked_life,
    ),
    micro(
        "restart_exit",
        "a supervised actor exits and is back",
        restart_exit,
    ),
    micro(
        "restart_panic",
        "a supervised actor panics and is back",
        restart_panic,
    ),
    micro("timer", "arm a timer and cancel it", timer),
];
