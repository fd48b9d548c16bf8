//! All lanes between two nodes.
//!
//! Role       Which channel a frame takes, which lanes are to be opened, and what they did.
//! Invariant  They share nothing but their end: when the nodes are connected no more, all of them are
//!            closed, and nothing of them comes in after that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use foundation_runtime::{Carried, Freight, Node, NodeId, Pid};

use super::bringing::Bringing;
use super::keeper::Keeper;
use super::lane::Lane;
use super::outlet::{Outlet, Pressing, Report};
use crate::channel::{Channel, ChannelFigures, LANES_MAX};
use crate::machine::Tick;

/// The lanes to one node, and those from it.
#[derive(Debug)]
pub(super) struct Lanes {
    node: Node,
    peer: NodeId,
    keeper: Arc<Keeper>,
    /// By the places of their channels; that of `data` is for what is asked more of than to be sent.
    to: OnceLock<Vec<Arc<Outlet>>>,
    from: Mutex<Vec<Weak<Bringing>>>,
    /// Some are to be opened.
    wanted: AtomicBool,
    opening: Mutex<Vec<Lane>>,
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

    fn outlets(&self) -> &Vec<Arc<Outlet>> {
        self.to.get_or_init(|| {
            let pressing = Arc::new(Pressing::default());
            let channels = (0..).zip(self.keeper.channels.all());
            let outlets = channels.map(|(place, channel)| {
                let stream = (self.peer, place);
                Outlet::new(&self.node, &self.keeper, stream, channel, &pressing)
            });
            outlets.map(Arc::new).collect()
        })
    }

    fn find(&self, freight: &Freight) -> Option<&Arc<Outlet>> {
        self.outlets().get(usize::from(freight.course.channel))
    }

    /// Queues a frame; whether a lane is to be opened for it.
    pub(super) fn carry(&self, frame: Vec<u8>, freight: &Freight) -> (Carried, bool) {
        let Some(outlet) = self.find(freight) else {
            return (Carried::NoChannel, false);
        };
        let took = outlet.carry(frame, freight);
        (took.carried, self.open(outlet, took.opens))
    }

    fn open(&self, outlet: &Arc<Outlet>, number: Option<u8>) -> bool {
        let Some(number) = number else {
            return false;
        };
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        opening.push(Lane {
            outlet: Arc::clone(outlet),
            number,
        });
        self.wanted.store(true, Ordering::Relaxed);
        true
    }

    /// The nodes are connected: what was kept for the other one is sent.
    pub(super) fn resume(&self) {
        if !self.keeper.kept().waiting(self.peer).is_empty() {
            self.tend();
        }
    }

    /// Gives up what has waited too long, and opens lanes that are of use; whether there are any.
    fn tend(&self) -> bool {
        let mut opens = false;
        for outlet in self.outlets() {
            opens |= self.open(outlet, outlet.tick());
        }
        opens
    }

    pub(super) fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        self.find(freight)
            .is_some_and(|outlet| outlet.wait(pid, freight))
    }

    /// A lane that is to be opened, and of which nobody was told yet.
    pub(super) fn wanted(&self) -> Option<Lane> {
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
        let stream = (self.peer, self.place(channel)?);
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        from.retain(|lane| lane.strong_count() > 0);
        let open = from.iter().filter_map(Weak::upgrade);
        if LANES_MAX <= lane || open.into_iter().any(|open| open.is(stream, lane)) {
            return None;
        }
        let keeper = Arc::clone(&self.keeper);
        let lane = Arc::new(Bringing::new(keeper, stream, lane, credit));
        from.push(Arc::downgrade(&lane));
        Some(lane)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Outlet>> {
        self.to.get().into_iter().flatten()
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
        let stuck = self.all().filter(|outlet| outlet.is_stuck(now, bound));
        (opens, stuck.count() > 0)
    }

    /// Whether the other end has seen all that was sent over any.
    pub(super) fn is_quiet(&self) -> bool {
        self.all().all(|outlet| outlet.is_quiet())
    }

    /// What came from the other node, and waits for what it follows, is lost.
    pub(super) fn drop_following(&self) {
        self.keeper.ordering.drop_from(self.peer);
    }

    pub(super) fn close(&self) {
        for outlet in self.all() {
            outlet.close();
        }
    }

    /// What the channels did that were used.
    pub(super) fn figures(&self) -> Vec<ChannelFigures> {
        let channels = self.keeper.channels.all().iter().enumerate();
        let figures = channels.map(|(place, channel)| {
            let outlet = self.to.get().map(|outlets| outlets[place].report());
            let following = self.keeper.ordering.figures(place as u8, self.peer);
            figures(channel, outlet, following)
        });
        figures.flatten().collect()
    }
}

/// What a channel did; `None` when it was not used.
fn figures(
    channel: &Channel,
    outlet: Option<Report>,
    (following, disordered): (usize, u64),
) -> Option<ChannelFigures> {
    let report = outlet.unwrap_or_default();
    let meter = report.meter;
    let is_used = report.open > 0 || report.queued > 0 || meter.messages + meter.unsent > 0;
    if !is_used && following == 0 && disordered == 0 {
        return None;
    }
    Some(ChannelFigures {
        channel: channel.name().into(),
        priority: format!("{:?}", channel.priority).to_lowercase(),
        open: report.open as u32,
        lanes: u32::from(report.used),
        messages: meter.messages,
        bytes: meter.bytes,
        wire_bytes: meter.wire_bytes,
        queued: report.queued as u64,
        queued_bytes: report.queued_bytes as u64,
        under_way: report.under_way as u64,
        window: report.window as u64,
        held: meter.held,
        superseded: meter.superseded,
        expired: meter.expired,
        refused: meter.refused,
        unsent: meter.unsent,
        unheard: report.unheard as u64,
        unacknowledged: meter.unacknowledged,
        following: following as u64,
        disordered,
        wait_p50: meter.waits.quantile(0.5),
        wait_p99: meter.waits.quantile(0.99),
        wait_max: meter.waits.longest(),
        round_trip: report.round_trip,
    })
}
