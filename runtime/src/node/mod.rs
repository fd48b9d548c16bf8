//! A node: where processes live.
//!
//! Role       The handle of a node and what may be done from outside any process.

mod builder;
mod chance;
mod core;
mod deliver;
mod endings;
mod guests;
mod leaks;
mod shared;
mod shutdown;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use builder::{Builder, StartError as NodeStartError};
pub(crate) use core::Core;
pub(crate) use guests::{GUEST_SLOT, guest};
pub use leaks::{Leak, Leaks, Survey};
pub(crate) use shared::SharedValues;
pub use shutdown::{ShutdownError, Unyielding};

use crate::dead_letter::{DeadLetterStream, DeadReason};
use crate::envelope::{Envelope, ExitKind, GuestCall, Signal};
use crate::platform::current;
use crate::port::Ports;
use crate::process::{
    self, Behaviour, FnBody, IntoReason, Message, Process, ProcessInfo, SpawnOptions,
};
use crate::scheduler::{Handle, Purse, Scheduler, Stuck};
use crate::timer::Action;
use crate::{
    CallError, Down, MonitorRef, NodeId, Pid, ProcessRef, Reason, RegisterError, SendError,
    SpawnError,
};

/// A handle of a node; clones lead to the same node.
///
/// A node lives until [`Node::shutdown`]; dropping handles does not end it.
#[derive(Clone)]
pub struct Node(Handle);

/// Handles made on one thread share a count of their own, so that calls on different schedulers do
/// not fight over one cache line.
pub(crate) struct Share(Arc<Core>);

impl Share {
    #[inline]
    pub(crate) fn core(&self) -> &Core {
        &self.0
    }
}

impl Node {
    /// A node to be configured and started.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self(Handle::new(Share(core)))
    }

    /// A handle with a count of its own.
    pub(crate) fn fork(&self) -> Self {
        Self::of(Arc::clone(&(*self.0).0))
    }

    #[inline]
    pub(crate) fn from_handle(handle: Handle) -> Self {
        Self(handle)
    }

    /// Where a scheduler keeps handles of this node.
    pub(crate) fn purse(&self) -> Purse {
        Purse::new(&self.0)
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        self.0.core()
    }

    /// The node's id: its name and incarnation.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.core().id()
    }

    /// Which start of a node of this name it is: a later one has a higher number, as far as the
    /// system's clock goes.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.core().incarnation
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core().name()
    }

    /// The node that code here belongs to: the one that was entered, else the one of the process
    /// that runs it; nothing elsewhere.
    #[must_use]
    pub fn current() -> Option<Self> {
        current::node()
    }

    /// Runs `f` as code of this node, so that what needs one finds it: references that are read
    /// with serde outside any process lead from here.
    ///
    /// ```
    /// # use foundation_runtime::{Message, Node, Process, ProcessRef, Codec, Tag};
    /// # struct Word;
    /// # impl Message for Word {
    /// #     const NAME: &'static str = "Word";
    /// #     const CODEC: Codec<Self> = Codec::local();
    /// #     fn tag() -> Tag { Tag::of("docs", "Word", "") }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().start()?;
    /// let process = node.spawn_fn(|mut me: Process<Word>| async move { drop(me.recv().await) })?;
    /// let bytes = rmp_serde::to_vec(&process)?;
    /// assert!(rmp_serde::from_slice::<ProcessRef<Word>>(&bytes).is_err(), "there is no node here");
    /// let read: ProcessRef<Word> = node.enter(|| rmp_serde::from_slice(&bytes))?;
    /// assert_eq!(read, process);
    /// # Ok(()) }
    /// ```
    pub fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        let _within = current::Within::new(self);
        f()
    }

    /// The id of a connected node of this name.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<NodeId> {
        self.core().find_node(name)
    }

    /// The id of the node that is connected now under the name that [`NodeId::unconnected`] was
    /// made of; any other id, and one whose node is not connected, stays what it is.
    #[must_use]
    pub fn resolve(&self, id: NodeId) -> NodeId {
        self.core().resolve(id)
    }

    /// Starts a plain process: an async function with a mailbox. It ends when the function does.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, or it is shutting down.
    pub fn spawn_fn<M, F, Fut>(&self, body: F) -> Result<ProcessRef<M>, SpawnError>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        self.spawn_fn_with(&SpawnOptions::new(), body)
            .map(|(address, _)| address)
    }

    /// Starts a plain process with options. Link and monitor are of the process that runs this
    /// code; outside any process they mean nothing.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, it is shutting down, or the name is taken.
    pub fn spawn_fn_with<M, F, Fut>(
        &self,
        options: &SpawnOptions,
        body: F,
    ) -> Result<(ProcessRef<M>, Option<MonitorRef>), SpawnError>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let future = async move {
            let me = process::me().expect("a body is polled in its process");
            body(Process::new(me)).await.into_reason()
        };
        let name = options.code.unwrap_or(std::any::type_name::<F>());
        let body = Box::pin(FnBody { name, future });
        let (pid, monitor) = process::spawn(self, body, options)?;
        Ok((ProcessRef::new(self.clone(), pid), monitor))
    }

    /// Starts a behaviour with options.
    ///
    /// # Errors
    /// [`SpawnError`]: the node's limit is reached, it is shutting down, or the name is taken.
    pub fn spawn_behaviour(
        &self,
        options: &SpawnOptions,
        body: impl Behaviour,
    ) -> Result<Pid, SpawnError> {
        process::spawn(self, Box::pin(body), options).map(|(pid, _)| pid)
    }

    /// Whether a process of this node is alive now.
    #[must_use]
    pub fn is_alive(&self, pid: impl Into<Pid>) -> bool {
        let pid = pid.into();
        pid.node() == self.id() && self.core().living(pid).is_some()
    }

    /// The process that has this name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.core().names().find(name)
    }

    /// Registers a process of this node under a name.
    ///
    /// # Errors
    /// [`RegisterError`]: name taken, process dead, it has a name, or the name is not allowed.
    pub fn register(&self, name: &str, pid: impl Into<Pid>) -> Result<(), RegisterError> {
        let pid = pid.into();
        crate::names::Names::check(name)?;
        if pid.node() != self.id() {
            return Err(RegisterError::NoProc);
        }
        let block = self
            .core()
            .table()
            .find(pid.slot())
            .ok_or(RegisterError::NoProc)?;
        self.core().names().take(name, pid, block)?;
        if self.core().is_listened_to() {
            self.core().trace_name(pid, name, true);
        }
        Ok(())
    }

    /// Releases a name.
    ///
    /// # Errors
    /// [`RegisterError::NotRegistered`] when nobody has it.
    pub fn unregister(&self, name: &str) -> Result<(), RegisterError> {
        let holder = self.whereis(name);
        self.core().names().release(name)?;
        if let Some(pid) = holder.filter(|_| self.core().is_listened_to()) {
            self.core().trace_name(pid, name, false);
        }
        Ok(())
    }

    /// All registered names, sorted.
    #[must_use]
    pub fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        self.core().names().all()
    }

    /// Sends a message to a plain process.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the message is local and the process on another node.
    pub fn send<M: Message>(&self, to: impl Into<Pid>, message: M) -> Result<(), SendError> {
        self.core().send(to.into(), Envelope::plain(message))
    }

    /// Sends a message to whoever has the name.
    ///
    /// # Errors
    /// [`SendError::NoName`] when nobody has it.
    pub fn send_named<M: Message>(&self, name: &str, message: M) -> Result<(), SendError> {
        self.core().send_named(name, Envelope::plain(message))
    }

    /// Sends an exit signal, as the code that started the process: a server that traps exits ends
    /// by it when it was started from outside.
    pub fn exit(&self, target: impl Into<Pid>, reason: Reason) {
        let from = guest(self.id());
        self.core()
            .exit_signal(target.into(), from, reason, ExitKind::Sent);
    }

    /// Waits for a process to end, and says why it did: `NoProc` if it had ended before.
    pub async fn down(&self, target: impl Into<Pid>) -> Down {
        let target = target.into();
        let core = self.core();
        let (slot, id) = (GuestCall::new(), core.fresh_guest());
        core.guests
            .insert(id, Arc::clone(&slot), Some(target.node()));
        let forget = Forget {
            node: self,
            target,
            id,
        };
        let signal = Signal::Monitor {
            watcher: guest(self.id()),
            id,
            name: None,
        };
        core.send_signal(target, signal);
        let envelope = std::future::poll_fn(|cx| slot.poll(cx)).await;
        drop(forget);
        match envelope.take_signal() {
            Ok(Signal::DownNotice(down)) => *down,
            _ => Down {
                monitor: MonitorRef {
                    owner: guest(self.id()),
                    id,
                },
                pid: Some(target),
                node: target.node(),
                name: None,
                reason: Reason::NoConnection,
                tag: None,
            },
        }
    }

    /// What a process is doing; `None` when it is dead. In the order of signals: what the caller
    /// sent before is in the answer.
    ///
    /// # Errors
    /// [`CallError::Timeout`] when it does not yield within `bound`, `NoConnection`.
    pub async fn info(
        &self,
        target: impl Into<Pid>,
        bound: Duration,
    ) -> Result<Option<ProcessInfo>, CallError> {
        let target = target.into();
        if let Some(me) = process::me().filter(|me| me.pid() == target) {
            return Ok(Some(me.info()));
        }
        let ask = |caller| Signal::Info(process::InfoRequest { caller });
        match process::ask(self.clone(), target, bound, ask).await {
            Ok(bytes) => rmp_serde::from_slice(&bytes)
                .map(Some)
                .map_err(|error| CallError::Refused(error.to_string().into())),
            Err(CallError::NoProc) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Dead letters from now on. A reader that falls behind loses the oldest beyond `capacity`.
    #[must_use]
    pub fn dead_letters(&self, capacity: usize) -> DeadLetterStream {
        self.core().dead.subscribe(capacity)
    }

    /// How many messages reached nobody, for this reason.
    #[must_use]
    pub fn dead_letter_count(&self, reason: DeadReason) -> u64 {
        self.core().dead.count(reason)
    }

    /// How many messages reached nobody, by reason; reasons that did not occur are not listed.
    #[must_use]
    pub fn dead_letter_counts(&self) -> Vec<(DeadReason, u64)> {
        let counted = DeadReason::ALL.map(|reason| (reason, self.dead_letter_count(reason)));
        counted
            .into_iter()
            .filter(|(_, count)| 0 < *count)
            .collect()
    }

    /// Figures of the node, as of a moment ago.
    #[must_use]
    pub fn stats(&self) -> NodeStats {
        let core = self.core();
        NodeStats {
            processes: core.table().count(),
            processes_peak: core.table().peak(),
            spawned: core.counters.spawned.load(Ordering::Relaxed),
            ended: core.counters.ended.load(Ordering::Relaxed),
            crashed: core.counters.crashed.load(Ordering::Relaxed),
            dead_letters: core.dead.total(),
            timers: core.timers().len(),
            names: core.names().all().len(),
        }
    }

    /// How many workers run its processes: one in a simulated world.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.core().scheduler() {
            Scheduler::Real(real) => real.regular,
            Scheduler::Simulated(_) => 1,
        }
    }

    /// Handlers that hold a scheduler for longer than the watchdog's bound, or did.
    #[must_use]
    pub fn stuck(&self) -> Vec<Stuck> {
        match self.core().scheduler() {
            Scheduler::Real(real) => real.stuck(),
            Scheduler::Simulated(_) => Vec::new(),
        }
    }
}

/// Takes a guest's entry back when its wait is dropped.
struct Forget<'a> {
    node: &'a Node,
    target: Pid,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let core = self.node.core();
        if core.guests.take(self.id).is_some() {
            // It has not fired: the process need not keep it.
            let watcher = guest(core.id());
            core.send_signal(
                self.target,
                Signal::Demonitor {
                    watcher,
                    id: self.id,
                },
            );
        }
    }
}

/// Figures of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// Processes alive.
    pub processes: usize,
    /// The most there ever were.
    pub processes_peak: usize,
    /// Processes started so far.
    pub spawned: u64,
    /// Processes ended so far.
    pub ended: u64,
    /// Of those, not `normal` or `shutdown`.
    pub crashed: u64,
    /// Messages that reached nobody.
    pub dead_letters: u64,
    /// Timers that run.
    pub timers: usize,
    /// Names registered.
    pub names: usize,
}

impl Core {
    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn guest(&self, id: u64) -> Option<Arc<GuestCall>> {
        self.guests.take(id)
    }

    /// Code outside any process that waits for that node waits no more.
    pub(crate) fn fail_guests(&self, node: NodeId) {
        for (id, slot) in self.guests.take_of(node) {
            let reply = crate::envelope::EncodedReply {
                id,
                answer: Err(CallError::NoConnection),
            };
            slot.put(Envelope::encoded_reply(reply));
        }
    }

    /// Does what a timer is for.
    pub(crate) fn fire(&self, action: Action) {
        match action {
            Action::Wake(pid) => self.wake_process(pid),
            Action::Waker(waker) => waker.wake(),
            Action::Deliver { to, message } => match message.take_signal() {
                Ok(signal) if self.may_be_alive(to) => self.send_signal(to, signal),
                // A timer to a process that has died is over, without a trace.
                Ok(_) => {}
                Err(message) if message.from() == Some(to) => self.send_own_timer(to, message),
                Err(message) if self.may_be_alive(to) => self.send_unheard(to, message),
                Err(message) => message.discard(&CallError::NoProc),
            },
            Action::DeliverNamed { to, message } => self.send_named_unheard(&to, message),
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Node {}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.name())
    }
}
