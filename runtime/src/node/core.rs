//! One node: everything its processes share.
//!
//! Role       The value that a node is. Ten of them fit in one test, a thousand in a simulation.
//! Owns       Process table, names, timers, clock, scheduler, dead letters, connections.
//! Limit      `max_processes` bounds the table and the names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::builder::Tokio;
use super::endings::Endings;
use super::guests::Guests;
use super::shared::SharedValues;
use crate::crash_reports::CrashLog;
use crate::dead_letter::DeadLetters;
use crate::disk::Folder;
use crate::heap::{Homes, Unheeded};
use crate::mailbox::{self, Alarms, Limits, Marks, QueueData};
use crate::names::Names;
use crate::platform::clock::Clock;
use crate::platform::current;
use crate::port::{ChannelNames, Ports};
use crate::process::{Holdings, ProcessTable, Reaper};
use crate::scheduler::{DirtyPools, Priority, Scheduler};
use crate::timer::{Action, Key, Timers};
use crate::trace::Tracer;
use crate::waits::Watch;
use crate::{NodeId, Reason};

/// Processes are started by anybody, by other processes, by nobody.
const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;
/// Somebody listens to what begins: starts take the way that tells of them.
const LISTENED: u8 = 128;

/// What the node has done so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) spawned: AtomicU64,
    pub(crate) ended: AtomicU64,
    pub(crate) crashed: AtomicU64,
    pub(crate) next_guest: AtomicU64,
    /// Connections to other nodes that there were.
    pub(crate) connections: AtomicU32,
}

pub(crate) struct Core {
    id: NodeId,
    pub(super) incarnation: u64,
    name: Arc<str>,
    table: ProcessTable,
    homes: Homes,
    names: Names,
    holdings: Holdings,
    pub(super) shared: SharedValues,
    timers: Timers,
    clock: Clock,
    scheduler: Scheduler,
    pub(super) dead: DeadLetters,
    limits: Limits,
    watch: Watch,
    alarms: Alarms,
    marks: Marks,
    /// What a process of no special wishes begins with.
    first_flags: u32,
    unheeded: Unheeded,
    pub(super) ports: Ports,
    pub(super) guests: Guests,
    pub(crate) counters: Counters,
    pub(crate) crashes: CrashLog,
    dirty: DirtyPools,
    print_crashes: bool,
    pub(super) tokio: Option<Tokio>,
    pub(crate) channels: ChannelNames,
    pub(crate) disk: Option<Arc<Folder>>,
    closing: AtomicU8,
    /// The id, or 0 while somebody listens to what is sent.
    quick: AtomicU64,
    tracer: Tracer,
    reaper: Reaper,
    endings: Endings,
}

pub(super) struct Parts {
    pub(super) incarnation: u64,
    pub(super) name: Arc<str>,
    pub(super) max_processes: usize,
    pub(super) clock: Clock,
    pub(super) scheduler: Scheduler,
    pub(super) print_crashes: bool,
    pub(super) marks: Marks,
    pub(super) dirty: DirtyPools,
    pub(super) tokio: Option<Tokio>,
    pub(super) channels: ChannelNames,
    pub(super) disk: Option<Arc<Folder>>,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Self {
        let now = parts.clock.refresh(true);
        let id = NodeId::new(&parts.name, parts.incarnation);
        Self {
            id,
            incarnation: parts.incarnation,
            name: parts.name,
            table: ProcessTable::new(parts.max_processes)
                .relayed(matches!(parts.scheduler, Scheduler::Simulated(_))),
            homes: Homes::new(),
            names: Names::default(),
            holdings: Holdings::default(),
            shared: SharedValues::default(),
            timers: Timers::new(now),
            clock: parts.clock,
            scheduler: parts.scheduler,
            dead: DeadLetters::default(),
            limits: Limits::default(),
            watch: Watch::default(),
            alarms: Alarms::default(),
            marks: parts.marks,
            unheeded: Unheeded::default(),
            first_flags: mailbox::first_flags(parts.marks, QueueData::default()),
            ports: Ports::default(),
            guests: Guests::default(),
            counters: Counters::default(),
            crashes: CrashLog::default(),
            dirty: parts.dirty,
            print_crashes: parts.print_crashes,
            tokio: parts.tokio,
            channels: parts.channels,
            disk: parts.disk,
            closing: AtomicU8::new(OPEN),
            quick: AtomicU64::new(id.as_u64()),
            tracer: Tracer::default(),
            reaper: Reaper::default(),
            endings: Endings::default(),
        }
    }

    #[inline]
    pub(crate) fn id(&self) -> NodeId {
        self.id
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    #[inline]
    pub(crate) fn table(&self) -> &ProcessTable {
        &self.table
    }

    /// What is to be done before the node ends.
    pub(super) fn endings(&self) -> &Endings {
        &self.endings
    }

    /// The heap accounts of its processes.
    pub(crate) fn homes(&self) -> &Homes {
        &self.homes
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// The bounds of mailboxes.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Who waits for whom, in debug builds.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The mark of a mailbox that has none of its own.
    #[inline]
    pub(crate) fn marks(&self) -> Marks {
        self.marks
    }

    /// Whether a bound that has no effect was told of.
    pub(crate) fn unheeded(&self) -> &Unheeded {
        &self.unheeded
    }

    /// The flags that a process begins with whose mailbox is like most.
    #[inline]
    pub(crate) fn first_flags(&self) -> u32 {
        self.first_flags
    }

    pub(crate) fn dirty(&self) -> &DirtyPools {
        &self.dirty
    }

    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.scheduler, Scheduler::Simulated(_))
    }

    pub(crate) fn tokio(&self) -> Option<&tokio::runtime::Handle> {
        self.tokio.as_ref().map(Tokio::handle)
    }

    /// Whether a crash report goes to standard error.
    pub(crate) fn prints_crashes(&self) -> bool {
        self.print_crashes && !tracing::dispatcher::has_been_set()
    }

    #[inline]
    pub(crate) fn enqueue(&self, slot: u32, priority: Priority) {
        match current::scheduler() {
            Some(running)
                if priority == Priority::Normal
                    && std::ptr::eq(running.core(), self)
                    && running.enqueue(slot) => {}
            _ => self.scheduler.enqueue(self, slot, priority),
        }
    }

    /// The time of the world when this node's clock will show `at`.
    pub(crate) fn in_world(&self, at: u64) -> u64 {
        match &self.clock {
            Clock::Virtual(clock) => clock.in_world(at),
            Clock::Real(_) => at,
        }
    }

    /// Arms a timer; `hint` spreads the timers of different processes.
    pub(crate) fn arm(&self, hint: u32, deadline: u64, action: Action) -> Key {
        let (key, sooner) = self.timers.arm(hint, deadline, action);
        if sooner {
            match &self.scheduler {
                Scheduler::Real(real) => real.wake_timekeeper(),
                Scheduler::Simulated(simulated) => {
                    self.timers.plan(deadline);
                    simulated.sooner(self.in_world(deadline));
                }
            }
        }
        key
    }

    /// Whether nothing can be started any more: from outside, or by a process.
    pub(crate) fn refuses(&self, outside: bool) -> bool {
        let from = if outside { CLOSING } else { CLOSED };
        self.closing.load(Ordering::Acquire) & from != 0
    }

    /// Whether a start is refused, or listened to.
    #[inline]
    pub(crate) fn hinders(&self, outside: bool) -> bool {
        let from = if outside { CLOSING } else { CLOSED };
        self.closing.load(Ordering::Acquire) & (from | LISTENED) != 0
    }

    /// The node's id for those who send the quick way: an id that no pid bears, while somebody
    /// listens to what is sent.
    #[inline]
    pub(crate) fn quick_id(&self) -> NodeId {
        NodeId::from_u64(self.quick.load(Ordering::Relaxed))
    }

    /// Whether somebody listens to what happens: to names, too.
    #[inline]
    pub(crate) fn is_listened_to(&self) -> bool {
        self.closing.load(Ordering::Relaxed) & LISTENED != 0
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Opens and closes the quick ways: `all`: somebody listens; `sends`: to what is sent.
    pub(crate) fn listen(&self, all: bool, sends: bool) {
        let id = if sends { 0 } else { self.id.as_u64() };
        self.quick.store(id, Ordering::Relaxed);
        match all {
            true => self.closing.fetch_or(LISTENED, Ordering::AcqRel),
            false => self.closing.fetch_and(!LISTENED, Ordering::AcqRel),
        };
    }

    /// From here on nothing is started from outside: the trees end in order, and may need help.
    pub(super) fn close(&self) {
        self.closing.fetch_or(CLOSING, Ordering::AcqRel);
    }

    /// From here on nobody starts anything: a supervisor would start again what was asked to end.
    pub(crate) fn close_to_all(&self) {
        self.closing.fetch_or(CLOSING | CLOSED, Ordering::AcqRel);
    }

    /// Whether every process waits, and has nothing unread in its inbox.
    pub(crate) fn is_idle(&self) -> bool {
        let mut slots = 0..self.table.high();
        slots.all(|slot| self.table.block(slot).inbox.is_idle())
    }

    pub(crate) fn process_ended(&self, reason: &Reason) {
        self.counters.ended.fetch_add(1, Ordering::Relaxed);
        if !reason.is_orderly() {
            self.counters.crashed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Where the large remains of dead processes go.
    pub(crate) fn reaper(&self) -> &Reaper {
        &self.reaper
    }
}
