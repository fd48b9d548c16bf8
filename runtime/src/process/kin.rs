//! Whose is a process?
//!
//! Role       Who started it, whose exit ends it although it traps exits, and who leads its group.
//! Invariant  Who has no leader, and no parent with one, has nothing of it.
//! Source     otp: proc_lib, ancestors; gen_server, "parent"; erlang:group_leader/0,2

use super::local::{Kin, Local};
use super::{Me, info};
use crate::Pid;
use crate::envelope::Signal;
use crate::node::GUEST_SLOT;
use crate::scheduler::Running;

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

    /// Who leads the group that this process is in: its parent's leader at the time it was started,
    /// here or from another node, unless another was set since. `None` where nobody has set one.
    ///
    /// ```
    /// # use foundation_runtime::{Codec, Message, Node, Process, Tag};
    /// # struct Nothing;
    /// # impl Message for Nothing {
    /// #     const NAME: &'static str = "Nothing";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Nothing", "") }
    /// # }
    /// # let node = Node::builder().start()?;
    /// let leader = node.spawn_fn(|me: Process<Nothing>| async move {
    ///     assert_eq!(me.group_leader(), None);
    ///     me.set_group_leader(me.pid());
    ///     let own = me.pid();
    ///     let child = me.node().spawn_fn(move |me: Process<Nothing>| async move {
    ///         assert_eq!(me.group_leader(), Some(own));
    ///     })?;
    ///     me.down(me.monitor(&child)).await;
    ///     Ok::<_, foundation_runtime::SpawnError>(())
    /// })?;
    /// node.block_on(node.down(&leader));
    /// # node.shutdown_blocking(std::time::Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn group_leader(self) -> Option<Pid> {
        leader(self.running())
    }

    /// From here on that process leads the group of this one, and of whoever it starts. It need not
    /// be alive, nor of this node.
    pub fn set_group_leader(self, leader: impl Into<Pid>) {
        set_leader(self.running(), leader.into());
    }

    /// The same for another process, of this node or another, once the signal has come to it. Whoever
    /// it has started keeps the old one.
    pub fn set_group_leader_of(self, target: impl Into<Pid>, leader: impl Into<Pid>) {
        let (from, leader) = (self.pid(), leader.into());
        let signal = Signal::Lead { from, leader };
        self.running().core().send_signal(target.into(), signal);
    }
}

pub(super) fn set_leader(running: &Running, leader: Pid) {
    running.extra(|extra| {
        let kin = extra.kin.get_or_insert_with(Box::<Kin>::default);
        kin.leader = Some(leader);
    });
}

pub(super) fn leader(running: &Running) -> Option<Pid> {
    running.local(|local| local.extra.as_ref()?.kin.as_ref()?.leader)
}

/// A child that is not opened yet is in the group of its parent.
#[inline]
pub(super) fn inherit(parent: &Running, child: &mut Local) {
    if let Some(leader) = leader(parent) {
        let kin = child.extra().kin.insert(Box::default());
        kin.leader = Some(leader);
    }
}
