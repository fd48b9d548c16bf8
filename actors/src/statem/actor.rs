//! What is a state machine, to the library?
//!
//! Role       The trait that `#[statem]` implements beside `Actor`, and how its events reach it.
//! Outputs    [`Statem`]; [`At`]: what a handler is lent; [`IntoStart`]: what `#[init]` may return.
//! Source     otp: gen_statem, Module:StateName/3, Module:handle_event/4, Module:init/1

use foundation_runtime::Me;

use super::context::In;
use super::kept::Kept;
use super::machine::{Input, POSTPONED_MAX};
use super::states::{First, Starting, States};
use super::wishes::Step;
use crate::server::{Actor, Cx, Handled, Stop};

/// An actor whose handlers depend on its state. Write `#[statem(States)]` on its `impl`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state machine",
    note = "put `#[statem(States)]` on its `impl` block: `#[statem(Lock)] impl {Self} {{ ... }}`"
)]
pub trait Statem: Actor {
    /// The enum of its states, as the state machine holds it.
    type State: States;
    /// Whether it has enter handlers.
    const ENTERS: bool;
    /// How many events it may postpone. The next one is refused: its caller gets
    /// `CallError::Refused`, and a cast is logged and dropped.
    const POSTPONED_MAX: usize = POSTPONED_MAX;

    /// What is kept beside the struct.
    fn kept(cx: &mut Cx<Self>) -> &mut Kept<Self>;

    /// Whether this event waits for another state.
    fn postpones(state: &Self::State, event: &Self::Msg) -> bool;

    /// Handles an event in the current state.
    fn handle<'a>(&'a mut self, event: Self::Msg, at: At<'a, Self>) -> Handled<'a>;

    /// The current state is entered.
    fn enter<'a>(&'a mut self, at: At<'a, Self>) -> Handled<'a>;

    /// Gives an event up; who waits for an answer is told why.
    fn refuse(event: Self::Msg, why: &str);

    /// The name of an event, for people.
    fn event_name(event: &Self::Msg) -> &'static str;

    /// State and data as text for crash reports: the state's name, unless more is asked for.
    fn show(&self, state: &Self::State) -> Option<String> {
        Some(state.name().to_owned())
    }
}

/// What a handler is lent beside the struct.
pub struct At<'a, A: Statem> {
    /// The current state.
    pub state: &'a mut A::State,
    /// The one before, while the state is entered after a change.
    pub before: Option<&'a A::State>,
    /// Where what it asks for is put.
    pub step: &'a mut Step<A>,
    /// The process.
    pub me: Me,
}

impl<A: Statem> At<'_, A> {
    /// No handler takes this event in this state: it is refused, and the log is told.
    #[cold]
    pub fn unhandled(&self, event: A::Msg) {
        let (state, name) = (self.state.name(), A::event_name(&event));
        tracing::warn!(
            target: "foundation::statem",
            pid = %self.me.pid(),
            actor = A::NAME,
            state,
            event = name,
            "an event that no handler takes in this state was refused"
        );
        A::refuse(
            event,
            &format!("{name} is not handled in the state {state}"),
        );
    }
}

impl<A: Statem> std::fmt::Debug for At<'_, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "At({})", self.state.name())
    }
}

/// What the `#[init]` of a state machine may return: the struct, if its states have a default; the
/// struct and a state; or a `Result` of one of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what `#[init]` of a state machine returns",
    note = "return the struct and its first state: `(Self, Lock)`, or `Result<(Self, Lock), Stop>`",
    note = "or the struct alone, if its states have a default: `#[derive(Default)]` and `#[default]`"
)]
pub trait IntoStart<A: Statem, L> {
    /// The outcome.
    ///
    /// # Errors
    /// [`Stop`] when it does not start.
    fn into_start(self) -> Result<(A, L), Stop>;
}

impl<A: Statem, L: First> IntoStart<A, L> for A {
    fn into_start(self) -> Result<(A, L), Stop> {
        Ok((self, L::first()))
    }
}

impl<A: Statem, L, S: Into<L>> IntoStart<A, L> for (A, S) {
    fn into_start(self) -> Result<(A, L), Stop> {
        Ok((self.0, self.1.into()))
    }
}

impl<A: Statem, L, T: IntoStart<A, L>, E: Into<Stop>> IntoStart<A, L> for Result<T, E> {
    fn into_start(self) -> Result<(A, L), Stop> {
        self.map_err(Into::into)?.into_start()
    }
}

/// That `T` is a state of this state machine.
#[diagnostic::on_unimplemented(
    message = "`{T}` is not a state of `{Self}`",
    note = "its states are the variants of the enum in its `#[statem(..)]`"
)]
pub trait Accepts<T>: Statem {
    /// As the state machine holds it.
    fn accept(state: T) -> Self::State;
}

/// That `S` is the enum of the states of this state machine: what its `#[statem(..)]` names.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state machine with the states `{S}`",
    note = "its states are the enum in its `#[statem(..)]`"
)]
pub trait Holds<S>: Statem + Actor<Beside = Kept<Self>> {
    /// The state that is held.
    fn held(state: &Self::State) -> &S;
    /// To be held.
    fn hold(state: S) -> Self::State;
}

/// The state machine is made: puts what waits beside it into its place.
///
/// # Errors
/// [`Stop`] as `outcome` has it.
pub fn begin<A: Statem>(
    outcome: Result<(A, A::State), Stop>,
    cx: &mut Cx<A>,
    context: In<A, Starting>,
) -> Result<A, Stop> {
    let (actor, state) = outcome?;
    A::kept(cx).begin(state, context);
    Ok(actor)
}

/// An event came from outside.
#[inline]
pub fn arrived<'a, A: Statem>(actor: &'a mut A, cx: &'a mut Cx<A>, event: A::Msg) -> Handled<'a> {
    let me = **cx;
    let kept = A::kept(cx);
    kept.step(Input::Received);
    kept.run(actor, me, event)
}
