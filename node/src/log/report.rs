//! What did a run come to?
//!
//! Role       The one object that `--json` prints, and that the summary is written from.
//! Inputs     The totals of all passes, the findings of one, and the facts of the [`Run`].
//! Outputs    A [`Report`]; its JSON has exactly the fields below, in their order.
//! Invariant  `lines = parsed + malformed`; every list is in an order that the data alone decides.
//! Source     the book, "The main job explained"

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::finding::Findings;
use super::tally::Totals;
use crate::job::Nodes;

/// What a run came to. Counts are sums over all passes, findings those of one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Lines that were not blank.
    pub lines: u64,
    /// Lines of the combined format.
    pub parsed: u64,
    /// Lines that are not.
    pub malformed: u64,
    /// Clients with at least one parsed line.
    pub clients: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Responses by status.
    pub by_status: BTreeMap<u16, u64>,
    /// The ten clients with the most requests.
    pub top_clients: Vec<TopClient>,
    /// The ten paths with the most requests.
    pub top_paths: Vec<TopPath>,
    /// Clients with ten requests or more in ten seconds.
    pub bursts: Vec<BurstRow>,
    /// Clients with five responses or more in a minute, at least half of them errors.
    pub storms: Vec<StormRow>,
    /// What the run itself did.
    #[serde(flatten)]
    pub run: Run,
}

/// What a run did beside counting.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Processes that were started.
    pub processes_spawned: u64,
    /// Processes that crashed, on purpose or not.
    pub crashes: u64,
    /// Processes started again after a crash.
    pub restarts: u64,
    /// The most processes that lived at once.
    pub peak_processes: u64,
    /// Growth of resident memory over `peak_processes`.
    pub peak_bytes_per_process: u64,
    /// How long it took.
    pub seconds: f64,
    /// Lines over seconds.
    pub lines_per_second: f64,
    /// Lines read and never counted.
    pub lost: u64,
    /// Lines counted more than once.
    pub doubled: u64,
    /// What every choice of the run follows from.
    pub seed: u64,
    /// The hash of everything that happened, when the run was simulated.
    pub trace_hash: Option<String>,
    /// The nodes, when the job was done by several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Nodes>,
}

/// One of the clients with the most requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct TopClient {
    pub client: String,
    pub requests: u64,
    pub bytes: u64,
}

/// One of the paths with the most requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct TopPath {
    pub path: String,
    pub requests: u64,
}

/// A burst; `start` is in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct BurstRow {
    pub client: String,
    pub start: i64,
    pub requests: u64,
}

/// A storm of errors; `start` is in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields say it")]
pub struct StormRow {
    pub client: String,
    pub start: i64,
    pub responses: u64,
    pub errors: u64,
}

impl Report {
    /// Brings the parts together; `run.lines_per_second` follows from the lines and the seconds.
    #[must_use]
    pub fn new(totals: &Totals, findings: &Findings, mut run: Run) -> Self {
        let lines = totals.parsed + totals.malformed;
        run.lines_per_second = if run.seconds > 0.0 {
            lines as f64 / run.seconds
        } else {
            0.0
        };
        let top_clients = totals
            .top_clients()
            .into_iter()
            .map(|(name, sums)| TopClient {
                client: text(name),
                requests: sums.requests,
                bytes: sums.bytes,
            });
        let top_paths = totals.top_paths().into_iter();
        let bursts = findings.bursts.iter().map(|found| BurstRow {
            client: text(&found.client),
            start: found.start,
            requests: found.requests,
        });
        let storms = findings.storms.iter().map(|found| StormRow {
            client: text(&found.client),
            start: found.start,
            responses: found.responses,
            errors: found.errors,
        });
        Self {
            lines,
            parsed: totals.parsed,
            malformed: totals.malformed,
            clients: totals.clients(),
            bytes: totals.bytes,
            by_status: totals.statuses.to_map(),
            top_clients: top_clients.collect(),
            top_paths: top_paths
                .map(|(p, requests)| TopPath {
                    path: text(p),
                    requests,
                })
                .collect(),
            bursts: bursts.collect(),
            storms: storms.collect(),
            run,
        }
    }

    /// The object that `--json` prints, on one line without a line feed.
    ///
    /// # Panics
    /// Never: no field can fail to be written.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, text and lists always serialize")
    }
}

/// Names in a log are bytes; what is not UTF-8 in them is replaced.
fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
