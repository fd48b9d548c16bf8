//! What do the processes of a bulk connection do?
//!
//! Role       One dials it when this node has large frames to send, and sends them; one takes it when
//!            another node does, and brings in what comes. Each carries one way only.
//! Invariant  It belongs to one association, and is lost with it. Lost by itself, it takes the
//!            association along: what was on its way cannot be told from what has arrived.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{Pid, Process, SpawnOptions, time};

use super::association::Association;
use super::context::Context;
use super::failure::Failure;
use super::pump::{Duty, Pump, Turn};
use super::shake::{Gatekeeper, shake};
use crate::handshake::{Purpose, Refusal, Role};
use crate::mesh::NodeEvent;
use crate::transport::Stream;

/// How often it is dialled: the other node may not have noted yet that it is connected.
const DIALS: u32 = 4;
/// The pause after the first dial; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// Opens the bulk connection of an association, in a process of its own.
pub(super) fn open(context: &Arc<Context>, association: &Arc<Association>) {
    let (context, of) = (Arc::clone(context), Arc::clone(association));
    let body = async move |me: Process<NodeEvent>| {
        if !of.join(me.pid()) {
            return;
        }
        let purpose = Purpose::Bulk { link: of.link };
        match dial(&context, &of, purpose).await {
            Ok(stream) => {
                of.outgoing.bulk_opened(true);
                carry(&of, stream, Duty::Bulk, Vec::new()).await;
            }
            Err(failure) => {
                tracing::warn!(
                    target: "foundation::cluster",
                    peer = %of.peer.name, refusal = %failure,
                    "no connection for large messages; they share the one for small ones"
                );
                of.outgoing.bulk_opened(false);
            }
        }
    };
    let options = SpawnOptions::new().link();
    let spawned = association
        .node
        .spawn_fn_with::<NodeEvent, _, _>(&options, body);
    if spawned.is_err() {
        association.outgoing.bulk_opened(false);
    }
}

/// Dials a further connection of an association.
pub(super) async fn dial(
    context: &Context,
    of: &Association,
    purpose: Purpose,
) -> Result<Stream, Failure> {
    let mut pause = PAUSE;
    for _ in 1..DIALS {
        match dial_once(context, of, purpose.clone()).await {
            Err(failure) if failure.refusal == Refusal::NoLink => time::sleep(pause).await,
            dialled => return dialled,
        }
        pause *= 2;
    }
    dial_once(context, of, purpose).await
}

async fn dial_once(
    context: &Context,
    of: &Association,
    purpose: Purpose,
) -> Result<Stream, Failure> {
    let dialling = async {
        let dialled = context.dial(&of.peer, of.is_through).await;
        let mut stream = dialled.map_err(|_| Refusal::Closed)?;
        let gatekeeper = Gatekeeper::Association(of);
        shake(context, Role::Dialler, purpose, gatekeeper, &mut stream).await?;
        Ok(stream)
    };
    let bound = context.handshake_bound;
    let dialled = time::timeout(bound, dialling).await;
    dialled.unwrap_or(Err(Refusal::Deadline.into()))
}

/// The life of a bulk connection that was dialled from the other node, and of which `rest` has come.
pub(super) async fn taken(of: &Arc<Association>, carrier: Pid, stream: Stream, rest: Vec<u8>) {
    if of.join(carrier) {
        carry(of, stream, Duty::Hears, rest).await;
    }
}

/// Carries until an end, which is that of the association.
pub(super) async fn carry(of: &Arc<Association>, stream: Stream, duty: Duty, rest: Vec<u8>) {
    let _ending = Ending(of);
    let mut pump = Pump::new(of, stream, duty, &rest);
    // Nothing but frames between processes goes over it.
    match poll_fn(|cx| pump.poll(cx)).await {
        Turn::Lost(_) | Turn::Came(..) | Turn::WantsBulk | Turn::WantsLane(_) => {}
    }
}

/// However the process ends, the association does with it.
struct Ending<'a>(&'a Association);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.fail();
    }
}
