//! How do the rows look at a glance?
//!
//! Role       An SVG with a group of bars per workload, each group on its own log scale.
//! Inputs     [`Row`]s and the [`Machine`] they were measured on.
//! Outputs    The text of an SVG that is readable on light and on dark ground.
//! Owns       Nothing.
//! Invariant  Bars of one group share a scale; a peer without a figure keeps its place, unfilled.

use std::fmt::Write;

use crate::machine::Machine;
use crate::rows::{OURS, Row};
use crate::table::{conditions, figure};
use crate::workload::Workload;

const COLUMNS: usize = 2;
const GROUP_WIDTH: f64 = 480.0;
const LABEL_WIDTH: f64 = 64.0;
const BAR_WIDTH_MAX: f64 = 340.0;
const BAR_STEP: f64 = 17.0;
const BAR_HEIGHT: f64 = 12.0;
const GROUP_HEAD: f64 = 40.0;
const GROUP_GAP: f64 = 18.0;
const HEAD: f64 = 56.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #6b7280; }
.title { font-weight: 600; font-size: 13px; fill: #4b5563; }
.bar { fill: #94a3b8; } .ours { fill: #d97706; }
.grid { stroke: #9ca3af; stroke-opacity: 0.35; stroke-width: 1; }
.small { font-size: 10px; }
@media (prefers-color-scheme: dark) {
  text { fill: #9ca3af; } .title { fill: #d1d5db; }
  .bar { fill: #64748b; } .ours { fill: #f59e0b; }
}";

/// One group of bars.
struct Group {
    title: String,
    bars: Vec<(&'static str, Option<f64>)>,
}

/// Draws everything.
pub(crate) fn svg(machine: &Machine, rows: &[Row]) -> String {
    let groups = groups(rows);
    let bars_max = groups
        .iter()
        .map(|group| group.bars.len())
        .max()
        .unwrap_or(0);
    let group_height = GROUP_HEAD + bars_max as f64 * BAR_STEP + GROUP_GAP;
    let lines = groups.len().div_ceil(COLUMNS);
    let width = GROUP_WIDTH * COLUMNS as f64;
    let height = HEAD + lines as f64 * group_height;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n<style>\n{STYLE}\n</style>\n\
         <text class=\"title\" x=\"8\" y=\"18\">The same work on every peer: less is better, \
         logarithmic scales</text>\n"
    );
    for (number, line) in conditions(machine).lines().enumerate() {
        let y = 33 + 13 * number;
        text(&mut out, "small", 8.0, f64::from(y as u32), line);
    }
    for (place, group) in groups.iter().enumerate() {
        let x = (place % COLUMNS) as f64 * GROUP_WIDTH;
        let y = HEAD + (place / COLUMNS) as f64 * group_height;
        draw(&mut out, group, x, y);
    }
    out + "</svg>\n"
}

fn groups(rows: &[Row]) -> Vec<Group> {
    let mut groups = Vec::new();
    for workload in Workload::ALL {
        let own = || rows.iter().filter(move |row| row.workload == workload);
        let mut add = |unit: &str, value: fn(&Row) -> Option<f64>| {
            if own().any(|row| value(row).is_some()) {
                let bars = own().map(|row| (row.peer, value(row))).collect();
                groups.push(Group {
                    title: format!("{workload}: {unit}"),
                    bars,
                });
            }
        };
        add("ns per operation", |row| row.ns_per_op_min);
        add("bytes per process", |row| row.bytes_per_process);
    }
    groups
}

fn draw(out: &mut String, group: &Group, x: f64, y: f64) {
    let values = || group.bars.iter().filter_map(|(_, value)| *value);
    // The scale begins a whole decade under the least bar, so that the least bar is still a bar.
    let low = values()
        .fold(f64::INFINITY, f64::min)
        .max(1.0)
        .log10()
        .floor()
        - 1.0;
    let high = values().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let along = |value: f64| (value.max(1e-9).log10() - low).max(0.0) / (high - low);
    let left = x + LABEL_WIDTH + 8.0;
    let top = y + GROUP_HEAD;
    let bottom = top + group.bars.len() as f64 * BAR_STEP;
    text(out, "title", x + 8.0, y + 16.0, &group.title);
    for decade in low as i32..=high as i32 {
        let at = left + along(10_f64.powi(decade)) * BAR_WIDTH_MAX;
        put(
            out,
            format_args!(
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>"
            ),
        );
        let label = decade_label(decade);
        text(out, "small\" text-anchor=\"middle", at, top - 5.0, &label);
    }
    for (place, (peer, value)) in group.bars.iter().enumerate() {
        let at = top + place as f64 * BAR_STEP + (BAR_STEP - BAR_HEIGHT) / 2.0;
        let baseline = at + BAR_HEIGHT - 2.0;
        text(out, "name\" text-anchor=\"end", left - 6.0, baseline, peer);
        let Some(value) = value else {
            text(out, "small", left + 4.0, baseline, "no figure");
            continue;
        };
        let length = along(*value) * BAR_WIDTH_MAX;
        let class = if *peer == OURS { "ours" } else { "bar" };
        put(
            out,
            format_args!(
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{at:.1}\" width=\"{length:.1}\" \
             height=\"{BAR_HEIGHT}\" rx=\"2\"/>"
            ),
        );
        text(
            out,
            "small",
            left + length + 5.0,
            baseline,
            &figure(Some(*value)),
        );
    }
}

fn decade_label(decade: i32) -> String {
    match decade {
        ..=-1 => format!("{}", 10_f64.powi(decade)),
        0..=2 => format!("{}", 10_u32.pow(decade.unsigned_abs())),
        3..=5 => format!("{}k", 10_u32.pow((decade - 3).unsigned_abs())),
        _ => format!("{}M", 10_u64.pow((decade - 6).unsigned_abs())),
    }
}

fn text(out: &mut String, class: &str, x: f64, y: f64, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    put(
        out,
        format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{content}</text>"),
    );
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("a string takes every write");
}
