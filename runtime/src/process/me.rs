//! What a process may do, in its own name.
//!
//! Role       The primitives of OTP's processes as methods. [`Me`] is what server contexts and
//!            plain processes deref to.
//! Invariant  Works only while its process runs; elsewhere each method panics and says so.
//! Source     otp: module erlang

use std::any::Any;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::alias::Alias;
use super::links::{self, WatchOptions};
use super::local::{AliasMode, HIBERNATING, TRAP_EXIT};
use super::{Behaviour, Message, ProcessInfo, SpawnOptions, info};
use crate::envelope::{Envelope, ExitKind, Signal};
use crate::node::guest;
use crate::platform::current;
use crate::scheduler::{Priority, Running};
use crate::timer::Action;
use crate::{
    CallError, Down, LinkError, MonitorRef, Node, NodeId, Pid, ProcessRef, Reason, RegisterError,
    SendError, SpawnError, SuspendError, Term, TimerRef,
};

/// The process that runs this code.
///
/// It is a name, not the process: kept and used by another process or task, its methods panic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Me {
    /// Slot and generation: the node is the one that runs it.
    word: NonZeroU64,
}

impl std::fmt::Debug for Me {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Me(<{}.{}>)",
            self.word.get() >> 32,
            self.word.get() as u32
        )
    }
}

/// The process that runs this code; `None` outside any process.
#[must_use]
pub fn me() -> Option<Me> {
    current::process().map(Me::of)
}

impl Me {
    #[inline]
    pub(crate) fn of(running: &Running) -> Self {
        Self {
            word: running.pid().local_word(),
        }
    }

    /// The process's slice, if it is this one that runs.
    #[inline]
    pub(crate) fn if_running<'a>(self) -> Option<&'a Running> {
        current::process().filter(|running| running.pid().local_word() == self.word)
    }

    #[inline]
    #[track_caller]
    pub(crate) fn running<'a>(self) -> &'a Running {
        match self.if_running() {
            Some(running) => running,
            None => panic!("{self:?} was used outside its own process"),
        }
    }

    /// Its address.
    #[must_use]
    pub fn pid(self) -> Pid {
        self.running().pid()
    }

    /// Its node.
    #[must_use]
    pub fn node(self) -> Node {
        self.running().node.clone()
    }

    /// Links it with `other`: whichever ends, the other gets an exit signal. Linking twice, or
    /// with itself, changes nothing.
    ///
    /// # Errors
    /// [`LinkError::NoProc`] when `other` is a dead process of this node and this one does not
    /// trap exits. If it traps, or `other` is on another node, an exit `noproc` arrives instead.
    pub fn link(self, other: impl Into<Pid>) -> Result<(), LinkError> {
        links::link(self.running(), other.into())
    }

    /// Takes a link back. An exit that was queued before stays in the queue.
    pub fn unlink(self, other: impl Into<Pid>) {
        links::unlink(self.running(), other.into());
    }

    /// Whether it is linked with `other`.
    #[must_use]
    pub fn is_linked(self, other: impl Into<Pid>) -> bool {
        links::is_active(self.running(), other.into())
    }

    /// Watches a process: one [`Down`] comes when it ends, at once if it has ended.
    pub fn monitor(self, target: impl Into<Pid>) -> MonitorRef {
        links::monitor(self.running(), Some(target.into()), WatchOptions::default())
    }

    /// Watches whoever has the name now.
    pub fn monitor_name(self, name: &str) -> MonitorRef {
        let running = self.running();
        let options = WatchOptions {
            name: Some(name.into()),
            ..WatchOptions::default()
        };
        links::monitor(running, running.core().names().find(name), options)
    }

    /// Watches whoever has the name on that node now.
    pub fn monitor_name_at(self, node: NodeId, name: &str) -> MonitorRef {
        if node == self.pid().node() {
            return self.monitor_name(name);
        }
        let options = WatchOptions {
            name: Some(name.into()),
            ..WatchOptions::default()
        };
        links::monitor(self.running(), Some(guest(node)), options)
    }

    /// Watches a process; its [`Down`] bears `tag`.
    pub fn monitor_tagged(self, target: impl Into<Pid>, tag: impl Into<Term>) -> MonitorRef {
        let options = WatchOptions {
            tag: Some(Arc::new(tag.into())),
            ..WatchOptions::default()
        };
        links::monitor(self.running(), Some(target.into()), options)
    }

    /// Watches a process, with an alias of the same number that lives as `mode` says.
    pub fn monitor_alias(self, target: impl Into<Pid>, mode: AliasMode) -> (MonitorRef, Alias) {
        let options = WatchOptions {
            alias: Some(mode),
            ..WatchOptions::default()
        };
        let monitor = links::monitor(self.running(), Some(target.into()), options);
        (
            monitor,
            Alias {
                owner: self.pid(),
                id: monitor.id,
            },
        )
    }

    /// Takes a monitor back: whether it had not fired yet. A [`Down`] in the queue stays there.
    pub fn demonitor(self, monitor: MonitorRef) -> bool {
        links::demonitor(self.running(), monitor)
    }

    /// Takes a monitor back and removes its [`Down`] from the queue: whether it had not fired yet.
    pub fn demonitor_flush(self, monitor: MonitorRef) -> bool {
        let running = self.running();
        let active = links::demonitor(running, monitor);
        if !active && monitor.owner == self.pid() {
            super::fetch(running);
            running.discard_if(|envelope| {
                matches!(envelope.as_signal(),
                    Some(Signal::DownNotice(down)) if down.monitor == monitor)
            });
        }
        active
    }

    /// Whether exits arrive as messages from now on. Returns what it was.
    pub fn trap_exit(self, on: bool) -> bool {
        self.running().set(TRAP_EXIT, on)
    }

    /// Sends an exit signal. It acts on this process itself, too, at its next yield.
    pub fn exit(self, target: impl Into<Pid>, reason: Reason) {
        let running = self.running();
        let target = target.into();
        running
            .core()
            .exit_signal(target, self.pid(), reason, ExitKind::Sent);
        if target == self.pid() {
            super::fetch(running);
        }
    }

    /// Sends a message to a plain process.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the message is local and the process is on another node.
    pub fn send<M: Message>(self, to: impl Into<Pid>, message: M) -> Result<(), SendError> {
        self.running()
            .core()
            .send(to.into(), Envelope::plain(message))
    }

    /// Sends a message to whoever has the name.
    ///
    /// # Errors
    /// [`SendError::NoName`] when nobody has it.
    pub fn send_named<M: Message>(self, name: &str, message: M) -> Result<(), SendError> {
        self.running()
            .core()
            .send_named(name, Envelope::plain(message))
    }

    /// Registers a process of this node under a name.
    ///
    /// # Errors
    /// [`RegisterError`]: name taken, process dead, it has a name, or the name is not allowed.
    pub fn register(self, name: &str, pid: impl Into<Pid>) -> Result<(), RegisterError> {
        self.running().node.register(name, pid)
    }

    /// Starts a plain process with options.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or the name is taken.
    pub fn spawn_with<M, F, Fut>(
        self,
        options: &SpawnOptions,
        body: F,
    ) -> Result<(ProcessRef<M>, Option<MonitorRef>), SpawnError>
    where
        M: Message,
        F: FnOnce(super::Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output: super::IntoReason> + Send + 'static,
    {
        self.running().node.clone().spawn_fn_with(options, body)
    }

    /// Starts a behaviour with options.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or the name is taken.
    pub fn spawn_behaviour(
        self,
        options: &SpawnOptions,
        body: impl Behaviour,
    ) -> Result<(Pid, Option<MonitorRef>), SpawnError> {
        super::spawn::spawn(&self.running().node, Box::pin(body), options)
    }

    /// Its priority from now on. Returns what it was.
    pub fn set_priority(self, priority: Priority) -> Priority {
        self.running().block().set_priority(priority)
    }

    /// What reports call it, beside its pid.
    pub fn set_label(self, label: impl Into<Box<str>>) {
        self.running()
            .extra(|extra| extra.label = Some(label.into()));
    }

    /// Keeps a value in the process dictionary, which dies with the process. Returns the value
    /// that was there, if it was of this type.
    pub fn put<T: Any + Send>(self, key: &str, value: T) -> Option<T> {
        let old = self
            .running()
            .extra(|extra| extra.dictionary.insert(key.into(), Box::new(value)));
        old.and_then(|old| old.downcast().ok()).map(|old| *old)
    }

    /// A copy of a value of the process dictionary, if there is one of this type.
    #[must_use]
    pub fn get<T: Any + Clone>(self, key: &str) -> Option<T> {
        self.running().local(|local| {
            let value = local.extra.as_ref()?.dictionary.get(key)?;
            value.downcast_ref::<T>().cloned()
        })
    }

    /// Takes a value out of the process dictionary, if there is one of this type.
    pub fn erase<T: Any>(self, key: &str) -> Option<T> {
        let value = self.running().local(|local| {
            let dictionary = &mut local.extra.as_mut()?.dictionary;
            if !dictionary.get(key)?.is::<T>() {
                return None;
            }
            dictionary.remove(key)
        })?;
        value.downcast().ok().map(|value| *value)
    }

    /// Counts what it sends from now on, for [`Me::sent`], or counts no longer: costs the node a
    /// little at every send while anybody counts.
    pub fn count_sends(self, on: bool) {
        self.running().count_sends(on);
    }

    /// How many messages, requests and answers it has sent since it counts; nothing unless it does.
    #[must_use]
    pub fn sent(self) -> Option<u64> {
        self.running().local(|local| local.extra.as_ref()?.sent)
    }

    /// What it is doing itself.
    #[must_use]
    pub fn info(self) -> ProcessInfo {
        info::describe(self.running())
    }

    /// Gives back what memory it can until the next message comes: call it before a long wait.
    pub fn hibernate(self) {
        self.running().set(HIBERNATING, true);
        self.running().local(|local| {
            if let Some(extra) = &mut local.extra {
                extra.shrink();
            }
        });
    }

    /// Stops another process of this node: its code does not run until this process has resumed
    /// it as often, or has ended. Signals go on acting on it. Waits until it has yielded.
    ///
    /// # Errors
    /// [`SuspendError`]: it is dead or this process itself, or it does not yield within `bound`.
    pub async fn suspend(self, target: Pid, bound: Duration) -> Result<(), SuspendError> {
        if target == self.pid() {
            return Err(SuspendError::NoProc);
        }
        let ask = |caller| Signal::Suspend {
            by: self.pid(),
            caller,
        };
        super::ask(self.node(), target, bound, ask)
            .await
            .map(|_| ())
            .map_err(suspend_error)
    }

    /// Takes one suspend back.
    ///
    /// # Errors
    /// [`SuspendError::NotSuspended`] when this process has not suspended it.
    pub async fn resume(self, target: Pid, bound: Duration) -> Result<(), SuspendError> {
        let ask = |caller| Signal::Resume {
            by: self.pid(),
            caller,
        };
        super::ask(self.node(), target, bound, ask)
            .await
            .map(|_| ())
            .map_err(suspend_error)
    }

    /// Waits for a monitor to fire, however long the queue is.
    pub async fn down(self, monitor: MonitorRef) -> Down {
        super::AwaitDown::new(self, monitor).await
    }

    /// Sends `message` to `to` after `delay`.
    pub fn send_after<M: Message>(
        self,
        delay: Duration,
        to: impl Into<Pid>,
        message: M,
    ) -> TimerRef {
        let to = to.into();
        let action = Action::Deliver {
            to,
            message: Envelope::plain(message),
        };
        self.arm(self.timer(), delay, action)
    }

    /// Sends `message` after `delay` to whoever has the name then.
    pub fn send_after_named<M: Message>(self, delay: Duration, to: &str, message: M) -> TimerRef {
        let to = to.into();
        let action = Action::DeliverNamed {
            to,
            message: Envelope::plain(message),
        };
        self.arm(self.timer(), delay, action)
    }

    /// Sends an envelope to this process after `delay`, for behaviours with messages of their own.
    /// With `marked` it arrives as a timeout with its timer.
    pub fn send_envelope_after(self, delay: Duration, message: Envelope, marked: bool) -> TimerRef {
        let to = self.pid();
        let timer = self.timer();
        let message = match marked {
            true => Envelope::signal(Signal::Timeout { timer, message }),
            false => message,
        };
        self.arm(timer, delay, Action::Deliver { to, message })
    }

    /// Sends `message` to this process after `delay`, as a timeout with its timer.
    pub fn start_timer<M: Message>(self, delay: Duration, message: M) -> TimerRef {
        self.send_envelope_after(delay, Envelope::plain(message), true)
    }

    fn timer(self) -> TimerRef {
        TimerRef {
            owner: self.pid(),
            id: self.running().extra(super::Extra::fresh_id),
        }
    }

    fn arm(self, timer: TimerRef, delay: Duration, action: Action) -> TimerRef {
        let running = self.running();
        let core = running.core();
        let deadline = core.clock().now().saturating_add(crate::time::nanos(delay));
        let key = core.arm(running.slot(), deadline, action);
        running.extra(|extra| {
            // Timers that have fired leave their entry behind; a look at two per new one keeps the
            // list as long as the timers that run.
            for _ in 0..2 {
                super::forget_fired(extra, core);
            }
            extra.timers.insert(timer.id, (key, deadline))
        });
        timer
    }

    /// Takes a timer back: what was left of it, or `None` when it has fired, was cancelled or is
    /// not this process's. After `Some`, its message will not come.
    pub fn cancel_timer(self, timer: TimerRef) -> Option<Duration> {
        let running = self.running();
        if timer.owner != self.pid() {
            return None;
        }
        let core = running.core();
        let (key, _) = running.extra(|extra| extra.timers.swap_remove(&timer.id))?;
        match core.timers().cancel(key) {
            Some(deadline) => Some(left(core, deadline)),
            None => {
                // It has fired: once we say so, its message lies in the inbox.
                core.timers().await_firing();
                None
            }
        }
    }

    /// What is left of a timer, or `None` when it has fired, was cancelled or is not this
    /// process's.
    #[must_use]
    pub fn read_timer(self, timer: TimerRef) -> Option<Duration> {
        let running = self.running();
        if timer.owner != self.pid() {
            return None;
        }
        let core = running.core();
        let (key, _) = running.extra(|extra| extra.timers.get(&timer.id).copied())?;
        core.timers()
            .deadline(key)
            .map(|deadline| left(core, deadline))
    }
}

/// A timer that runs has a millisecond left at least, as a fired one has nothing.
fn left(core: &crate::node::Core, deadline: u64) -> Duration {
    Duration::from_nanos(deadline.saturating_sub(core.clock().now()).max(1_000_000))
}

fn suspend_error(error: CallError) -> SuspendError {
    match error {
        CallError::Timeout => SuspendError::Timeout,
        CallError::Refused(_) => SuspendError::NotSuspended,
        _ => SuspendError::NoProc,
    }
}
