//! How is the handshake driven?
//!
//! Role       Carries bytes between a stream and the machine, and asks the mesh about the other.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::context::Context;
use crate::handshake::{Agreed, Effect, Input, Refusal, Role};
use crate::machine::{Effects, Machine, Tick};
use crate::mesh::{ConnectionId, MeshRef};
use crate::transport::Stream;

/// The most bytes read at once: a handshake has no more.
const READ_BYTES: usize = 2048;

/// Shakes hands. What a node is told when it was not wanted has been sent when this returns.
pub(super) async fn shake(
    context: &Context,
    mesh: &MeshRef,
    id: ConnectionId,
    role: Role,
    stream: &mut Stream,
) -> Result<Agreed, Refusal> {
    let mut machine = context.handshake(role);
    let (mut effects, mut inputs) = (Effects::new(), vec![Input::Begin]);
    let mut buffer = [0; READ_BYTES];
    loop {
        for input in inputs.drain(..) {
            machine.step(now(context), input, &mut effects);
        }
        let mut end = None;
        for effect in effects.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Send(bytes) => stream.write_all(&bytes).await.map_err(closed)?,
                Effect::Admit(who) => {
                    let admission = mesh.proved(id, who, role).await;
                    inputs.push(Input::Admission(admission));
                }
                Effect::Agreed(agreed) => end = Some(Ok(agreed)),
                Effect::Refused(refusal) => end = Some(Err(refusal)),
            }
        }
        if let Some(end) = end {
            stream.flush().await.map_err(closed)?;
            return end;
        }
        if inputs.is_empty() {
            let count = stream.read(&mut buffer).await.map_err(closed)?;
            inputs.push(match count {
                0 => Input::Closed,
                count => Input::Bytes(buffer[..count].to_vec()),
            });
        }
    }
}

fn now(context: &Context) -> Tick {
    Tick::ZERO + context.node.now()
}

fn closed(_: io::Error) -> Refusal {
    Refusal::Closed
}
