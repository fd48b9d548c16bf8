//! How long does a message wait?
//!
//! Role       Calls a busy process again and again, and measures.
//! Inputs     The node's clock.
//! Outputs    [`Latencies`]: the 99th percentile of the latest calls.
//! Owns       The last [`KEPT_MAX`] measurements.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation::prelude::*;

use super::table::TABLE;

const KEPT_MAX: usize = 400;
const PAUSE: Duration = ms(5);

/// What the probe has measured.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<VecDeque<Duration>>);

impl Latencies {
    fn add(&self, latency: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(latency);
    }

    /// 99 of 100 took no longer; nothing when nothing was measured.
    pub(crate) fn p99(&self) -> Option<Duration> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = kept.iter().copied().collect();
        sorted.sort_unstable();
        sorted
            .get((sorted.len() * 99).div_ceil(100).checked_sub(1)?)
            .copied()
    }
}

/// Nobody writes to the probe.
#[derive(Debug, Message)]
#[message(local)]
pub(crate) enum Nothing {}

/// The probe's process.
pub(crate) async fn probe(me: Process<Nothing>, latencies: Arc<Latencies>) {
    let node = me.node();
    loop {
        let begun = node.now();
        // While the table is started again there is nothing to measure.
        if node.at(TABLE).pulse().await.is_ok() {
            latencies.add(node.now().saturating_sub(begun));
        }
        foundation::time::sleep(PAUSE).await;
    }
}
