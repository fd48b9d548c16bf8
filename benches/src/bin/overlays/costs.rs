//! How much cheaper do links get by X-BOT, and what does the graph lose by it?
//!
//! Role       The mean cost of links over the cycles, with the figures of the graph, and who is
//!            reached right after failures, before and after.

use foundation::Rng;

use crate::flood::{Overlay, at, cost};
use crate::graph;
use crate::table::Table;

/// After how many cycles, each with one optimisation by everybody, figures are taken.
const AFTER: &[usize] = &[0, 10, 20, 50, 100, 200];
const FAILED: usize = 50;

fn mean_cost(overlay: &Overlay) -> f64 {
    let of = |node: usize| {
        let peers = overlay.nodes[node].active().iter();
        peers.map(move |&peer| cost(node, at(peer)) as f64)
    };
    let costs: Vec<f64> = (0..overlay.nodes.len()).flat_map(of).collect();
    costs.iter().sum::<f64>() / costs.len() as f64
}

/// The share that broadcasts reach right after failures, the mean of ten.
fn reached(overlay: &Overlay) -> f64 {
    let mut overlay = overlay.clone();
    overlay.again = true;
    overlay.fail(FAILED);
    (0..10).map(|_| overlay.broadcast()).sum::<f64>() / 10.0
}

pub(crate) fn table(settled: &Overlay, seed: u64) -> Table {
    let title = format!(
        "X-BOT: links on a square of 10,000 us, and broadcasts right after {FAILED} % failed"
    );
    let columns = [
        "cycles",
        "mean cost of a link, us",
        "neighbours, mean",
        "average shortest path, hops",
        "not reached",
        "reached after failures, percent",
    ];
    let mut table = Table::new(&title, &columns);
    let mut overlay = settled.clone();
    overlay.rng = Rng::new(seed);
    let mut cycles = 0;
    for &after in AFTER {
        while cycles < after {
            overlay.cycle();
            overlay.optimise();
            cycles += 1;
        }
        let links: usize = overlay.nodes.iter().map(|node| node.active().len()).sum();
        let (path, cut) = graph::paths(&overlay, seed);
        let figures = vec![
            Some(mean_cost(&overlay)),
            Some(links as f64 / overlay.nodes.len() as f64),
            Some(path),
            Some(cut),
            Some(reached(&overlay)),
        ];
        table.row(&after.to_string(), figures);
    }
    table
}
