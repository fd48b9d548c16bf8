//! What does a server do when the system asks?
//!
//! Role       Lends the state to the system between two handlers, and, while the server is suspended,
//!            handles nothing else.
//! Invariant  Silence that was waited for is waited for again, in full, after a system message. What a
//!            handler asked to go on with comes before system messages.
//! Source     otp: gen_server, system_continue/3, system_terminate/4; sys, suspend_loop

use std::any::Any;
use std::pin::Pin;
use std::task::Poll;

use foundation_runtime::{Envelope, Mailed, Turn};

use super::actor::Actor;
use super::body::{Server, Stage};
use super::cx::Cx;
use crate::sys::{Controlled, Then, is_system};

/// An actor, as the system sees it.
struct Shown<'a, A: Actor>(&'a mut A, &'a mut Cx<A>);

impl<A: Actor> Controlled for Shown<'_, A> {
    fn code(&self) -> &'static str {
        A::NAME
    }

    fn version(&self) -> u32 {
        A::VERSION
    }

    fn describe(&mut self) -> Option<String> {
        self.1.describe(self.0)
    }

    fn parts(&mut self) -> Option<(&mut dyn Any, &mut dyn Any)> {
        Some((self.0, self.1.beside()))
    }
}

impl<A: Actor> Server<A> {
    /// Handles the next message of the system, or the exit of the parent; the others wait.
    pub(super) fn handle_system_only(self: Pin<&mut Self>, turn: &mut Turn<'_>) -> Poll<()> {
        let parents = turn.me().supervisors();
        let wanted = |envelope: &Envelope| {
            let from = envelope.exit_from();
            is_system(envelope) || (from.is_some() && parents.contains(&from))
        };
        match turn.next_of(wanted) {
            None => return Poll::Pending,
            Some(Mailed::Exit(exit)) => {
                turn.put_back();
                self.end(exit.reason);
            }
            Some(Mailed::Message(envelope)) => self.handle_system(envelope, turn),
            Some(Mailed::Down(_) | Mailed::Timeout(..)) => {
                unreachable!("neither was wanted")
            }
        }
        Poll::Ready(())
    }

    /// Handles a message of the system.
    pub(super) fn handle_system(mut self: Pin<&mut Self>, envelope: Envelope, turn: &mut Turn<'_>) {
        let mut this = self.as_mut().project();
        let later = this.later.get_or_insert_default();
        let silence = later.no_silence();
        let control = later.control.get_or_insert_default();
        let inside = this.cell.as_mut().state();
        let Some((actor, cx)) = inside.parts() else {
            unreachable!("a server that handles messages has a state");
        };
        let then = match control.handle(envelope, turn.me(), &mut Shown(actor, &mut *cx)) {
            Ok(then) => then,
            Err(other) => unreachable!("{other:?} is no message of the system"),
        };
        if control.is_idle() {
            later.control = None;
        }
        if let Some(silence) = silence {
            cx.set_timeout(silence);
        }
        cx.settle();
        if later.is_over() {
            *this.later = None;
        }
        match then {
            Then::GoOn => {}
            Then::Suspend => *this.stage = Stage::Suspended,
            Then::Resume => {
                *this.stage = Stage::Running;
                turn.put_back();
            }
            Then::Stop(reason) => {
                turn.put_back();
                self.end(reason);
            }
        }
    }
}

impl<A: Actor> Cx<A> {
    /// Puts a message of the system off until the handler has returned.
    pub(super) fn put_off(&mut self, envelope: Envelope) {
        self.more_mut().system = Some(envelope);
    }
}
