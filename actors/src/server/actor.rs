//! What is an actor, to the runtime?
//!
//! Role       The traits that `#[actor]` implements, and that a careful hand could.
//! Outputs    [`Actor`]: state and handlers; [`Request`] and [`Cast`]: one type per method.
//! Source     otp: gen_server

use std::pin::Pin;

use foundation_runtime::{Codec, Down, Exit, Info, Mailbox, ProcessKind, Reason, ReplyTo, Tag};

use super::asked::Asking;
use super::beside::Beside;
use super::cx::Cx;
use super::method::Method;
use super::refs::Addressed;
use super::stop::Stop;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a handler left behind: nothing, or work that waits.
pub enum Handled<'a> {
    /// The handler is done.
    Done,
    /// The handler is a future that holds the actor's state until it is done.
    Later(Boxed<'a, ()>),
}

impl<'a> Handled<'a> {
    /// A handler that is a future.
    pub fn later(future: impl Future<Output = ()> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }

    /// A handler that is a future, with its name and, if they are to be shown, its arguments: what
    /// a crash report says of it.
    pub fn asked(
        what: &'static str,
        arguments: Option<String>,
        future: impl Future<Output = ()> + Send + 'a,
    ) -> Self {
        Self::later(Asking::new(what, arguments, future))
    }
}

impl std::fmt::Debug for Handled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Later(_) => "Later",
        })
    }
}

/// What `#[init]` left behind: the actor, or work that waits.
pub enum Init<'a, A> {
    /// The outcome is there.
    Ready(Result<A, Stop>),
    /// The outcome comes from a future.
    Later(Boxed<'a, Result<A, Stop>>),
}

impl<'a, A> Init<'a, A> {
    /// An init that is a future.
    pub fn later(future: impl Future<Output = Result<A, Stop>> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<A> std::fmt::Debug for Init<'_, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready(Ok(_)) => "Ready(Ok)",
            Self::Ready(Err(_)) => "Ready(Err)",
            Self::Later(_) => "Later",
        })
    }
}

/// What an `#[init]` may return: the actor, or the actor or a [`Stop`].
pub trait IntoInit<A> {
    /// The outcome.
    ///
    /// # Errors
    /// [`Stop`] when the actor does not start.
    fn into_init(self) -> Result<A, Stop>;
}

impl<A: Actor> IntoInit<A> for A {
    fn into_init(self) -> Result<A, Stop> {
        Ok(self)
    }
}

impl<A, E: Into<Stop>> IntoInit<A> for Result<A, E> {
    fn into_init(self) -> Result<A, Stop> {
        self.map_err(Into::into)
    }
}

/// A struct that lives in a process and handles its messages. Write `#[actor]` on its `impl`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an actor",
    note = "put `#[actor]` on its `impl` block: `#[actor] impl {Self} {{ ... }}`"
)]
pub trait Actor: Addressed + Send + Sized {
    /// The casts as values, for timers and streams.
    type Msg: Send + 'static;
    /// What `#[init]` takes; the actor itself when there is none.
    type Args: Send + 'static;
    /// What is kept beside the state: nothing, for a plain actor.
    type Beside: Beside<Self>;
    /// What people read in reports.
    const NAME: &'static str;
    /// The version of the state.
    const VERSION: u32 = 1;
    /// The kind of mailbox it has, unless it is started with another; unbounded if `None`.
    const MAILBOX: Option<Mailbox> = None;

    /// What kind of process it is, to whoever looks at the node.
    const KIND: ProcessKind = ProcessKind::Server;

    /// What other nodes call the type: equal on every node that runs the same program text.
    #[must_use]
    fn type_tag() -> Tag {
        Tag::of_generic("", std::any::type_name::<Self>(), "")
    }

    /// Makes the actor, inside its process.
    fn init<'a>(args: Self::Args, cx: &'a mut Cx<Self>) -> Init<'a, Self>;

    /// The methods that other nodes can name.
    #[must_use]
    fn methods() -> &'static [Method<Self>];

    /// The method of a protocol that the actor speaks, by its stable name.
    #[must_use]
    fn protocol_method(_tag: Tag) -> Option<&'static Method<Self>> {
        None
    }

    /// Handles a cast that came as a value: from a timer, a stream or `continue_with`.
    fn handle_msg<'a>(&'a mut self, msg: Self::Msg, cx: &'a mut Cx<Self>) -> Handled<'a>;

    /// Handles a message that is no method of the actor. Unless overridden it is logged.
    fn handle_info<'a>(&'a mut self, info: Info, cx: &'a mut Cx<Self>) -> Handled<'a> {
        tracing::warn!(
            target: "foundation::server",
            pid = %cx.pid(),
            actor = Self::NAME,
            message = info.name(),
            "a message that no handler takes was dropped"
        );
        Handled::Done
    }

    /// Handles a trapped exit of a process that is not the parent.
    fn handle_exit<'a>(&'a mut self, exit: Exit, cx: &'a mut Cx<Self>) -> Handled<'a> {
        tracing::warn!(
            target: "foundation::server",
            pid = %cx.pid(),
            actor = Self::NAME,
            from = %exit.from,
            reason = %exit.reason,
            "an exit that no handler takes was dropped"
        );
        Handled::Done
    }

    /// Handles the end of a watched process.
    fn handle_down<'a>(&'a mut self, down: Down, cx: &'a mut Cx<Self>) -> Handled<'a> {
        tracing::warn!(
            target: "foundation::server",
            pid = %cx.pid(),
            actor = Self::NAME,
            reason = %down.reason,
            "a down that no handler takes was dropped"
        );
        Handled::Done
    }

    /// Handles silence: nothing came for as long as `Cx::set_timeout` said.
    fn handle_timeout<'a>(&'a mut self, _cx: &'a mut Cx<Self>) -> Handled<'a> {
        Handled::Done
    }

    /// The last word: on `Cx::stop`, on a panic, and on the parent's exit when trapping.
    fn terminate<'a>(&'a mut self, _reason: &'a Reason, _cx: &'a mut Cx<Self>) -> Handled<'a> {
        Handled::Done
    }

    /// The state as text for crash reports: nothing unless `#[actor(debug)]` asks for it.
    fn describe(&self) -> Option<String> {
        None
    }
}

/// A method that is answered.
pub trait Request<A: Actor>: Send + Sized + 'static {
    /// What the caller gets.
    type Reply: Send + 'static;
    /// `Type::method`, for people.
    const METHOD: &'static str;
    /// The names of the arguments.
    const ARGS: &'static [&'static str];
    /// How the request travels.
    const CODEC: Codec<Self>;
    /// How the answer travels.
    const REPLY_CODEC: Codec<Self::Reply>;
    /// Its stable name on other nodes.
    fn tag() -> Tag;
    /// Calls the method.
    fn handle<'a>(
        self,
        actor: &'a mut A,
        cx: &'a mut Cx<A>,
        reply: ReplyTo<Self::Reply>,
    ) -> Handled<'a>;
}

/// A method that is not answered.
pub trait Cast<A: Actor>: Send + Sized + 'static {
    /// `Type::method`, for people.
    const METHOD: &'static str;
    /// The names of the arguments.
    const ARGS: &'static [&'static str];
    /// How it travels.
    const CODEC: Codec<Self>;
    /// Its stable name on other nodes.
    fn tag() -> Tag;
    /// Calls the method.
    fn handle<'a>(self, actor: &'a mut A, cx: &'a mut Cx<A>) -> Handled<'a>;
}
