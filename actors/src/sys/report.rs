//! What does a process tell the system about itself?
//!
//! Outputs    [`Status`], [`Statistics`], [`LogEvent`]: values that travel to other nodes.
//! Source     otp: sys:get_status/1, statistics/2, log/2

use std::fmt;
use std::time::Duration;

use foundation_runtime::{Pid, ProcessKind};
use serde::{Deserialize, Serialize};

/// Whether a process handles its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SysState {
    /// It does.
    Running,
    /// It handles system messages only; all others wait.
    Suspended,
}

/// What a process is, and what it is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Who it is.
    pub pid: Pid,
    /// The name it is registered under.
    pub name: Option<String>,
    /// Its code: an actor's type, or what its behaviour is called.
    pub code: String,
    /// What kind of process it is.
    pub kind: ProcessKind,
    /// The process that started it.
    pub parent: Option<Pid>,
    /// Whether it is suspended.
    pub state: SysState,
    /// The version of its state, as `#[actor(version = 2)]` says.
    pub version: u32,
    /// Messages that wait.
    pub messages_waiting: usize,
    /// Its state as text, if it allows that: `#[actor(debug)]`.
    pub shown: Option<String>,
    /// What was counted, if statistics are on.
    pub statistics: Option<Statistics>,
    /// The last events, if the log is on.
    pub log: Vec<LogEvent>,
}

/// What a process has done since its statistics were switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// When they were, on its node's clock.
    pub since: Duration,
    /// When they were read.
    pub now: Duration,
    /// Messages, exits, downs and timeouts that it has handled; system messages are not counted.
    pub messages_in: u64,
    /// Messages that it has sent, answers included.
    pub messages_out: u64,
    /// The reductions it used, system messages included.
    pub reductions: u64,
}

/// Something that a process did, while its log was on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEvent {
    /// When, on its node's clock.
    pub at: Duration,
    /// What.
    pub what: Logged,
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Logged {
    /// It took a message to handle it.
    In {
        /// The kind of message: a method or type.
        message: String,
        /// Who sent it; `None` for code outside any process.
        from: Option<Pid>,
    },
    /// A linked process ended, or somebody sent an exit that it trapped.
    Exit {
        /// Whose exit it is.
        from: Pid,
    },
    /// A process that it watched ended.
    Down {
        /// Which one; `None` for a name that nobody had.
        pid: Option<Pid>,
    },
    /// It was suspended.
    Suspended,
    /// It was resumed.
    Resumed,
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In { message, from } => match from {
                Some(from) => write!(f, "← {message} from {from}"),
                None => write!(f, "← {message} from outside"),
            },
            Self::Exit { from } => write!(f, "exit of {from}"),
            Self::Down { pid: Some(pid) } => write!(f, "down: {pid}"),
            Self::Down { pid: None } => f.write_str("down"),
            Self::Suspended => f.write_str("suspended"),
            Self::Resumed => f.write_str("resumed"),
        }
    }
}
