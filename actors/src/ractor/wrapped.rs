//! How did a ractor actor end?
//!
//! Role       Passes everything on to the user's actor, and notes why it ends: ractor tells its own
//!            supervisors only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use ::ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use foundation_runtime::{Reason, reason_of_panic};

/// What is known of an actor's end; the first thing noted counts.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<Mutex<Option<Reason>>>);

impl Ending {
    fn note(&self, reason: Reason) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(reason);
    }

    /// Why it ended. One that had no word at all was killed.
    pub(super) fn reason(&self) -> Reason {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or(Reason::Killed)
    }
}

pub(super) struct Wrapped<A> {
    pub(super) actor: A,
    pub(super) ending: Ending,
}

impl<A> Wrapped<A> {
    /// Runs what the actor does. An error or a panic of it is noted, and ends it as ractor ends it.
    async fn noted<T>(
        &self,
        work: impl Future<Output = Result<T, ActorProcessingErr>> + Send,
    ) -> Result<T, ActorProcessingErr> {
        let mut work = pin!(work);
        let outcome = std::future::poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(poll) => poll.map(Ok),
                Err(payload) => std::task::Poll::Ready(Err(payload)),
            }
        })
        .await;
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.ending.note(Reason::other(error.to_string()));
                Err(error)
            }
            Err(payload) => {
                let reason = reason_of_panic(payload);
                let text = reason.to_string();
                self.ending.note(reason);
                Err(text.into())
            }
        }
    }
}

impl<A: Actor> Actor for Wrapped<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        args: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        self.noted(async move { self.actor.pre_start(myself, args).await })
            .await
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.noted(async move { self.actor.post_start(myself, state).await })
            .await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let stopped = async move { self.actor.post_stop(myself, state).await };
        let outcome = self.noted(stopped).await;
        self.ending.note(Reason::Normal);
        outcome
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        self.noted(async move { self.actor.handle(myself, message, state).await })
            .await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let handled = async move { self.actor.handle_supervisor_evt(myself, event, state).await };
        self.noted(handled).await
    }
}
