//! What may be said to any server, whatever its methods.
//!
//! Role       System messages: for now, to stop.
//! Source     otp: gen_server:stop/3, sys:terminate/2

use std::fmt;
use std::time::Duration;

use foundation_runtime::{
    CallError, Codec, Destination, Envelope, Node, Payload, Reason, Tag, time,
};
use serde::{Deserialize, Serialize};

/// Asks a server to end with this reason.
#[derive(Serialize, Deserialize)]
pub(crate) struct StopRequest(pub(crate) Reason);

impl Payload for StopRequest {
    const NAME: &'static str = "stop";
    const CODEC: Codec<Self> = Codec::portable();

    fn tag() -> Tag {
        Tag::of("foundation", "system", "stop")
    }
}

/// Why a server was not stopped as asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopError {
    /// There was no such process.
    NoProc,
    /// It ended for this reason, not for the one that was asked.
    Exited(Reason),
    /// It had not ended in time. It may still.
    Timeout,
    /// Its node is not connected.
    NoConnection,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProc => f.write_str("no such process"),
            Self::Exited(reason) => write!(f, "it ended otherwise: {reason}"),
            Self::Timeout => f.write_str("it did not end in time"),
            Self::NoConnection => f.write_str("no connection to its node"),
        }
    }
}

impl std::error::Error for StopError {}

/// Asks, and waits for the end.
pub(crate) async fn stop(
    node: Node,
    target: Destination,
    reason: Reason,
    bound: Duration,
) -> Result<(), StopError> {
    let begun = node.now();
    let pid = match target.plain() {
        Destination::Name(of, name) => match node.whereis_at(*of, name, bound).await {
            Ok(found) => found,
            Err(CallError::Timeout) => return Err(StopError::Timeout),
            Err(_) => return Err(StopError::NoConnection),
        },
        other => other.pid(),
    };
    let Some(pid) = pid else {
        return Err(StopError::NoProc);
    };
    if pid.node() == node.id() && !node.is_alive(pid) {
        return Err(StopError::NoProc);
    }
    let bound = bound.saturating_sub(node.now() - begun);
    let asked = async {
        let down = node.down(pid);
        let mut down = std::pin::pin!(down);
        // The watch is set before the request, so that the end is not missed.
        let mut sent = false;
        std::future::poll_fn(|cx| {
            let ended = down.as_mut().poll(cx);
            if ended.is_pending() && !std::mem::replace(&mut sent, true) {
                let request = Envelope::message(StopRequest(reason.clone()));
                let _ = node.send_envelope(&Destination::Pid(pid), request);
            }
            ended
        })
        .await
    };
    match time::timeout_on(&node, bound, asked).await {
        None => Err(StopError::Timeout),
        Some(down) if down.reason == reason => Ok(()),
        Some(down) => Err(match down.reason {
            Reason::NoProc => StopError::NoProc,
            Reason::NoConnection => StopError::NoConnection,
            other => StopError::Exited(other),
        }),
    }
}

/// A failed stop as a failed call.
impl From<StopError> for CallError {
    fn from(error: StopError) -> Self {
        match error {
            StopError::NoProc => Self::NoProc,
            StopError::Exited(reason) => Self::Down(reason),
            StopError::Timeout => Self::Timeout,
            StopError::NoConnection => Self::NoConnection,
        }
    }
}
