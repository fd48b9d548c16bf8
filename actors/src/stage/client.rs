//! What may be asked of a stage?
//!
//! Outputs    [`StageClient`]: what a `Ref<Stage<T>>` derefs to.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use foundation_runtime::{
    CALL_TIMEOUT, CallError, CallPayload, Codec, Envelope, Payload, Pid, Tag,
};

use super::builder::Stage;
use super::dispatch::{Selector, Standing, SubscribeError, SubscriberId};
use super::subscription::{Subscribe, Subscription};
use crate::server::{Address, Client};

/// A message that stays on its node, and what it is answered with.
macro_rules! local_call {
    ($name:ident, $reply:ty) => {
        impl<T: Send + 'static> Payload for $name<T> {
            const NAME: &'static str = concat!("Stage::", stringify!($name));
            const CODEC: Codec<Self> = Codec::local();

            fn tag() -> Tag {
                Tag::of("foundation", "Stage", stringify!($name))
            }
        }

        impl<T: Send + 'static> CallPayload for $name<T> {
            type Reply = $reply;
            const REPLY_CODEC: Codec<$reply> = Codec::local();
        }
    };
}

/// Asks to be a subscriber for as long as the token lives.
pub(super) struct Join<T> {
    pub(super) token: Weak<()>,
    pub(super) partition: Option<usize>,
    pub(super) selector: Option<Selector<T>>,
}

/// A subscriber's place: who it is there, and at which process.
pub(super) type Joined = Result<(SubscriberId, Pid), SubscribeError>;

/// Asks for items.
pub(super) struct Want<T> {
    pub(super) id: SubscriberId,
    pub(super) demand: usize,
    pub(super) _items: std::marker::PhantomData<fn() -> T>,
}

/// Items, and whether they are the last.
pub(super) struct Batch<T> {
    pub(super) items: Vec<T>,
    pub(super) last: bool,
}

/// Brings items; those that were not taken come back.
pub(super) struct Push<T>(pub(super) Vec<T>);

/// Asks how the stage stands.
pub(super) struct Stand<T>(pub(super) std::marker::PhantomData<fn() -> T>);

local_call!(Join, Joined);
local_call!(Want, Batch<T>);
local_call!(Push, Result<(), (Vec<T>, bool)>);
local_call!(Stand, Standing);

/// Says that the subscriber with this token wants no more.
pub(super) struct Leave(pub(super) Weak<()>);

/// Says that nothing more will be pushed.
pub(super) struct Close;

impl Payload for Leave {
    const NAME: &'static str = "Stage::Leave";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Stage", "Leave")
    }
}

impl Payload for Close {
    const NAME: &'static str = "Stage::Close";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Stage", "Close")
    }
}

/// Why items were not pushed.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum PushError<T> {
    /// As many pushes wait for room as may. The items come back.
    Full(Vec<T>),
    /// The stage takes no more items. They come back.
    Closed(Vec<T>),
    /// There was no answer. The items may have been taken, or, after `Timeout`, may still be.
    Call(CallError),
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(items) => write!(f, "Full({} items)", items.len()),
            Self::Closed(items) => write!(f, "Closed({} items)", items.len()),
            Self::Call(error) => write!(f, "Call({error:?})"),
        }
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("as many pushes wait for room as may"),
            Self::Closed(_) => f.write_str("the stage takes no more items"),
            Self::Call(error) => write!(f, "{error}"),
        }
    }
}

impl<T> std::error::Error for PushError<T> {}

/// The verbs of a stage.
pub struct StageClient<T>(Address<Stage<T>>);

impl<T> Clone for StageClient<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for StageClient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageClient({:?})", self.0)
    }
}

impl<T: Send + 'static> Client for StageClient<T> {
    type Actor = Stage<T>;

    fn from_address(address: Address<Stage<T>>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<Stage<T>> {
        &self.0
    }
}

impl<T: Send + 'static> StageClient<T> {
    /// A stream of the stage's items. The subscription begins when it is first polled, in the
    /// process that polls it, and ends when it is dropped or that process ends.
    pub fn subscribe(&self, options: Subscribe<T>) -> Subscription<T> {
        Subscription::new(self.0.clone(), options)
    }

    /// Brings one item, and waits until there is room for it, 5 seconds at most.
    ///
    /// # Errors
    /// [`PushError`].
    pub async fn push(&self, item: T) -> Result<(), PushError<T>> {
        self.push_all(vec![item], CALL_TIMEOUT).await
    }

    /// Brings several items, in their order, and waits until there is room for all of them, at most
    /// `bound`. More than all the room there is are taken when nothing else waits.
    ///
    /// # Errors
    /// [`PushError`].
    pub async fn push_all(&self, items: Vec<T>, bound: Duration) -> Result<(), PushError<T>> {
        if items.is_empty() {
            return Ok(());
        }
        let (node, to) = (self.0.node(), self.0.destination());
        match node.call(&to, Push(items)).timeout(bound).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((items, true))) => Err(PushError::Closed(items)),
            Ok(Err((items, false))) => Err(PushError::Full(items)),
            Err(error) => Err(PushError::Call(error)),
        }
    }

    /// Says that nothing more will come: what is there is delivered, then the stage ends `normal`. The
    /// producer of one that has a producer is asked no more.
    pub fn close(&self) {
        let (node, to) = (self.0.node(), self.0.destination());
        // To nobody it is a dead letter; a stage on another node is not closed from here.
        let _ = node.send_envelope(&to, Envelope::message(Close));
    }

    /// How the stage stands.
    ///
    /// # Errors
    /// [`CallError`] when it gives no answer within 5 seconds.
    pub async fn standing(&self) -> Result<Standing, CallError> {
        let stand = Stand::<T>(std::marker::PhantomData);
        self.0.node().call(&self.0.destination(), stand).await
    }
}
