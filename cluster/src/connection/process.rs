//! What does the process of one connection do?
//!
//! Role       Dials or was dialled, shakes hands, then carries frames both ways until an end.
//! Invariant  While it lives the node is connected to the other one; when it is gone, however it
//!            ended, the node has lost it.

use std::future::poll_fn;
use std::sync::Arc;

use foundation_runtime::{Pid, time};

use super::association::Association;
use super::bulk;
use super::carrier;
use super::context::{Context, HalfOpen};
use super::failure::Failure;
use super::frame::Kind;
use super::handed::{self, Handed};
use super::parting::{self, Parting};
use super::pump::{Duty, Pump, Turn};
use super::shake::{Further, Gatekeeper, shake};
use crate::broadcast;
use crate::handshake::{Agreed, Purpose, Refusal, Role, Who};
use crate::membership;
use crate::mesh::{ConnectionId, Loss, MeshRef};
use crate::relay;
use crate::transport::Stream;

/// The life of a connection to this address, which may be knocked at.
pub(crate) async fn dialled(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    (address, knocks): (Box<str>, bool),
) {
    let dial = async {
        let (transport, node) = (&context.transport, &context.node);
        let mut stream = transport.dial(node, &address, knocks).await?;
        let (role, purpose) = (Role::Dialler, Purpose::Peer);
        let gatekeeper = Gatekeeper::Mesh(&mesh, id);
        let (agreed, _) = shake(&context, role, purpose, gatekeeper, &mut stream).await?;
        Ok::<_, Failure>((stream, agreed))
    };
    let dialled = time::timeout(context.handshake_bound, dial).await;
    match dialled.unwrap_or(Err(Refusal::Deadline.into())) {
        Ok((stream, agreed)) => live(&context, &mesh, id, (stream, false), agreed).await,
        Err(failure) => {
            if failure.is_news() {
                tracing::warn!(
                    target: "foundation::cluster",
                    %address, refusal = %failure,
                    "a node could not be joined"
                );
            }
            mesh.undialled(id, failure.refusal);
        }
    }
}

/// The life of a connection to this node through others.
pub(crate) async fn dialled_through(
    context: Arc<Context>,
    mesh: MeshRef,
    id: ConnectionId,
    who: Who,
) {
    let dial = async {
        let mut stream = context.dial(&who, true).await?;
        let (role, purpose) = (Role::Dialler, Purpose::Peer);
        let gatekeeper = Gatekeeper::Mesh(&mesh, id);
        let (agreed, _) = shake(&context, role, purpose, gatekeeper, &mut stream).await?;
        Ok::<_, Failure>((stream, agreed))
    };
    let dialled = time::timeout(context.handshake_bound, dial).await;
    match dialled.unwrap_or(Err(Refusal::Deadline.into())) {
        Ok((stream, agreed)) => live(&context, &mesh, id, (stream, true), agreed).await,
        Err(failure) => {
            tracing::debug!(
                target: "foundation::cluster",
                name = %who.name, refusal = %failure,
                "a node could not be reached through others either"
            );
            mesh.undialled(id, failure.refusal);
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
    let is_through = matches!(stream, Stream::Through(_));
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
        Ok((stream, (agreed, None))) => {
            live(&context, &mesh, id, (stream, is_through), agreed).await;
        }
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
            mesh.gone(id, Loss::Closed);
        }
        Err(failure) => {
            tracing::warn!(
                target: "foundation::cluster",
                %from, refusal = %failure,
                "a connection was refused"
            );
            mesh.gone(id, Loss::Closed);
        }
    }
}

/// Carries frames until the end.
async fn live(
    context: &Arc<Context>,
    mesh: &MeshRef,
    id: ConnectionId,
    (stream, is_through): (Stream, bool),
    agreed: Agreed,
) {
    let keeper = Arc::clone(&context.keeper);
    let peer = (agreed.peer, is_through);
    let association = Association::new(&context.node, peer, agreed.link, keeper);
    let association = Arc::new(association);
    let attached = Attached::new(context, &association);
    association.lanes.resume();
    mesh.up(id, Arc::clone(&association)).await;
    let mut pump = Pump::new(&association, stream, Duty::Main, &agreed.rest);
    let mut is_parting = false;
    let loss = loop {
        match poll_fn(|cx| pump.poll(cx)).await {
            Turn::Lost(loss) => break loss,
            Turn::WantsBulk => bulk::open(context, &association),
            Turn::WantsLane(lane) => carrier::open(context, &association, lane),
            // What is lost with a process that has ended is told by comparison, or sent again.
            Turn::Came(Kind::Membership, content) => {
                let handed = Handed::over(&association).await;
                let _ = membership::of(&context.node).received(handed, content);
            }
            Turn::Came(Kind::Overlay, content) => {
                let handed = Handed::over(&association).await;
                let _ = mesh.mesh().said(id, content, handed);
            }
            Turn::Came(Kind::Tree, content) => {
                let handed = Handed::over(&association).await;
                let _ = broadcast::of(&context.node).said(handed, content);
            }
            Turn::Came(Kind::Routed, content) => {
                let handed = Handed::over(&association).await;
                let _ = relay::of(&context.node).said(handed, content);
            }
            Turn::Came(Kind::Parting, content) => {
                match parting::said(context, mesh, id, &association, &content).await {
                    Parting::Goes => break Loss::Unneeded,
                    Parting::Stays => {}
                    Parting::Said => is_parting = true,
                    Parting::Garbage => break Loss::Garbage,
                }
            }
            Turn::Came(..) => {}
        }
    };
    handed::all_done(&association).await;
    let loss = match (loss, association.outgoing.closed()) {
        (Loss::Closed, _) if is_parting => Loss::Unneeded,
        // What came before the end says why.
        (Loss::Closed, Some(why)) => why,
        (loss, _) => loss,
    };
    if loss == Loss::Unneeded {
        association.agree();
    }
    drop(attached);
    mesh.gone(id, loss);
}

/// The node is connected as long as this is there.
struct Attached<'a> {
    context: &'a Context,
    association: &'a Arc<Association>,
}

impl<'a> Attached<'a> {
    fn new(context: &'a Context, association: &'a Arc<Association>) -> Self {
        let (peer, name) = (association.peer_id, &association.peer.name);
        context.keeper.connected(name, peer);
        context.ways.attach(association);
        context.ways.mark(association);
        Self {
            context,
            association,
        }
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        let of = self.association;
        of.close();
        self.context.ways.broke(of);
    }
}
