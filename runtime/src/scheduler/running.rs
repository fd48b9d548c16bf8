//! What is known while a process runs: the state of one slice.
//!
//! Role       The scheduler's view of "this process", found through the current-process slot.
//! Owns       One per worker thread (or per simulated node); the slots it keeps for new processes.
//! Invariant  Touched by one thread only, except the fields a waker reads, which do not change
//!            while a process runs.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::real::{REPLACED, RealScheduler, Stamp};
use super::ring::Ring;
use super::{Purse, SLICE_MESSAGES, Scheduler};
use crate::envelope::{CallerKey, Envelope, Header, Pool};
use crate::heap::{self, Charged};
use crate::mailbox::Limit;
use crate::node::Core;
use crate::process::{Block, Extra, Handling, KeptCall, Local};
use crate::trace::Taken;
use crate::{Node, NodeId, Pid, Reason};

/// How many processes wait in a worker's ring before a slice wakes a second worker.
const HELP_AGAIN: usize = 128;

pub(crate) struct Running {
    pub(crate) node: Node,
    /// Which worker this is; `usize::MAX` in a simulation.
    pub(crate) worker: usize,
    block: Cell<*const Block>,
    /// Whose slice it is, or was last.
    pid: Cell<Pid>,
    pub(crate) budget: Cell<u32>,
    /// A sleeping worker was woken in this slice.
    helped: Cell<bool>,
    /// What `budget` is at the beginning of a slice.
    share: Cell<u32>,
    /// The process has had its share, or gave way, and goes to the back of the queue.
    pub(crate) yielded: Cell<bool>,
    /// It brings in what came from this other node just now.
    pub(crate) brings: Cell<Option<NodeId>>,
    /// Something that waits for an arrival was polled, with no waker but the process's own: what
    /// arrives later in the same poll must lead to another one.
    pub(crate) waits: Cell<bool>,
    /// `DOOMED`, `TRACED`: what a process that takes a message looks at. Doomed is who yields as soon
    /// as it can: a signal asked it to end, or its heap is too large.
    pub(super) unusual: Cell<u8>,
    /// What a traced process has begun to handle, until it is told.
    pub(super) taken: RefCell<Option<Taken>>,
    pub(super) alarmed: Cell<bool>,
    pub(super) doom: RefCell<Option<Reason>>,
    pub(super) doomed_by: Cell<Option<Pid>>,
    pub(super) dying: RefCell<Option<Reason>>,
    /// The envelope of the call being handled, 0 for none.
    call: Cell<usize>,
    /// Who sent the message that is stamped, if one is.
    sender: Cell<Option<Pid>>,
    free: RefCell<Vec<u32>>,
    pool: Pool,
    purse: Purse,
    stamp: Arc<Stamp>,
    charged: Charged,
    /// The core of `node`.
    core: NonNull<Core>,
    /// The scheduler of `core`, and this worker's own ring there; none in a simulation.
    own: Option<(NonNull<RealScheduler>, NonNull<Ring>)>,
}

impl Running {
    pub(crate) fn new(node: Node, worker: usize, stamp: Arc<Stamp>) -> Self {
        let pid = Cell::new(Pid::new(node.id(), 0, NonZeroU32::MIN));
        Self {
            purse: node.purse(),
            core: NonNull::from(node.core()),
            own: match node.core().scheduler() {
                Scheduler::Real(real) => Some((
                    NonNull::from(real),
                    NonNull::from(&real.workers[worker].ring),
                )),
                Scheduler::Simulated(_) => None,
            },
            node,
            worker,
            block: Cell::new(std::ptr::null()),
            pid,
            budget: Cell::new(0),
            helped: Cell::new(false),
            share: Cell::new(SLICE_MESSAGES),
            yielded: Cell::new(false),
            brings: Cell::new(None),
            waits: Cell::new(false),
            unusual: Cell::new(0),
            taken: RefCell::new(None),
            alarmed: Cell::new(false),
            doom: RefCell::new(None),
            doomed_by: Cell::new(None),
            dying: RefCell::new(None),
            call: Cell::new(0),
            sender: Cell::new(None),
            free: RefCell::new(Vec::new()),
            pool: Pool::new(),
            stamp,
            charged: Charged::nobody(),
        }
    }

    /// Sets how many messages a slice may handle.
    pub(crate) fn set_share(&self, messages: u32) {
        self.share.set(messages);
    }

    #[inline]
    pub(crate) fn begin(&self, block: &Block, slot: u32) {
        self.block.set(block);
        let generation = NonZeroU32::new(block.generation());
        let generation = generation.expect("a process that runs has a generation");
        self.pid
            .set(Pid::new(self.pid.get().node(), slot, generation));
        self.budget.set(self.share.get());
        self.yielded.set(false);
        self.helped.set(false);
    }

    /// Notes for the watchdog that a poll begins.
    #[inline]
    pub(crate) fn stamp_poll(&self, code: &'static str) {
        let stamp: &Stamp = &self.stamp;
        stamp
            .code
            .store(code.as_ptr().cast_mut(), Ordering::Relaxed);
        stamp.code_len.store(code.len(), Ordering::Relaxed);
        stamp.message.store(std::ptr::null_mut(), Ordering::Relaxed);
        stamp.process.store(self.word(), Ordering::Relaxed);
        // Only this thread writes it. Release pairs with the acquire in the watchdog.
        let polls = stamp.polls.load(Ordering::Relaxed);
        stamp.polls.store(polls.wrapping_add(1), Ordering::Release);
        if stamp.overdue.load(Ordering::Relaxed) {
            stamp.overdue.store(false, Ordering::Relaxed);
        }
    }

    /// Notes for reports what the process handles.
    #[inline]
    pub(crate) fn stamp_message(&self, header: &Header) {
        let table = std::ptr::from_ref(header.table).cast_mut();
        self.stamp.message.store(table, Ordering::Relaxed);
        self.sender.set(header.from);
    }

    /// Notes for reports that what the process does now is the work of no message.
    #[inline]
    pub(crate) fn stamp_no_message(&self) {
        self.stamp
            .message
            .store(std::ptr::null_mut(), Ordering::Relaxed);
    }

    /// What the process handles or handled last in this poll.
    pub(crate) fn handling(&self) -> Option<Handling> {
        // SAFETY: null or a `&'static Table`.
        let table = unsafe { self.stamp.message.load(Ordering::Relaxed).as_ref() };
        table.map(|table| Handling::of(table, self.sender.get()))
    }

    /// The name of the running code.
    pub(crate) fn code_name(&self) -> &'static str {
        let code = self.stamp.code.load(Ordering::Relaxed);
        let length = self.stamp.code_len.load(Ordering::Relaxed);
        if code.is_null() {
            return "process";
        }
        // SAFETY: written by this thread from one `&'static str`.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(code, length)) }
    }

    pub(crate) fn end(&self) {
        self.stamp.process.store(0, Ordering::Relaxed);
        self.block.set(std::ptr::null());
        self.call.set(0);
    }

    #[inline]
    pub(crate) fn in_process(&self) -> bool {
        !self.block.get().is_null()
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        // SAFETY: `node` keeps it alive, and is not changed.
        unsafe { self.core.as_ref() }
    }

    /// Puts a process of normal priority into the worker's own ring; `false` when there is none, or
    /// no room.
    #[inline]
    pub(crate) fn enqueue(&self, slot: u32) -> bool {
        let Some((real, ring)) = self.own else {
            return false;
        };
        // SAFETY: both are parts of the core that `node` keeps alive: its scheduler, and one of the
        // workers there, which neither move nor change in number.
        let (real, ring) = unsafe { (real.as_ref(), ring.as_ref()) };
        let pushed = ring.try_push(slot);
        if pushed && real.idle.count() > 0 {
            self.ask_for_help(real, ring, slot);
        }
        pushed
    }

    /// A worker sleeps, and this one has got work. One entry is what this worker takes next, and
    /// what gives way comes after it; more is work for others, at once. Two that go on taking turns
    /// are parted by the timekeeper. They are woken once a slice, and again when much waits: a process that
    /// starts many others would else pay for a wake each time they have run dry. What waits behind
    /// a long slice for less than that is seen by the timekeeper.
    #[cold]
    fn ask_for_help(&self, real: &RealScheduler, ring: &Ring, pushed: u32) {
        // A worker that was replaced has no turn after this slice.
        let asked = || real.workers[self.worker].asked.load(Ordering::Relaxed);
        let leaves = || asked() & REPLACED != 0;
        let enough = match self.helped.get() {
            true => HELP_AGAIN,
            false if pushed == self.slot() => 3,
            false => 2,
        };
        if ring.len() >= enough || leaves() {
            self.helped.set(true);
            real.wake_one();
        }
    }

    #[inline]
    pub(crate) fn slot(&self) -> u32 {
        self.pid.get().slot()
    }

    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.pid.get().tenancy()
    }

    /// The process's address.
    #[inline]
    pub(crate) fn pid(&self) -> Pid {
        self.pid.get()
    }

    /// The process's slot and generation.
    #[inline]
    pub(crate) fn word(&self) -> u64 {
        self.pid.get().local_word().get()
    }

    /// The control block of the running process.
    #[inline]
    pub(crate) fn block(&self) -> &Block {
        debug_assert!(self.in_process(), "no process runs on this thread");
        // SAFETY: callers have the `Running` of a process that runs, from the slice itself or from
        // `platform::current::process`; `begin` set the pointer from a block of the node's table,
        // which outlives `self.node`.
        unsafe { &*self.block.get() }
    }

    /// The private half of the running process. The borrow must end before code of the program
    /// runs, and `f` must not come back here.
    #[inline(always)]
    pub(crate) fn local<T>(&self, f: impl FnOnce(&mut Local) -> T) -> T {
        // SAFETY: this thread runs the process, so it holds `SCHEDULED`; `f` is the runtime's own
        // code and does not re-enter (a rule of this crate, kept by every caller).
        f(unsafe { &mut *self.block().local() })
    }

    /// The extra part of the private half, made if need be. The same rules as for `local`.
    #[inline]
    pub(crate) fn extra<T>(&self, f: impl FnOnce(&mut Extra) -> T) -> T {
        self.local(|local| f(local.extra()))
    }

    /// Whether the running process has this flag.
    #[inline]
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.block().has_own(flag)
    }

    /// Gives the running process this flag, or takes it away; says whether it had it.
    #[inline]
    pub(crate) fn set(&self, flag: u32, on: bool) -> bool {
        self.block().set_own(flag, on)
    }

    /// Takes this flag away.
    #[inline]
    pub(crate) fn clear(&self, flag: u32) {
        self.block().clear_own(flag);
    }

    /// Counts a message as handled.
    #[inline]
    pub(crate) fn count_reduction(&self) {
        self.block().count_reduction();
    }

    /// The bound of the running process's mailbox.
    pub(crate) fn limit(&self) -> Option<Arc<Limit>> {
        self.local(|local| local.extra.as_ref()?.limit.clone())
    }

    /// The name of the running process's code.
    pub(crate) fn code(&self) -> &'static str {
        let body = self.local(|local| local.body.as_ref().map(|body| body.name()));
        body.unwrap_or_else(|| self.code_name())
    }

    pub(crate) fn keep_orphan(&self, call: Envelope) {
        self.extra(|extra| extra.orphans.push(call));
    }

    /// Takes one message's worth of the slice; `false` when the slice is over: it has had its
    /// messages, or lasted from one of the timekeeper's looks to the next.
    #[inline]
    pub(crate) fn charge(&self) -> bool {
        match self.budget.get().checked_sub(1) {
            Some(left) if !self.stamp.overdue.load(Ordering::Relaxed) => {
                self.budget.set(left);
                true
            }
            _ => {
                self.yielded.set(true);
                false
            }
        }
    }

    /// Marks the call that the process handles from here on.
    #[inline]
    pub(crate) fn set_call(&self, address: usize) {
        self.call.set(address);
    }

    /// Notes that a call was answered by the running process: `false` when it is not this
    /// process's call.
    #[inline]
    pub(crate) fn call_completed(&self, address: usize, server: Pid) -> bool {
        if self.call.get() == address {
            self.call.set(0);
            return true;
        }
        if server != self.pid() {
            return false;
        }
        self.local(|local| {
            if let Some(extra) = &mut local.extra {
                extra.open_calls.swap_remove(&address);
            }
        });
        true
    }

    /// Whether the call at `address` is still unanswered in the handler that ends now.
    #[inline]
    pub(crate) fn ends_unanswered(&self, address: usize) -> bool {
        self.call.replace(0) == address
    }

    /// Remembers a call that was taken out of its handler: its caller is told when this process
    /// dies.
    #[cold]
    pub(crate) fn keep_open(
        &self,
        address: usize,
        caller: Option<CallerKey>,
        message: &'static str,
    ) {
        if let Some(caller) = caller {
            let caller = caller.with_node(&self.node);
            let kept = KeptCall { caller, message };
            self.extra(|extra| extra.open_calls.insert(address, kept));
        }
    }

    /// A handle of the node.
    #[inline]
    pub(crate) fn handle(&self) -> Node {
        Node::from_handle(self.purse.handle())
    }

    /// The handles of the node that this scheduler has over.
    #[inline]
    pub(crate) fn purse(&self) -> &Purse {
        &self.purse
    }

    /// The freed envelopes of this scheduler.
    #[inline]
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The heap account that was charged last.
    #[inline]
    pub(crate) fn charged(&self) -> &Charged {
        &self.charged
    }

    /// A free slot for a new process.
    #[inline]
    pub(crate) fn take_slot(&self) -> u32 {
        let mut free = self.free.borrow_mut();
        loop {
            if let Some(slot) = free.pop() {
                return slot;
            }
            let table = self.core().table();
            heap::of_the_node(|| table.take_free(&mut free, crate::process::SLOT_BATCH));
        }
    }

    /// Keeps a slot whose process has ended.
    #[inline]
    pub(crate) fn give_slot(&self, slot: u32) {
        let mut free = self.free.borrow_mut();
        if free.len() == free.capacity() {
            heap::of_the_node(|| free.reserve(1));
        }
        free.push(slot);
        if free.len() > 4 * crate::process::SLOT_BATCH {
            let keep = 2 * crate::process::SLOT_BATCH;
            heap::of_the_node(|| self.core().table().give_free(free.drain(keep..)));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.node
            .core()
            .table()
            .give_free(self.free.borrow_mut().drain(..));
    }
}
