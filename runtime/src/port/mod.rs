//! How do processes of two nodes reach each other?
//!
//! Role       The distribution port: everything between two nodes is a [`Frame`], encoded; what
//!            carries the bytes is a [`Port`].
//! Invariant  Frames of one pair of processes keep their order. When a connection is cut, every
//!            process that has to do with the other node learns it, after all that came before.
//! Limit      A frame of at most `FRAME_BYTES_MAX`; a larger one is not sent, and its sender is told.

mod arrive;
mod course;
mod frame;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod leave;
mod loopback;
mod named;
mod seam;
mod table;
mod watching;
mod wire;

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

pub(crate) use course::ChannelNames;
pub use course::{
    BadChannels, CHANNEL_NAME_MAX, CHANNELS, CHANNELS_MAX, Course, NoChannel, SendOptions,
};
pub(crate) use frame::{Frame, Target};
pub use loopback::Loopback;
pub use seam::BadFrame;
pub use watching::NodeChange;
pub use wire::WIRE_VERSION;
pub(crate) use wire::{NAME_BYTES_MAX, Unwritten};

use self::frame::Body;
use self::table::Table;
use self::wire::Ends;
use crate::envelope::Signal;
use crate::node::{Core, GUEST_SLOT};
use crate::platform::current;
use crate::{CallError, NodeId, Pid};

/// How much room a frame is given at first: most are smaller.
const FRAME_ROOM: usize = 64;

/// What carries frames to one other node.
pub trait Port: Send + Sync {
    /// Takes one encoded frame, in the order in which it comes.
    fn carry(&self, frame: Vec<u8>, what: Freight) -> Carried;

    /// A process that sent this waits until there is room, and is then told by [`Node::release`](crate::Node::release).
    /// `false` when there is room by now, or it waits already.
    fn wait(&self, pid: Pid, what: &Freight) -> bool;

    /// `node`, which is this one, ends the connection: the other side loses it.
    fn close(&self, node: NodeId);
}

/// Keeps what is to be acknowledged while its node is not connected.
pub trait Spool: Send + Sync {
    /// The node that was last connected under the name for which this id stands; any other id is
    /// itself.
    fn last(&self, node: NodeId) -> NodeId;

    /// Keeps a frame for a node until it is connected again; `false` when there is nothing to wait
    /// for.
    fn keep(&self, node: NodeId, frame: Vec<u8>, what: &Freight) -> bool;
}

/// What a port has to know of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freight {
    /// What is in it.
    pub kind: FreightKind,
    /// The process of this node that it comes from: what comes from one keeps its order. `None` for
    /// code outside any process.
    pub sender: Option<Pid>,
    /// Which way it is to go.
    pub course: Course,
    /// The same for the same receiver. Zero on the usual channel, where nobody asks.
    pub receiver: u64,
    /// The same for messages of one type and one sender, as long as that lives. Zero on the usual
    /// channel.
    pub topic: u64,
    /// Of a request: who waits for an answer, and the number of the call.
    pub request: Option<(Pid, u64)>,
}

/// What is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreightKind {
    /// A message or a request: whoever sent it can be told that there is no room.
    Message,
    /// A signal or an answer, which is sent in any case: there are no more of them than processes and
    /// requests make.
    Signal,
}

/// How a frame came.
#[derive(Default)]
pub struct Brought {
    /// Over which channel, by the place that it has on this node: what the frame asks is answered
    /// over the same.
    pub channel: u8,
    /// Whether in causal order: so is the answer.
    pub causal: bool,
    /// Kept with a message until a process takes it, or it is clear that none will; dropped then.
    pub kept: Option<Box<dyn Any + Send>>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It is on its way.
    Taken,
    /// It is on its way, and so much is before it that its sender should wait.
    Busy,
    /// It was not taken: there is no room for a message.
    Full,
    /// It was not taken: the connection is gone.
    Gone,
    /// It was not taken: the other node has no such channel.
    NoChannel,
}

struct Connection {
    /// Which one this is of all that the node had.
    number: u32,
    port: Arc<dyn Port>,
    name: Arc<str>,
    /// It leads to no node: nobody hears of it, and it is not listed.
    is_hidden: bool,
    /// Processes here that have a link, monitor or call across.
    /// `None` when the connection is lost and they have been told.
    peers: Mutex<Option<BTreeSet<Pid>>>,
    /// Monitors that the other node has set by name.
    named: named::Named,
}

/// The connections of one node, and who is told of them.
#[derive(Default)]
pub(crate) struct Ports {
    connections: RwLock<Table>,
    watching: watching::Watching,
    spool: OnceLock<Arc<dyn Spool>>,
}

impl Ports {
    fn get(&self, node: NodeId) -> Option<Arc<Connection>> {
        self.connections
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(node)
            .cloned()
    }
}

/// Why a frame was not sent.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// There is no connection to its node.
    NoConnection,
    /// There is no room for a message.
    Full,
    /// Its node has no such channel.
    NoChannel(Box<str>),
    /// It cannot be written.
    Unwritten(Unwritten),
}

impl Unsent {
    /// What a caller is told.
    fn failure(&self) -> CallError {
        match self {
            Self::NoConnection => CallError::NoConnection,
            Self::Full => CallError::Full,
            Self::NoChannel(name) => CallError::NoChannel(name.clone()),
            Self::Unwritten(why) => why.failure(),
        }
    }
}

impl Core {
    /// Sends a frame to a node.
    ///
    /// # Errors
    /// [`Unsent`]; what the frame asked for is then answered here.
    pub(crate) fn transmit<P: Body>(
        &self,
        node: NodeId,
        frame: &Frame<'_, P>,
    ) -> Result<(), Unsent> {
        self.transmit_over(node, None, Course::default(), frame)
    }

    /// [`Core::transmit`] over this connection, if one is named, and no other.
    fn transmit_over<P: Body>(
        &self,
        node: NodeId,
        number: Option<u32>,
        course: Course,
        frame: &Frame<'_, P>,
    ) -> Result<(), Unsent> {
        let connection = self.ports().get(node);
        let named = |connection: &Arc<Connection>| number.is_none_or(|it| it == connection.number);
        let connection = connection.filter(named);
        let spool = match (&connection, course.acknowledged) {
            (Some(_), _) => None,
            (None, true) => Some(self.ports().spool.get().ok_or(Unsent::NoConnection)?),
            (None, false) => return Err(Unsent::NoConnection),
        };
        let node = spool.map_or(node, |spool| spool.last(node));
        let ends = Ends {
            sender: self.id(),
            receiver: node,
        };
        let mut bytes = Vec::with_capacity(FRAME_ROOM);
        wire::encode(frame, ends, &mut bytes).map_err(Unsent::Unwritten)?;
        let sender = self.sender_of(frame);
        let freight = Freight {
            kind: frame.freight(),
            sender,
            course,
            receiver: match course.is_usual() {
                true => 0,
                false => frame.receiver(),
            },
            topic: match course.is_usual() {
                true => 0,
                false => frame.topic(sender),
            },
            request: frame.request(),
        };
        let Some(connection) = connection else {
            return match spool.is_some_and(|spool| spool.keep(node, bytes, &freight)) {
                true => Ok(()),
                false => Err(Unsent::NoConnection),
            };
        };
        match connection.port.carry(bytes, freight) {
            Carried::Taken => Ok(()),
            Carried::Busy => {
                self.hold_sender(&*connection.port, &freight);
                Ok(())
            }
            Carried::Full => Err(Unsent::Full),
            Carried::Gone => Err(Unsent::NoConnection),
            Carried::NoChannel => {
                let name = self.channels.name(course.channel);
                Err(Unsent::NoChannel(name.into()))
            }
        }
    }

    /// The process of this node that a frame comes from: an answer does not say.
    fn sender_of<P>(&self, frame: &Frame<'_, P>) -> Option<Pid> {
        let own = |pid: &Pid| pid.node() == self.id() && pid.slot() != GUEST_SLOT;
        let running = || current::process().map(|running| running.pid());
        frame.sender().filter(own).or_else(running).filter(own)
    }

    /// The process that sends waits, once it yields, until there is room again: as in OTP, where a
    /// busy port suspends it. Who brings frames in never waits, or nothing would get better.
    #[cold]
    fn hold_sender(&self, port: &dyn Port, freight: &Freight) {
        let Some(running) = current::process() else {
            return;
        };
        let pid = running.pid();
        let is_sender = pid.node() == self.id() && running.brings.get().is_none();
        if is_sender && self.living(pid).is_some() && port.wait(pid, freight) {
            crate::process::hold(running);
        }
    }

    /// Notes that a process here has to do with that node, and must learn when this connection is
    /// lost: which one that is.
    pub(crate) fn remember_peer(&self, node: NodeId, pid: Pid) -> Option<u32> {
        let connection = self.ports().get(node)?;
        if pid.slot() == GUEST_SLOT {
            return Some(connection.number);
        }
        if let Some(block) = self.living(pid) {
            block.set_flag(crate::process::HAS_PEERS);
        }
        let mut peers = connection
            .peers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        peers.as_mut()?.insert(pid);
        Some(connection.number)
    }

    /// The number of the connection to a node; zero when there is none.
    pub(crate) fn connection_to(&self, node: NodeId) -> u32 {
        self.ports()
            .get(node)
            .map_or(0, |connection| connection.number)
    }

    /// Forgets a process that has ended.
    pub(crate) fn forget_peer(&self, pid: Pid) {
        self.forget_watcher(pid);
        let ports = self
            .ports()
            .connections
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (_, connection) in ports.all() {
            let mut peers = connection
                .peers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(peers) = &mut *peers {
                peers.remove(&pid);
            }
        }
    }

    pub(crate) fn connect(&self, node: NodeId, name: Arc<str>, port: Arc<dyn Port>) -> u32 {
        let connection = self.connection(Arc::clone(&name), port, false);
        let number = connection.number;
        self.connect_watched(node, &name, || self.add_connection(node, connection));
        number
    }

    /// The same for a port that leads to no node.
    pub(crate) fn connect_hidden(&self, id: NodeId, name: Arc<str>, port: Arc<dyn Port>) {
        let connection = self.connection(name, port, true);
        self.add_connection(id, connection);
    }

    fn connection(&self, name: Arc<str>, port: Arc<dyn Port>, is_hidden: bool) -> Connection {
        Connection {
            number: self.counters.connections.fetch_add(1, Ordering::Relaxed) + 1,
            port,
            name,
            is_hidden,
            peers: Mutex::new(Some(BTreeSet::new())),
            named: named::Named::default(),
        }
    }

    fn add_connection(&self, node: NodeId, connection: Connection) {
        let ports = self.ports().connections.write();
        let mut ports = ports.unwrap_or_else(PoisonError::into_inner);
        ports.insert(node, Arc::new(connection));
    }

    /// The connection to `node` is lost.
    pub(crate) fn disconnect(&self, node: NodeId) {
        if let Some(connection) = self.ports().get(node) {
            self.disconnect_numbered(node, connection.number);
        }
    }

    /// This connection to `node` is lost; another one is left alone.
    pub(crate) fn disconnect_numbered(&self, node: NodeId, number: u32) {
        let connection = {
            let ports = self.ports().connections.write();
            let mut ports = ports.unwrap_or_else(PoisonError::into_inner);
            ports.remove(node, number)
        };
        let Some(connection) = connection else { return };
        let peers = connection
            .peers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        for pid in peers.into_iter().flatten() {
            let connection = connection.number;
            self.send_signal(pid, Signal::NodeLost { node, connection });
        }
        if !connection.is_hidden {
            self.tell_loss(node, &connection.name);
        }
        self.fail_guests(node);
    }

    /// Ends all connections: the node is shutting down.
    pub(crate) fn disconnect_all(&self) {
        let mut connected: Vec<(NodeId, Arc<Connection>)> = {
            let ports = self
                .ports()
                .connections
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let all = ports.all();
            all.map(|(node, connection)| (*node, Arc::clone(connection)))
                .collect()
        };
        // In an order of their own: that of a table differs from run to run.
        connected.sort_unstable_by_key(|(node, _)| *node);
        for (node, connection) in connected {
            connection.port.close(self.id());
            self.disconnect(node);
        }
    }

    /// The id of the connected node of this name.
    pub(crate) fn find_node(&self, name: &str) -> Option<NodeId> {
        let ports = self
            .ports()
            .connections
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        ports.named(NodeId::unconnected(name))
    }

    /// The nodes that are connected, by name.
    pub(crate) fn connected(&self) -> Vec<(Arc<str>, NodeId)> {
        let ports = self.ports().connections.read();
        let ports = ports.unwrap_or_else(PoisonError::into_inner);
        let named = ports.all();
        let mut connected: Vec<_> = named
            .filter(|(_, connection)| !connection.is_hidden)
            .map(|(id, connection)| (Arc::clone(&connection.name), *id))
            .collect();
        connected.sort_unstable();
        connected
    }

    /// The node that is connected under the name for which `id` stands; any other id is itself.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        if id == self.id() || id == NodeId::unconnected(self.name()) {
            return self.id();
        }
        let ports = self.ports().connections.read();
        let ports = ports.unwrap_or_else(PoisonError::into_inner);
        match ports.get(id) {
            Some(_) => id,
            None => ports.named(id).unwrap_or(id),
        }
    }
}
