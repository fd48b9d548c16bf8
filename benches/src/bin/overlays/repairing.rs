//! How well does a broadcast get through when many nodes have just failed, and when is all well again?
//!
//! Role       Figures 2 to 4 of the paper on HyParView.

use crate::Args;
use crate::flood::Overlay;
use crate::table::Table;

const PERCENTS: &[usize] = &[10, 20, 30, 40, 50, 60, 70, 80, 90, 95];
/// Broadcasts in a cycle, and the most cycles.
const BROADCASTS: usize = 10;
const CYCLES_MAX: usize = 50;

fn failed(settled: &Overlay, percent: usize, again: bool, seed: u64) -> Overlay {
    let mut overlay = settled.clone();
    overlay.rng = foundation::Rng::new(seed ^ percent as u64);
    overlay.again = again;
    overlay.fail(percent);
    overlay
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// Broadcasts one after the other, before any membership cycle: only they find out who has failed.
pub(crate) fn failures(settled: &Overlay, args: &Args, seed: u64) -> Table {
    let title = format!(
        "Who is reached right after failures, before a membership cycle: percent of the living. \
         Mean of {} broadcasts",
        args.messages
    );
    let columns = [
        "failed",
        "first, flood",
        "mean, flood",
        "last, flood",
        "first, sent to new neighbours too",
        "mean",
        "last",
    ];
    let mut table = Table::new(&title, &columns);
    for &percent in PERCENTS {
        let mut figures = Vec::new();
        for again in [false, true] {
            let mut overlay = failed(settled, percent, again, seed);
            let reached: Vec<f64> = (0..args.messages).map(|_| overlay.broadcast()).collect();
            let last = reached.last().copied();
            figures.extend([Some(reached[0]), Some(mean(&reached)), last]);
        }
        table.row(&format!("{percent} %"), figures);
    }
    table
}

/// Cycles until broadcasts reach as many as before the failures, which is all.
pub(crate) fn healing(settled: &Overlay, seed: u64) -> Table {
    let title = "Membership cycles until broadcasts reach all that live; ten broadcasts in a cycle";
    let columns = ["failed", "all", "99.9 %", "after one cycle, percent"];
    let mut table = Table::new(title, &columns);
    for &percent in PERCENTS {
        let mut overlay = failed(settled, percent, false, seed);
        let (mut all, mut most, mut one) = (None, None, None);
        for cycle in 1..=CYCLES_MAX {
            overlay.cycle();
            let reached: Vec<f64> = (0..BROADCASTS).map(|_| overlay.broadcast()).collect();
            let reached = mean(&reached);
            one.get_or_insert(reached);
            if reached >= 99.9 {
                most.get_or_insert(cycle as f64);
            }
            if reached >= 100.0 {
                all = Some(cycle as f64);
                break;
            }
        }
        table.row(&format!("{percent} %"), vec![all, most, one]);
    }
    table
}
