//! One channel to one node: what is shared by those who send and those who carry.
//!
//! Role       The queue behind its lock, the senders that are held, and its lanes, each of which has a process that
//!            carries ([`Lane`](super::lane::Lane)) and is opened when it is first needed.
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
use crate::channel::queue::{Dropped, Keeping, Queue, Wanted};
use crate::channel::{Channel, Meter, Width};
use crate::machine::Tick;

/// How long what is to be acknowledged is kept, unless it says otherwise.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// How much waits in the channels to one node, by their priorities.
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
    pub(super) fn on(&self, priority: Priority) -> bool {
        let higher = self.0.iter().skip(priority as usize + 1);
        higher
            .map(|place| place.load(Ordering::Relaxed))
            .sum::<usize>()
            > 0
    }
}

/// Where the connection of a lane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody has needed it, or it could not be had.
    #[default]
    Unopened,
    /// It is being opened.
    Opening,
    Open,
}

/// Why nothing goes over a channel any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The other node has no such channel.
    Unknown,
    /// The nodes are connected no more.
    Closed,
}

/// One lane, as those who send see it.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) phase: Phase,
    pub(super) pace: Pace,
    pub(super) waker: Option<Waker>,
    /// It was woken, and has not looked yet.
    pub(super) is_woken: bool,
    pub(super) stall: Stall,
}

impl Sending {
    /// Whether it waits for something to carry, and could.
    fn is_idle(&self) -> bool {
        self.waker.is_some() && self.pace.room() > 0
    }
}

/// One channel.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(super) node: Node,
    keeper: Arc<Keeper>,
    stream: Stream,
    pub(super) channel: Arc<Channel>,
    pub(super) pressing: Arc<Pressing>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) lanes: Vec<Sending>,
    pub(super) width: Width,
    pub(super) over: Option<Over>,
    /// Processes that wait until there is room, by their buckets.
    held: BTreeMap<u8, BTreeSet<Pid>>,
    pub(super) meter: Meter,
    /// What this channel last told of what waits in it.
    pressed: usize,
}

impl State {
    /// The lane that is to be opened now, if any is: when all that are open have enough to do.
    fn opens(&mut self) -> Option<u8> {
        let used = usize::from(self.width.used());
        let comes = |lane: &&Sending| lane.phase == Phase::Opening || lane.is_woken;
        let coming = self.lanes.iter().filter(comes).count();
        let waits = coming < self.queue.free_for(0) || coming == 0 && self.queue.is_crowded();
        let is_first = self.lanes[0].phase == Phase::Unopened && self.queue.entries() > 0;
        let is_wanted = is_first || waits && !self.lanes[..used].iter().any(Sending::is_idle);
        let unopened = |lane: &Sending| lane.phase == Phase::Unopened;
        let next = self.lanes[..used].iter().position(unopened);
        let next = next.filter(|_| is_wanted && self.over.is_none())?;
        self.lanes[next].phase = Phase::Opening;
        Some(next as u8)
    }

    /// So many lanes are used from here on, as the width says.
    pub(super) fn use_lanes(&mut self) {
        let [sent, seen] = self.lanes[0].pace.turns();
        self.queue.use_lanes(self.width.used(), sent, seen);
    }

    /// Who carries, has nothing to do and could do something now.
    fn idle(&mut self) -> Vec<Waker> {
        let mut free = self.queue.free_for(0);
        let mut wakers = Vec::new();
        for (number, lane) in (0..).zip(&mut self.lanes) {
            if !lane.is_idle() {
                continue;
            }
            self.queue.ask_for_more(number);
            let has_own = self.queue.has_own(number);
            if has_own || free > 0 && self.queue.free_for(number) > 0 {
                free = free.saturating_sub(usize::from(!has_own));
                wakers.extend(lane.waker.take());
                lane.is_woken = true;
            }
        }
        wakers
    }
}

/// What became of a frame.
pub(super) struct Took {
    pub(super) carried: Carried,
    /// Somebody has to open the connection of this lane.
    pub(super) opens: Option<u8>,
}

/// What a channel has done and does, for whoever asks.
#[derive(Default)]
pub(super) struct Report {
    pub(super) open: usize,
    pub(super) used: u8,
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

impl Outlet {
    pub(super) fn new(
        node: &Node,
        keeper: &Arc<Keeper>,
        stream: Stream,
        channel: &Channel,
        pressing: &Arc<Pressing>,
    ) -> Self {
        let left = keeper.kept().resume(stream);
        let width = channel.width();
        let lane = || Sending {
            phase: Phase::Unopened,
            pace: Pace::new(channel.priority < Priority::High),
            waker: None,
            is_woken: false,
            stall: Stall::default(),
        };
        let mut state = State {
            queue: Queue::resume(channel.credit, channel.full, left),
            lanes: (0..width.most()).map(|_| lane()).collect(),
            width,
            over: None,
            held: BTreeMap::new(),
            meter: Meter::default(),
            pressed: 0,
        };
        state.use_lanes();
        Self {
            node: node.clone(),
            keeper: Arc::clone(keeper),
            stream,
            channel: Arc::new(channel.clone()),
            pressing: Arc::clone(pressing),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Tick {
        Tick::ZERO + self.node.now()
    }

    /// Queues a frame.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: &Freight) -> Took {
        let now = self.now();
        let wanted = wanted(&self.channel, now, freight);
        let mut state = self.state();
        let over = state.over;
        let carried = match over {
            Some(Over::Closed) if wanted.kept == Keeping::Kept => {
                drop(state);
                let is_kept = self.keeper.put(self.stream.0, frame, freight);
                let carried = match is_kept {
                    true => Carried::Taken,
                    false => Carried::Gone,
                };
                let opens = None;
                return Took { carried, opens };
            }
            Some(Over::Closed) => Carried::Gone,
            Some(Over::Unknown) => Carried::NoChannel,
            None if !state.queue.push(now, frame, wanted) => {
                state.meter.refused += 1;
                Carried::Full
            }
            None if self.is_busy(&state, wanted.bucket) => Carried::Busy,
            None => Carried::Taken,
        };
        let opens = state.opens();
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
    pub(super) fn settle(&self, mut state: MutexGuard<'_, State>) {
        let wakers = state.idle();
        self.settle_and(wakers, state);
    }

    /// [`Outlet::settle`], and these are woken that carry.
    pub(super) fn settle_and(&self, wakers: Vec<Waker>, mut state: MutexGuard<'_, State>) {
        let waits = state.queue.bytes();
        let told = std::mem::replace(&mut state.pressed, waits);
        self.pressing.change(self.channel.priority, told, waits);
        let dropped = state.queue.dropped();
        for (why, _) in &dropped {
            state.meter.dropped(*why);
        }
        let freed: Vec<Pid> = match state.held.is_empty() {
            true => Vec::new(),
            false => self.freed(&mut state),
        };
        drop(state);
        for waker in wakers {
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
        let is_over = state.over.is_some();
        let freed = held.extract_if(.., |bucket, _| is_over || !self.is_busy(state, *bucket));
        let freed = freed.flat_map(|(_, pids)| pids).collect();
        state.held = held;
        freed
    }

    /// A process waits for room; `false` when there is some, or it waits already.
    pub(super) fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        let mut state = self.state();
        let bucket = bucket(freight);
        if state.over.is_some() || !self.is_busy(&state, bucket) {
            return false;
        }
        let waits = state.held.entry(bucket).or_default().insert(pid);
        state.meter.held += u64::from(waits);
        waits
    }

    /// What waits is given up, but for what is kept; all of it when the other node has no such channel.
    pub(super) fn give_up(&self, mut state: MutexGuard<'_, State>, is_unknown: bool) {
        let why = match is_unknown {
            true => CallError::NoChannel(self.channel.name().into()),
            false => CallError::NoConnection,
        };
        let (left, mut given_up) = state.queue.leave();
        match is_unknown {
            true => given_up.extend((0..left.entries()).map(|_| Wanted::default())),
            // What is kept is tried again when the mesh looks around.
            false => {
                state.queue = Queue::resume(self.channel.credit, self.channel.full, left);
                state.use_lanes();
            }
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
        if state.over == Some(Over::Closed) {
            return;
        }
        state.over = Some(Over::Closed);
        let (left, given_up) = state.queue.leave();
        self.keeper.kept().leave(self.stream, left);
        state.meter.unsent += given_up.len() as u64;
        self.settle(state);
    }

    /// Gives up what was not acknowledged in its time, and sees whether more lanes are of use, or fewer;
    /// the lane that is to be opened.
    pub(super) fn tick(&self) -> Option<u8> {
        let now = self.now();
        let mut state = self.state();
        state.queue.expire_unheard(now);
        let read = state.lanes.iter().map(|lane| lane.pace.read()).sum();
        let State { width, queue, .. } = &mut *state;
        if width.look(now, read, queue.is_crowded()) {
            state.use_lanes();
        }
        let opens = state.opens();
        self.settle(state);
        opens
    }

    /// Whether nothing has moved on a lane for longer than this, although something is under way.
    pub(super) fn is_stuck(&self, now: Tick, bound: Duration) -> bool {
        let mut state = self.state();
        let mut is_stuck = false;
        for lane in &mut state.lanes {
            let waits = lane.phase == Phase::Open && lane.pace.under_way() > 0;
            is_stuck |= lane.stall.look(now, waits, lane.pace.read(), bound);
        }
        is_stuck
    }

    /// Whether the other end has seen all that was sent.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        let is_seen = |lane: &Sending| lane.pace.under_way() == 0;
        state.queue.entries() == 0 && state.lanes.iter().all(is_seen)
    }

    pub(super) fn report(&self) -> Report {
        let state = self.state();
        let open = || {
            let lanes = state.lanes.iter();
            lanes.filter(|lane| lane.phase == Phase::Open)
        };
        Report {
            open: open().count(),
            used: state.width.used(),
            meter: state.meter.clone(),
            queued: state.queue.entries(),
            queued_bytes: state.queue.bytes(),
            unheard: state.queue.unheard().0,
            under_way: open().map(|lane| lane.pace.under_way()).sum(),
            window: open().map(|lane| lane.pace.window()).sum(),
            round_trip: open().filter_map(|lane| lane.pace.latest()).max(),
        }
    }
}
