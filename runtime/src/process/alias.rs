//! An address that can be taken back.
//!
//! Role       Aliases of the running process: messages through an inactive one are dropped, and those
//!            that go first go before what waits.
//! Invariant  Activity is judged when the message is fetched: what was fetched before stays. Messages
//!            that go first keep their order among themselves.
//! Source     otp: erts, "Process Aliases"; otp 28: "Adding Priority Messages" (EEP 76)

use serde::{Deserialize, Serialize};

use super::local::{Active, AliasMode, COUNTS_QUEUE};
use super::{Me, Message};
use crate::envelope::{COUNTED, Envelope, PRIORITY, Signal};
use crate::node::Core;
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

impl Me {
    /// An address of this process that can be taken back.
    pub fn alias(self, mode: AliasMode) -> Alias {
        create(self.running(), mode, false)
    }

    /// An address of this process that can be taken back, and through which messages may go before
    /// all that wait: those sent by [`Me::send_priority`]. They keep their order among themselves;
    /// the order of signals is not touched. Give it to few: such messages enter a full mailbox, too.
    ///
    /// ```
    /// # use foundation_runtime::{AliasMode, Codec, Mail, Message, Node, Process, Tag, promise};
    /// # struct Word(&'static str);
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().start()?;
    /// let (tell, told) = promise(&node);
    /// node.spawn_fn(|mut me: Process<Word>| async move {
    ///     let urgent = me.priority_alias(AliasMode::ExplicitUnalias);
    ///     me.send(me.pid(), Word("later"));
    ///     me.send_priority(urgent, Word("first"));
    ///     let first = me.receive(|mail| match mail {
    ///         Mail::Msg(Word(word)) => Ok(word),
    ///         other => Err(other),
    ///     });
    ///     tell.send(first.await);
    /// })?;
    /// assert_eq!(node.block_on(told)?, "first");
    /// # Ok(()) }
    /// ```
    pub fn priority_alias(self, mode: AliasMode) -> Alias {
        create(self.running(), mode, true)
    }

    /// Takes an alias back: whether it was active and this process's.
    pub fn unalias(self, alias: Alias) -> bool {
        remove(self.running(), alias)
    }

    /// Sends a message through an alias; if it is inactive, the message is a dead letter.
    pub fn send_alias<M: Message>(self, alias: Alias, message: M) {
        self.running()
            .core()
            .send_alias(alias, Envelope::plain(message), false);
    }

    /// Sends a message through an alias, to be handled before all that wait. If the alias was not
    /// made for that, it is handled in its turn.
    pub fn send_priority<M: Message>(self, alias: Alias, message: M) {
        self.running()
            .core()
            .send_alias(alias, Envelope::plain(message), true);
    }
}

impl Core {
    pub(crate) fn send_alias(&self, alias: Alias, message: Envelope, priority: bool) {
        self.trace_sent(Some(alias.owner), message.header(), false);
        let signal = Signal::Alias {
            alias: alias.id,
            message,
            priority,
        };
        self.send_signal(alias.owner, signal);
    }
}

fn create(running: &Running, mode: AliasMode, priority: bool) -> Alias {
    let id = running.extra(|extra| {
        let id = extra.fresh_id();
        extra.aliases.insert(id, Active { mode, priority });
        id
    });
    Alias {
        owner: running.pid(),
        id,
    }
}

/// Deactivates: whether it was active and this process's own.
fn remove(running: &Running, alias: Alias) -> bool {
    alias.owner == running.pid()
        && running.extra(|extra| extra.aliases.swap_remove(&alias.id).is_some())
}

/// A message came through an alias; `special` says whether it counts, and whether it asks to go
/// first.
pub(crate) fn message_arrived(
    running: &Running,
    alias: u64,
    mut message: Envelope,
    mut special: u8,
) {
    let Some(active) = running.extra(|extra| extra.aliases.get(&alias).copied()) else {
        if special & COUNTED != 0 {
            crate::mailbox::release_one(running);
        }
        let (core, failure) = (running.core(), &CallError::NoProc);
        return core.dead_letter(running.pid(), message, DeadReason::InactiveAlias, failure);
    };
    match active.mode {
        AliasMode::Reply => {
            running.extra(|extra| extra.aliases.swap_remove(&alias));
        }
        AliasMode::ReplyDemonitor => {
            let monitor = crate::MonitorRef {
                owner: running.pid(),
                id: alias,
            };
            super::links::demonitor(running, monitor);
        }
        AliasMode::ExplicitUnalias | AliasMode::Demonitor => {}
    }
    if !active.priority {
        special &= !PRIORITY;
    }
    message.set_special(special, true);
    if running.has(COUNTS_QUEUE) {
        message.count();
    }
    match special & PRIORITY {
        0 => running.enqueue_message(message),
        _ => running.enqueue_first(message),
    }
}
