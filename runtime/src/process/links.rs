//! Who falls with whom, and who is told?
//!
//! Role       Both sides of links and monitors, as seen by the running process.
//! Invariant  A link is one entry a side, or the parent flag of a child. An unlink that the other
//!            side has not acknowledged makes its older `Link` signals void, so crossing links and
//!            unlinks leave both sides alike. A monitor fires once.
//! Source     otp: erts, "Links", "Monitors", "Unlink protocol"

use crate::planted::{self, Bug};
use std::sync::Arc;

use super::fetch::{has_parent_link, is_parent};
use super::info::is_process;
use super::local::{Active, AliasMode, PARENT_LINK, Purpose, TRAP_EXIT, Watch};
use crate::envelope::{CallerKey, Down, Envelope, Exit, ExitKind, Signal};
use crate::node::guest;
use crate::scheduler::Running;
use crate::trace::Traced;
use crate::{CallError, LinkError, MonitorRef, NodeId, Pid, Reason, Term};

/// Links the running process with `other`.
pub(crate) fn link(running: &Running, other: Pid) -> Result<(), LinkError> {
    let core = running.core();
    let me = running.pid();
    if other == me || is_active(running, other) {
        return Ok(());
    }
    if !core.may_be_alive(other) {
        if !running.has(TRAP_EXIT) {
            return Err(LinkError::NoProc);
        }
        notice_exit(running, other, Reason::NoProc);
        return Ok(());
    }
    let over = way(running, other);
    add_active(running, other, over.unwrap_or(0));
    running.trace(|| Traced::Linked { with: other });
    core.send_signal_over(other, Signal::Link { from: me }, over);
    Ok(())
}

/// Over which connection a process is reached that is of another node.
pub(super) fn way(running: &Running, other: Pid) -> Option<u32> {
    let (core, node) = (running.core(), other.node());
    (node != core.id()).then(|| core.remember_peer(node, running.pid()).unwrap_or(0))
}

/// Removes the link with `other`; no exit of it is delivered from here on.
pub(crate) fn unlink(running: &Running, other: Pid) {
    let (me, is_local) = (running.pid(), other.node() == running.core().id());
    if !is_local && !is_active(running, other) {
        return;
    }
    super::unborn::unlinked(running, other);
    let over = way(running, other);
    let from_parent = is_parent(running, other) && running.set(PARENT_LINK, false);
    let id = running.local(|local| {
        let extra = match &mut local.extra {
            None if from_parent => local.extra(),
            extra => extra.as_mut()?,
        };
        let link = match from_parent {
            true => extra.links.entry(other).or_default(),
            false => extra.links.get_mut(&other).filter(|link| link.active)?,
        };
        link.active = false;
        link.renew(over.unwrap_or(0));
        link.unacked += 1;
        Some(extra.fresh_id())
    });
    let Some(id) = id else { return };
    running.trace(|| Traced::Unlinked { from: other });
    let unlink = Signal::Unlink { from: me, id };
    running.core().send_signal_over(other, unlink, over);
}

pub(crate) fn is_active(running: &Running, other: Pid) -> bool {
    if is_parent(running, other) && has_parent_link(running) {
        return true;
    }
    running.local(|local| match &local.extra {
        Some(extra) => extra.links.get(&other).is_some_and(|link| link.active),
        None => false,
    })
}

/// Notes the running process's side of a link.
pub(crate) fn add_active(running: &Running, other: Pid, over: u32) {
    running.extra(|extra| {
        let link = extra.links.entry(other).or_default();
        link.renew(over);
        link.active = true;
    });
}

/// Ends the running process's side of a link: whether there was one.
pub(crate) fn remove_active(running: &Running, other: Pid) -> bool {
    if is_parent(running, other) && running.set(PARENT_LINK, false) {
        return true;
    }
    running.local(|local| {
        let Some(extra) = &mut local.extra else {
            return false;
        };
        let Some(link) = extra.links.get_mut(&other) else {
            return false;
        };
        let was = std::mem::replace(&mut link.active, false);
        if link.unacked == 0 {
            extra.links.swap_remove(&other);
        }
        was
    })
}

pub(super) fn link_arrived(running: &Running, from: Pid) {
    running.extra(|extra| {
        let link = extra.links.entry(from).or_default();
        if link.unacked == 0 {
            link.active = true;
        }
    });
    running.trace(|| Traced::GotLinked { by: from });
    // The parent flag says it already: one entry is enough.
    if is_parent(running, from) && has_parent_link(running) {
        running.extra(|extra| extra.links.swap_remove(&from));
    }
}

pub(super) fn unlink_arrived(running: &Running, from: Pid, id: u64) {
    remove_active(running, from);
    running.trace(|| Traced::GotUnlinked { by: from });
    running.core().send_signal(
        from,
        Signal::UnlinkAck {
            from: running.pid(),
            id,
        },
    );
}

pub(super) fn unlink_acknowledged(running: &Running, from: Pid) {
    running.extra(|extra| {
        if let Some(link) = extra.links.get_mut(&from) {
            link.unacked = link.unacked.saturating_sub(1);
            if link.unacked == 0 && !link.active {
                extra.links.swap_remove(&from);
            }
        }
    });
}

/// Puts a trapped exit in the queue.
pub(super) fn notice_exit(running: &Running, from: Pid, reason: Reason) {
    notice(running, Signal::ExitNotice(Exit { from, reason }));
}

/// Puts what the runtime tells the process in the queue, where it is a message.
pub(super) fn notice(running: &Running, notice: Signal) {
    running.enqueue_message(Envelope::signal(notice));
}

/// How a monitor is to behave.
#[derive(Default)]
pub(crate) struct WatchOptions {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) tag: Option<Arc<Term>>,
    pub(crate) alias: Option<AliasMode>,
    pub(crate) purpose: Purpose,
}

/// Watches `target`; `None` when a name led nowhere. A name on another node has for a target that
/// node's guest, who stands for the node until the name is looked up there.
pub(crate) fn monitor(running: &Running, target: Option<Pid>, options: WatchOptions) -> MonitorRef {
    let me = running.pid();
    let name = options.name.clone();
    let over = target.and_then(|target| way(running, target));
    let id = running.extra(|extra| {
        let id = extra.fresh_id();
        if let Some(mode) = options.alias {
            extra.aliases.insert(
                id,
                Active {
                    mode,
                    priority: false,
                },
            );
        }
        let WatchOptions {
            name,
            tag,
            alias,
            purpose,
        } = options;
        extra.watches.insert(
            id,
            Watch {
                target,
                name,
                tag,
                alias,
                purpose,
                over: over.unwrap_or(0),
            },
        );
        id
    });
    match target {
        Some(target) if target == me => {}
        Some(target) => {
            let watcher = me;
            let monitor = Signal::Monitor { watcher, id, name };
            running.core().send_signal_over(target, monitor, over);
        }
        None => down_arrived(running, id, None, Reason::NoProc),
    }
    MonitorRef { owner: me, id }
}

/// Watches a process that another node is to start: that node's guest stands for it until then.
pub(super) fn watch_unborn(running: &Running, node: NodeId, purpose: Purpose) -> MonitorRef {
    let target = (node != running.core().id()).then(|| guest(node));
    let over = target.and_then(|target| way(running, target)).unwrap_or(0);
    let id = running.extra(|extra| {
        let id = extra.fresh_id();
        let watch = Watch {
            target,
            name: None,
            tag: None,
            alias: None,
            purpose,
            over,
        };
        extra.watches.insert(id, watch);
        id
    });
    let owner = running.pid();
    MonitorRef { owner, id }
}

/// Ends a monitor of the running process: whether it was still there.
pub(crate) fn demonitor(running: &Running, monitor: MonitorRef) -> bool {
    if monitor.owner != running.pid() {
        return false;
    }
    let Some(watch) = running.extra(|extra| take_watch(extra, monitor.id)) else {
        return false;
    };
    if let Some(target) = watch.target {
        let signal = Signal::Demonitor {
            watcher: running.pid(),
            id: monitor.id,
        };
        running.core().send_signal(target, signal);
    }
    true
}

fn take_watch(extra: &mut super::Extra, id: u64) -> Option<Watch> {
    let watch = extra.watches.swap_remove(&id)?;
    if matches!(
        watch.alias,
        Some(AliasMode::Demonitor | AliasMode::ReplyDemonitor)
    ) {
        extra.aliases.swap_remove(&id);
    }
    Some(watch)
}

pub(super) fn down_arrived(running: &Running, id: u64, from: Option<Pid>, reason: Reason) {
    let me = running.pid();
    let Some(watch) = running.extra(|extra| take_watch(extra, id)) else {
        return;
    };
    match (watch.purpose, watch.target) {
        (Purpose::Monitor, _) | (Purpose::Suspender, None) => {}
        (Purpose::Suspender, Some(by)) => return super::suspend::suspender_down(running, by),
        (Purpose::Link, born) => return super::unborn::ended(running, id, from, born, reason),
        (Purpose::LostLink, _) => return,
    }
    let down = Down {
        monitor: MonitorRef { owner: me, id },
        pid: watch.target.filter(is_process).or(from.filter(is_process)),
        node: watch.target.map_or(me.node(), Pid::node),
        name: watch.name,
        reason,
        tag: watch.tag,
    };
    let mut down = Some(down);
    let waker = running.extra(|extra| {
        let mut awaited = extra.awaited.iter_mut();
        let awaited = awaited.find(|awaited| awaited.id == id)?;
        awaited.down = down.take();
        awaited.waker.take()
    });
    if let Some(down) = down {
        notice(running, Signal::DownNotice(Box::new(down)));
    }
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The connection to `node` is lost: every link, monitor and call over it ends now. What was asked
/// for over a later one, before this was fetched, goes on.
pub(super) fn node_lost(running: &Running, node: NodeId, lost: u32) {
    let (linked, watched, called) = running.extra(|extra| {
        let links = extra
            .links
            .iter()
            .filter(|(pid, link)| pid.node() == node && link.over <= lost && link.active);
        let linked: Vec<Pid> = links.map(|(pid, _)| *pid).collect();
        let watches = extra.watches.iter();
        let watched: Vec<u64> = watches
            .filter(|(_, watch)| watch.target.is_some_and(|target| target.node() == node))
            .filter(|(_, watch)| watch.over <= lost)
            .map(|(id, _)| *id)
            .collect();
        extra
            .watchers
            .retain(|(watcher, _), _| watcher.node() != node);
        extra.links.retain(|pid, link| {
            if pid.node() == node && link.over <= lost {
                // No acknowledgement will come.
                link.unacked = 0;
            }
            link.active || link.unacked > 0
        });
        (linked, watched, extra.calls.over(node, lost))
    });
    for pid in linked {
        if !planted::is(Bug::LinkForgotten) {
            super::fetch::exit(running, pid, Reason::NoConnection, ExitKind::Link);
        }
    }
    for id in watched {
        if !planted::is(Bug::MonitorForgotten) {
            down_arrived(running, id, None, Reason::NoConnection);
        }
    }
    for id in called {
        if planted::is(Bug::CallForgotten) {
            continue;
        }
        let caller = CallerKey::Process(running.pid(), id).with_node(&running.node);
        caller.fail(&CallError::NoConnection);
    }
}
