//! What do the processes of a lane do?
//!
//! Role       One dials it when this node first sends over it, and sends; one takes it when another
//!            node does, and brings in what comes.
//! Invariant  As a bulk connection it belongs to one association: lost by itself, it takes the
//!            association along, so that nothing is lost of which nobody hears.

use std::sync::Arc;

use foundation_runtime::{Pid, Process, SpawnOptions};

use super::association::Association;
use super::bulk::{carry, dial};
use super::context::Context;
use super::lane::Lane;
use super::pump::Duty;
use crate::handshake::{Purpose, Refusal};
use crate::mesh::NodeEvent;
use crate::transport::Stream;

/// Opens a lane, in a process of its own.
pub(super) fn open(context: &Arc<Context>, association: &Arc<Association>, lane: Lane) {
    let (context, of) = (Arc::clone(context), Arc::clone(association));
    let opened = lane.clone();
    let body = async move |me: Process<NodeEvent>| {
        if !of.join(me.pid()) {
            return;
        }
        let purpose = Purpose::Lane {
            link: of.link,
            channel: lane.outlet.channel.name().into(),
            lane: lane.number,
            credit: u32::try_from(lane.outlet.channel.credit.unwrap_or(0)).unwrap_or(u32::MAX),
        };
        match dial(&context, &of, purpose).await {
            Ok(stream) => {
                lane.opened();
                carry(&of, stream, Duty::Sends(lane), Vec::new()).await;
            }
            Err(failure) => {
                tracing::error!(
                    target: "foundation::cluster",
                    peer = %of.peer.name, channel = %lane.outlet.channel.name(), lane = lane.number, refusal = %failure,
                    "a lane could not be opened; where its channel has no other, what waited for it is not sent"
                );
                lane.unopened(failure.refusal == Refusal::NoChannel);
            }
        }
    };
    let options = SpawnOptions::new().link();
    let node = &association.node;
    let spawned = node.spawn_fn_with::<NodeEvent, _, _>(&options, body);
    if spawned.is_err() {
        opened.unopened(false);
    }
}

/// The life of a lane that was dialled from the other node, and of which `rest` has come.
pub(super) async fn taken(
    of: &Arc<Association>,
    carrier: Pid,
    stream: Stream,
    rest: Vec<u8>,
    (channel, number): (&str, u8),
    credit: u32,
) {
    let Some(lane) = of.lanes.bringing(channel, number, credit) else {
        tracing::warn!(
            target: "foundation::cluster",
            peer = %of.peer.name, %channel, number,
            "a lane that is open already, or that no channel has, was refused"
        );
        return;
    };
    if of.join(carrier) {
        carry(of, stream, Duty::Takes(lane), rest).await;
    }
}
