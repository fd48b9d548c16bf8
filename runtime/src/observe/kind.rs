//! What kind of process is it?
//!
//! Role       Three bits of each control block: so that a tree can be drawn without asking anybody.

use serde::{Deserialize, Serialize};

/// What a process is, as its behaviour says when it is started.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum ProcessKind {
    /// A function with a mailbox, or a behaviour that says nothing.
    #[default]
    Plain,
    /// A server: an actor.
    Server,
    /// A supervisor.
    Supervisor,
    /// A state machine.
    StateMachine,
    /// A manager of events, with its handlers.
    EventManager,
    /// One computation.
    Task,
    /// A state that others read and change.
    Agent,
    /// The master of an application.
    Application,
}

impl ProcessKind {
    const ALL: [Self; 8] = [
        Self::Plain,
        Self::Server,
        Self::Supervisor,
        Self::StateMachine,
        Self::EventManager,
        Self::Task,
        Self::Agent,
        Self::Application,
    ];

    pub(crate) const fn bits(self) -> u32 {
        self as u32
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self::ALL[bits as usize & 7]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_its_bits() {
        for kind in ProcessKind::ALL {
            assert_eq!(ProcessKind::from_bits(kind.bits() | 8), kind);
        }
    }
}
