//! How fast are bare tokio tasks with tokio's unbounded channels?
//!
//! Role       The floor that every tokio-based framework stands on.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  No supervision, no registry, no signals: what is missing is not paid for.

use ::tokio::sync::mpsc;

use super::Peer;
use super::channels::{self, Channel};
use crate::harness::Outcome;
use crate::workload::Plan;

/// Bare tokio tasks.
pub(crate) struct Tokio;

impl Channel for Tokio {
    type Sender<T: Send + 'static> = mpsc::UnboundedSender<T>;
    type Receiver<T: Send + 'static> = mpsc::UnboundedReceiver<T>;

    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>) {
        mpsc::unbounded_channel()
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) {
        assert!(sender.send(value).is_ok(), "the receiver lives");
    }

    async fn recv<T: Send + 'static>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        receiver.recv().await
    }
}

super::channels::peer!(Tokio, "tokio", "tokio");
