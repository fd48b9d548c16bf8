//! What is left of a dead process, or is large and done with, and who frees it?
//!
//! Role       Freeing a gigabyte takes a tenth of a second or more, which no scheduler should
//!            spend: what is large goes to a thread of the node's own, the reaper, whose priority is
//!            low. In a simulation it is freed here and now.
//! Owns       One thread, once something large has died.
//! Limit      [`WAITING_MAX`] dead processes wait for it. Beyond, the scheduler frees what it has
//!            at hand itself: whoever kills faster than the reaper frees is slowed down.
//! Invariant  The dead have been told of, and their names are free, before anything comes here. A
//!            panic in a destructor is reported, and ends nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::Behaviour;
use super::local::Extra;
use super::queue::Queue;
use crate::heap::{self, HeapGroup};
use crate::platform::{current, panics, threads};
use crate::{Node, Pid, Reason, report};

const WAITING_MAX: usize = 256;

/// What a dead process has left behind.
pub(crate) struct Remains {
    pub(super) node: Node,
    pub(super) pid: Pid,
    pub(super) reason: Reason,
    pub(super) body: Option<Pin<Box<dyn Behaviour>>>,
    pub(super) extra: Option<Box<Extra>>,
    pub(super) queue: Queue,
}

impl Remains {
    fn free(mut self) {
        let _dying = current::Dying::new(&self.reason);
        let (node, pid) = (&self.node, self.pid);
        let quietly = |free: &mut dyn FnMut()| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(free)) {
                report::drop_panic(node.core(), pid, &panics::reason(payload));
            }
        };
        quietly(&mut || drop(self.body.take()));
        quietly(&mut || drop(self.extra.take()));
        while let Some(envelope) = self.queue.pop() {
            let mut envelope = Some(envelope);
            quietly(&mut || {
                if let Some(envelope) = envelope.take() {
                    super::bury::refuse_any(node.core(), pid, &self.reason, envelope);
                }
            });
        }
    }
}

/// Something large that nobody wants any more.
struct Value {
    node: Node,
    value: Box<dyn Any + Send>,
}

impl Value {
    fn free(self) {
        let Self { node, value } = self;
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            report::reap_panic(node.core(), &panics::reason(payload));
        }
    }
}

enum Work {
    Process(Remains),
    /// What the dead of a group have left, all of it.
    Group(HeapGroup),
    Value(Value),
}

impl Work {
    fn node(&self) -> &Node {
        match self {
            Self::Process(remains) => &remains.node,
            Self::Group(group) => group.node(),
            Self::Value(value) => &value.node,
        }
    }

    fn free(self) {
        match self {
            Self::Process(remains) => remains.free(),
            Self::Group(group) => group.dead().into_iter().for_each(Remains::free),
            Self::Value(value) => value.free(),
        }
    }
}

/// Where large remains go.
#[derive(Default)]
pub(crate) struct Reaper(Mutex<Option<SyncSender<Work>>>);

impl Reaper {
    /// Frees remains, as soon as may be, and not on a scheduler if that can be helped.
    pub(super) fn take(&self, remains: Remains) {
        self.give(Work::Process(remains));
    }

    /// The same with what a member of a group has left: in one go with what others of it leave.
    pub(super) fn take_of_group(&self, group: &HeapGroup, remains: Remains) {
        match group.bring(remains) {
            Ok(true) => self.give(Work::Group(group.clone())),
            Ok(false) => {}
            Err(remains) => remains.free(),
        }
    }

    fn give(&self, work: Work) {
        if work.node().core().is_simulated() {
            return work.free();
        }
        let thread = heap::of_the_node(|| self.thread(work.node().core().name()));
        let unsent = match thread {
            Some(thread) => thread.try_send(work),
            None => Err(TrySendError::Full(work)),
        };
        if let Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) = unsent {
            work.free();
        }
    }

    fn thread(&self, node: &str) -> Option<SyncSender<Work>> {
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (sender, receiver) = sync_channel(WAITING_MAX);
            let started = threads::start(format!("{node}-reaper"), move || reap(&receiver));
            *thread = started.ok().map(|_| sender);
        }
        thread.clone()
    }
}

fn reap(dead: &Receiver<Work>) {
    threads::demote(threads::thread_id());
    dead.iter().for_each(Work::free);
}

impl Node {
    /// Drops `value` on the reaper, a thread of the node's own whose priority is low: for what is
    /// large and done with, while the process that had it goes on. Freeing a gigabyte of small things
    /// takes a tenth of a second or more.
    ///
    /// When 256 things wait for the reaper, and in a simulation, it is dropped here and now. A panic of
    /// its destructor is reported.
    ///
    /// ```
    /// # let node = foundation_runtime::Node::builder().start().expect("a node starts");
    /// let index: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    /// node.reap(index);
    /// ```
    pub fn reap<T: Send + 'static>(&self, value: T) {
        let value: Box<dyn Any + Send> = heap::of_the_node(|| Box::new(value));
        self.core().reaper().give(Work::Value(Value {
            node: self.clone(),
            value,
        }));
    }
}
