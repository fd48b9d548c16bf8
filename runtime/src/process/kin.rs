//! Whose is a process?
//!
//! Role       Who started it, and whose exit ends it although it traps exits.
//! Source     otp: proc_lib, ancestors; gen_server, "parent"

use super::{Me, info};
use crate::Pid;
use crate::node::GUEST_SLOT;

impl Me {
    /// The process that started it; `None` for one started from outside any process.
    #[must_use]
    pub fn parent(self) -> Option<Pid> {
        self.supervisor()
            .filter(|parent| parent.slot() != GUEST_SLOT)
    }

    /// Whose exit ends it although it traps exits: its parent, or the code outside that started it.
    #[must_use]
    pub fn supervisor(self) -> Option<Pid> {
        let running = self.running();
        info::parent_of(running.core().id(), running.block().parent())
    }

    /// Whether the exit of this process ends it although it traps exits: its parent's, or that of
    /// the process on another node that had it started, linked.
    #[must_use]
    pub fn is_supervisor(self, pid: Pid) -> bool {
        self.supervisors().contains(&Some(pid))
    }

    /// Both of them.
    #[doc(hidden)]
    #[must_use]
    pub fn supervisors(self) -> [Option<Pid>; 2] {
        [self.supervisor(), super::unborn::starter(self.running())]
    }
}
