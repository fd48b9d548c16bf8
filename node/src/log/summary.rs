//! How does a report read to people?
//!
//! Role       Writes a [`Report`] as text of at most [`COLUMNS`] columns.
//! Inputs     The report, and the name of what was read.
//! Outputs    Lines of plain text: no colours, so it may go to a file.
//! Invariant  No line is wider than [`COLUMNS`], whatever the names in the log.

use std::fmt;

use super::date::utc;
use super::report::{Report, TopPath};
use crate::figures::{bytes, fit, short, thousands};

/// The widest line.
pub const COLUMNS: usize = 80;

/// So many findings of a kind are written out; `--json` lists them all.
const LISTED: usize = 10;

/// Goes on below, where the values stand.
const APART: &str = "\n              ";

/// A report to be displayed.
#[derive(Debug, Clone, Copy)]
pub struct Summary<'a> {
    /// What is told.
    pub report: &'a Report,
    /// What was read, `access.log`.
    pub input: &'a str,
    /// How often it was read.
    pub passes: u32,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(out)?;
        self.tops(out)?;
        self.findings(out)?;
        self.tail(out)
    }
}

impl Summary<'_> {
    fn head(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, run) = (self.report, &self.report.run);
        let passes = match self.passes {
            1 => "1 pass".to_owned(),
            passes => format!("{} passes", thousands(passes.into())),
        };
        let took = format!("{passes} in {:.2} s", run.seconds);
        let name = fit(self.input, COLUMNS - 14 - took.chars().count());
        writeln!(out, "foundation  {name}  {took}\n")?;
        let speed = if run.seconds > 0.0 {
            short(run.lines_per_second)
        } else {
            "-".to_owned()
        };
        let rows = [
            (
                "Lines",
                thousands(report.lines),
                "Clients",
                thousands(report.clients),
            ),
            (
                "Parsed",
                thousands(report.parsed),
                "Sent",
                bytes(report.bytes),
            ),
            (
                "Malformed",
                thousands(report.malformed),
                "Lines a second",
                speed,
            ),
        ];
        for (left, value, right, other) in rows {
            writeln!(out, "  {left:<12}{value:>20}      {right:<16}{other:>22}")?;
        }
        let mut line = String::from("\n  Statuses");
        let mut used = 10;
        for (status, count) in &report.by_status {
            let part = format!("   {status:03} {}", thousands(*count));
            if used + part.len() > COLUMNS {
                line.push_str("\n          ");
                used = 10;
            }
            used += part.len();
            line.push_str(&part);
        }
        writeln!(out, "{line}")
    }

    fn tops(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.report.parsed == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "\n  {:<48}{:>14}{:>14}",
            "Top clients", "requests", "sent"
        )?;
        for top in &self.report.top_clients {
            let (requests, sent) = (thousands(top.requests), bytes(top.bytes));
            writeln!(out, "    {}{requests:>14}{sent:>14}", fit(&top.client, 46))?;
        }
        writeln!(out, "\n  {:<62}{:>14}", "Top paths", "requests")?;
        for TopPath { path, requests } in &self.report.top_paths {
            writeln!(out, "    {}{:>14}", fit(path, 60), thousands(*requests))?;
        }
        Ok(())
    }

    fn findings(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { bursts, storms, .. } = self.report;
        let count = thousands(bursts.len() as u64);
        writeln!(
            out,
            "\n  {:<62}{count:>14}",
            "Bursts, 10 requests in 10 seconds"
        )?;
        for found in bursts.iter().take(LISTED) {
            let what = format!("{} requests", thousands(found.requests));
            writeln!(
                out,
                "    {}  {}{what:>22}",
                utc(found.start),
                fit(&found.client, 30)
            )?;
        }
        more(out, bursts.len())?;
        let count = thousands(storms.len() as u64);
        writeln!(
            out,
            "\n  {:<62}{count:>14}",
            "Storms, 5 responses in a minute, half errors"
        )?;
        for found in storms.iter().take(LISTED) {
            let (errors, responses) = (thousands(found.errors), thousands(found.responses));
            let what = format!("{errors} of {responses} failed");
            writeln!(
                out,
                "    {}  {}{what:>22}",
                utc(found.start),
                fit(&found.client, 30)
            )?;
        }
        more(out, storms.len())
    }

    fn tail(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, run) = (self.report, &self.report.run);
        match run.processes_spawned {
            0 => writeln!(out, "\n  Processes   none: a plain loop")?,
            spawned => writeln!(
                out,
                "\n  Processes   {} spawned, {} at once, {} each{APART}{} crashed, {} restarted",
                thousands(spawned),
                thousands(run.peak_processes),
                bytes(run.peak_bytes_per_process),
                thousands(run.crashes),
                thousands(run.restarts),
            )?,
        }
        let account = format!(
            "  Ledger      {} read = {} counted + {} malformed",
            thousands(report.lines),
            thousands(report.parsed),
            thousands(report.malformed),
        );
        let outcome = format!(
            "lost {}, doubled {}",
            thousands(run.lost),
            thousands(run.doubled)
        );
        let fits = account.len() + 2 + outcome.len() <= COLUMNS;
        writeln!(out, "{account}{}{outcome}", if fits { ", " } else { APART })?;
        if let Some(nodes) = &run.nodes {
            write!(out, "  Nodes      ")?;
            for (number, node) in (1..).zip(&nodes.nodes) {
                let clients = thousands(node.clients);
                let table = ["", " and the table"][usize::from(nodes.table == Some(number))];
                let apart = ["", ","][usize::from(number > 1)];
                write!(out, "{apart} {} {clients}{table}", node.name)?;
            }
            writeln!(
                out,
                "{APART}{} killed, {} cut off, {} clients moved, table begun again {}",
                thousands(nodes.kills),
                thousands(nodes.partitions),
                thousands(nodes.moved),
                thousands(nodes.tables_again)
            )?;
        }
        match &run.trace_hash {
            Some(hash) => writeln!(out, "  Simulated   seed {}, trace {hash}", run.seed),
            None => Ok(()),
        }
    }
}

fn more(out: &mut fmt::Formatter<'_>, found: usize) -> fmt::Result {
    match found.saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(
            out,
            "    and {} more, all of them in --json",
            thousands(more as u64)
        ),
    }
}
