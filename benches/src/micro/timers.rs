//! What does a timer cost that never fires?
//!
//! Role       The fate of most timers: armed for a timeout, cancelled by the answer.
//! Owns       Nothing.
//! Invariant  None of them fires.

use std::time::{Duration, Instant};

use foundation::prelude::*;

use crate::stage::{Nothing, inside};

/// Armed and cancelled.
pub fn timer(node: &Node, times: u64) -> Duration {
    inside(node, move |me: Process<Nothing>| async move {
        let begin = Instant::now();
        for _ in 0..times {
            let timer = me.send_after(secs(60), me.pid(), Nothing);
            assert!(me.cancel_timer(timer).is_some(), "it has a minute left");
        }
        begin.elapsed()
    })
}
