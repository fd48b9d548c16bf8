//! What does the process of one connection do?
//!
//! Role       Dials or was dialled, shakes hands, then carries frames both ways until an end.
//! Limit      A share of reading, then others run; what is to be sent when it closes has a second, and
//!            so has the other end to close first when this node leaves.
//! Invariant  While it lives the node is connected to the other one; when it is gone, however it
//!            ended, the node has lost it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use foundation_runtime::{Carried, Freight, Node, NodeId, Pid, Port, time};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::context::{Context, HalfOpen};
use super::frame::Kind;
use super::inbound::Inbound;
use super::outgoing::Outgoing;
use super::shake::shake;
use crate::handshake::{Agreed, Refusal, Role};
use crate::membership;
use crate::mesh::{ConnectionId, Loss, MeshRef};
use crate::transport::Stream;

/// How many bytes are read before other processes run.
const READ_BUDGET: usize = 256 * 1024;
/// A buffer that grew beyond this is given back once it is empty.
const KEPT_BYTES: usize = 2 << 20;
/// How long what is queued may take to leave when a connection closes.
const CLOSING: Duration = Duration::from_secs(1);

/// What others see of a connection that is up.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// The other node's name.
    pub(crate) peer: Box<str>,
    pub(crate) outgoing: Arc<Outgoing>,
    /// Rises whenever something comes.
    pub(crate) heard: Arc<AtomicU64>,
}

/// The life of a connection to this address.
pub(crate) async fn dialled(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    address: Box<str>,
) {
    let dial = async {
        let dialled = context.transport.dial(&context.node, &address).await;
        let mut stream = dialled.map_err(|_| Refusal::Closed)?;
        let agreed = shake(&context, &mesh, id, Role::Dialler, &mut stream).await?;
        Ok((stream, agreed))
    };
    let dialled = time::timeout(context.handshake_bound, dial).await;
    match dialled.unwrap_or(Err(Refusal::Deadline)) {
        Ok((stream, agreed)) => live(&context, &mesh, id, stream, agreed).await,
        Err(refusal) => mesh.undialled(id, refusal).await,
    }
}

/// The life of a connection that was dialled from there.
pub(crate) async fn accepted(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    mut stream: Stream,
    from: Box<str>,
    place: HalfOpen,
) {
    let handshake = shake(&context, &mesh, id, Role::Listener, &mut stream);
    let shaken = time::timeout(context.handshake_bound, handshake).await;
    drop(place);
    match shaken.unwrap_or(Err(Refusal::Deadline)) {
        Ok(agreed) => live(&context, &mesh, id, stream, agreed).await,
        Err(refusal) => {
            tracing::warn!(
                target: "foundation::cluster",
                %from, %refusal,
                "a connection was refused"
            );
            mesh.gone(id, Loss::Closed).await;
        }
    }
}

/// Carries frames until the end.
async fn live(context: &Context, mesh: &MeshRef, id: ConnectionId, stream: Stream, agreed: Agreed) {
    let peer = NodeId::of(&agreed.peer.name, agreed.peer.incarnation);
    let started = Started {
        peer: agreed.peer.name.clone(),
        outgoing: Arc::new(Outgoing::new(&context.node)),
        heard: Arc::default(),
    };
    let attached = Attached::new(context, peer, &agreed.peer.name, &started.outgoing);
    mesh.up(id, started.clone()).await;
    let mut pump = Pump {
        node: &context.node,
        peer,
        stream,
        inbound: Inbound::new(&agreed.rest),
        writing: Vec::new(),
        written: 0,
        started,
        closing: None,
    };
    let loss = loop {
        match poll_fn(|cx| pump.poll(cx)).await {
            Turn::Lost(loss) => break loss,
            Turn::Came(Kind::Membership, content) => {
                let loss = membership::received(&context.node, &agreed.peer, content).await;
                if let Some(loss) = loss {
                    break loss;
                }
            }
            Turn::Came(..) => {}
        }
    };
    drop(attached);
    mesh.gone(id, loss).await;
}

/// The node is connected as long as this is there.
struct Attached<'a> {
    node: &'a Node,
    peer: NodeId,
    number: u32,
    outgoing: Arc<Outgoing>,
}

impl<'a> Attached<'a> {
    fn new(context: &'a Context, peer: NodeId, name: &str, outgoing: &Arc<Outgoing>) -> Self {
        let node = &context.node;
        let port = Arc::new(Way(Arc::clone(outgoing)));
        let number = node.connect_port(peer, name, port);
        let outgoing = Arc::clone(outgoing);
        Self {
            node,
            peer,
            number,
            outgoing,
        }
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.outgoing.close(Loss::Closed);
        self.node.disconnect_port(self.peer, self.number);
    }
}

/// What the node's processes send through.
struct Way(Arc<Outgoing>);

impl Port for Way {
    fn carry(&self, frame: Vec<u8>, what: Freight) -> Carried {
        self.0.push(Kind::Process, &frame, what)
    }

    fn wait(&self, pid: Pid) -> bool {
        self.0.wait(pid)
    }

    fn close(&self, _: NodeId) {
        self.0.close(Loss::Closed);
    }
}

/// What comes out of one go at both directions.
enum Turn {
    /// A frame that is not between processes.
    Came(Kind, Vec<u8>),
    Lost(Loss),
}

struct Pump<'a> {
    node: &'a Node,
    peer: NodeId,
    stream: Stream,
    inbound: Inbound,
    writing: Vec<u8>,
    written: usize,
    started: Started,
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Pump<'_> {
    fn poll(&mut self, cx: &mut Poller<'_>) -> Poll<Turn> {
        if let Some(loss) = self.poll_write(cx) {
            return Poll::Ready(Turn::Lost(loss));
        }
        let mut budget = READ_BUDGET;
        loop {
            if let Some(turn) = self.deliver() {
                return Poll::Ready(turn);
            }
            if budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut room = ReadBuf::new(self.inbound.space());
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
            let count = room.filled().len();
            if read.is_err() || count == 0 {
                return Poll::Ready(Turn::Lost(Loss::Closed));
            }
            self.inbound.came(count);
            self.started.heard.fetch_add(1, Ordering::Relaxed);
            budget = budget.saturating_sub(count);
        }
    }

    /// Sends what waits, as far as it goes.
    fn poll_write(&mut self, cx: &mut Poller<'_>) -> Option<Loss> {
        loop {
            if self.written == self.writing.len() {
                self.writing.clear();
                self.written = 0;
                if self.writing.capacity() > KEPT_BYTES {
                    self.writing = Vec::new();
                }
                if !self.started.outgoing.take(&mut self.writing, cx.waker()) {
                    return match self.started.outgoing.closed()? {
                        // The other one reads that, and closes: what it sends meanwhile would
                        // otherwise make its system throw away what it has not read yet.
                        Loss::Leaving | Loss::Evicted => self.poll_closing(cx),
                        loss => Some(loss),
                    };
                }
            }
            let rest = &self.writing[self.written..];
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(count)) if count > 0 => self.written += count,
                Poll::Ready(_) => return Some(Loss::Closed),
                Poll::Pending => return self.poll_closing(cx),
            }
        }
    }

    /// What still waits when it closes has a moment to leave, and to be read.
    fn poll_closing(&mut self, cx: &mut Poller<'_>) -> Option<Loss> {
        let loss = self.started.outgoing.closed()?;
        let node = self.node.clone();
        let closing = self
            .closing
            .get_or_insert_with(|| Box::pin(async move { node.sleep(CLOSING).await }));
        closing.as_mut().poll(cx).is_ready().then_some(loss)
    }

    /// Gives processes what has come for them.
    fn deliver(&mut self) -> Option<Turn> {
        loop {
            match self.inbound.next() {
                Ok(None) => return None,
                Ok(Some((Kind::Process, frame))) => {
                    if let Err(error) = self.node.receive_frame(self.peer, frame) {
                        tracing::error!(
                            target: "foundation::cluster",
                            %error,
                            "a frame could not be read; the connection is closed"
                        );
                        return Some(Turn::Lost(Loss::Garbage));
                    }
                }
                Ok(Some((Kind::Heartbeat, _))) => {}
                Ok(Some((kind, content))) => return Some(Turn::Came(kind, content.to_vec())),
                Err(error) => {
                    tracing::error!(
                        target: "foundation::cluster",
                        %error,
                        "a frame is none; the connection is closed"
                    );
                    return Some(Turn::Lost(Loss::Garbage));
                }
            }
        }
    }
}
