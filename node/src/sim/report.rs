//! What came of a simulation?
//!
//! Role       The figures, as JSON and for people, and which promises were broken.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::args::Promise;
use crate::figures::{bytes, thousands};

/// What came of a simulation. Times are seconds of virtual time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// A fingerprint of everything that ran, in order.
    pub hash: String,
    /// What decided it.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u32,
    /// How much virtual time passed.
    pub virtual_seconds: f64,
    /// How long it took.
    pub wall_seconds: f64,
    /// Messages that were taken and acknowledged.
    pub messages: u64,
    /// Messages whose sender was told that they failed, or that nobody answered.
    pub failed: u64,
    /// Bytes over the network.
    pub bytes: u64,
    /// When every node had reached the first one.
    pub joined_all_s: Option<f64>,
    /// When every node saw every other.
    pub views_complete_s: Option<f64>,
    /// How long after a crash the last node knew of it, at most.
    pub crash_known_s: Option<f64>,
    /// How long after a healing every node saw every other again, at most.
    pub healed_s: Option<f64>,
    /// When the topology was switched: there is no other yet.
    pub switched_s: Option<f64>,
    /// Connections at the end, those that processes had just used among them.
    pub connections: u64,
    /// How many there are when each node is connected to each.
    pub full_mesh_connections: u64,
    /// Messages that were acknowledged and not taken.
    pub lost: u64,
    /// Messages that were taken more than once.
    pub doubled: u64,
    /// Nodes that saw not all of the others at the end.
    pub apart: u64,
    /// With `--audit`: which promises were broken, and how often.
    pub promises: Option<BTreeMap<&'static str, Broken>>,
    /// The most memory that the program held.
    pub peak_rss_bytes: u64,
}

/// How often a promise was broken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Broken {
    /// How often.
    pub times: u64,
    /// Who and what it was the first time.
    pub first: String,
}

impl Report {
    /// The figures of which somebody may promise what they are at most.
    pub const FIGURES: [&'static str; 13] = [
        "messages",
        "failed",
        "bytes",
        "joined_all_s",
        "views_complete_s",
        "crash_known_s",
        "healed_s",
        "switched_s",
        "connections",
        "lost",
        "doubled",
        "apart",
        "virtual_seconds",
    ];

    /// The figure of this name; one that was not measured is none.
    fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "messages" => Some(self.messages as f64),
            "failed" => Some(self.failed as f64),
            "bytes" => Some(self.bytes as f64),
            "joined_all_s" => self.joined_all_s,
            "views_complete_s" => self.views_complete_s,
            "crash_known_s" => self.crash_known_s,
            "healed_s" => self.healed_s,
            "switched_s" => self.switched_s,
            "connections" => Some(self.connections as f64),
            "lost" => Some(self.lost as f64),
            "doubled" => Some(self.doubled as f64),
            "apart" => Some(self.apart as f64),
            "virtual_seconds" => Some(self.virtual_seconds),
            _ => None,
        }
    }

    /// As one JSON object.
    ///
    /// # Panics
    /// Never: numbers and texts always serialize.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and texts always serialize")
    }

    /// The promises that were broken, these among them.
    #[must_use]
    pub fn broken(&self, promises: &[Promise]) -> Vec<String> {
        let rows = [
            (self.lost, "messages were acknowledged and never taken"),
            (self.doubled, "messages were taken twice"),
            (self.apart, "nodes did not find all others in the end"),
        ];
        let broken = rows.into_iter().filter(|(count, _)| *count > 0);
        let broken = broken.map(|(count, what)| format!("{count} {what}"));
        let theirs = promises.iter().filter_map(|Promise { figure, value }| {
            let found = self.figure(figure).filter(|found| value < found)?;
            Some(format!(
                "{figure} is {found}, and at most {value} was promised"
            ))
        });
        let audited = self.promises.iter().flatten();
        let audited = audited
            .map(|(what, Broken { times, first })| format!("{what}, {times} times, first {first}"));
        broken.chain(audited).chain(theirs).collect()
    }
}

fn seconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.2} s"))
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "foundation sim  {} nodes  seed {}  {:.0} s in {:.2} s\n",
            self.nodes, self.seed, self.virtual_seconds, self.wall_seconds
        )?;
        let connections = format!("{} of {}", self.connections, self.full_mesh_connections);
        let messages = format!(
            "{} acknowledged, {} failed, {} lost, {} doubled",
            thousands(self.messages),
            thousands(self.failed),
            self.lost,
            self.doubled
        );
        let rows = [
            ("Joined", seconds(self.joined_all_s)),
            ("Complete", seconds(self.views_complete_s)),
            ("Crash known", seconds(self.crash_known_s)),
            ("Healed", seconds(self.healed_s)),
            ("Connections", connections),
            ("Messages", messages),
            ("Bytes", bytes(self.bytes)),
            ("Memory", bytes(self.peak_rss_bytes)),
            ("Hash", self.hash.clone()),
        ];
        for (name, value) in rows {
            writeln!(out, "  {name:<12}{value}")?;
        }
        Ok(())
    }
}
