//! What does the process of one connection do?
//!
//! Role       Dials or was dialled, shakes hands, then carries frames both ways until an end.
//! Invariant  While it lives the node is connected to the other one; when it is gone, however it
//!            ended, the node has lost it.

use std::future::poll_fn;
use std::sync::Arc;

use foundation_runtime::{Carried, Freight, NodeId, Pid, Port, time};

use super::association::Association;
use super::bulk;
use super::carrier;
use super::context::{Context, HalfOpen};
use super::failure::Failure;
use super::frame::Kind;
use super::pump::{Duty, Pump, Turn};
use super::shake::{Further, Gatekeeper, shake};
use crate::handshake::{Agreed, Purpose, Refusal, Role};
use crate::membership;
use crate::mesh::{ConnectionId, Loss, MeshRef};
use crate::transport::Stream;

/// The life of a connection to this address.
pub(crate) async fn dialled(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    address: Box<str>,
) {
    let dial = async {
        let mut stream = context.transport.dial(&context.node, &address).await?;
        let (role, purpose) = (Role::Dialler, Purpose::Peer);
        let gatekeeper = Gatekeeper::Mesh(&mesh, id);
        let (agreed, _) = shake(&context, role, purpose, gatekeeper, &mut stream).await?;
        Ok::<_, Failure>((stream, agreed))
    };
    let dialled = time::timeout(context.handshake_bound, dial).await;
    match dialled.unwrap_or(Err(Refusal::Deadline.into())) {
        Ok((stream, agreed)) => live(&context, &mesh, id, stream, agreed).await,
        Err(failure) => {
            if failure.is_news() {
                tracing::warn!(
                    target: "foundation::cluster",
                    %address, refusal = %failure,
                    "a node could not be joined"
                );
            }
            mesh.undialled(id, failure.refusal).await;
        }
    }
}

/// The life of a connection that was dialled from there.
pub(crate) async fn accepted(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    stream: Stream,
    from: Box<str>,
    place: HalfOpen,
    me: Pid,
) {
    let handshake = async {
        let mut stream = context.transport.secured(stream).await?;
        // What the dialler wants is in its first message.
        let (role, purpose) = (Role::Listener, Purpose::Peer);
        let gatekeeper = Gatekeeper::Mesh(&mesh, id);
        let shaken = shake(&context, role, purpose, gatekeeper, &mut stream).await?;
        Ok::<_, Failure>((stream, shaken))
    };
    let shaken = time::timeout(context.handshake_bound, handshake).await;
    drop(place);
    match shaken.unwrap_or(Err(Refusal::Deadline.into())) {
        Ok((stream, (agreed, None))) => live(&context, &mesh, id, stream, agreed).await,
        Ok((stream, (agreed, Some(Further { of, purpose })))) => {
            match purpose {
                Purpose::Lane {
                    channel,
                    lane,
                    credit,
                    ..
                } => {
                    let which = (&*channel, lane);
                    carrier::taken(&of, me, stream, agreed.rest, which, credit).await;
                }
                _ => bulk::taken(&of, me, stream, agreed.rest).await,
            }
            mesh.gone(id, Loss::Closed).await;
        }
        Err(failure) => {
            tracing::warn!(
                target: "foundation::cluster",
                %from, refusal = %failure,
                "a connection was refused"
            );
            mesh.gone(id, Loss::Closed).await;
        }
    }
}

/// Carries frames until the end.
async fn live(
    context: &Arc<Context>,
    mesh: &MeshRef,
    id: ConnectionId,
    stream: Stream,
    agreed: Agreed,
) {
    let keeper = Arc::clone(&context.keeper);
    let association = Association::new(&context.node, agreed.peer, agreed.link, keeper);
    let association = Arc::new(association);
    let attached = Attached::new(context, &association);
    association.lanes.resume();
    mesh.up(id, Arc::clone(&association)).await;
    let mut pump = Pump::new(&association, stream, Duty::Main, &agreed.rest);
    let loss = loop {
        match poll_fn(|cx| pump.poll(cx)).await {
            Turn::Lost(loss) => break loss,
            Turn::WantsBulk => bulk::open(context, &association),
            Turn::WantsLane(lane) => carrier::open(context, &association, lane),
            Turn::Came(Kind::Membership, content) => {
                let loss = membership::received(&context.node, &association.peer, content).await;
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
    association: &'a Arc<Association>,
    number: u32,
}

impl<'a> Attached<'a> {
    fn new(context: &Context, association: &'a Arc<Association>) -> Self {
        let port = Arc::new(Way(Arc::clone(association)));
        let (peer, name) = (association.peer_id, &association.peer.name);
        context.keeper.kept().connected(name, peer);
        let number = context.node.connect_port(peer, name, port);
        Self {
            association,
            number,
        }
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        let of = self.association;
        of.close();
        of.node.disconnect_port(of.peer_id, self.number);
    }
}

/// What the node's processes send through.
struct Way(Arc<Association>);

impl Port for Way {
    fn carry(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        match freight.course.is_usual() {
            true => self.0.outgoing.carry(frame, freight),
            false => self.0.carry_over(frame, &freight),
        }
    }

    fn wait(&self, pid: Pid, freight: &Freight) -> bool {
        match freight.course.is_usual() {
            true => self.0.outgoing.wait(pid),
            false => self.0.lanes.wait(pid, freight),
        }
    }

    fn close(&self, _: NodeId) {
        self.0.outgoing.close(Loss::Closed);
    }
}
