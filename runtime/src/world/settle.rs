//! When can nothing more happen in a simulated world without time passing?
//!
//! Role       The wait for that moment.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::bell::Quiet;
use super::sim::Sim;

pub(super) struct Settle {
    sim: Arc<Sim>,
    quiet: Option<Arc<Quiet>>,
}

impl Settle {
    pub(super) fn new(sim: Arc<Sim>) -> Self {
        Self { sim, quiet: None }
    }
}

impl Future for Settle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.quiet {
            Some(quiet) if quiet.is_reached() => Poll::Ready(()),
            Some(quiet) => {
                quiet.wake_instead(cx.waker());
                Poll::Pending
            }
            None => {
                self.quiet = Some(self.sim.when_idle(cx.waker()));
                Poll::Pending
            }
        }
    }
}
