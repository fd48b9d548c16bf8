//! Which states are there, and which follow which?
//!
//! Role       What `#[states]` says of an enum and its variants, and what a handler may do by where
//!            it runs: in a state, in any state, while one is entered, at the start, at the end.
//! Invariant  A transition that is not declared does not compile where the state is known, and ends
//!            the process where it is not.

/// An enum of states. Write `#[states]` on it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an enum of states",
    note = "put `#[states]` on it: `#[states] enum {Self} {{ ... }}`"
)]
pub trait States: Send + Sized + 'static {
    /// Their names, in the order of the variants.
    const NAMES: &'static [&'static str];

    /// Which one it is.
    fn index(&self) -> usize;

    /// Whether the state `to` may follow the state `from`.
    fn may_follow(from: usize, to: usize) -> bool;

    /// The name of the one that it is.
    #[must_use]
    fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }
}

/// One state: a variant of an enum of states, as a type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a state",
    note = "a state is a variant of an enum with `#[states]`, which makes a struct of each variant"
)]
pub trait State: Into<Self::Of> + Send + Sized + 'static {
    /// The enum.
    type Of: States;
    /// Which variant.
    const INDEX: usize;

    /// The state's data, when it is the one.
    ///
    /// # Panics
    /// When it is not.
    fn of(states: &mut Self::Of) -> &mut Self;
}

/// That the state `T` may follow this one.
#[diagnostic::on_unimplemented(
    message = "no transition from `{Self}` to `{T}` is declared",
    label = "`{Self}` does not go to `{T}`",
    note = "if it is meant to, declare it at the state: `#[to({T})]` on the variant `{Self}`",
    note = "name the state itself, not the enum: `cx.goto(Open)`, not `cx.goto(Lock::Open)`"
)]
pub trait To<T> {}

/// Where a handler runs that changes the state.
#[diagnostic::on_unimplemented(
    message = "the state cannot be changed here",
    note = "only the handler of an event changes the state; an enter handler that has to go on sets \
            a timeout of no time: `cx.state_timeout(ms(0), ...)`"
)]
pub trait MayMove {}

/// Where a handler runs that has an event to postpone.
#[diagnostic::on_unimplemented(
    message = "there is no event to postpone here",
    note = "only the handler of an event postpones it"
)]
pub trait MayPostpone {}

/// Where a handler runs that may insert events.
#[diagnostic::on_unimplemented(
    message = "no event can be inserted here",
    note = "an enter handler that has to go on sets a timeout of no time: `cx.state_timeout(ms(0), ...)`"
)]
pub trait MayInsert {}

/// Where a handler runs that may set timeouts.
#[diagnostic::on_unimplemented(
    message = "the state machine ends: there is no time to wait for",
    note = "set timeouts in `#[init]`, in enter handlers and in handlers of events"
)]
pub trait MayWait {}

/// States of which one is the first, unless `#[init]` says another.
#[diagnostic::on_unimplemented(
    message = "in which state of `{Self}` does the state machine start?",
    label = "this says no state, and `{Self}` has no default",
    note = "let `#[init]` return the struct and a state, `(Self, Lock)`; or derive `Default` for the \
            states, with `#[default]` at the first one"
)]
pub trait First {
    /// The first one.
    fn first() -> Self;
}

#[diagnostic::do_not_recommend]
impl<S: Default> First for S {
    fn first() -> Self {
        Self::default()
    }
}

/// In any state.
#[derive(Debug)]
pub enum Anywhere {}

/// While a state is entered: `Enter<Open>`, or `Enter` for any.
#[derive(Debug)]
pub struct Enter<S = Anywhere>(std::marker::PhantomData<fn() -> S>);

/// At the start, in `#[init]`.
#[derive(Debug)]
pub enum Starting {}

/// At the end, in `#[terminate]`.
#[derive(Debug)]
pub enum Ending {}

impl MayMove for Anywhere {}
#[diagnostic::do_not_recommend]
impl<S: State> MayMove for S {}
impl MayPostpone for Anywhere {}
#[diagnostic::do_not_recommend]
impl<S: State> MayPostpone for S {}
impl MayInsert for Anywhere {}
#[diagnostic::do_not_recommend]
impl<S: State> MayInsert for S {}
impl MayInsert for Starting {}
impl MayWait for Anywhere {}
#[diagnostic::do_not_recommend]
impl<S: State> MayWait for S {}
impl MayWait for Starting {}
impl<S> MayWait for Enter<S> {}

// What may follow a state that is not known is checked when it is known.
impl<T> To<T> for Anywhere {}
// `MayMove` says what is wrong with these.
impl<S, T> To<T> for Enter<S> {}
impl<T> To<T> for Starting {}
impl<T> To<T> for Ending {}

/// In one of several states.
macro_rules! several {
    ($($state:ident)+) => {
        impl<$($state: State),+> MayMove for ($($state,)+) {}
        impl<$($state: State),+> MayPostpone for ($($state,)+) {}
        impl<$($state: State),+> MayInsert for ($($state,)+) {}
        impl<$($state: State),+> MayWait for ($($state,)+) {}
        impl<Next, $($state: To<Next>),+> To<Next> for ($($state,)+) {}
    };
}

several!(A B);
several!(A B C);
several!(A B C D);
several!(A B C D E);
several!(A B C D E F);
several!(A B C D E F G);
several!(A B C D E F G H);
