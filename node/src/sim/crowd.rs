//! What do several processes of a node send at once over one channel?
//!
//! Role       A crowd now and then: each writes letters to one clerk, a large one among them, over a channel of several
//!            lanes. What one of them sends has to come in its order, whichever lanes there are.

use std::sync::Arc;
use std::time::Duration;

use foundation::prelude::*;

use super::audit::Audit;
use super::clerk::{Clerk, Tick, another, clerk_at, send};

/// The channel of crowds.
pub(super) const WIDE: &str = "wide";
/// How many are in one.
const CROWD: u64 = 4;
/// The letters that each writes: one in 256 is large.
const LETTERS: std::ops::Range<u64> = 253..262;
const BOUND: Duration = secs(5);

/// Sends crowds.
pub(super) async fn gather(me: Process<Tick>, nodes: usize, audit: Arc<Audit>) {
    let node = me.node();
    loop {
        audit.turned(*me);
        node.sleep(ms(5_000 + node.random() % 10_000)).await;
        let there = clerk_at(&node, &another(&node, nodes));
        let Ok(clerk) = there.whose().timeout(BOUND).await else {
            continue;
        };
        for _ in 0..CROWD {
            let (clerk, audit) = (clerk.clone(), Arc::clone(&audit));
            let writer = async move |own: Process<Tick>| write(&own, &clerk, &audit).await;
            node.spawn_fn(writer).map(drop).unwrap_or_default();
        }
    }
}

async fn write(me: &Process<Tick>, clerk: &Ref<Clerk>, audit: &Audit) {
    for number in LETTERS {
        send(me, clerk, number, audit, WIDE);
        me.node().sleep(ms(me.node().random() % 8)).await;
    }
}
