//! What only the process itself touches: its code, its queue, and what it asked for.
//!
//! Role       The private half of the control block. [`Local`] is what every process has;
//!            [`Extra`] is allocated when a process first links, monitors, calls or is named.
//! Invariant  Touched only by the holder of the inbox's `SCHEDULED` bit, and never while code of
//!            the program runs: the body is taken out for a poll and put back after it.

use std::any::Any;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use indexmap::IndexMap;
use rustc_hash::FxHasher;

use super::behaviour::Behaviour;
use super::calls::Calls;
use super::handling::Handling;
use super::queue::Queue;
use crate::envelope::{Caller, Down, Envelope, Header};
use crate::heap::HeapGroup;
use crate::mailbox::{Limit, Marks, QueueData};
use crate::timer::Key;
use crate::{MaxHeap, MonitorRef, Pid, Term};

/// A map whose iteration order depends on what was done to it, and on nothing else.
pub(crate) type Map<K, V> = IndexMap<K, V, BuildHasherDefault<FxHasher>>;

pub(crate) const TRAP_EXIT: u32 = 1;
/// Linked to its parent, which is the one link most processes have.
pub(crate) const PARENT_LINK: u32 = 2;
pub(crate) const HIBERNATING: u32 = 4;
/// `Extra::backlog` is set.
pub(crate) const HAS_BACKLOG: u32 = 8;
/// `Extra::waker` is set.
pub(crate) const HAS_WAKER: u32 = 16;
/// `Extra::receiver` is set.
pub(crate) const HAS_RECEIVER: u32 = 32;
/// The mailbox is in alarm.
pub(crate) const RAISED: u32 = 64;
/// `Extra::release` is set, or `Extra::heap_group`.
pub(crate) const RELEASES: u32 = 128;
/// What waits in its queue is charged to it. Only where accounts are kept.
pub(crate) const COUNTS_QUEUE: u32 = 256;
/// From here on the bits of the block's own word count what waits behind the first of the queue, see
/// `mailbox::alarm`.
pub(crate) const WAITING_SHIFT: u32 = 9;
pub(crate) const WAITING_ONE: u32 = 1 << WAITING_SHIFT;
pub(crate) const WAITING_MASK: u32 = u32::MAX >> WAITING_SHIFT;

pub(crate) struct Local {
    pub(crate) body: Option<Pin<Box<dyn Behaviour>>>,
    pub(crate) queue: Queue,
    pub(crate) extra: Option<Box<Extra>>,
}

const _: () = assert!(size_of::<Local>() == 32);

impl Local {
    #[inline]
    pub(crate) fn extra(&mut self) -> &mut Extra {
        if self.extra.is_none() {
            self.extra = make_extra();
        }
        match &mut self.extra {
            Some(extra) => extra,
            None => unreachable!("it was just made"),
        }
    }

    /// Puts back the body that was taken out for a poll.
    #[inline]
    pub(crate) fn put_body(&mut self, body: Pin<Box<dyn Behaviour>>) {
        debug_assert!(self.body.is_none(), "a process has one body");
        // What is overwritten is `None`: it needs no drop, and the hot path no look at it.
        std::mem::forget(self.body.replace(body));
    }

    /// Where the selective receive that goes on stands: everything up to there was refused.
    pub(crate) fn set_mark(&mut self, mark: *mut Header) {
        match &mut self.extra {
            Some(extra) => extra.mark = mark,
            None if mark.is_null() => {}
            None => self.extra().mark = mark,
        }
    }

    pub(super) fn mark(&self) -> *mut Header {
        self.extra
            .as_ref()
            .map_or(std::ptr::null_mut(), |extra| extra.mark)
    }

    /// How many messages wait, counted up to `most`.
    pub(crate) fn messages_up_to(&self, most: usize) -> usize {
        self.queue.messages_up_to(most)
    }

    /// Shows each message that waits, fetched and put in order.
    pub(crate) fn for_each_waiting(&mut self, mut look: impl FnMut(&mut Envelope)) {
        if let Some(extra) = &mut self.extra
            && let Some(backlog) = &mut extra.backlog
        {
            backlog.ordered.for_each(&mut look);
        }
        self.queue.for_each(look);
    }

    /// Notes who is to be woken when a message comes.
    pub(crate) fn set_receiver(&mut self, waker: &Waker) {
        self.extra().receiver = Some(waker.clone());
    }

    /// What a slot holds when nobody lives in it.
    pub(crate) const fn empty() -> Self {
        Self {
            body: None,
            queue: Queue::new(),
            extra: None,
        }
    }
}

/// One side of a link.
#[derive(Clone, Copy, Default)]
pub(crate) struct Link {
    /// Whether an exit of the other side counts.
    pub(crate) active: bool,
    /// Unlinks that the other side has not acknowledged: until then its `Link` signals are older
    /// than our unlink and void.
    pub(crate) unacked: u32,
    /// Over which connection it was made or taken back here; zero when it was not, or is local.
    pub(crate) over: u32,
}

impl Link {
    /// What is done here goes over this connection: what an older one was to bring will not come.
    pub(crate) fn renew(&mut self, over: u32) {
        if std::mem::replace(&mut self.over, over) != over {
            self.unacked = 0;
        }
    }
}

/// A monitor this process set.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) target: Option<Pid>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) tag: Option<Arc<Term>>,
    pub(crate) alias: Option<AliasMode>,
    pub(crate) purpose: Purpose,
    /// Over which connection; zero for one within the node.
    pub(crate) over: u32,
}

/// What a process watches another one for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The program set a monitor.
    #[default]
    Monitor,
    /// The other one suspended this one.
    Suspender,
    /// Another node starts it, linked with this one, which had its end before there was a pid.
    Link,
    /// The same, and that node was lost before there was a pid.
    LostLink,
}

/// What few processes have to do with who made them.
#[derive(Default)]
pub(crate) struct Kin {
    /// Its group leader, where one was ever set.
    pub(crate) leader: Option<Pid>,
    /// The watch of the process on another node that had it started, linked.
    pub(crate) starter: Option<MonitorRef>,
}

/// When an alias ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasMode {
    /// Only by `unalias`.
    ExplicitUnalias,
    /// With the first message sent through it.
    Reply,
    /// With the monitor that made it: when it is removed or fires.
    Demonitor,
    /// Like `Demonitor`; the first message ends both alias and monitor.
    ReplyDemonitor,
}

/// An alias that is active.
#[derive(Clone, Copy)]
pub(crate) struct Active {
    pub(crate) mode: AliasMode,
    /// Messages through it may go first.
    pub(crate) priority: bool,
}

/// A monitor whose firing is awaited outside the queue, however long that is.
pub(crate) struct Awaited {
    pub(crate) id: u64,
    pub(crate) down: Option<Down>,
    pub(crate) waker: Option<Waker>,
}

/// A list of arrivals that is being put in order, a portion at a time.
pub(crate) struct Backlog {
    /// The newest first.
    pub(crate) stack: *mut Header,
    pub(crate) ordered: Queue,
    /// How many are ordered.
    pub(crate) count: usize,
    /// What is ordered is for the queue, as it is.
    pub(crate) plain: bool,
}

// SAFETY: a backlog owns its envelopes, which are `Send`.
unsafe impl Send for Backlog {}

/// When is the state of a dead process dropped?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Release {
    /// Before anybody is told, unless it is large or a member's of a heap group.
    #[default]
    BySize,
    /// Before anybody is told.
    First,
    /// After it was told, on the reaper.
    Last,
}

/// A value of the process dictionary.
pub(crate) type Slot = Box<dyn Any + Send>;

/// A call that was taken out of its handler.
pub(crate) struct KeptCall {
    pub(crate) caller: Caller,
    /// The kind of message that was asked.
    pub(crate) message: &'static str,
}

pub(crate) struct Extra {
    pub(crate) next_id: u64,
    pub(crate) links: Map<Pid, Link>,
    pub(crate) watches: Map<u64, Watch>,
    /// Who watches this process: watcher and the watcher's monitor id.
    pub(crate) watchers: Map<(Pid, u64), Option<Arc<str>>>,
    pub(crate) aliases: Map<u64, Active>,
    /// Calls whose handler panicked, until the process is buried.
    pub(crate) orphans: Vec<Envelope>,
    pub(crate) calls: Calls,
    /// Calls taken out of their handler, by the address of their envelope.
    pub(crate) open_calls: Map<usize, KeptCall>,
    pub(crate) awaited: Vec<Awaited>,
    pub(crate) suspenders: Map<Pid, u32>,
    /// At how many busy ports it waits.
    pub(crate) held_by_ports: u32,
    /// Who suspended it while it ran, and is told when it has yielded.
    pub(crate) suspending: Vec<Caller>,
    pub(crate) dictionary: HashMap<Box<str>, Slot, BuildHasherDefault<FxHasher>>,
    pub(crate) label: Option<Box<str>>,
    pub(crate) kin: Option<Box<Kin>>,
    /// How much it has sent, while it counts that.
    pub(crate) sent: Option<u64>,
    pub(crate) backlog: Option<Backlog>,
    /// Whether the mark is that of a server which takes some messages only, see [`super::aside`].
    pub(crate) passes_over: bool,
    /// The one timer that wakes this process for whatever it waits for, and when.
    pub(crate) alarm: Option<(Key, u64)>,
    /// The last envelope that the receive under way refused; null for none. Whoever removes
    /// envelopes otherwise sets it to null.
    pub(crate) mark: *mut Header,
    /// Set when something other than the process's own waker polls a receive.
    pub(crate) receiver: Option<Waker>,
    pub(crate) waker: Option<Waker>,
    pub(crate) timers: Map<u64, (Key, u64)>,
    /// What it was handling when it panicked.
    pub(crate) failed_in: Option<Box<Handling>>,
    /// How large its heap may become, if that was ever said.
    pub(crate) max_heap: Option<Box<MaxHeap>>,
    /// The heap group that it is in.
    pub(crate) heap_group: Option<HeapGroup>,
    pub(crate) release: Release,
    /// Which entry of `timers` is looked at next, to forget those that have fired.
    pub(crate) sweep: usize,
    /// The bound of the mailbox.
    pub(crate) limit: Option<Arc<Limit>>,
    /// The mailbox's own mark.
    pub(crate) marks: Option<Marks>,
    /// Where the messages of the mailbox are counted.
    pub(crate) queue_data: QueueData,
    /// The last envelope of those that go first; null for none, or when it is not known.
    pub(crate) last_urgent: *mut Header,
}

// SAFETY: `mark` and `last_urgent` point into the process's own queue and are used by the process
// only.
unsafe impl Send for Extra {}

impl Default for Extra {
    fn default() -> Self {
        Self {
            next_id: 0,
            links: Map::default(),
            watches: Map::default(),
            watchers: Map::default(),
            aliases: Map::default(),
            orphans: Vec::new(),
            calls: Calls::default(),
            open_calls: Map::default(),
            awaited: Vec::new(),
            suspenders: Map::default(),
            held_by_ports: 0,
            suspending: Vec::new(),
            dictionary: HashMap::default(),
            label: None,
            kin: None,
            sent: None,
            backlog: None,
            passes_over: false,
            alarm: None,
            mark: std::ptr::null_mut(),
            receiver: None,
            waker: None,
            timers: Map::default(),
            failed_in: None,
            max_heap: None,
            heap_group: None,
            release: Release::BySize,
            sweep: 0,
            limit: None,
            marks: None,
            queue_data: QueueData::OnHeap,
            last_urgent: std::ptr::null_mut(),
        }
    }
}

#[cold]
fn make_extra() -> Option<Box<Extra>> {
    Some(Box::default())
}

impl Extra {
    /// Gives back the memory of what is empty now.
    pub(crate) fn shrink(&mut self) {
        self.links.shrink_to_fit();
        self.watches.shrink_to_fit();
        self.watchers.shrink_to_fit();
        self.aliases.shrink_to_fit();
        self.calls.shrink_to_fit();
        self.open_calls.shrink_to_fit();
        self.timers.shrink_to_fit();
        self.dictionary.shrink_to_fit();
    }

    /// A number that this process has not used before.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Looks at one timer and forgets it if it has fired.
pub(crate) fn forget_fired(extra: &mut Extra, core: &crate::node::Core) {
    if extra.timers.is_empty() {
        return;
    }
    extra.sweep = (extra.sweep + 1) % extra.timers.len();
    if let Some((_, (key, _))) = extra.timers.get_index(extra.sweep)
        && core.timers().deadline(*key).is_none()
    {
        extra.timers.swap_remove_index(extra.sweep);
    }
}
