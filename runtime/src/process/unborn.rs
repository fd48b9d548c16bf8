//! How is a process linked with one, or watched, that another node is about to start?
//!
//! Role       The starter has its end of link or monitor before there is a pid: a watch, by a number
//!            that the child is told. The child takes its own ends before its first instruction. So no
//!            end is missed, and a start that was given up leaves nothing: who has forgotten the number
//!            is not reached by it.
//! Invariant  Of the end of a linked child its starter is told once, by the exit or by the watch: until
//!            the starter has the pid there is no link here, and only the watch counts.
//! Source     otp: erlang:spawn_request/5, spawn_request_abandon/1

use super::info::is_process;
use super::local::{Kin, Purpose, TRAP_EXIT, Watch};
use super::{HAS_PEERS, Me, links};
use crate::envelope::ExitKind;
use crate::scheduler::Running;
use crate::trace::Traced;
use crate::{MonitorRef, NodeId, Pid, Reason};

impl Me {
    /// A monitor of a process that `node` is about to start for this one. It fires when that node is
    /// lost, and when the process ends that was given it by [`Me::be_watched`].
    #[doc(hidden)]
    pub fn monitor_unborn(self, node: NodeId) -> MonitorRef {
        links::watch_unborn(self.running(), node, Purpose::Monitor)
    }

    /// The end of a link with a process that `node` is about to start for this one. It acts when the
    /// process ends that was given it by [`Me::be_linked`], and not when the node is lost.
    #[doc(hidden)]
    pub fn link_unborn(self, node: NodeId) -> MonitorRef {
        links::watch_unborn(self.running(), node, Purpose::Link)
    }

    /// The process of that monitor or link is there: from here on it is one like any other. Nothing
    /// happens when the process has ended already, which was told then. When its node was lost meanwhile,
    /// that ends the link.
    #[doc(hidden)]
    pub fn born(self, watch: MonitorRef, pid: Pid) {
        let running = self.running();
        if watch.owner != self.pid() {
            return;
        }
        let found = running.extra(|extra| {
            let watch = extra.watches.get_mut(&watch.id)?;
            watch.target = Some(pid);
            Some((watch.purpose, watch.over))
        });
        let Some((purpose @ (Purpose::Link | Purpose::LostLink), over)) = found else {
            return;
        };
        // Over the connection that it was asked for: there may be another by now, and the loss of that
        // one is still to be heard of.
        links::add_active(running, pid, over);
        running.trace(|| Traced::Linked { with: pid });
        if purpose == Purpose::LostLink {
            self.demonitor_flush(watch);
            super::fetch::exit(running, pid, Reason::NoConnection, ExitKind::Link);
        }
    }

    /// Nothing is to be heard of that process any more.
    #[doc(hidden)]
    pub fn forget_unborn(self, watch: MonitorRef) {
        self.demonitor_flush(watch);
    }

    /// This process is the one that such a monitor was made for.
    #[doc(hidden)]
    pub fn be_watched(self, watch: MonitorRef) {
        let (running, watcher) = (self.running(), watch.owner);
        if watcher.node() != running.core().id() {
            running.block().set_flag(HAS_PEERS);
            running.core().remember_peer(watcher.node(), self.pid());
        }
        let watchers = (watcher, watch.id);
        running.extra(|extra| extra.watchers.insert(watchers, None));
    }

    /// This process is the one that such a link was made for.
    #[doc(hidden)]
    pub fn be_linked(self, watch: MonitorRef) {
        let (running, starter) = (self.running(), watch.owner);
        self.be_watched(watch);
        let over = links::way(running, starter).unwrap_or(0);
        links::add_active(running, starter, over);
        running.trace(|| Traced::Linked { with: starter });
        running.extra(|extra| {
            let kin = extra.kin.get_or_insert_with(Box::<Kin>::default);
            kin.starter = Some(watch);
        });
    }
}

/// A process has ended that was started linked with this one.
pub(super) fn ended(
    running: &Running,
    id: u64,
    from: Option<Pid>,
    born: Option<Pid>,
    reason: Reason,
) {
    let Some(from) = from else {
        // Of a lost node the link is told, or the start itself: unless that was answered before.
        if !born.is_some_and(|born| is_process(&born)) {
            let lost = Watch {
                purpose: Purpose::LostLink,
                ..Watch::default()
            };
            running.extra(|extra| extra.watches.insert(id, lost));
        }
        return;
    };
    if born.is_some_and(|born| is_process(&born)) {
        return super::fetch::exit(running, from, reason, ExitKind::Link);
    }
    if running.has(TRAP_EXIT) {
        links::notice_exit(running, from, reason);
    } else if reason != Reason::Normal {
        running.doom(from, reason);
    }
}

/// The running process takes a link back: if that is the one with its starter, the starter is not told
/// of its end by its watch either.
pub(super) fn unlinked(running: &Running, other: Pid) {
    running.local(|local| {
        let extra = local.extra.as_mut()?;
        let starter = extra.kin.as_ref()?.starter?;
        if starter.owner == other {
            extra.watchers.swap_remove(&(other, starter.id));
        }
        Some(())
    });
}

/// The process of another node that had the running one started, linked.
pub(super) fn starter(running: &Running) -> Option<Pid> {
    running.local(|local| {
        let starter = local.extra.as_ref()?.kin.as_ref()?.starter?;
        Some(starter.owner)
    })
}
