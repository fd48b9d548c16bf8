//! What may a handler of a state machine ask for?
//!
//! Role       [`In`]: everything a process can do, and transitions, postponing, inserted events and
//!            timeouts, as far as they are allowed where the handler runs.
//! Invariant  What is asked for is done when the handler is done, in the order of gen_statem: the
//!            state changes, it is entered, inserted events, postponed ones, timeouts of no time,
//!            what comes from outside.
//! Source     otp: gen_statem, action(), enter_action(), timeout_action()

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use foundation_runtime::{Me, Reason};
use futures_core::Stream;

use super::actor::{Accepts, Statem};
use super::machine::{Ask, Timeout, TimeoutName};
use super::states::{Anywhere, MayInsert, MayMove, MayPostpone, MayWait, To};
use super::wishes::Step;
use crate::server::{NodeExt as _, Ref, attached};

/// The context of a handler of the state machine `A` that runs in the state `S`. Derefs to [`Me`].
///
/// | the handler is for | its context is |
/// |---|---|
/// | the state `Open` | `In<Self, Open>` |
/// | the states `Open` and `Shut` | `In<Self, (Open, Shut)>` |
/// | any state | `In<Self>` |
/// | the entry of `Open`, or of any state | `In<Self, Enter<Open>>`, `In<Self, Enter>` |
/// | the start, the end | `In<Self, Starting>`, `In<Self, Ending>` |
pub struct In<A: Statem, S = Anywhere> {
    me: Me,
    step: Step<A>,
    _state: PhantomData<fn() -> S>,
}

impl<A: Statem, S> Deref for In<A, S> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}

impl<A: Statem, S> In<A, S> {
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn new(me: Me) -> Self {
        Self {
            me,
            step: Step::default(),
            _state: PhantomData,
        }
    }

    /// Hands over what was asked for.
    #[doc(hidden)]
    #[inline]
    pub fn give(self, step: &mut Step<A>) {
        *step = self.step;
    }

    pub(super) fn into_step(self) -> Step<A> {
        self.step
    }

    /// A reference to this state machine.
    #[must_use]
    pub fn self_ref(&self) -> Ref<A> {
        self.me.node().reference(self.me.pid())
    }

    /// Ends the state machine after this handler: `#[terminate]` runs in the state that it is in
    /// now, then it exits with `reason`. The first of several reasons counts, and nothing else that
    /// the handler asked for is done.
    pub fn stop(&mut self, reason: Reason) {
        self.step.wishes().stop.get_or_insert(reason);
    }

    /// Gives back what memory it can until the next event comes: for before a long wait.
    pub fn hibernate(&mut self) {
        self.step.wishes().hibernate = true;
    }

    /// Turns the items of a stream into events, one at a time as they are handled. The stream dies
    /// with the state machine, and is dropped when it ends.
    pub fn attach<T>(&mut self, stream: T, into: impl Fn(T::Item) -> A::Msg + Send + 'static)
    where
        T: Stream + Send + 'static,
    {
        let stream = attached::<A, T>(stream, into);
        self.step.wishes().streams.push(stream);
    }
}

impl<A: Statem, S> In<A, S> {
    /// Changes the state to `next`, when this handler is done. The last of several counts.
    ///
    /// Afterwards the state is entered, its timeout is no more, and postponed events are handled
    /// again. None of that happens if it is the same state, with whatever data: then only the data
    /// is new.
    ///
    /// In a handler for one state, a transition that is not declared by `#[to]` does not compile.
    /// In one for any state it ends the process with `bad_return_from_state_function`.
    pub fn goto<T>(&mut self, next: T)
    where
        S: MayMove + To<T>,
        A: Accepts<T>,
    {
        self.step.goto = Some(A::accept(next));
    }

    /// Enters the state that it is in once more. Postponed events and the state's timeout stay.
    pub fn repeat_state(&mut self)
    where
        S: MayWait,
    {
        self.step.repeat = true;
    }

    /// Puts the event that is handled aside, until the state changes: then it is handled again,
    /// before events that came later. It is given back as a value, such as
    /// `DoorMsg::Unlock(code, from)`.
    pub fn postpone(&mut self, event: A::Msg)
    where
        S: MayPostpone,
    {
        self.step.wishes().asks.postponed = Some(event);
    }

    /// Handles `event` next, before all that waits; several in the order in which they are asked
    /// for.
    pub fn next_event(&mut self, event: A::Msg)
    where
        S: MayInsert,
    {
        self.step.wishes().asks.inserted.push(event);
    }

    fn ask(&mut self, timeout: Timeout, ask: Ask<A::Msg>) {
        self.step.wishes().asks.timeouts.push((timeout, ask));
    }
}

/// Timeouts. Each is an event when its time is over: `event`, handled as any other. One of no time
/// is over when this handler is done: it comes after the events that wait inside the state machine,
/// and before whatever comes from outside.
impl<A: Statem, S: MayWait> In<A, S> {
    /// Starts the state timeout, which a change of the state cancels. Afresh, if it runs.
    pub fn state_timeout(&mut self, after: Duration, event: A::Msg) {
        self.ask(Timeout::State, Ask::Start(after, event));
    }

    /// The state timeout is another event; its time stays. If it does not run, it is over now.
    pub fn update_state_timeout(&mut self, event: A::Msg) {
        self.ask(Timeout::State, Ask::Update(event));
    }

    /// The state timeout does not come.
    pub fn cancel_state_timeout(&mut self) {
        self.ask(Timeout::State, Ask::Cancel);
    }

    /// Starts the event timeout, which any event cancels: it comes if nothing else does.
    pub fn event_timeout(&mut self, after: Duration, event: A::Msg) {
        self.ask(Timeout::Event, Ask::Start(after, event));
    }

    /// Starts the timeout of this name, which nothing cancels. Afresh, if it runs.
    pub fn timeout(&mut self, name: impl Into<TimeoutName>, after: Duration, event: A::Msg) {
        self.ask(Timeout::Named(name.into()), Ask::Start(after, event));
    }

    /// The timeout of this name is another event; its time stays. If it does not run, it is over
    /// now.
    pub fn update_timeout(&mut self, name: impl Into<TimeoutName>, event: A::Msg) {
        self.ask(Timeout::Named(name.into()), Ask::Update(event));
    }

    /// The timeout of this name does not come.
    pub fn cancel_timeout(&mut self, name: impl Into<TimeoutName>) {
        self.ask(Timeout::Named(name.into()), Ask::Cancel);
    }
}

/// That a handler's context is the one for where it runs.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of this handler",
    label = "this handler runs elsewhere",
    note = "write `cx: &mut In<Self, {S}>`; in a handler for any state, `cx: &mut In<Self>`"
)]
pub trait Lend<A: Statem, S> {
    /// The same context.
    fn lend(context: &mut In<A, S>) -> &mut Self;
}

impl<A: Statem, S> Lend<A, S> for In<A, S> {
    fn lend(context: &mut Self) -> &mut Self {
        context
    }
}

impl<A: Statem, S> std::fmt::Debug for In<A, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "In<{}>({})", A::NAME, self.me.pid())
    }
}
