//! How does a state machine live in a server's process?
//!
//! Role       The driver of the machine: keeps the state beside the struct, applies what a handler
//!            asked for when it is done, and performs what the machine says.
//! Owns       The state, the machine, and a timer of the runtime for each timeout that runs.
//! Invariant  The server is told of nothing but what comes before its next message.
//! Source     otp: gen_statem

use std::collections::BTreeMap;

use foundation_runtime::{Envelope, Me, Reason, Term, TimerRef};

use super::actor::{At, Statem};
use super::context::In;
use super::machine::{Change, Effect, Input, Machine, Outcome, Timeout, TimerId};
use super::states::{Starting, States};
use super::timer::Fired;
use super::wishes::{Step, Wishes};
use crate::server::{Actor, Beside, Cx, Handled};

/// What is kept beside the struct of a state machine: nothing until its init is done.
pub struct Kept<A: Statem>(Option<Inside<A>>);

struct Inside<A: Statem> {
    state: A::State,
    /// The state before, while this one is entered.
    before: Option<A::State>,
    machine: Machine<A::Msg>,
    step: Step<A>,
    timers: BTreeMap<Timeout, TimerRef>,
    effects: Vec<Effect<A::Msg>>,
}

impl<A: Statem> Default for Kept<A> {
    fn default() -> Self {
        Self(None)
    }
}

impl<A: Statem> std::fmt::Debug for Kept<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.0.as_ref().map(|inside| inside.state.name());
        f.debug_tuple("Kept").field(&state).finish()
    }
}

impl<A: Statem> Kept<A> {
    /// The state, once init is done.
    #[must_use]
    pub fn state(&self) -> Option<&A::State> {
        self.0.as_ref().map(|inside| &inside.state)
    }

    /// The state, for the system.
    ///
    /// # Panics
    /// Before init is done.
    pub(crate) fn state_mut(&mut self) -> &mut A::State {
        &mut self.inside().state
    }

    #[inline]
    fn inside(&mut self) -> &mut Inside<A> {
        self.0.as_mut().expect("a state machine has begun")
    }

    pub(super) fn begin(&mut self, state: A::State, context: In<A, Starting>) {
        assert!(self.0.is_none(), "a state machine begins once");
        let mut step = context.into_step();
        // The first state is entered as any other.
        step.repeat = A::ENTERS;
        self.0 = Some(Inside {
            state,
            before: None,
            machine: Machine::new(A::ENTERS, A::POSTPONED_MAX),
            step,
            timers: BTreeMap::new(),
            effects: Vec::new(),
        });
    }

    /// What the last word is lent.
    pub fn at(&mut self, me: Me) -> At<'_, A> {
        let inside = self.inside();
        At {
            state: &mut inside.state,
            before: None,
            step: &mut inside.step,
            me,
        }
    }

    /// Tells the machine; what it says is left in `effects`.
    #[inline]
    pub(super) fn step(&mut self, input: Input<A::Msg>) {
        let inside = self.inside();
        inside.machine.step(input, &mut inside.effects);
    }

    /// Handles an event in the current state.
    #[inline]
    pub(super) fn run<'a>(&'a mut self, actor: &'a mut A, me: Me, event: A::Msg) -> Handled<'a> {
        let inside = self.inside();
        if A::postpones(&inside.state, &event) {
            inside.step.wishes().asks.postponed = Some(event);
            return Handled::Done;
        }
        let at = At {
            state: &mut inside.state,
            before: None,
            step: &mut inside.step,
            me,
        };
        actor.handle(event, at)
    }

    /// A timer fired.
    pub(super) fn fired<'a>(
        &'a mut self,
        actor: &'a mut A,
        me: Me,
        timeout: Timeout,
        timer: TimerId,
    ) -> Handled<'a> {
        self.step(Input::Fired(timeout, timer));
        let Some(Effect::Handle(event)) = self.inside().effects.pop() else {
            return Handled::Done;
        };
        self.inside().timers.remove(&timeout);
        self.run(actor, me, event)
    }

    /// Does what comes before the next message.
    fn go_on<'a>(&'a mut self, actor: &'a mut A, me: Me) -> Handled<'a> {
        self.step(Input::Next);
        match self.inside().effects.pop() {
            Some(Effect::Handle(event)) => self.run(actor, me, event),
            Some(Effect::Enter) => {
                let inside = self.inside();
                let at = At {
                    state: &mut inside.state,
                    before: inside.before.as_ref(),
                    step: &mut inside.step,
                    me,
                };
                actor.enter(at)
            }
            other => unreachable!("next is an event or an entry, not {:?}", other.is_some()),
        }
    }
}

impl<A: Statem> Inside<A> {
    /// What the handler asked for is done; why the state machine ends, if it does.
    fn conclude(&mut self, step: Step<A>, cx: &mut Wanted<A>) -> Option<Reason> {
        let Step {
            goto,
            repeat,
            wishes,
        } = step;
        let (asks, own) = match wishes.map(|wishes| *wishes) {
            None => (None, None),
            Some(Wishes {
                asks,
                stop,
                hibernate,
                streams,
            }) => {
                cx.streams = streams;
                (Some(Box::new(asks)), Some((stop, hibernate)))
            }
        };
        let (stop, hibernate) = own.unwrap_or_default();
        if stop.is_some() {
            return stop;
        }
        let change = match self.change(goto, repeat) {
            Ok(change) => change,
            Err(reason) => return Some(reason),
        };
        self.machine
            .step(Input::Done(Outcome { change, asks }), &mut self.effects);
        if !self.machine.waits() {
            self.before = None;
        }
        self.perform(cx.me);
        if hibernate {
            self.machine.shrink();
            self.effects.shrink_to_fit();
            cx.me.hibernate();
        }
        None
    }

    /// Puts the next state into its place.
    fn change(&mut self, goto: Option<A::State>, repeat: bool) -> Result<Change, Reason> {
        let Some(next) = goto else {
            return Ok(if repeat { Change::Repeat } else { Change::Keep });
        };
        let (from, to) = (self.state.index(), next.index());
        if from != to && !A::State::may_follow(from, to) {
            return Err(undeclared(self.state.name(), next.name()));
        }
        let before = std::mem::replace(&mut self.state, next);
        if from != to {
            self.before = Some(before);
            return Ok(Change::Move);
        }
        Ok(if repeat { Change::Repeat } else { Change::Keep })
    }

    fn perform(&mut self, me: Me) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Arm {
                    timeout,
                    timer,
                    after,
                } => {
                    let message = Envelope::message(Fired::<A>::new(timeout, timer));
                    let timer = me.send_envelope_after(after, message, false);
                    self.timers.insert(timeout, timer);
                }
                Effect::Disarm { timeout } => {
                    if let Some(timer) = self.timers.remove(&timeout) {
                        me.cancel_timer(timer);
                    }
                }
                Effect::Refuse(event) => refused::<A>(me, self.state.name(), event),
                Effect::Handle(_) | Effect::Enter => unreachable!("only `Next` yields these"),
            }
        }
    }
}

/// Too many are postponed.
#[cold]
fn refused<A: Statem>(me: Me, state: &'static str, event: A::Msg) {
    let name = A::event_name(&event);
    let max = A::POSTPONED_MAX;
    tracing::warn!(
        target: "foundation::statem",
        pid = %me.pid(),
        actor = A::NAME,
        state,
        event = name,
        max,
        "too many events are postponed: this one was refused"
    );
    A::refuse(
        event,
        &format!("{name} was postponed, and {max} are already"),
    );
}

/// As in OTP, where a state function that returns what it may not ends the process.
fn undeclared(from: &str, to: &str) -> Reason {
    let next = Term::tuple([Term::atom("next_state"), Term::atom(from), Term::atom(to)]);
    Reason::other(Term::tuple([
        Term::atom("bad_return_from_state_function"),
        next,
    ]))
}

/// What the server is to be told when a handler is done.
struct Wanted<A: Statem> {
    me: Me,
    streams: Vec<crate::server::Attached<A>>,
}

impl<A: Statem + Actor<Beside = Self>> Beside<A> for Kept<A> {
    #[inline]
    fn settle(cx: &mut Cx<A>) {
        let Some(inside) = &mut cx.beside().0 else {
            return;
        };
        if !inside.machine.is_handling() {
            return;
        }
        if inside.step.is_plain() && inside.machine.done_plainly() {
            return;
        }
        settle_slowly(cx);
    }

    #[inline]
    fn waits(&self) -> bool {
        self.0.as_ref().is_some_and(|inside| inside.machine.waits())
    }

    fn go_on<'a>(actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a> {
        let me = **cx;
        cx.beside().go_on(actor, me)
    }

    fn describe(&self, actor: &A) -> Option<String> {
        actor.show(self.state()?)
    }
}

fn settle_slowly<A: Statem + Actor<Beside = Kept<A>>>(cx: &mut Cx<A>) {
    let me = **cx;
    let mut wanted = Wanted {
        me,
        streams: Vec::new(),
    };
    let inside = cx.beside().inside();
    let step = std::mem::take(&mut inside.step);
    let stop = inside.conclude(step, &mut wanted);
    if let Some(reason) = stop {
        cx.stop(reason);
    }
    for stream in wanted.streams {
        cx.attach_boxed(stream);
    }
}
