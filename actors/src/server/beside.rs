//! What may a behaviour that is built on the server keep beside the state?
//!
//! Role       Lets a state machine have its state and its queue in the server's process, and have
//!            the word before the next message.
//! Invariant  A plain actor keeps nothing, and pays nothing for it.

use super::actor::{Actor, Handled};
use super::cx::Cx;

/// What is kept beside an actor's state.
pub trait Beside<A: Actor>: Default + Send + 'static {
    /// Init, or a handler, is done.
    #[inline]
    fn settle(_cx: &mut Cx<A>) {}

    /// Whether something comes before the next message.
    #[inline]
    fn waits(&self) -> bool {
        false
    }

    /// Does it.
    fn go_on<'a>(_actor: &'a mut A, _cx: &'a mut Cx<A>) -> Handled<'a> {
        Handled::Done
    }

    /// The actor as text for a crash report, if it may be shown.
    fn describe(&self, actor: &A) -> Option<String> {
        actor.describe()
    }
}

impl<A: Actor> Beside<A> for () {}
