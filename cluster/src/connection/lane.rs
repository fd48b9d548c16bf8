//! One lane of a channel to one node: what is shared by those who send and the one who carries.
//!
//! Role       The queue behind its lock, the senders that are held, and the process that carries,
//!            which is started when something is first sent.
//! Limit      The channel's: see [`Channel`]. Signals and answers are always taken.
//! Invariant  A request that is not sent is answered, and what else is not sent is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use foundation_runtime::{CallError, Carried, Freight, FreightKind, Node, Pid, Priority};

use super::keeper::Keeper;
use super::queue::{BUCKETS, NOBODY, STAMPED};
use super::stall::Stall;
use crate::channel::kept::Stream;
use crate::channel::pace::Pace;
use crate::channel::pack::pack;
use crate::channel::queue::{Dropped, Keeping, Queue, Wanted};
use crate::channel::{Channel, Meter};
use crate::machine::Tick;

/// How long what is to be acknowledged is kept, unless it says otherwise.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// The most bytes that leave at once.
const TURN_BYTES: usize = 256 * 1024;

/// How much waits in the lanes to one node, by their priorities.
#[derive(Debug, Default)]
pub(super) struct Pressing([AtomicUsize; 4]);

impl Pressing {
    fn change(&self, priority: Priority, from: usize, to: usize) {
        let place = &self.0[priority as usize];
        match from <= to {
            true => place.fetch_add(to - from, Ordering::Relaxed),
            false => place.fetch_sub(from - to, Ordering::Relaxed),
        };
    }

    /// Whether something of a higher priority waits.
    fn on(&self, priority: Priority) -> bool {
        let higher = self.0.iter().skip(priority as usize + 1);
        higher
            .map(|place| place.load(Ordering::Relaxed))
            .sum::<usize>()
            > 0
    }
}

/// Where the connection of a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody has needed it, or it could not be had.
    Unopened,
    /// It is being opened.
    Opening,
    Open,
    /// The other node has no such channel.
    Unknown,
    /// The nodes are connected no more.
    Closed,
}

/// One lane.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(super) node: Node,
    keeper: Arc<Keeper>,
    stream: Stream,
    pub(super) channel: Arc<Channel>,
    pub(super) number: u8,
    pressing: Arc<Pressing>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    pace: Pace,
    phase: Phase,
    waker: Option<Waker>,
    /// Processes that wait until there is room, by their buckets.
    held: BTreeMap<u8, BTreeSet<Pid>>,
    meter: Meter,
    /// What this lane last told of what waits in it.
    pressed: usize,
    stall: Stall,
}

/// What became of a frame.
pub(super) struct Took {
    pub(super) carried: Carried,
    /// It is the first: somebody has to open the connection.
    pub(super) opens: bool,
}

/// What a lane has done and does, for whoever asks.
pub(super) struct Report {
    pub(super) is_open: bool,
    pub(super) meter: Meter,
    pub(super) queued: usize,
    pub(super) queued_bytes: usize,
    pub(super) unheard: usize,
    pub(super) under_way: usize,
    pub(super) window: usize,
    pub(super) round_trip: Option<Duration>,
}

/// A number made of two, whose bits depend on all of theirs.
fn mix(one: u64, other: u64) -> u64 {
    let mixed = (one ^ other.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

/// Which lane of so many a frame takes: that of its key, or of its sender and receiver.
pub(super) fn lane_of(freight: &Freight, lanes: u8) -> u8 {
    if freight.course.causal {
        return 0;
    }
    let key = freight.course.key;
    let sender = || freight.sender.map_or(u32::MAX, |pid| pid.spread(u32::MAX));
    let number = key.unwrap_or_else(|| mix(u64::from(sender()), freight.receiver));
    (mix(number, 0) % u64::from(lanes)) as u8
}

fn bucket(freight: &Freight) -> u8 {
    if freight.course.causal {
        return STAMPED;
    }
    match (freight.course.key, freight.sender) {
        (Some(key), _) => (key % u64::from(BUCKETS)) as u8,
        (None, Some(pid)) => pid.spread(BUCKETS) as u8,
        (None, None) => NOBODY,
    }
}

/// What is asked of a frame that goes over this channel.
pub(super) fn wanted(channel: &Channel, now: Tick, freight: &Freight) -> Wanted {
    let is_message = freight.kind == FreightKind::Message;
    let is_told = is_message && freight.request.is_none();
    let pair = || mix(freight.receiver, freight.topic);
    let course = &freight.course;
    let is_kept = course.acknowledged && is_told;
    let replaces = channel.is_monotonic && is_told && !course.causal;
    let within = course.within.or(is_kept.then_some(KEPT_FOR));
    Wanted {
        bucket: bucket(freight),
        topic: replaces.then(|| course.key.unwrap_or_else(pair)),
        expires: within.map(|bound| now + bound),
        request: freight.request,
        is_message,
        kept: match is_kept {
            true => Keeping::Kept,
            false => Keeping::Not,
        },
        is_stamped: course.causal,
    }
}

impl Lane {
    pub(super) fn new(
        node: &Node,
        keeper: &Arc<Keeper>,
        stream: Stream,
        channel: Arc<Channel>,
        pressing: Arc<Pressing>,
    ) -> Self {
        let left = keeper.kept().resume(stream);
        let state = State {
            queue: Queue::resume(channel.credit, channel.full, left),
            pace: Pace::new(channel.priority < Priority::High),
            phase: Phase::Unopened,
            waker: None,
            held: BTreeMap::new(),
            meter: Meter::default(),
            pressed: 0,
            stall: Stall::default(),
        };
        Self {
            node: node.clone(),
            keeper: Arc::clone(keeper),
            stream,
            channel,
            number: stream.2,
            pressing,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Tick {
        Tick::ZERO + self.node.now()
    }

    /// Queues a frame.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: &Freight) -> Took {
        let now = self.now();
        let wanted = wanted(&self.channel, now, freight);
        let mut state = self.state();
        let phase = state.phase;
        let carried = match phase {
            Phase::Closed if wanted.kept == Keeping::Kept => {
                drop(state);
                let is_kept = self.keeper.put(self.stream.0, frame, freight);
                let carried = match is_kept {
                    true => Carried::Taken,
                    false => Carried::Gone,
                };
                let opens = false;
                return Took { carried, opens };
            }
            Phase::Closed => Carried::Gone,
            Phase::Unknown => Carried::NoChannel,
            _ if !state.queue.push(now, frame, wanted) => {
                state.meter.refused += 1;
                Carried::Full
            }
            _ if self.is_busy(&state, wanted.bucket) => Carried::Busy,
            _ => Carried::Taken,
        };
        let opens = phase == Phase::Unopened;
        if opens {
            state.phase = Phase::Opening;
        }
        self.settle(state);
        Took { carried, opens }
    }

    /// Whether those of this bucket should wait.
    fn is_busy(&self, state: &State, bucket: u8) -> bool {
        let (_, unheard) = state.queue.unheard();
        let is_full = self.channel.hold <= state.queue.bytes() + unheard;
        is_full || self.channel.credit.is_some() && state.queue.is_blocked(bucket)
    }

    /// Tells others what has changed, and lets the lock go.
    fn settle(&self, state: MutexGuard<'_, State>) {
        let wakes = state.queue.is_ready() && state.pace.room(false) > 0;
        self.settle_and(wakes, state);
    }

    /// [`Lane::settle`], and whoever carries looks again or does not.
    fn settle_and(&self, wakes: bool, mut state: MutexGuard<'_, State>) {
        let waits = state.queue.bytes();
        let told = std::mem::replace(&mut state.pressed, waits);
        self.pressing.change(self.channel.priority, told, waits);
        let dropped = state.queue.dropped();
        for (why, _) in &dropped {
            state.meter.dropped(*why);
        }
        let waker = match wakes {
            true => state.waker.take(),
            false => None,
        };
        let freed: Vec<Pid> = match state.held.is_empty() {
            true => Vec::new(),
            false => self.freed(&mut state),
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        for pid in freed {
            self.node.release(pid);
        }
        for (why, wanted) in dropped {
            if let (Dropped::Expired, Some(request)) = (why, wanted.request) {
                self.node.refuse_request(request, &CallError::Timeout);
            }
        }
    }

    /// Those for whom there is room again.
    fn freed(&self, state: &mut State) -> Vec<Pid> {
        let mut held = std::mem::take(&mut state.held);
        let is_over = matches!(state.phase, Phase::Closed | Phase::Unknown);
        let freed = held.extract_if(.., |bucket, _| is_over || !self.is_busy(state, *bucket));
        let freed = freed.flat_map(|(_, pids)| pids).collect();
        state.held = held;
        freed
    }

    /// A process waits for room; `false` when there is some, or it waits already.
    pub(super) fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        let mut state = self.state();
        let bucket = bucket(freight);
        let is_over = matches!(state.phase, Phase::Closed | Phase::Unknown);
        if is_over || !self.is_busy(&state, bucket) {
            return false;
        }
        let waits = state.held.entry(bucket).or_default().insert(pid);
        state.meter.held += u64::from(waits);
        waits
    }

    /// Its connection is there.
    pub(super) fn opened(&self) {
        let mut state = self.state();
        if state.phase == Phase::Opening {
            state.phase = Phase::Open;
        }
    }

    /// Its connection could not be had: what waits is given up. The next message tries again, unless
    /// the other node has no such channel.
    pub(super) fn unopened(&self, is_unknown: bool) {
        let mut state = self.state();
        if state.phase != Phase::Closed {
            state.phase = match is_unknown {
                true => Phase::Unknown,
                false => Phase::Unopened,
            };
        }
        let why = match is_unknown {
            true => CallError::NoChannel(self.channel.name().into()),
            false => CallError::NoConnection,
        };
        let (left, mut given_up) = state.queue.leave();
        match is_unknown {
            true => given_up.extend((0..left.entries()).map(|_| Wanted::default())),
            // What is kept is tried again when the mesh looks around.
            false => state.queue = Queue::resume(self.channel.credit, self.channel.full, left),
        }
        state.meter.unsent += given_up.len() as u64;
        self.settle(state);
        for request in given_up.into_iter().filter_map(|wanted| wanted.request) {
            self.node.refuse_request(request, &why);
        }
    }

    /// The nodes are connected no more: whoever waits for an answer is told so by the node.
    pub(super) fn close(&self) {
        let mut state = self.state();
        if state.phase == Phase::Closed {
            return;
        }
        state.phase = Phase::Closed;
        let (left, given_up) = state.queue.leave();
        self.keeper.kept().leave(self.stream, left);
        state.meter.unsent += given_up.len() as u64;
        self.settle(state);
    }

    /// Takes what leaves next, in exchange for an empty buffer; when nothing does, wakes later.
    /// `pressed` when something waits on the main connection.
    pub(super) fn take(&self, out: &mut Vec<u8>, pressed: bool, waker: &Waker) -> bool {
        assert!(out.is_empty(), "it was sent");
        let now = self.now();
        let mut state = self.state();
        let priority = self.channel.priority;
        let pressed = pressed && priority < Priority::Normal || self.pressing.on(priority);
        let room = state.pace.room(pressed).min(TURN_BYTES);
        let State { queue, meter, .. } = &mut *state;
        let mut gone = 0;
        queue.take(now, room, out, |wait| {
            meter.waits.add(wait);
            gone += 1;
        });
        if out.is_empty() {
            state.waker = Some(waker.clone());
            // A wake at once would find no room again: the other end's word for it wakes.
            self.settle_and(false, state);
            return false;
        }
        state.meter.messages += gone;
        state.meter.bytes += out.len() as u64;
        if self.channel.is_compressed
            && let Some(packed) = pack(out)
        {
            *out = packed;
        }
        state.meter.wire_bytes += out.len() as u64;
        state.pace.sent(now, out.len());
        self.settle(state);
        true
    }

    /// The other end has read so many bytes; `false` when that cannot be.
    pub(super) fn seen(&self, total: u64, at_once: bool) -> bool {
        let now = self.now();
        let mut state = self.state();
        let is_so = state.pace.seen(now, total, at_once);
        self.settle(state);
        is_so
    }

    /// The other end has this frame of this bucket, and all before it.
    pub(super) fn acknowledged(&self, bucket: u8, number: u64) {
        let mut state = self.state();
        state.queue.acknowledged(bucket, number);
        self.settle(state);
    }

    /// Gives up what was not acknowledged in its time; whether the lane is to be opened, because
    /// something is left from an earlier connection.
    pub(super) fn tick(&self) -> bool {
        let now = self.now();
        let mut state = self.state();
        state.queue.expire_unheard(now);
        let opens = state.phase == Phase::Unopened && state.queue.entries() > 0;
        if opens {
            state.phase = Phase::Opening;
        }
        self.settle(state);
        opens
    }

    /// Processes of the other node have taken so many bytes of this bucket.
    pub(super) fn credit(&self, bucket: u8, bytes: u32) {
        let mut state = self.state();
        state.queue.credit(bucket, bytes as usize);
        self.settle(state);
    }

    /// Whether nothing has moved for longer than this, although something is under way.
    pub(super) fn is_stuck(&self, now: Tick, bound: Duration) -> bool {
        let mut state = self.state();
        let (waits, seen) = (state.pace.under_way() > 0, state.pace.read());
        let is_open = state.phase == Phase::Open;
        state.stall.look(now, is_open && waits, seen, bound)
    }

    /// Whether the other end has seen all that was sent.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.queue.entries() == 0 && state.pace.under_way() == 0
    }

    pub(super) fn report(&self) -> Report {
        let state = self.state();
        Report {
            is_open: state.phase == Phase::Open,
            meter: state.meter.clone(),
            queued: state.queue.entries(),
            queued_bytes: state.queue.bytes(),
            unheard: state.queue.unheard().0,
            under_way: state.pace.under_way(),
            window: state.pace.window(),
            round_trip: state.pace.latest(),
        }
    }
}
