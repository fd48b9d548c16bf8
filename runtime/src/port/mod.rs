//! How do processes of two nodes reach each other?
//!
//! Role       The distribution port: everything between two nodes is a [`Frame`], encoded; what
//!            carries the bytes is a [`Port`].
//! Invariant  Frames of one pair of processes keep their order. When a connection is cut, every
//!            process that has to do with the other node learns it, after all that came before.
//! Limit      A frame of at most `FRAME_BYTES_MAX`; a larger one is not sent and fails like a
//!            missing connection.

mod frame;
mod loopback;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub(crate) use frame::{Frame, Target};
pub use loopback::Loopback;

use crate::envelope::{Caller, Encoded, Envelope, Kind, Signal};
use crate::node::{Core, GUEST_SLOT};
use crate::process::InfoRequest;
use crate::{CallError, Node, NodeId, Pid, Reason};

const FRAME_BYTES_MAX: usize = 64 << 20;

/// What carries frames to one other node.
pub(crate) trait Port: Send + Sync {
    /// Takes one encoded frame; `false` when the connection is gone.
    fn carry(&self, frame: Vec<u8>) -> bool;

    /// Ends the connection, from the side of `node`: the other side loses that node.
    fn close(&self, node: NodeId);
}

struct Connection {
    /// Which one this is of all that the node had.
    number: u32,
    port: Arc<dyn Port>,
    name: Arc<str>,
    /// Processes here that have a link, monitor or call across.
    /// `None` when the connection is lost and they have been told.
    peers: Mutex<Option<BTreeSet<Pid>>>,
}

/// The connections of one node.
#[derive(Default)]
pub(crate) struct Ports(RwLock<HashMap<NodeId, Arc<Connection>>>);

impl Ports {
    fn get(&self, node: NodeId) -> Option<Arc<Connection>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&node)
            .cloned()
    }
}

impl Core {
    /// Sends a frame to a node; `false` when there is no connection. What the frame asked for is
    /// then answered here.
    pub(crate) fn transmit(&self, node: NodeId, frame: Frame) -> bool {
        self.transmit_over(node, None, frame)
    }

    /// [`Core::transmit`] over this connection, if one is named, and no other.
    fn transmit_over(&self, node: NodeId, number: Option<u32>, frame: Frame) -> bool {
        let connection = self.ports().get(node);
        let named = |connection: &Arc<Connection>| number.is_none_or(|it| it == connection.number);
        let Some(connection) = connection.filter(named) else {
            return false;
        };
        match rmp_serde::to_vec(&frame) {
            Ok(bytes) if bytes.len() <= FRAME_BYTES_MAX => connection.port.carry(bytes),
            _ => false,
        }
    }

    /// Sends a signal that goes over this connection, if it leaves the node, or else is answered as
    /// one that could not be sent.
    pub(crate) fn send_signal_over(&self, to: Pid, signal: Signal, connection: Option<u32>) {
        match connection {
            None => self.send_signal(to, signal),
            over => self.signal_away(to, signal, over),
        }
    }

    /// Sends a signal to a process of another node.
    #[cold]
    pub(crate) fn signal_away(&self, to: Pid, signal: Signal, over: Option<u32>) {
        let node = to.node();
        let (frame, lost) = match signal {
            Signal::Exit { from, reason, kind } => (
                Frame::Exit {
                    from,
                    to,
                    reason,
                    link: kind == crate::envelope::ExitKind::Link,
                },
                None,
            ),
            Signal::Link { from } => {
                self.remember_peer(node, from);
                (
                    Frame::Link { from, to },
                    Some(Signal::Exit {
                        from: to,
                        reason: Reason::NoConnection,
                        kind: crate::envelope::ExitKind::Link,
                    }),
                )
            }
            Signal::Unlink { from, id } => (Frame::Unlink { from, to, id }, None),
            Signal::UnlinkAck { from, id } => (Frame::UnlinkAck { from, to, id }, None),
            Signal::Monitor { watcher, id, name } => {
                self.remember_peer(node, watcher);
                let reason = Reason::NoConnection;
                let lost = Signal::Down {
                    id,
                    from: to,
                    reason,
                };
                let to = match name {
                    Some(name) if to.slot() == GUEST_SLOT => Target::Name(node, (&*name).into()),
                    _ => Target::Pid(to),
                };
                (Frame::Monitor { watcher, to, id }, Some(lost))
            }
            Signal::Demonitor { watcher, id } => (Frame::Demonitor { watcher, to, id }, None),
            Signal::Down { id, from, reason } => (
                Frame::Down {
                    to,
                    id,
                    from,
                    reason,
                },
                None,
            ),
            Signal::Alias {
                alias,
                message,
                priority,
            } => return self.alias_away(to, alias, message, priority),
            Signal::Info(InfoRequest { caller }) => {
                return self.ask_away(to, caller, |from, id| Frame::Info { from, id, to });
            }
            Signal::Suspend { caller, .. } | Signal::Resume { caller, .. } => {
                // As in OTP, a process of another node cannot be suspended.
                return caller.fail(&CallError::NoProc);
            }
            _ => return,
        };
        let from = match &frame {
            Frame::Link { from, .. } => Some(*from),
            Frame::Monitor { watcher, .. } => Some(*watcher),
            _ => None,
        };
        if !self.transmit_over(node, over, frame)
            && let (Some(from), Some(lost)) = (from, lost)
        {
            self.send_signal(from, lost);
        }
    }

    fn alias_away(&self, to: Pid, alias: u64, mut message: Envelope, priority: bool) {
        let node = to.node();
        let (from, name, request) = (message.from(), message.name(), message.is_request());
        let tag = (message.header().table.tag)();
        let bytes = match message.encode() {
            Ok(bytes) => bytes,
            Err(_) => {
                if !request {
                    self.report_dead(Some(to), from, name, crate::DeadReason::Unknown);
                }
                return message.discard(&CallError::NotPortable(name.into()));
            }
        };
        let caller = match message.kind() {
            Kind::Call => message.take_caller(),
            _ => None,
        };
        let caller = caller.map(|caller| self.remote_caller(caller, node));
        let frame = Frame::Alias {
            from,
            to,
            alias,
            priority,
            tag,
            caller,
            bytes,
        };
        if self.transmit(node, frame) {
            return;
        }
        match caller {
            Some((pid, id)) => self.fail_call(pid, id, &CallError::NoConnection),
            None => self.report_dead(Some(to), from, name, crate::DeadReason::NoConnection),
        }
    }

    /// Asks another node on behalf of a caller of this one.
    pub(crate) fn ask_away(&self, to: Pid, caller: Caller, frame: impl FnOnce(Pid, u64) -> Frame) {
        let (pid, id) = self.remote_caller(caller, to.node());
        if !self.transmit(to.node(), frame(pid, id)) {
            self.fail_call(pid, id, &CallError::NoConnection);
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

    /// A link or monitor from another node is about to be given to a process. It must learn of the
    /// loss of this connection after it, even if there is a new one when it gets to look at either.
    fn asked_from_away(&self, node: NodeId, pid: Pid) {
        if self.living(pid).is_some() {
            self.remember_peer(node, pid);
        }
        // It may have ended meanwhile, and have been forgotten before.
        if self.living(pid).is_none() {
            self.forget_peer(pid);
        }
    }

    /// Forgets a process that has ended.
    pub(crate) fn forget_peer(&self, pid: Pid) {
        let ports = self
            .ports()
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for connection in ports.values() {
            let mut peers = connection
                .peers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(peers) = &mut *peers {
                peers.remove(&pid);
            }
        }
    }

    pub(crate) fn connect(&self, node: NodeId, name: Arc<str>, port: Arc<dyn Port>) {
        let number = self.counters.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Connection {
            number,
            port,
            name,
            peers: Mutex::new(Some(BTreeSet::new())),
        };
        let mut ports = self
            .ports()
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        ports.insert(node, Arc::new(connection));
    }

    /// The connection to `node` is lost.
    pub(crate) fn disconnect(&self, node: NodeId) {
        let connection = {
            let mut ports = self
                .ports()
                .0
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            ports.remove(&node)
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
        self.fail_guests(node);
    }

    /// Ends all connections: the node is shutting down.
    pub(crate) fn disconnect_all(&self) {
        let connected: Vec<(NodeId, Arc<Connection>)> = {
            let ports = self
                .ports()
                .0
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            ports
                .iter()
                .map(|(node, connection)| (*node, Arc::clone(connection)))
                .collect()
        };
        for (node, connection) in connected {
            connection.port.close(self.id());
            self.disconnect(node);
        }
    }

    /// The id of the connected node of this name.
    pub(crate) fn find_node(&self, name: &str) -> Option<NodeId> {
        let ports = self
            .ports()
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        ports
            .iter()
            .find(|(_, connection)| &*connection.name == name)
            .map(|(id, _)| *id)
    }

    /// The node that is connected under the name for which `id` stands; any other id is itself.
    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        if id == self.id() || id == NodeId::unconnected(self.name()) {
            return self.id();
        }
        let ports = self.ports().0.read();
        let ports = ports.unwrap_or_else(PoisonError::into_inner);
        if ports.contains_key(&id) {
            return id;
        }
        let mut named = ports.iter();
        let named = named.find(|(_, connection)| NodeId::unconnected(&connection.name) == id);
        named.map_or(id, |(id, _)| *id)
    }

    /// Takes a frame that came from another node.
    ///
    /// # Errors
    /// The text of what is wrong with it; nothing of it was done.
    pub(crate) fn receive(&self, node: &Node, bytes: &[u8]) -> Result<(), String> {
        let frame: Frame = rmp_serde::from_slice(bytes).map_err(|error| error.to_string())?;
        match frame {
            Frame::Message {
                from,
                to,
                tag,
                caller,
                bytes,
            } => {
                let caller = caller.map(|(pid, id)| Caller::Process {
                    node: node.clone(),
                    pid,
                    id,
                });
                let mut envelope = Envelope::encoded(Encoded { tag, bytes, caller });
                envelope.header_mut().from = from;
                match to {
                    Target::Pid(pid) if pid.node() == self.id() => self.send_unheard(pid, envelope),
                    Target::Pid(_) => drop(envelope),
                    Target::Name(_, name) => self.send_named_unheard(&name, envelope),
                }
            }
            Frame::Reply { to, id, answer } => self.reply_arrived(to, id, answer),
            Frame::Info { from, id, to } => {
                let caller = Caller::Process {
                    node: node.clone(),
                    pid: from,
                    id,
                };
                self.send_signal(to, Signal::Info(InfoRequest { caller }));
            }
            Frame::Whereis { from, id, name } => {
                let found = self.names().find(&name);
                let answer = rmp_serde::to_vec(&found)
                    .map_err(|error| CallError::Refused(error.to_string().into()));
                self.transmit(
                    from.node(),
                    Frame::Reply {
                        to: from,
                        id,
                        answer,
                    },
                );
            }
            Frame::Alias {
                from,
                to,
                alias,
                priority,
                tag,
                caller,
                bytes,
            } => {
                let caller = caller.map(|(pid, id)| Caller::Process {
                    node: node.clone(),
                    pid,
                    id,
                });
                let mut message = Envelope::encoded(Encoded { tag, bytes, caller });
                message.header_mut().from = from;
                let signal = Signal::Alias {
                    alias,
                    message,
                    priority,
                };
                self.send_signal(to, signal);
            }
            Frame::Monitor {
                watcher,
                to: Target::Name(_, name),
                id,
            } => match self.names().find(&name) {
                Some(pid) => {
                    let name = None;
                    self.asked_from_away(watcher.node(), pid);
                    self.send_signal(pid, Signal::Monitor { watcher, id, name });
                }
                None => self.send_signal(
                    watcher,
                    Signal::Down {
                        id,
                        from: crate::node::guest(self.id()),
                        reason: Reason::NoProc,
                    },
                ),
            },
            other => {
                if let Some((to, signal)) = other.into_signal()
                    && to.node() == self.id()
                {
                    if let Signal::Link { from: peer } | Signal::Monitor { watcher: peer, .. } =
                        &signal
                    {
                        self.asked_from_away(peer.node(), to);
                    }
                    self.send_signal(to, signal);
                }
            }
        }
        Ok(())
    }

    fn reply_arrived(&self, to: Pid, id: u64, answer: Result<Vec<u8>, CallError>) {
        let reply = Envelope::encoded_reply(crate::envelope::EncodedReply { id, answer });
        if to.slot() == GUEST_SLOT {
            if let Some(slot) = self.guest(id) {
                slot.put(reply);
            }
            return;
        }
        self.push_reply(to, reply);
    }
}
