//! The operations of the system on a process.
//!
//! Outputs    One function per operation, each an [`Asking`]: awaited, it asks and waits, 5 seconds
//!            unless `timeout` says otherwise.
//! Source     otp: sys, "Functions"; elixir: :sys

use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use foundation_runtime::{Call, CallPayload, Destination, Node, Reason};

use super::ask::{Answer, Ask, Outcome, Refusal, Within};
use super::error::SysError;
use super::report::{LogEvent, Statistics, Status};
use super::target::Target;
use crate::server::{Actor, BoxFuture, Ref, StopError, stop};

/// How long an operation waits unless it is told otherwise.
pub const SYS_TIMEOUT: Duration = Duration::from_secs(5);

/// An operation that is about to be done: awaited, it asks the process and waits.
#[must_use = "an operation does nothing until it is awaited"]
pub struct Asking<T> {
    bound: Duration,
    ask: Box<dyn FnOnce(Duration) -> BoxFuture<'static, Result<T, SysError>> + Send>,
}

impl<T> Asking<T> {
    fn new(
        ask: impl FnOnce(Duration) -> BoxFuture<'static, Result<T, SysError>> + Send + 'static,
    ) -> Self {
        Self {
            bound: SYS_TIMEOUT,
            ask: Box::new(ask),
        }
    }

    /// Waits at most so long.
    pub fn timeout(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }
}

impl<T> IntoFuture for Asking<T> {
    type Output = Result<T, SysError>;
    type IntoFuture = BoxFuture<'static, Result<T, SysError>>;

    fn into_future(self) -> Self::IntoFuture {
        (self.ask)(self.bound)
    }
}

impl<T> std::fmt::Debug for Asking<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking")
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

async fn call<P: CallPayload>(
    node: Node,
    to: Destination,
    ask: P,
    bound: Duration,
) -> Result<P::Reply, SysError> {
    let call: Call<P::Reply> = node.call(&to, ask);
    Ok(call.timeout(bound).await?)
}

/// Asks something whose answer `read` reads.
fn asking<T: 'static>(target: &impl Target, ask: Ask, read: fn(Answer) -> Option<T>) -> Asking<T> {
    let (node, to) = (target.node().clone(), target.destination());
    Asking::new(move |bound| {
        Box::pin(async move {
            let answer = call(node, to, ask, bound).await?;
            let other = || SysError::Refused("it answered another question".to_owned());
            read(answer).ok_or_else(other)
        })
    })
}

fn done(answer: Answer) -> Option<()> {
    matches!(answer, Answer::Done).then_some(())
}

/// Stops a process from handling messages, all but those of the system: they wait, and it does what
/// `sys` asks. Suspending it again changes nothing, and one [`resume`] ends it, whoever asks.
///
/// Not to be confused with [`foundation_runtime::Me::suspend`], which stops any process from running
/// at all. Whoever calls it meanwhile waits, or gets a timeout; exits of the parent still end it.
pub fn suspend(target: &impl Target) -> Asking<()> {
    asking(target, Ask::Suspend, done)
}

/// Lets a suspended process handle its messages again: those that waited first, in their order.
pub fn resume(target: &impl Target) -> Asking<()> {
    asking(target, Ask::Resume, done)
}

/// What a process is, and what it is doing.
pub fn get_status(target: &impl Target) -> Asking<Status> {
    asking(target, Ask::Status, |answer| match answer {
        Answer::Status(status) => Some(*status),
        _ => None,
    })
}

/// The state of a process as text, from any node: `None` when it does not allow that, as an actor
/// does by `#[actor(debug)]`.
pub fn show_state(target: &impl Target) -> Asking<Option<String>> {
    asking(target, Ask::State, |answer| match answer {
        Answer::State(state) => Some(state),
        _ => None,
    })
}

fn counted(answer: Answer) -> Option<Option<Statistics>> {
    match answer {
        Answer::Statistics(statistics) => Some(statistics),
        _ => None,
    }
}

/// Counts what a process does from now on; if it does already, goes on.
pub fn with_statistics(target: &impl Target) -> Asking<Option<Statistics>> {
    asking(target, Ask::Statistics(Some(true)), counted)
}

/// What was counted; `None` when statistics are off, as they are unless switched on.
pub fn statistics(target: &impl Target) -> Asking<Option<Statistics>> {
    asking(target, Ask::Statistics(None), counted)
}

/// Counts no longer.
pub fn no_statistics(target: &impl Target) -> Asking<Option<Statistics>> {
    asking(target, Ask::Statistics(Some(false)), counted)
}

/// Keeps the last `count` events of a process, at most 1,000, from now on.
pub fn log(target: &impl Target, count: u32) -> Asking<()> {
    asking(target, Ask::KeepLog(count), done)
}

/// Keeps no events any more, and forgets those that were kept.
pub fn no_log(target: &impl Target) -> Asking<()> {
    asking(target, Ask::KeepLog(0), done)
}

/// The last events of a process, oldest first; none when its log is off.
pub fn get_log(target: &impl Target) -> Asking<Vec<LogEvent>> {
    asking(target, Ask::Log, |answer| match answer {
        Answer::Log(events) => Some(events),
        _ => None,
    })
}

/// Ends a process in order, also one that is suspended: its `#[terminate]` runs, and it exits with
/// `reason`. Returns when it has.
pub fn terminate(target: &impl Target, reason: Reason) -> Asking<()> {
    let (node, to) = (target.node().clone(), target.destination());
    Asking::new(move |bound| {
        Box::pin(async move {
            let stopped = stop(node, to, reason, bound).await;
            stopped.map_err(|error| match error {
                StopError::NoProc => SysError::NoProc,
                StopError::Exited(reason) => SysError::Down(reason),
                StopError::Timeout => SysError::Timeout,
                StopError::NoConnection => SysError::NoConnection,
            })
        })
    })
}

/// Runs a function in the process, with its state, if that is an `A`, and whether it is suspended.
pub(super) fn within<A: Actor, T: Send + 'static>(
    target: &Ref<A>,
    f: impl FnOnce(&mut A, bool) -> Result<T, Refusal> + Send + 'static,
) -> Asking<T> {
    inside(target, |state: &mut A, _, suspended| f(state, suspended))
}

/// As [`within`], with what is kept beside the state.
pub(super) fn inside<A: Actor, T: Send + 'static>(
    target: &Ref<A>,
    f: impl FnOnce(&mut A, &mut A::Beside, bool) -> Result<T, Refusal> + Send + 'static,
) -> Asking<T> {
    let (node, to) = (target.node().clone(), target.destination());
    let within = Within(Box::new(move |on, suspended| -> Outcome {
        let code = on.code();
        let parts = on.parts().and_then(|(state, beside)| {
            let state = state.downcast_mut::<A>()?;
            Some((state, beside.downcast_mut::<A::Beside>()?))
        });
        let (state, beside) = parts.ok_or(Refusal::WrongState { code })?;
        Ok(Box::new(f(state, beside, suspended)?))
    }));
    Asking::new(move |bound| {
        Box::pin(async move {
            if to.node() != node.id() {
                return Err(SysError::NotLocal);
            }
            let value = call(node, to, within, bound).await??;
            match value.downcast() {
                Ok(value) => Ok(*value),
                Err(_) => unreachable!("the function returned a `T`"),
            }
        })
    })
}

impl From<Refusal> for SysError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongState { code } => Self::WrongState { code: code.into() },
            Refusal::Panicked(text) => Self::Panicked(text),
            Refusal::NotSuspended => Self::NotSuspended,
            Refusal::Change(error) => Self::Change(error),
        }
    }
}

/// Puts a new state in the place of the old one, which is dropped: whatever its destructor does.
pub(super) fn put<A>(state: &mut A, new: A) {
    let old = AssertUnwindSafe(std::mem::replace(state, new));
    if let Err(payload) = catch_unwind(move || drop(old)) {
        let reason = foundation_runtime::reason_of_panic(payload);
        tracing::warn!(target: "foundation::sys", %reason, "the old state's destructor panicked");
    }
}

/// A copy of the state of an actor of this node; of a state machine, its data: [`super::get_statem`]
/// has the state as well.
pub fn get_state<A: Actor + Clone>(target: &Ref<A>) -> Asking<A> {
    within(target, |state: &mut A, _| Ok(state.clone()))
}

/// Looks at the state of an actor of this node, without a copy. `f` runs in the actor's process,
/// between two handlers; when it panics, the caller gets the error and the actor goes on.
pub fn with_state<A: Actor, T: Send + 'static>(
    target: &Ref<A>,
    f: impl FnOnce(&A) -> T + Send + 'static,
) -> Asking<T> {
    within(target, |state: &mut A, _| Ok(f(state)))
}

/// Replaces the state of an actor of this node by what `f` makes of it. When `f` panics, the old
/// state stays and the caller gets the error.
pub fn replace_state<A: Actor>(
    target: &Ref<A>,
    f: impl FnOnce(&A) -> A + Send + 'static,
) -> Asking<()> {
    within(target, |state: &mut A, _| {
        let new = f(state);
        put(state, new);
        Ok(())
    })
}
