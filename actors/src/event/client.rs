//! What may others ask of an event manager?
//!
//! Outputs    [`EventManager`], what names and references are of; [`EventManagerBuilder`], how one is
//!            put together; [`EventManagerClient`], its verbs.
//! Limit      `max_handlers` handlers, 1024 unless set. Events wait in the mailbox: who must not be
//!            faster than the handlers uses `sync_notify`.
//! Source     otp: gen_event, "Exports"

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use foundation_runtime::{
    Call, Envelope, Message, Node, Pid, ProcessKind, Reason, SendError, promise,
};

use super::desk::Desk;
use super::driver::{Ask, Begin, SyncNotify, live};
use super::error::{AddHandlerError, HandlerCallError, RemoveHandlerError};
use super::handler::{EventHandler, HandleCall};
use super::id::{HandlerId, HandlerKey};
use crate::server::{Address, Addressed, Client, Name, Started, Starter, await_start};
use crate::supervisor::machine::{ChildKind, ChildSpec};
use crate::supervisor::{Child, IntoChild, Recipe, StartTree};

/// How many handlers a manager may have unless set.
const HANDLERS_MAX: usize = 1024;

/// A manager of events of type `E`: what names and references of one are of.
///
/// ```
/// use foundation_actors::{EventCx, EventHandler, EventManager, HandlerId};
/// # use foundation_runtime::{Codec, Message, Tag};
/// # struct Tick(u64);
/// # impl Message for Tick {
/// #     const NAME: &'static str = "Tick";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Tick", "") }
/// # }
/// struct Sum(u64);
///
/// impl EventHandler<Tick> for Sum {
///     fn handle_event(&mut self, event: &Tick, _: &mut EventCx<Tick>) {
///         self.0 += event.0;
///     }
/// }
///
/// const SUM: HandlerId<Sum> = HandlerId::new("sum");
/// # let node = foundation_runtime::Node::builder().start()?;
/// # node.block_on(async {
/// let ticks = EventManager::<Tick>::builder().start(&node).await?;
/// ticks.add_handler(&SUM, Sum(0)).await??;
/// ticks.notify(Tick(2))?;
/// ticks.sync_notify(Tick(3)).await?;
/// let sum = ticks.delete_handler(&SUM).await??;
/// assert_eq!(sum.0, 5);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct EventManager<E>(PhantomData<fn() -> E>);

impl<E> fmt::Debug for EventManager<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventManager")
    }
}

impl<E: Message> EventManager<E> {
    /// One that is to be put together.
    pub fn builder() -> EventManagerBuilder<E> {
        EventManagerBuilder {
            limit: HANDLERS_MAX,
            begin: Vec::new(),
            name: None,
        }
    }
}

impl<E: Message> Addressed for EventManager<E> {
    type Client = EventManagerClient<E>;
}

/// An event manager that is being put together.
#[must_use = "a manager is started by `start`, or as a child of a supervisor"]
pub struct EventManagerBuilder<E: Message> {
    limit: usize,
    begin: Vec<Begin<E>>,
    name: Option<Box<str>>,
}

impl<E: Message> EventManagerBuilder<E> {
    /// How many handlers it may have: 1024 unless set. With zero every one is refused.
    pub fn max_handlers(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// A handler that is there from the beginning, and again after each restart of the manager:
    /// those that others have added are not. If it cannot be added, the manager does not start.
    pub fn handler<H: EventHandler<E>>(
        mut self,
        id: &HandlerId<H>,
        make: impl Fn() -> H + Send + Sync + 'static,
    ) -> Self {
        let key = id.key();
        self.begin.push(Arc::new(move |desk: &mut Desk<E>| {
            desk.add(key.clone(), None, &make)
                .map_err(|error| match error {
                    AddHandlerError::Failed(reason) => reason,
                    error => Reason::other(format!("{key}: {error}")),
                })
        }));
        self
    }

    /// Registers the manager under this name, which is also its id.
    pub fn name(mut self, name: Name<EventManager<E>>) -> Self {
        self.name = Some(name.as_str().into());
        self
    }

    /// Starts it, and waits until its first handlers are there.
    pub fn start(self, node: &Node) -> StartTree<EventManager<E>> {
        let name = self.name.clone();
        StartTree::new(node, name, self.recipe())
    }

    /// The manager as a child, to be treated as a child may be.
    pub fn child(self) -> Child<EventManager<E>> {
        let id = self.name.clone().unwrap_or_else(|| "EventManager".into());
        Child::new(&id, self.recipe(), ChildKind::Worker)
    }

    fn recipe(self) -> Recipe {
        let (limit, begin) = (self.limit, self.begin);
        let recipe = Recipe::new(move |node, options, timeout| {
            let begin = begin.clone();
            Box::pin(async move {
                let linked = foundation_runtime::me().is_some();
                let (reply, started) = promise::<Started>(&node);
                let starter = Starter::new(Some(reply));
                let options = options.trap_exit().code("EventManager");
                let options = options.kind(ProcessKind::EventManager);
                let body = move |me| live::<E>(me, limit, begin, starter);
                let (process, _) = node.spawn_fn_with(&options, body)?;
                await_start(&node, process.pid(), started, linked, timeout).await?;
                Ok(process.pid())
            })
        });
        recipe.named(self.name)
    }
}

impl<E: Message> IntoChild for EventManagerBuilder<E> {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.child().into_child()
    }
}

impl<E: Message> fmt::Debug for EventManagerBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventManagerBuilder")
            .field("max_handlers", &self.limit)
            .field("handlers", &self.begin.len())
            .field("name", &self.name)
            .finish()
    }
}

/// The verbs of an event manager. What is asked is a [`Call`]: it waits 5 seconds unless
/// `.timeout(..)` says otherwise. Handlers stay on their node: a manager on another one takes events
/// only, if these are portable, and refuses the rest at the sender.
pub struct EventManagerClient<E>(Address<EventManager<E>>);

impl<E> Clone for EventManagerClient<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for EventManagerClient<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventManagerClient({:?})", self.0)
    }
}

impl<E: Message> Client for EventManagerClient<E> {
    type Actor = EventManager<E>;

    fn from_address(address: Address<EventManager<E>>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<EventManager<E>> {
        &self.0
    }
}

impl<E: Message> EventManagerClient<E> {
    fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk<E>, Option<Pid>) -> R + Send + 'static,
    ) -> Call<R> {
        let ask = Ask::<E, R>(Box::new(work));
        self.0.node().call(&self.0.destination(), ask)
    }

    /// Shows an event to all handlers, the latest first, without waiting. An event is a plain
    /// message: whoever sends an `E` to the manager's pid does the same, a timer too.
    ///
    /// # Errors
    /// [`SendError::NotPortable`] when the event is local and the manager on another node. A manager
    /// that has ended, or a name that nobody has, is no error: the event is a dead letter.
    pub fn notify(&self, event: E) -> Result<(), SendError> {
        let event = Envelope::plain(event);
        match self.0.node().send_envelope(&self.0.destination(), event) {
            Err(SendError::NoName(_)) => Ok(()),
            sent => sent,
        }
    }

    /// Shows an event to all handlers, and waits until the last one has seen it.
    pub fn sync_notify(&self, event: E) -> Call<()> {
        let event = SyncNotify(event);
        self.0.node().call(&self.0.destination(), event)
    }

    /// Adds a handler: it is the latest, and sees each event first. [`AddHandlerError`] says why it
    /// was not.
    pub fn add_handler<H: EventHandler<E>>(
        &self,
        id: &HandlerId<H>,
        handler: H,
    ) -> Call<Result<(), AddHandlerError>> {
        let key = id.key();
        self.ask(move |desk, _| desk.add(key, None, || handler))
    }

    /// Adds a handler in the name of the calling process. The manager is linked with that: when it
    /// ends the handler is removed, and when the handler is removed it is sent an
    /// [`EventExit`](super::EventExit).
    pub fn add_sup_handler<H: EventHandler<E>>(
        &self,
        id: &HandlerId<H>,
        handler: H,
    ) -> Call<Result<(), AddHandlerError>> {
        let key = id.key();
        self.ask(move |desk, caller| {
            let owner = caller.ok_or(AddHandlerError::NoOwner)?;
            desk.add(key, Some(owner), || handler)
        })
    }

    /// Removes a handler, and gives it back as its `terminate` left it.
    pub fn delete_handler<H: EventHandler<E>>(
        &self,
        id: &HandlerId<H>,
    ) -> Call<Result<H, RemoveHandlerError>> {
        let key = id.key();
        self.ask(move |desk, _| desk.delete(&key))
    }

    /// Puts a handler in the place of another, with no event between. `make` runs in the manager and
    /// gets the old handler as its `terminate` left it, or `None` if there was none or that
    /// panicked. Who owned the old one owns the new one. If the new one is refused for its key or
    /// the limit nothing changes; if its init fails the old one is gone.
    pub fn swap_handler<O: EventHandler<E>, N: EventHandler<E>>(
        &self,
        old: &HandlerId<O>,
        new: &HandlerId<N>,
        make: impl FnOnce(Option<O>) -> N + Send + 'static,
    ) -> Call<Result<(), AddHandlerError>> {
        let (old, new) = (old.key(), new.key());
        self.ask(move |desk, _| desk.swap(&old, new, make, None))
    }

    /// [`EventManagerClient::swap_handler`] in the name of the calling process, which owns the new
    /// one from then on.
    pub fn swap_sup_handler<O: EventHandler<E>, N: EventHandler<E>>(
        &self,
        old: &HandlerId<O>,
        new: &HandlerId<N>,
        make: impl FnOnce(Option<O>) -> N + Send + 'static,
    ) -> Call<Result<(), AddHandlerError>> {
        let (old, new) = (old.key(), new.key());
        self.ask(move |desk, caller| {
            let owner = caller.ok_or(AddHandlerError::NoOwner)?;
            desk.swap(&old, new, make, Some(owner))
        })
    }

    /// Asks one handler. [`HandlerCallError`] says why it gave no answer.
    pub fn call<H: HandleCall<E, R>, R: Send + 'static>(
        &self,
        id: &HandlerId<H>,
        request: R,
    ) -> Call<Result<H::Reply, HandlerCallError>> {
        let key = id.key();
        self.ask(move |desk, _| desk.call::<H, R>(&key, request))
    }

    /// All handlers, the latest first.
    pub fn which_handlers(&self) -> Call<Vec<HandlerKey>> {
        self.ask(|desk, _| desk.keys())
    }
}
