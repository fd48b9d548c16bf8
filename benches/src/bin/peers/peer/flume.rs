//! How fast are bare tokio tasks with flume's unbounded channels?
//!
//! Role       The same floor with the channel that hydra stands on.
//! Inputs     A [`Plan`] per workload.
//! Outputs    An [`Outcome`] per workload.
//! Owns       Nothing.
//! Invariant  No supervision, no registry, no signals: what is missing is not paid for.

use super::Peer;
use super::channels::{self, Channel};
use crate::harness::Outcome;
use crate::workload::Plan;

/// Bare tokio tasks that talk through flume.
pub(crate) struct Flume;

impl Channel for Flume {
    type Sender<T: Send + 'static> = ::flume::Sender<T>;
    type Receiver<T: Send + 'static> = ::flume::Receiver<T>;

    fn unbounded<T: Send + 'static>() -> (Self::Sender<T>, Self::Receiver<T>) {
        ::flume::unbounded()
    }

    fn send<T: Send + 'static>(sender: &Self::Sender<T>, value: T) {
        assert!(sender.send(value).is_ok(), "the receiver lives");
    }

    async fn recv<T: Send + 'static>(receiver: &mut Self::Receiver<T>) -> Option<T> {
        receiver.recv_async().await.ok()
    }
}

super::channels::peer!(Flume, "flume", "flume");
