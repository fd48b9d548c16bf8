//! How does a person read the rows?
//!
//! Role       The table in plain text and in Markdown.
//! Inputs     [`Row`]s and the [`Machine`] they were measured on.
//! Outputs    Text.
//! Owns       Nothing.
//! Invariant  Every row appears, also the ones without a figure; those show why.

use std::fmt::Write;

use crate::machine::Machine;
use crate::rows::Row;
use crate::workload::Workload;

/// The first lines of the plain table.
pub(crate) fn heading(machine: &Machine) -> String {
    let heading = format!(
        "{:16} {:8} {:>11} {:>11} {:>11} {:>8} {:>9} {:>9}  note",
        "workload", "peer", "min ns/op", "median", "cpu ns/op", "B/proc", "after msg", "to ours"
    );
    format!("{}\n\n{heading}", conditions(machine))
}

/// The rows of one workload as plain text.
pub(crate) fn block(workload: Workload, rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        let line = format!(
            "{workload:16} {:8} {:>11} {:>11} {:>11} {:>8} {:>9} {:>9}  {}",
            row.peer,
            figure(row.ns_per_op_min),
            figure(row.ns_per_op_median),
            figure(row.cpu_ns_per_op),
            figure(row.bytes_per_process),
            figure(row.bytes_per_process_after_message),
            ratio(row.ratio_to_ours),
            row.note
        );
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

/// All rows as Markdown, one table per workload would be long: one table, one line per pair.
pub(crate) fn markdown(machine: &Machine, rows: &[Row]) -> String {
    let mut out = format!("{}\n\n", conditions(machine));
    out += "| workload | peer | min ns/op | median ns/op | CPU ns/op | bytes/process | ";
    out += "after one message | ratio to ours | note |\n";
    out += "|---|---|--:|--:|--:|--:|--:|--:|---|\n";
    for row in rows {
        let cells = [
            row.workload.name().to_owned(),
            row.peer.to_owned(),
            figure(row.ns_per_op_min),
            figure(row.ns_per_op_median),
            figure(row.cpu_ns_per_op),
            figure(row.bytes_per_process),
            figure(row.bytes_per_process_after_message),
            ratio(row.ratio_to_ours),
            row.note.replace('|', "/"),
        ];
        writeln!(out, "| {} |", cells.join(" | ")).expect("a string takes every write");
    }
    out
}

/// One sentence about the machine, one about the versions.
pub(crate) fn conditions(machine: &Machine) -> String {
    let versions = machine
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"));
    format!(
        "{} cores of {}, kernel {}, load {}, {} rounds{}, commit {}.\nVersions: {}; {}.",
        machine.cores,
        machine
            .cpu_model
            .as_deref()
            .unwrap_or("an unknown processor"),
        machine.kernel.as_deref().unwrap_or("unknown"),
        machine.load_average.as_deref().unwrap_or("unknown"),
        machine.rounds,
        if machine.quick { " (quick)" } else { "" },
        machine.commit.as_deref().unwrap_or("unknown"),
        versions.collect::<Vec<_>>().join(", "),
        machine.allocator
    )
}

/// A figure with as many digits as it deserves.
pub(crate) fn figure(value: Option<f64>) -> String {
    match value {
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
        None => "–".to_owned(),
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.2}×"))
}
