//! An address that can be taken back.
//!
//! Role       Aliases of the running process: messages through an inactive one are dropped.
//! Invariant  Activity is judged when the message is fetched: what was fetched before stays.
//! Source     otp: erts, "Process Aliases"

use serde::{Deserialize, Serialize};

use super::local::{AliasMode, HIBERNATING};
use crate::envelope::Envelope;
use crate::scheduler::Running;
use crate::{CallError, DeadReason, Pid};

/// An address of a process that the process can deactivate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alias {
    pub(crate) owner: Pid,
    pub(crate) id: u64,
}

impl Alias {
    /// The process behind the alias.
    #[must_use]
    pub fn pid(self) -> Pid {
        self.owner
    }
}

pub(crate) fn create(running: &Running, mode: AliasMode) -> Alias {
    let id = running.extra(|extra| {
        let id = extra.fresh_id();
        extra.aliases.insert(id, mode);
        id
    });
    Alias {
        owner: running.pid(),
        id,
    }
}

/// Deactivates: whether it was active and this process's own.
pub(crate) fn remove(running: &Running, alias: Alias) -> bool {
    alias.owner == running.pid()
        && running.extra(|extra| extra.aliases.swap_remove(&alias.id).is_some())
}

pub(super) fn message_arrived(running: &Running, alias: u64, message: Envelope) {
    match running.extra(|extra| extra.aliases.get(&alias).copied()) {
        None => {
            running.core().dead_letter(
                running.pid(),
                message,
                DeadReason::InactiveAlias,
                &CallError::NoProc,
            );
            return;
        }
        Some(AliasMode::Reply) => {
            running.extra(|extra| extra.aliases.swap_remove(&alias));
        }
        Some(AliasMode::ReplyDemonitor) => {
            let monitor = crate::MonitorRef {
                owner: running.pid(),
                id: alias,
            };
            super::links::demonitor(running, monitor);
        }
        Some(AliasMode::ExplicitUnalias | AliasMode::Demonitor) => {}
    }
    running.local(|local| local.queue.push(message));
    running.clear(HIBERNATING);
}
