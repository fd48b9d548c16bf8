//! What do several runs of one pair say together?
//!
//! Role       Folds samples into the row that every output shows.
//! Inputs     The [`Sample`]s of one contender at one workload.
//! Outputs    [`Row`], with its ratio to ours once ours is known.
//! Owns       Nothing.
//! Invariant  A figure that was not measured is absent, never zero.

use serde::Serialize;

use crate::meter::Sample;
use crate::workload::Workload;

/// The name of the peer that all others are compared with.
pub(crate) const OURS: &str = "ours";

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The work.
    #[serde(serialize_with = "by_name")]
    pub(crate) workload: Workload,
    /// Who did it.
    pub(crate) peer: &'static str,
    /// Wall time of one operation in the best round.
    pub(crate) ns_per_op_min: Option<f64>,
    /// Wall time of one operation in the median round.
    pub(crate) ns_per_op_median: Option<f64>,
    /// Processor time of one operation, all threads together, in the median round.
    pub(crate) cpu_ns_per_op: Option<f64>,
    /// Resident growth per process spawned, in the median round.
    pub(crate) bytes_per_process: Option<f64>,
    /// The same after one message to each.
    pub(crate) bytes_per_process_after_message: Option<f64>,
    /// Its best round over our best round: above one, we are faster.
    pub(crate) ratio_to_ours: Option<f64>,
    /// What a reader must know; empty if nothing.
    pub(crate) note: String,
}

impl Row {
    /// Folds the rounds of one pair.
    pub(crate) fn new(
        workload: Workload,
        peer: &'static str,
        samples: &[Sample],
        note: &str,
    ) -> Self {
        let all = |figure: fn(&Sample) -> Option<f64>| -> Vec<f64> {
            let mut figures: Vec<f64> = samples.iter().filter_map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures
        };
        let wall = all(|sample| Some(sample.wall_ns as f64 / sample.ops as f64));
        Self {
            workload,
            peer,
            ns_per_op_min: wall.first().map(|figure| rounded(*figure)),
            ns_per_op_median: median(&wall),
            cpu_ns_per_op: median(&all(|sample| {
                Some(sample.cpu_ns as f64 / sample.ops as f64)
            })),
            bytes_per_process: median(&all(|sample| sample.bytes_per_process)),
            bytes_per_process_after_message: median(&all(|sample| {
                sample.bytes_per_process_after_message
            })),
            ratio_to_ours: None,
            note: note.to_owned(),
        }
    }
}

/// Fills in the ratios of the rows of one workload.
pub(crate) fn with_ratios(mut rows: Vec<Row>) -> Vec<Row> {
    let ours = rows
        .iter()
        .find(|row| row.peer == OURS)
        .and_then(|row| row.ns_per_op_min);
    for row in &mut rows {
        let ratio = row.ns_per_op_min.zip(ours).map(|(own, ours)| own / ours);
        row.ratio_to_ours = ratio.map(|ratio| (ratio * 1000.0).round() / 1000.0);
    }
    rows
}

fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some(rounded((sorted[low] + sorted[high]) / 2.0))
}

fn rounded(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn by_name<S: serde::Serializer>(workload: &Workload, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(workload.name())
}
