//! What does a message cost over Plumtree, and how does it bear failures on HyParView?
//!
//! Role       The figures of the paper on Plumtree: relative message redundancy (payloads received
//!            for each node that did not send it, less one), hops of the last delivery; and both
//!            protocols together right after failures.

use std::time::Duration;

use foundation::cluster::overlay::plumtree::Config;

use crate::flood::Overlay;
use crate::table::Table;
use crate::timed::{Sent, Timed};

/// Broadcasts that make the tree, and those that are measured.
const WARM: usize = 30;
const MEASURED: usize = 30;
const PAUSE: Duration = Duration::from_secs(2);

fn flood_row(settled: &Overlay, seed: u64) -> (f64, f64) {
    let mut overlay = settled.clone();
    overlay.rng = foundation::Rng::new(seed);
    overlay.payloads = 0;
    let reached = overlay.broadcast();
    let others = (overlay.living() - 1) as f64;
    (reached, overlay.payloads as f64 / others - 1.0)
}

fn tree_row(settled: &Overlay, one: bool, threshold: Option<u16>, seed: u64) -> Vec<Option<f64>> {
    let config = Config {
        threshold,
        ..Config::default()
    };
    let mut timed = Timed::new(settled.clone(), &config, seed);
    let (mut reached, mut hops, mut took) = (0.0, 0.0, 0.0);
    for message in 0..WARM + MEASURED {
        if message == WARM {
            timed.sent = Sent::default();
            (reached, hops, took) = (0.0, 0.0, 0.0);
        }
        let node = if one { 0 } else { timed.overlay.any_living() };
        reached += timed.broadcast(node, PAUSE);
        hops += f64::from(timed.hops);
        took += timed.took();
    }
    let count = MEASURED as f64;
    let others = (settled.living() - 1) as f64 * count;
    vec![
        Some(reached / count),
        Some(timed.sent.payloads as f64 / others - 1.0),
        Some(hops / count),
        Some(took / count),
        Some(timed.sent.control as f64 / others),
    ]
}

/// Nobody fails.
pub(crate) fn stable(settled: &Overlay, seed: u64) -> Table {
    let title = format!(
        "Broadcast on a stable overlay: mean of {MEASURED} messages, after {WARM}, one every {} s",
        PAUSE.as_secs()
    );
    let columns = [
        "who sends, threshold",
        "reached, percent",
        "redundancy",
        "last delivery, hops",
        "last delivery, s",
        "other messages a node",
    ];
    let mut table = Table::new(&title, &columns);
    let (reached, redundancy) = flood_row(settled, seed);
    let first = tree_row_first(settled, seed);
    table.row(
        "flood",
        vec![Some(reached), Some(redundancy), first.0, first.1, Some(0.0)],
    );
    for (one, who) in [(true, "one node"), (false, "any node")] {
        for threshold in [None, Some(7), Some(3)] {
            let row = tree_row(settled, one, threshold, seed);
            let name = threshold.map_or("none".to_owned(), |hops| format!("{hops} hops"));
            table.row(&format!("{who}, {name}"), row);
        }
    }
    table
}

/// The first message over new trees goes over all links: it is a flood.
fn tree_row_first(settled: &Overlay, seed: u64) -> (Option<f64>, Option<f64>) {
    let mut timed = Timed::new(settled.clone(), &Config::default(), seed);
    timed.broadcast(0, PAUSE);
    (Some(f64::from(timed.hops)), Some(timed.took()))
}

/// Both together: the first messages after failures, without a membership cycle.
pub(crate) fn together(settled: &Overlay, seed: u64) -> Table {
    let title = "HyParView and Plumtree right after failures, before a membership cycle: percent of \
                 the living reached within 10 s";
    let columns = [
        "failed",
        "first message",
        "until the last, s",
        "second message",
        "redundancy",
    ];
    let mut table = Table::new(title, &columns);
    for percent in [10, 30, 50, 70, 80, 90, 95] {
        let mut timed = Timed::new(settled.clone(), &Config::default(), seed);
        for _ in 0..10 {
            let node = timed.overlay.any_living();
            timed.broadcast(node, PAUSE);
        }
        timed.overlay.fail(percent);
        let span = Duration::from_secs(10);
        let node = timed.overlay.any_living();
        let first = timed.broadcast(node, span);
        let took = timed.took();
        timed.sent = Sent::default();
        let node = timed.overlay.any_living();
        let second = timed.broadcast(node, span);
        let redundancy = timed.sent.payloads as f64 / (timed.delivered - 1).max(1) as f64 - 1.0;
        let figures = [first, took, second, redundancy];
        table.row(&format!("{percent} %"), figures.map(Some).to_vec());
    }
    table
}
