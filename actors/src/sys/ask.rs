//! What the system says to a process, as messages.
//!
//! Role       [`Ask`] travels to other nodes; [`Within`] carries a function into the process and
//!            stays here.

use std::any::Any;

use foundation_runtime::{CallPayload, Codec, Envelope, Payload, Tag};
use serde::{Deserialize, Serialize};

use super::control::Controlled;
use super::report::{LogEvent, Statistics, Status};
use super::upgrade::ChangeError;
use crate::server::StopRequest;

/// A question or order of the system.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    Status,
    State,
    Suspend,
    Resume,
    /// Switches statistics on or off, or reads them.
    Statistics(Option<bool>),
    /// Keeps the last so many events; none with zero.
    KeepLog(u32),
    Log,
}

/// What is answered to an [`Ask`].
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Status(Box<Status>),
    State(Option<String>),
    Statistics(Option<Statistics>),
    Log(Vec<LogEvent>),
}

/// Why a function was not run, or had no effect.
pub(super) enum Refusal {
    WrongState { code: &'static str },
    Panicked(String),
    NotSuspended,
    Change(ChangeError),
}

pub(super) type Outcome = Result<Box<dyn Any + Send>, Refusal>;

/// A function that runs in the process, with its state, and whether that is suspended.
pub(super) struct Within(pub(super) Box<dyn FnOnce(&mut dyn Controlled, bool) -> Outcome + Send>);

impl Payload for Ask {
    const NAME: &'static str = "sys";
    const CODEC: Codec<Self> = Codec::portable();

    fn tag() -> Tag {
        Tag::of("foundation", "sys", "ask")
    }
}

impl CallPayload for Ask {
    type Reply = Answer;
    const REPLY_CODEC: Codec<Answer> = Codec::portable();
}

impl Payload for Within {
    const NAME: &'static str = "sys";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "sys", "within")
    }
}

impl CallPayload for Within {
    type Reply = Outcome;
    const REPLY_CODEC: Codec<Outcome> = Codec::local();
}

/// Whether this is for the system: what is handled also while a process is suspended.
pub(crate) fn is_system(envelope: &Envelope) -> bool {
    envelope.is_call::<Ask>()
        || envelope.is_call::<Within>()
        || envelope.is::<StopRequest>()
        || envelope
            .tag()
            .is_some_and(|tag| tag == Ask::tag() || tag == StopRequest::tag())
}
