//! All lanes between two nodes.
//!
//! Role       Which lane a frame takes, which are to be opened, and what they did.
//! Invariant  They share nothing but their end: when the nodes are connected no more, all of them are
//!            closed, and nothing of them comes in after that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use foundation_runtime::{Carried, Freight, Node, NodeId, Pid};

use super::bringing::Bringing;
use super::keeper::Keeper;
use super::lane::{Lane, Pressing, Report, lane_of};
use crate::channel::{Channel, ChannelFigures, LANES_MAX, Meter};
use crate::machine::Tick;

/// The lanes to one node, and those from it.
#[derive(Debug)]
pub(super) struct Lanes {
    node: Node,
    peer: NodeId,
    keeper: Arc<Keeper>,
    /// By the places of their channels; those of `data` are for what is asked more of than to be sent.
    to: OnceLock<Vec<Vec<Arc<Lane>>>>,
    from: Mutex<Vec<Weak<Bringing>>>,
    /// Some are to be opened.
    wanted: AtomicBool,
    opening: Mutex<Vec<Arc<Lane>>>,
}

impl Lanes {
    pub(super) fn new(node: &Node, peer: NodeId, keeper: Arc<Keeper>) -> Self {
        Self {
            node: node.clone(),
            peer,
            keeper,
            to: OnceLock::new(),
            from: Mutex::default(),
            wanted: AtomicBool::new(false),
            opening: Mutex::default(),
        }
    }

    fn of(&self, place: usize, channel: &Channel, pressing: &Arc<Pressing>) -> Vec<Arc<Lane>> {
        let shared = Arc::new(channel.clone());
        let lane = |number| {
            let stream = (self.peer, place as u8, number);
            let (channel, pressing) = (Arc::clone(&shared), Arc::clone(pressing));
            Lane::new(&self.node, &self.keeper, stream, channel, pressing)
        };
        (0..channel.lanes)
            .map(|number| Arc::new(lane(number)))
            .collect()
    }

    fn find(&self, freight: &Freight) -> Option<&Arc<Lane>> {
        let lanes = self.lanes().get(usize::from(freight.course.channel))?;
        let number = lane_of(freight, u8::try_from(lanes.len()).unwrap_or(1).max(1));
        lanes.get(usize::from(number))
    }

    fn lanes(&self) -> &Vec<Vec<Arc<Lane>>> {
        self.to.get_or_init(|| {
            let pressing = Arc::new(Pressing::default());
            let channels = self.keeper.channels.all().iter().enumerate();
            let lanes = channels.map(|(place, channel)| self.of(place, channel, &pressing));
            lanes.collect()
        })
    }

    /// Queues a frame; whether a lane is to be opened for it.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: &Freight) -> (Carried, bool) {
        let Some(lane) = self.find(freight) else {
            return (Carried::NoChannel, false);
        };
        let took = lane.carry(frame, freight);
        if took.opens {
            self.open(lane);
        }
        (took.carried, took.opens)
    }

    fn open(&self, lane: &Arc<Lane>) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        opening.push(Arc::clone(lane));
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// The nodes are connected: what was kept for the other one is sent.
    pub(super) fn resume(&self) {
        if !self.keeper.kept().waiting(self.peer).is_empty() {
            self.tend();
        }
    }

    /// Gives up what has waited too long, and opens lanes that have something; whether there are any.
    fn tend(&self) -> bool {
        let lanes = self.lanes().iter().flatten();
        let opens: Vec<&Arc<Lane>> = lanes.filter(|lane| lane.tick()).collect();
        opens.iter().for_each(|lane| self.open(lane));
        !opens.is_empty()
    }

    pub(super) fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        self.find(freight)
            .is_some_and(|lane| lane.wait(pid, freight))
    }

    /// A lane that is to be opened, and of which nobody was told yet.
    pub(super) fn wanted(&self) -> Option<Arc<Lane>> {
        if !self.wanted.load(Ordering::Relaxed) {
            return None;
        }
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = opening.pop();
        self.wanted.store(!opening.is_empty(), Ordering::Relaxed);
        lane
    }

    /// The place of a channel on this node.
    pub(super) fn place(&self, name: &str) -> Option<u8> {
        self.keeper.channels.place(name)
    }

    /// The receiving end of a lane of this channel, which the other node has opened; `None` when there
    /// is no such lane, or it is open already.
    pub(super) fn bringing(&self, channel: &str, lane: u8, credit: u32) -> Option<Arc<Bringing>> {
        let stream = (self.peer, self.place(channel)?, lane);
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        from.retain(|lane| lane.strong_count() > 0);
        let open = from.iter().filter_map(Weak::upgrade);
        if LANES_MAX <= lane || open.into_iter().any(|lane| lane.stream() == stream) {
            return None;
        }
        let keeper = Arc::clone(&self.keeper);
        let lane = Arc::new(Bringing::new(keeper, stream, credit));
        from.push(Arc::downgrade(&lane));
        Some(lane)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.to.get().into_iter().flatten().flatten()
    }

    /// The time has come to tell the other end what it does not know; whether a lane is to be opened,
    /// and whether one is stuck.
    pub(super) fn tick(&self, now: Tick, bound: Duration) -> (bool, bool) {
        let from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        for lane in from.iter().filter_map(Weak::upgrade) {
            lane.tell_all();
        }
        drop(from);
        let opens = self.to.get().is_some() && self.tend();
        let stuck = self.all().filter(|lane| lane.is_stuck(now, bound));
        (opens, stuck.count() > 0)
    }

    /// Whether the other end has seen all that was sent over any.
    pub(super) fn is_quiet(&self) -> bool {
        self.all().all(|lane| lane.is_quiet())
    }

    /// What came from the other node, and waits for what it follows, is lost.
    pub(super) fn drop_following(&self) {
        self.keeper.ordering.drop_from(self.peer);
    }

    pub(super) fn close(&self) {
        for lane in self.all() {
            lane.close();
        }
    }

    /// What the channels did that were used.
    pub(super) fn figures(&self) -> Vec<ChannelFigures> {
        let channels = self.keeper.channels.all().iter().enumerate();
        let figures = channels.map(|(place, channel)| {
            let lanes = self.to.get().map_or(&[][..], |lanes| &lanes[place]);
            let following = self.keeper.ordering.figures(place as u8, self.peer);
            figures(channel, lanes, following)
        });
        figures.flatten().collect()
    }
}

/// What the lanes of one channel did together; `None` when none was used.
fn figures(
    channel: &Channel,
    lanes: &[Arc<Lane>],
    (following, disordered): (usize, u64),
) -> Option<ChannelFigures> {
    let reports: Vec<Report> = lanes.iter().map(|lane| lane.report()).collect();
    let used = |report: &Report| {
        report.is_open || report.queued > 0 || report.meter.messages + report.meter.unsent > 0
    };
    if !reports.iter().any(used) && following == 0 && disordered == 0 {
        return None;
    }
    let sum = |of: fn(&Meter) -> u64| reports.iter().map(|report| of(&report.meter)).sum();
    let total = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>() as u64;
    let mut waits = crate::channel::Waits::default();
    for report in &reports {
        waits.merge(&report.meter.waits);
    }
    Some(ChannelFigures {
        channel: channel.name().into(),
        priority: format!("{:?}", channel.priority).to_lowercase(),
        open: total(|report| usize::from(report.is_open)) as u32,
        messages: sum(|meter| meter.messages),
        bytes: sum(|meter| meter.bytes),
        wire_bytes: sum(|meter| meter.wire_bytes),
        queued: total(|report| report.queued),
        queued_bytes: total(|report| report.queued_bytes),
        under_way: total(|report| report.under_way),
        window: total(|report| report.window),
        held: sum(|meter| meter.held),
        superseded: sum(|meter| meter.superseded),
        expired: sum(|meter| meter.expired),
        refused: sum(|meter| meter.refused),
        unsent: sum(|meter| meter.unsent),
        unheard: total(|report| report.unheard),
        unacknowledged: sum(|meter| meter.unacknowledged),
        following: following as u64,
        disordered,
        wait_p50: waits.quantile(0.5),
        wait_p99: waits.quantile(0.99),
        wait_max: waits.longest(),
        round_trip: reports.iter().filter_map(|report| report.round_trip).max(),
    })
}
