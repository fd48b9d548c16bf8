//! What does a handler of events do?
//!
//! Outputs    [`EventHandler`] and [`HandleCall`], which a user implements; [`EventCx`], what a
//!            handler may ask of its manager; [`EventExit`], what the owner of a handler is told.
//! Invariant  Handlers are plain functions: one that waited would hold up all others unseen. What
//!            has to wait is sent to a process that may.
//! Source     otp: gen_event, "Callback Functions"

use std::ops::Deref;

use foundation_runtime::{Codec, Down, Me, Message, Pid, Reason, Tag};

use super::desk::Wish;
use super::id::{HandlerId, HandlerKey};

/// A value that is shown each event of a manager, in the manager's process.
///
/// A panic in any of these functions removes this handler; the manager and the others go on.
///
/// ```
/// use foundation_actors::{EventCx, EventHandler};
/// use foundation_runtime::{Codec, Message, Tag};
/// # struct Tick(u64);
/// # impl Message for Tick {
/// #     const NAME: &'static str = "Tick";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Tick", "") }
/// # }
/// #[derive(Default)]
/// struct Sum(u64);
///
/// impl EventHandler<Tick> for Sum {
///     fn handle_event(&mut self, event: &Tick, cx: &mut EventCx<Tick>) {
///         self.0 += event.0;
///         if 100 < self.0 {
///             cx.remove();
///         }
///     }
/// }
/// ```
pub trait EventHandler<E: Message>: Send + Sized + 'static {
    /// Runs first, in the manager's process, before the handler is shown anything.
    ///
    /// # Errors
    /// The reason for which it is not added.
    fn init(&mut self, _cx: &mut EventCx<E>) -> Result<(), Reason> {
        Ok(())
    }

    /// Is shown an event.
    fn handle_event(&mut self, event: &E, cx: &mut EventCx<E>);

    /// Is told of the end of a process that a handler of this manager monitors by `cx.monitor`.
    fn handle_down(&mut self, _down: &Down, _cx: &mut EventCx<E>) {}

    /// Runs last: not when the manager is killed; `Drop` does always.
    fn terminate(&mut self, _why: &Removal, _cx: &mut EventCx<E>) {}

    /// The handler as text for crash reports: nothing unless overridden.
    fn describe(&self) -> Option<String> {
        None
    }
}

/// A handler that can be asked something.
///
/// ```
/// # use foundation_actors::{EventCx, EventHandler, HandleCall};
/// # use foundation_runtime::{Codec, Message, Tag};
/// # struct Tick(u64);
/// # impl Message for Tick {
/// #     const NAME: &'static str = "Tick";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Tick", "") }
/// # }
/// # struct Sum(u64);
/// # impl EventHandler<Tick> for Sum {
/// #     fn handle_event(&mut self, _: &Tick, _: &mut EventCx<Tick>) {}
/// # }
/// struct HowMuch;
///
/// impl HandleCall<Tick, HowMuch> for Sum {
///     type Reply = u64;
///
///     fn handle_call(&mut self, _: HowMuch, _: &mut EventCx<Tick>) -> u64 {
///         self.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked `{R}`",
    note = "implement `HandleCall<{E}, {R}>` for it"
)]
pub trait HandleCall<E: Message, R>: EventHandler<E> {
    /// What the caller gets.
    type Reply: Send + 'static;

    /// Answers.
    fn handle_call(&mut self, request: R, cx: &mut EventCx<E>) -> Self::Reply;
}

/// Why a handler is removed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Removal {
    /// `delete_handler` was called.
    Deleted,
    /// It asked for it, by `cx.remove()`.
    Requested,
    /// This one takes its place.
    Swapped(HandlerKey),
    /// Its owner has ended, for this reason.
    OwnerDown(Reason),
    /// The manager ends, for this reason.
    Stopping(Reason),
    /// It panicked.
    Failed(Reason),
}

/// What a process is told whose handler was removed: it added it by `add_sup_handler`. It comes as
/// a message, to an actor through `#[info]`, and is taken by `info.take::<EventExit>()`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventExit {
    /// The manager.
    pub manager: Pid,
    /// The handler.
    pub handler: HandlerKey,
    /// Why.
    pub why: HandlerExit,
}

/// Why a handler is there no more, for its owner.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandlerExit {
    /// It was deleted, or asked to be removed.
    Normal,
    /// This one took its place, which this process owns, if any does.
    Swapped(HandlerKey, Option<Pid>),
    /// The manager ended in order.
    Shutdown,
    /// It panicked.
    Failed(Reason),
}

impl Message for EventExit {
    const NAME: &'static str = "EventExit";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "EventManager", "exit")
    }
}

/// What a handler may ask of its manager. Derefs to [`Me`], the manager's process.
pub struct EventCx<E: Message> {
    me: Me,
    pub(super) wish: Option<Wish<E>>,
}

impl<E: Message> EventCx<E> {
    pub(super) fn new(me: Me) -> Self {
        Self { me, wish: None }
    }

    /// Removes this handler after this function: its `terminate` runs.
    pub fn remove(&mut self) {
        self.wish = Some(Wish::Remove);
    }

    /// Puts another handler in this one's place after this function: its `terminate` runs, then
    /// `make` gets it as that left it, or `None` if that panicked. Who owned this one owns the other
    /// one. If the other one cannot be added, this one is gone all the same.
    ///
    /// `H` is the type of the handler that calls it.
    pub fn swap<H, N>(
        &mut self,
        id: &HandlerId<N>,
        make: impl FnOnce(Option<H>) -> N + Send + 'static,
    ) where
        H: EventHandler<E>,
        N: EventHandler<E>,
    {
        self.wish = Some(Wish::swap(id.key(), make));
    }
}

impl<E: Message> Deref for EventCx<E> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}

impl<E: Message> std::fmt::Debug for EventCx<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventCx<{}>({:?})", E::NAME, self.me)
    }
}
