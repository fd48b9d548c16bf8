//! What can be done with the handlers of a manager?
//!
//! Role       Runs their code, one after the other, each panic caught: adds, shows, asks, removes.
//! Owns       The handlers.
//! Invariant  A handler that panicked is gone when the next one runs. The manager is linked with the
//!            owners of its handlers, and with nobody else but its parent.
//! Source     otp: gen_event

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use foundation_runtime::{Down, Me, Message, Pid, Reason, reason_of_panic, report_part};

use super::error::{AddHandlerError, HandlerCallError, RemoveHandlerError};
use super::handler::{EventCx, EventExit, EventHandler, HandleCall, HandlerExit, Removal};
use super::id::HandlerKey;
use super::roster::{Entry, Refusal, Roster};

/// A handler with its type erased.
pub(super) trait Installed<E: Message>: Send {
    fn event(&mut self, event: &E, cx: &mut EventCx<E>);
    fn down(&mut self, down: &Down, cx: &mut EventCx<E>);
    fn terminate(&mut self, why: &Removal, cx: &mut EventCx<E>);
    fn describe(&self) -> Option<String>;
    fn as_any(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<E: Message, H: EventHandler<E>> Installed<E> for H {
    fn event(&mut self, event: &E, cx: &mut EventCx<E>) {
        self.handle_event(event, cx);
    }

    fn down(&mut self, down: &Down, cx: &mut EventCx<E>) {
        self.handle_down(down, cx);
    }

    fn terminate(&mut self, why: &Removal, cx: &mut EventCx<E>) {
        EventHandler::terminate(self, why, cx);
    }

    fn describe(&self) -> Option<String> {
        EventHandler::describe(self)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

type Handler<E> = Box<dyn Installed<E>>;
type Change<E> = Box<dyn FnOnce(&mut Desk<E>, usize) + Send>;

/// What a handler asked for while it ran.
pub(super) enum Wish<E: Message> {
    Remove,
    Swap(Change<E>),
}

impl<E: Message> Wish<E> {
    pub(super) fn swap<H: EventHandler<E>, N: EventHandler<E>>(
        new: HandlerKey,
        make: impl FnOnce(Option<H>) -> N + Send + 'static,
    ) -> Self {
        Self::Swap(Box::new(move |desk, at| {
            let owner = desk.roster.get(at).owner;
            // It is gone in any case, and whoever owns it is told by whom it was replaced.
            let _ = desk.swap_at(Some(at), new, make, owner);
        }))
    }
}

pub(super) struct Desk<E: Message> {
    me: Me,
    roster: Roster<HandlerKey, Pid, Handler<E>>,
}

/// Runs code of a handler: the reason when it panicked.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Reason> {
    catch_unwind(AssertUnwindSafe(run)).map_err(reason_of_panic)
}

impl<E: Message> Desk<E> {
    pub(super) fn new(me: Me, limit: usize) -> Self {
        let roster = Roster::new(limit);
        Self { me, roster }
    }

    /// The handlers, the latest first.
    pub(super) fn keys(&self) -> Vec<HandlerKey> {
        self.roster.keys().collect()
    }

    /// The handlers as text, the latest first, each with what it tells of itself.
    pub(super) fn describe(&mut self) -> String {
        let lines: Vec<String> = (0..self.roster.len())
            .rev()
            .map(|at| {
                let entry = self.roster.get(at);
                let told = guarded(|| entry.handler.describe()).ok().flatten();
                match told {
                    Some(told) => format!("{}: {told}", entry.key),
                    None => entry.key.to_string(),
                }
            })
            .collect();
        lines.join(", ")
    }

    /// Adds the handler that `make` makes, in the name of `owner` if there is one.
    pub(super) fn add<H: EventHandler<E>>(
        &mut self,
        key: HandlerKey,
        owner: Option<Pid>,
        make: impl FnOnce() -> H,
    ) -> Result<(), AddHandlerError> {
        self.admit(&key, None)?;
        let mut cx = EventCx::new(self.me);
        let made = guarded(|| {
            let mut handler = make();
            handler.init(&mut cx).map(|()| handler)
        });
        let handler = made
            .and_then(|outcome| outcome)
            .map_err(AddHandlerError::Failed)?;
        if let Some(owner) = owner {
            // One that has ended says so by its exit: the manager traps exits.
            let _ = self.me.link(owner);
        }
        self.roster.add(key, owner, Box::new(handler));
        self.grant(self.roster.len() - 1, cx);
        Ok(())
    }

    fn admit(&self, key: &HandlerKey, leaves: Option<usize>) -> Result<(), AddHandlerError> {
        self.roster
            .admits(key, leaves)
            .map_err(|refusal| match refusal {
                Refusal::Present => AddHandlerError::AlreadyPresent,
                Refusal::Full => AddHandlerError::TooMany,
            })
    }

    /// Shows an event to all, the latest first.
    pub(super) fn show(&mut self, event: &E) {
        self.each(|handler, cx| handler.event(event, cx));
    }

    pub(super) fn down(&mut self, down: &Down) {
        self.each(|handler, cx| handler.down(down, cx));
    }

    fn each(&mut self, run: impl Fn(&mut dyn Installed<E>, &mut EventCx<E>)) {
        // Who is added meanwhile stands behind those that are still to come.
        for at in (0..self.roster.len()).rev() {
            let _ = self.run(at, |handler, cx| run(handler, cx));
        }
    }

    /// Runs one handler, and does what it asks for.
    fn run<T>(
        &mut self,
        at: usize,
        run: impl FnOnce(&mut dyn Installed<E>, &mut EventCx<E>) -> T,
    ) -> Result<T, Reason> {
        let mut cx = EventCx::new(self.me);
        let handler = &mut *self.roster.get(at).handler;
        match guarded(|| run(handler, &mut cx)) {
            Ok(value) => {
                self.grant(at, cx);
                Ok(value)
            }
            Err(reason) => {
                let gone = self.remove(at, Removal::Failed(reason.clone()));
                let _ = guarded(|| drop(gone));
                Err(reason)
            }
        }
    }

    fn grant(&mut self, at: usize, cx: EventCx<E>) {
        match cx.wish {
            None => {}
            Some(Wish::Remove) => {
                let gone = self.remove(at, Removal::Requested);
                self.discard(gone);
            }
            Some(Wish::Swap(swap)) => swap(self, at),
        }
    }

    /// Asks one handler.
    pub(super) fn call<H: HandleCall<E, R>, R>(
        &mut self,
        key: &HandlerKey,
        request: R,
    ) -> Result<H::Reply, HandlerCallError> {
        let at = self.roster.find(key).ok_or(HandlerCallError::NoHandler)?;
        let ask = |handler: &mut dyn Installed<E>, cx: &mut EventCx<E>| {
            let handler = handler.as_any().downcast_mut::<H>();
            handler
                .expect("a key tells the type")
                .handle_call(request, cx)
        };
        self.run(at, ask).map_err(HandlerCallError::Failed)
    }

    /// Removes a handler on request, and gives it back as its terminate left it.
    pub(super) fn delete<H: EventHandler<E>>(
        &mut self,
        key: &HandlerKey,
    ) -> Result<H, RemoveHandlerError> {
        let at = self.roster.find(key).ok_or(RemoveHandlerError::NoHandler)?;
        let gone = self.remove(at, Removal::Deleted);
        gone.map(typed).map_err(RemoveHandlerError::Failed)
    }

    /// Puts a handler in the place of another, if that is there.
    pub(super) fn swap<O: EventHandler<E>, N: EventHandler<E>>(
        &mut self,
        old: &HandlerKey,
        new: HandlerKey,
        make: impl FnOnce(Option<O>) -> N,
        owner: Option<Pid>,
    ) -> Result<(), AddHandlerError> {
        let at = self.roster.find(old);
        let owner = owner.or_else(|| self.roster.get(at?).owner);
        self.swap_at(at, new, make, owner)
    }

    fn swap_at<O: EventHandler<E>, N: EventHandler<E>>(
        &mut self,
        at: Option<usize>,
        new: HandlerKey,
        make: impl FnOnce(Option<O>) -> N,
        owner: Option<Pid>,
    ) -> Result<(), AddHandlerError> {
        self.admit(&new, at)?;
        let old = at.and_then(|at| {
            self.remove_for(at, Removal::Swapped(new.clone()), owner)
                .ok()
        });
        let old = old.and_then(|old| old.into_any().downcast::<O>().ok());
        self.add(new, owner, || make(old.map(|old| *old)))
    }

    /// Ends all, the latest first.
    pub(super) fn stop(&mut self, reason: &Reason) {
        for at in (0..self.roster.len()).rev() {
            let gone = self.remove(at, Removal::Stopping(reason.clone()));
            self.discard(gone);
        }
    }

    /// An owner has ended, and its handlers with it.
    pub(super) fn owner_ended(&mut self, owner: Pid, reason: &Reason) {
        for at in (0..self.roster.len()).rev() {
            if self.roster.get(at).owner == Some(owner) {
                let gone = self.remove(at, Removal::OwnerDown(reason.clone()));
                self.discard(gone);
            }
        }
    }

    fn remove(&mut self, at: usize, why: Removal) -> Result<Handler<E>, Reason> {
        self.remove_for(at, why, None)
    }

    /// Takes a handler out, lets it have its last word, and tells its owner. `successor` owns the
    /// one that takes its place.
    fn remove_for(
        &mut self,
        at: usize,
        why: Removal,
        successor: Option<Pid>,
    ) -> Result<Handler<E>, Reason> {
        let Entry {
            key,
            owner,
            mut handler,
        } = self.roster.take(at);
        if let Removal::Failed(reason) = &why {
            self.report(&key, &mut *handler, reason);
        }
        let mut cx = EventCx::new(self.me);
        let last = guarded(|| handler.terminate(&why, &mut cx));
        if let Some(owner) = owner {
            self.tell(owner, key.clone(), why, successor);
        }
        match last {
            Ok(()) => Ok(handler),
            Err(reason) => {
                self.report(&key, &mut *handler, &reason);
                let _ = guarded(|| drop(handler));
                Err(reason)
            }
        }
    }

    fn tell(&self, owner: Pid, handler: HandlerKey, why: Removal, successor: Option<Pid>) {
        let why = match why {
            Removal::Deleted | Removal::Requested => HandlerExit::Normal,
            Removal::Swapped(by) => HandlerExit::Swapped(by, successor),
            Removal::Stopping(_) => HandlerExit::Shutdown,
            Removal::Failed(reason) => HandlerExit::Failed(reason),
            // Nobody is there to be told.
            Removal::OwnerDown(_) => return,
        };
        let manager = self.me.pid();
        let exit = EventExit {
            manager,
            handler,
            why,
        };
        let _ = self.me.send(owner, exit);
        if !self.roster.owns(owner) {
            self.me.unlink(owner);
        }
    }

    /// Drops a handler that nobody wants; its destructor may panic.
    fn discard(&self, gone: Result<Handler<E>, Reason>) {
        if let Err(reason) = guarded(|| drop(gone)) {
            report_part("the destructor of an event handler", &reason, None);
        }
    }

    fn report(&self, key: &HandlerKey, handler: &mut dyn Installed<E>, reason: &Reason) {
        let state = guarded(|| handler.describe()).ok().flatten();
        report_part(&format!("event handler {key}"), reason, state);
    }
}

/// The handler as what it is.
fn typed<E: Message, H: EventHandler<E>>(handler: Handler<E>) -> H {
    let handler = handler.into_any().downcast::<H>();
    *handler.unwrap_or_else(|_| unreachable!("a key tells the type"))
}
