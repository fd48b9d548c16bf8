//! The process of an actor.
//!
//! Role       Runs init, then one handler at a time, then terminate: the loop that a gen_server is.
//! Owns       The actor's state and context, in one cell that a waiting handler borrows.
//! Invariant  Messages are handled one after the other, also when a handler waits. The starter is
//!            answered once: after init, or, when that fails, after the name is free again.
//! Source     otp: gen_server

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use foundation_runtime::{Behaviour, Mailed, Reason, StateCell, Turn, WaitingCall, time};
use pin_project_lite::pin_project;

use super::actor::{Actor, Handled, Init};
use super::beside::Beside as _;
use super::cx::{Cx, next_of};
use super::later::{Later, Silence};
use super::method::{BoxFuture, dispatch};
use super::starter::Starter;
use super::stop::Stop;
use crate::sys::is_system;

/// What a handler may borrow.
pub(super) struct Inside<A: Actor> {
    state: State<A>,
    cx: Option<Cx<A>>,
}

/// The actor, and what it is before it is one.
enum State<A: Actor> {
    Args(A::Args),
    Make(Box<Make<A>>),
    Init,
    Actor(A),
    Failed(Box<Stop>),
}

/// What makes the arguments of an init, inside the process, or says why there are none; it may name
/// the starter. Boxed twice where it is kept: a word less in every actor that was not started so.
type Make<A> = Box<dyn FnOnce(&mut Option<Starter>) -> Result<<A as Actor>::Args, Stop> + Send>;

impl<A: Actor> Inside<A> {
    pub(super) fn parts(&mut self) -> Option<(&mut A, &mut Cx<A>)> {
        match (&mut self.state, &mut self.cx) {
            (State::Actor(actor), Some(cx)) => Some((actor, cx)),
            _ => None,
        }
    }
}

/// How far the common case went.
enum Served {
    /// The mailbox is empty, or the slice over.
    All,
    /// Something uncommon is next.
    Some,
}

pub(super) enum Stage {
    /// Not yet polled.
    New,
    /// Init waits.
    Starting,
    /// Handles messages.
    Running,
    /// Handles messages of the system only.
    Suspended,
    /// Terminate waits; then it exits with the reason in `Later::ending`.
    Ending,
}

pin_project! {
    pub(crate) struct Server<A: Actor> {
        #[pin]
        pub(super) cell: StateCell<Inside<A>>,
        pub(super) stage: Stage,
        pub(super) later: Option<Box<Later>>,
    }
}

impl<A: Actor> Server<A> {
    /// The process of an actor whose init gets `args`.
    pub(crate) fn new(args: A::Args, starter: Option<Starter>) -> Self {
        Self::of(State::Args(args), starter)
    }

    /// The process of an actor whose init gets what `make` makes, inside the process.
    pub(crate) fn new_with(
        make: impl FnOnce() -> A::Args + Send + 'static,
        starter: Option<Starter>,
    ) -> Self {
        Self::of(State::Make(Box::new(Box::new(|_| Ok(make())))), starter)
    }

    /// The process of an actor that was asked for by another node: what `make` makes inside the
    /// process is the arguments, and who waits for the start.
    pub(crate) fn new_away(
        make: impl FnOnce(&mut Option<Starter>) -> Result<A::Args, Stop> + Send + 'static,
    ) -> Self {
        let starter = Some(Starter::new(None));
        Self::of(State::Make(Box::new(Box::new(make))), starter)
    }

    fn of(state: State<A>, starter: Option<Starter>) -> Self {
        let later = starter.map(|starter| {
            Box::new(Later {
                starter: Some(starter),
                ..Later::default()
            })
        });
        Self {
            cell: StateCell::new(Inside { state, cx: None }),
            stage: Stage::New,
            later,
        }
    }
}

impl<A: Actor> Behaviour for Server<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    #[inline]
    fn poll(mut self: Pin<&mut Self>, turn: &mut Turn<'_>, cx: &mut Context<'_>) -> Poll<Reason> {
        if matches!(self.stage, Stage::Running) && self.later.is_none() && !self.cell.is_held() {
            match self.as_mut().serve(turn) {
                Served::All => return Poll::Pending,
                Served::Some => {}
            }
        }
        self.run(turn, cx)
    }

    fn panicked(self: Pin<&mut Self>, reason: Reason, cx: &mut Context<'_>) -> Poll<Reason> {
        self.crash(reason, cx)
    }

    fn serves(&self) -> Option<&WaitingCall> {
        self.later.as_ref()?.call.as_ref()
    }

    fn describe(self: Pin<&mut Self>) -> Option<String> {
        let cell = self.project().cell;
        if cell.is_held() {
            return None;
        }
        let (actor, cx) = cell.state().parts()?;
        cx.describe(actor)
    }
}

impl<A: Actor> Server<A> {
    fn run(mut self: Pin<&mut Self>, turn: &mut Turn<'_>, cx: &mut Context<'_>) -> Poll<Reason> {
        loop {
            if self.cell.is_held() && self.as_mut().poll_handler(turn, cx).is_pending() {
                return Poll::Pending;
            }
            let ended = match self.stage {
                Stage::New => {
                    self.as_mut().begin(turn);
                    continue;
                }
                Stage::Starting => self.as_mut().started(),
                Stage::Ending => Some(self.as_mut().ending()),
                Stage::Running => match self.as_mut().handle_next(turn, cx) {
                    Poll::Ready(()) => None,
                    Poll::Pending => return Poll::Pending,
                },
                Stage::Suspended => match self.as_mut().handle_system_only(turn) {
                    Poll::Ready(()) => None,
                    Poll::Pending => return Poll::Pending,
                },
            };
            if let Some(reason) = ended {
                return Poll::Ready(reason);
            }
        }
    }

    /// The common case, in as few steps as it takes: messages whose handlers neither wait nor ask
    /// for anything. Whatever else comes up is left to `run`.
    #[inline]
    fn serve(self: Pin<&mut Self>, turn: &mut Turn<'_>) -> Served {
        let mut this = self.project();
        if this
            .cell
            .as_mut()
            .state()
            .cx
            .as_mut()
            .is_none_or(|cx| cx.asks())
        {
            return Served::Some;
        }
        while let Some(envelope) = turn.next_message() {
            let mut open = None;
            let waits = this.cell.as_mut().enter(|inside| {
                let (actor, cx) = inside.parts()?;
                later(dispatch(envelope, actor, cx, turn, &mut open))
            });
            match open {
                None => {}
                Some(call) if waits => {
                    this.later.get_or_insert_default().call = Some(turn.call_waits(call));
                }
                Some(call) => turn.end_call(call),
            }
            let asks = |inside: &mut Inside<A>| {
                inside.cx.as_mut().is_some_and(|cx| {
                    A::Beside::settle(cx);
                    cx.asks()
                })
            };
            if waits || asks(this.cell.as_mut().state()) {
                return Served::Some;
            }
        }
        if turn.has_notice() {
            Served::Some
        } else {
            Served::All
        }
    }

    /// Polls a handler that waits, in the name of the call it answers.
    fn poll_handler(
        mut self: Pin<&mut Self>,
        turn: &mut Turn<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let this = self.as_mut().project();
        if let Some(call) = this.later.as_ref().and_then(|later| later.call.as_ref()) {
            turn.resume_call(call);
        }
        if this.cell.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if let Some(call) = this.later.as_mut().and_then(|later| later.call.take()) {
            turn.end_waiting(call);
        }
        Poll::Ready(())
    }

    /// The reason it ends for.
    fn ending(self: Pin<&mut Self>) -> Reason {
        let ending = self
            .project()
            .later
            .as_mut()
            .and_then(|later| later.ending.take());
        ending.expect("a server that ends has a reason")
    }

    /// Starts init.
    fn begin(self: Pin<&mut Self>, turn: &Turn<'_>) {
        let this = self.project();
        *this.stage = Stage::Starting;
        let me = turn.me();
        let starter = this.later.as_mut().map(|later| &mut later.starter);
        this.cell.enter(move |inside| {
            let cx = inside.cx.insert(Cx::new(me));
            let args = match std::mem::replace(&mut inside.state, State::Init) {
                State::Args(args) => Ok(args),
                State::Make(make) => make(starter.unwrap_or(&mut None)),
                _ => unreachable!("an actor begins once"),
            };
            let state = &mut inside.state;
            let args = match args {
                Ok(args) => args,
                Err(stop) => {
                    *state = State::Failed(Box::new(stop));
                    return None;
                }
            };
            let mut settle = move |outcome| {
                *state = match outcome {
                    Ok(actor) => State::Actor(actor),
                    Err(stop) => State::Failed(Box::new(stop)),
                };
            };
            match A::init(args, cx) {
                Init::Ready(outcome) => {
                    settle(outcome);
                    None
                }
                Init::Later(future) => Some(Box::pin(async move { settle(future.await) })),
            }
        });
    }

    /// Tells the starter how init ended; a failed one ends the process.
    fn started(self: Pin<&mut Self>) -> Option<Reason> {
        let this = self.project();
        let inside = this.cell.state();
        let starter = this.later.as_mut().and_then(|later| later.starter.as_mut());
        if let State::Failed(stop) = &inside.state {
            if let Some(starter) = starter {
                starter.fail((**stop).clone());
            }
            return Some(match &**stop {
                Stop::Ignore => Reason::Normal,
                Stop::Reason(reason) => reason.clone(),
            });
        }
        if let Some(starter) = starter {
            starter.ready();
        }
        *this.later = None;
        *this.stage = Stage::Running;
        None
    }

    /// Handles one thing, if there is one.
    fn handle_next(
        mut self: Pin<&mut Self>,
        turn: &mut Turn<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Some(done) = self.as_mut().own_wishes(turn) {
            return done;
        }
        match turn.next() {
            Some(Mailed::Message(envelope)) if is_system(&envelope) => {
                self.handle_system(envelope, turn);
                Poll::Ready(())
            }
            Some(mailed) => {
                if let Some(later) = self.as_mut().project().later {
                    later.silence = None;
                    if let Some(control) = &mut later.control {
                        control.note(turn.me(), &mailed);
                    }
                }
                self.handle(mailed, turn);
                Poll::Ready(())
            }
            // A slice that is over says nothing about the mailbox: silence and streams wait, too.
            None if turn.is_over() || turn.is_spent() => Poll::Pending,
            None => self.wait(cx),
        }
    }

    /// What the last handler asked for: to stop, or to go on before the next message.
    fn own_wishes(mut self: Pin<&mut Self>, turn: &mut Turn<'_>) -> Option<Poll<()>> {
        let mut this = self.as_mut().project();
        let inside = this.cell.as_mut().state();
        let cx = inside.cx.as_mut()?;
        A::Beside::settle(cx);
        if let Some(reason) = cx.more().and_then(|more| more.stop.take()) {
            self.end(reason);
            return Some(Poll::Ready(()));
        }
        if cx.goes_on() {
            if !turn.charge() {
                return Some(Poll::Pending);
            }
            this.cell.enter(|inside| {
                let (actor, cx) = inside.parts()?;
                later(A::Beside::go_on(actor, cx))
            });
            return Some(Poll::Ready(()));
        }
        let more = cx.more()?;
        if !more.continues.is_empty() && !turn.charge() {
            return Some(Poll::Pending);
        }
        if let Some(msg) = more.continues.pop_front() {
            this.cell.enter(|inside| {
                let (actor, cx) = inside.parts()?;
                later(actor.handle_msg(msg, cx))
            });
            return Some(Poll::Ready(()));
        }
        if let Some(silence) = more.silence.take() {
            let later = this.later.get_or_insert_default();
            later.silence = Some(Silence {
                bound: silence,
                over: Box::pin(time::sleep(silence)),
            });
        }
        // It was put off until what the handler asked for was done.
        let envelope = more.system.take()?;
        self.handle_system(envelope, turn);
        Some(Poll::Ready(()))
    }

    /// Terminates, for this reason.
    pub(super) fn end(self: Pin<&mut Self>, reason: Reason) {
        let this = self.project();
        *this.stage = Stage::Ending;
        this.later.get_or_insert_default().ending = Some(reason.clone());
        Self::terminate(this.cell, reason);
    }

    fn handle(self: Pin<&mut Self>, mailed: Mailed, turn: &mut Turn<'_>) {
        if let Mailed::Exit(exit) = &mailed
            && turn.me().is_supervisor(exit.from)
        {
            return self.end(exit.reason.clone());
        }
        let this = self.project();
        let mut open = None;
        let waits = this.cell.enter(|inside| {
            let (actor, cx) = inside.parts()?;
            later(match mailed {
                Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => {
                    dispatch(envelope, actor, cx, turn, &mut open)
                }
                Mailed::Exit(exit) => actor.handle_exit(exit, cx),
                Mailed::Down(down) => actor.handle_down(down, cx),
            })
        });
        match (open, waits) {
            (Some(call), true) => {
                this.later.get_or_insert_default().call = Some(turn.call_waits(call));
            }
            (Some(call), false) => turn.end_call(call),
            (None, _) => {}
        }
    }

    /// Calls terminate; its future, if any, is polled by the loop.
    fn terminate(cell: Pin<&mut StateCell<Inside<A>>>, reason: Reason) {
        cell.enter(|inside| {
            let (actor, cx) = inside.parts()?;
            // The reason must live as long as the future: the future owns it.
            Some(Box::pin(async move {
                if let Handled::Later(future) = actor.terminate(&reason, cx) {
                    future.await;
                }
            }))
        });
    }

    /// Nothing is in the mailbox: looks at streams and at the end of silence.
    fn wait(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let silent = this.later.as_mut().and_then(|later| later.silence.as_mut());
        if let Some(silence) = silent
            && silence.over.as_mut().poll(cx).is_ready()
        {
            if let Some(later) = this.later {
                later.silence = None;
            }
            this.cell.enter(|inside| {
                let (actor, cx) = inside.parts()?;
                later(actor.handle_timeout(cx))
            });
            return Poll::Ready(());
        }
        let inside = this.cell.as_mut().state();
        let Some(more) = inside.cx.as_mut().and_then(Cx::more) else {
            return Poll::Pending;
        };
        let Some(msg) = next_of(&mut more.streams, cx) else {
            return Poll::Pending;
        };
        if let Some(later) = this.later {
            later.silence = None;
        }
        this.cell.enter(|inside| {
            let (actor, cx) = inside.parts()?;
            later(actor.handle_msg(msg, cx))
        });
        Poll::Ready(())
    }

    /// A handler panicked: terminate has its word, then the process ends for that reason.
    fn crash(mut self: Pin<&mut Self>, reason: Reason, cx: &mut Context<'_>) -> Poll<Reason> {
        let mut this = self.as_mut().project();
        if !matches!(this.stage, Stage::Running | Stage::Suspended) {
            return Poll::Ready(reason);
        }
        if this.cell.is_held() {
            // The handler's future is what panicked; its drop may panic again, which adds nothing.
            let cancel = AssertUnwindSafe(|| this.cell.as_mut().cancel());
            if let Err(second) = catch_unwind(cancel) {
                let _ = foundation_runtime::reason_of_panic(second);
            }
        }
        self.end(reason);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn later(handled: Handled<'_>) -> Option<BoxFuture<'_, ()>> {
    match handled {
        Handled::Done => None,
        Handled::Later(future) => Some(future),
    }
}
