//! How is the handshake driven?
//!
//! Role       Carries bytes between a stream and the machine, asks the other's certificate whether
//!            the name is its own, and then whether the node is wanted.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::association::Association;
use super::context::Context;
use super::failure::Failure;
use crate::handshake::{Agreed, Effect, Input, Purpose, Refusal, Role, Who};
use crate::machine::{Effects, Machine, Tick};
use crate::mesh::{ConnectionId, MeshRef};
use crate::transport::Stream;

/// The most bytes read at once: a handshake has no more.
const READ_BYTES: usize = 2048;

/// Who says whether a node that has proved who it is may stay.
pub(super) enum Gatekeeper<'a> {
    /// The mesh, for this connection.
    Mesh(&'a MeshRef, ConnectionId),
    /// Nobody else than the other node of this association may.
    Association(&'a Association),
}

impl Gatekeeper<'_> {
    /// Whether it may stay; and of a further connection that was dialled from elsewhere, what it
    /// belongs to.
    async fn admit(&self, who: Who, role: Role, purpose: Purpose) -> Admission {
        match (self, &purpose) {
            (Self::Mesh(mesh, id), Purpose::Peer) => {
                mesh.proved(*id, who, role).await.map(|()| None)
            }
            (Self::Mesh(mesh, _), Purpose::Bulk { link } | Purpose::Lane { link, .. }) => {
                let found = mesh.association(who, *link).await;
                let of = found.ok_or(Refusal::NoLink)?;
                if let Purpose::Lane { channel, .. } = &purpose
                    && of.lanes.place(channel).is_none()
                {
                    return Err(Refusal::NoChannel);
                }
                Ok(Some(Further { of, purpose }))
            }
            // Another start of it is another node.
            (Self::Association(of), _) => {
                let peer = &of.peer;
                let is_it = who.name == peer.name && who.incarnation == peer.incarnation;
                is_it.then_some(None).ok_or(Refusal::NoLink)
            }
        }
    }
}

type Admission = Result<Option<Further>, Refusal>;

/// A further connection that was dialled from elsewhere: what it belongs to, and what it is for.
pub(super) struct Further {
    pub(super) of: Arc<Association>,
    pub(super) purpose: Purpose,
}

/// Shakes hands. What a node is told when it was not wanted has been sent when this returns. A further
/// connection, dialled from elsewhere, comes with what it belongs to.
pub(super) async fn shake(
    context: &Context,
    role: Role,
    purpose: Purpose,
    gatekeeper: Gatekeeper<'_>,
    stream: &mut Stream,
) -> Result<(Agreed, Option<Further>), Failure> {
    let mut further = None;
    let mut machine = context.handshake(role, purpose, stream.binding());
    let (mut effects, mut inputs) = (Effects::new(), vec![Input::Begin]);
    // Not in the process itself, which lives on for long.
    let mut buffer = vec![0; READ_BYTES];
    let mut reason = None;
    loop {
        for input in inputs.drain(..) {
            machine.step(now(context), input, &mut effects);
        }
        let mut end = None;
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(bytes) => send(stream, &bytes).await?,
                Effect::Admit(who, _) if !stream.may_be(&who.name) => {
                    reason = Some(format!("it is not for the node `{}`", who.name).into());
                    inputs.push(Input::Admission(Err(Refusal::Certificate)));
                }
                Effect::Admit(who, purpose) => {
                    let admission = gatekeeper.admit(who, role, purpose).await;
                    let admission = admission.map(|of| further = of);
                    inputs.push(Input::Admission(admission));
                }
                Effect::Agreed(agreed) => end = Some(Ok(agreed)),
                Effect::Refused(refusal) => {
                    end = Some(Err(Failure::new(refusal, reason.take())));
                }
            }
        }
        if let Some(end) = end {
            return end.map(|agreed| (agreed, further));
        }
        if inputs.is_empty() {
            let count = stream.read(&mut buffer).await?;
            inputs.push(match count {
                0 => Input::Closed,
                count => Input::Bytes(buffer[..count].to_vec()),
            });
        }
    }
}

/// Sends bytes, all the way.
async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), Failure> {
    let sent = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    let Err(error) = sent.await else {
        return Ok(());
    };
    // The other end may have refused this one's certificate, and be gone: what it said can be read.
    let said = stream.read(&mut [0; READ_BYTES]).await;
    Err(said.err().unwrap_or(error).into())
}

fn now(context: &Context) -> Tick {
    Tick::ZERO + context.node.now()
}
