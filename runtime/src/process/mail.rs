//! What comes out of a mailbox.
//!
//! Outputs    [`Mailed`] for behaviours, untyped; [`Mail`] for plain processes, typed.
//! Source     otp: reference manual, "Receiving messages from processes"

use crate::TimerRef;
use crate::envelope::{Codec, Down, Envelope, Exit, Payload, Signal, Tag, Wrap};
use crate::scheduler::Running;

/// One message as a behaviour gets it.
#[derive(Debug)]
pub enum Mailed {
    /// A message, a call, or bytes from another node.
    Message(Envelope),
    /// An exit that the process trapped.
    Exit(Exit),
    /// A monitor fired.
    Down(Down),
    /// A timer of `start_timer` fired, with its message.
    Timeout(TimerRef, Envelope),
}

impl Mailed {
    /// What the running process has taken out of its mailbox.
    #[inline]
    pub(crate) fn open(running: &Running, envelope: Envelope) -> Self {
        if !envelope.header().is_special() {
            return Self::Message(envelope);
        }
        Self::open_special(running, envelope)
    }

    #[cold]
    fn open_special(running: &Running, mut envelope: Envelope) -> Self {
        let marks = running.unmark(&mut envelope);
        running.taken(marks);
        Self::open_unmarked(envelope)
    }

    pub(super) fn open_unmarked(envelope: Envelope) -> Self {
        match envelope.take_signal() {
            Err(message) => Self::Message(message),
            Ok(Signal::ExitNotice(exit)) => Self::Exit(exit),
            Ok(Signal::DownNotice(down)) => Self::Down(*down),
            Ok(Signal::Timeout { timer, message }) => Self::Timeout(timer, message),
            Ok(_) => unreachable!("other signals act when they are fetched"),
        }
    }

    pub(crate) fn close(self) -> Envelope {
        match self {
            Self::Message(envelope) => envelope,
            Self::Exit(exit) => Envelope::signal(Signal::ExitNotice(exit)),
            Self::Down(down) => Envelope::signal(Signal::DownNotice(Box::new(down))),
            Self::Timeout(timer, message) => Envelope::signal(Signal::Timeout { timer, message }),
        }
    }
}

/// A type that plain processes can be sent. Derive it: `#[derive(Message)]`, with
/// `#[message(local)]` when it never leaves its node.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    note = "add `#[derive(Message)]`, and `#[message(local)]` if it never leaves its node"
)]
pub trait Message: Send + Sized + 'static {
    /// The type's name, for people.
    const NAME: &'static str;
    /// How it travels to another node.
    const CODEC: Codec<Self>;
    /// Its stable name on other nodes.
    fn tag() -> Tag;
}

pub(crate) struct Plain<M>(pub(crate) M);

impl<M: Message> Wrap for Plain<M> {
    type Inner = M;
    const INNER: Codec<M> = M::CODEC;

    fn inner(&self) -> &M {
        &self.0
    }

    fn wrap(inner: M) -> Self {
        Self(inner)
    }
}

impl<M: Message> Payload for Plain<M> {
    const NAME: &'static str = M::NAME;
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        M::tag()
    }
}

impl Envelope {
    /// An envelope for a plain process that takes `M`.
    pub fn plain<M: Message>(message: M) -> Self {
        Self::message(Plain(message))
    }

    /// The plain message inside, if it is an `M`, also when it came as bytes from another node.
    ///
    /// # Errors
    /// The envelope itself when something else is inside.
    pub fn take_plain<M: Message>(self) -> Result<M, Self> {
        self.take_or_decode::<Plain<M>>().map(|plain| plain.0)
    }
}

/// One message as a plain process receives it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Mail<M> {
    /// A message of the process's own type.
    Msg(M),
    /// An exit that the process trapped.
    Exit(Exit),
    /// A monitor fired.
    Down(Down),
    /// A timer of `start_timer` fired.
    Timeout(TimerRef, M),
    /// Anything else that was sent to the pid.
    Info(Info),
}

/// A message of another type than the receiver's own.
#[derive(Debug)]
pub struct Info(pub(crate) Envelope);

impl Info {
    /// Wraps an envelope that the receiver has no handler for.
    #[must_use]
    pub fn new(envelope: Envelope) -> Self {
        Self(envelope)
    }

    /// The type's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The message, if it is an `M`.
    ///
    /// # Errors
    /// The message unharmed, when it is something else.
    pub fn take<M: Message>(self) -> Result<M, Self> {
        self.0.take_plain().map_err(Self)
    }
}

impl<M: Message> Mail<M> {
    pub(crate) fn open(mailed: Mailed) -> Self {
        match mailed {
            Mailed::Message(envelope) => match envelope.take_plain::<M>() {
                Ok(message) => Self::Msg(message),
                Err(other) => Self::Info(Info(other)),
            },
            Mailed::Exit(exit) => Self::Exit(exit),
            Mailed::Down(down) => Self::Down(down),
            Mailed::Timeout(timer, envelope) => match envelope.take_plain::<M>() {
                Ok(message) => Self::Timeout(timer, message),
                Err(other) => Self::Info(Info(other)),
            },
        }
    }

    /// The envelope again, for a message that stays in the queue.
    pub(crate) fn close(self) -> Envelope {
        match self {
            Self::Msg(message) => Envelope::again(Plain(message)),
            Self::Exit(exit) => Mailed::Exit(exit).close(),
            Self::Down(down) => Mailed::Down(down).close(),
            Self::Timeout(timer, message) => {
                Mailed::Timeout(timer, Envelope::again(Plain(message))).close()
            }
            Self::Info(info) => info.0,
        }
    }
}
