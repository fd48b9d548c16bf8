//! What has been counted, once and for all?
//!
//! Role       The process that owns the tallies and each client's watermark.
//! Inputs     [`Delta`]s of clients.
//! Outputs    Acknowledgements to the router, many at a time; watermarks to new client processes;
//!            what there is to see and to report.
//! Owns       The [`Ledger`], which outlives it: see [`Heir`].
//! Invariant  A delta counts only if it begins at its client's watermark, which it then moves: what
//!            is delivered twice is counted once. A panic amid counting ends the job instead of
//!            leaving numbers that may be wrong.

use std::sync::{Arc, Mutex, PoisonError};

use foundation::prelude::*;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use super::counting::FLAGGED_PASS;
use super::router::ROUTER;
use super::work::{ClientName, Delta, Mark, Past};
use crate::log::{Finding, Totals};

pub(crate) const TABLE: Name<Table> = Name::new("table");

/// So many acknowledgements are sent at the latest.
const ACKS_MAX: usize = 32;
/// So many findings are kept to be shown.
const NEWS_MAX: usize = 64;

/// Everything that has been counted.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) totals: Totals,
    /// The findings as they came.
    pub(crate) news: News,
    /// How often the table was started.
    pub(crate) tables: u64,
    rows: HashMap<ClientName, Row, FxBuildHasher>,
}

/// What is known of a client beside its sums.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The last line counted.
    pub(crate) mark: Mark,
    /// Lines counted, the malformed ones included.
    pub(crate) lines: u64,
}

/// Findings, as they come.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct News {
    /// The latest, newest last.
    pub(crate) latest: Vec<Finding>,
    pub(crate) bursts: u64,
    pub(crate) storms: u64,
}

/// Where the ledger waits while no table lives: an ETS table's heir.
#[derive(Debug, Default)]
pub(crate) struct Heir(Mutex<Estate>);

#[derive(Debug, Default)]
enum Estate {
    /// Nothing was counted yet.
    #[default]
    New,
    /// A table lives and has it, or one died amid a change.
    Taken,
    /// The last table left it.
    Left(Box<Ledger>),
}

pub(crate) struct Table {
    heir: Arc<Heir>,
    /// Gone only while a delta is being counted.
    ledger: Option<Box<Ledger>>,
    acks: Vec<(u32, Mark)>,
    /// The table on another node whose copy this is.
    reign: u64,
}

#[actor]
impl Table {
    #[init]
    fn init(heir: Arc<Heir>) -> Result<Self, Stop> {
        let mut ledger = heir.take().ok_or_else(|| {
            Stop::new(Reason::other(
                "the table died amid a change: its tallies are lost",
            ))
        })?;
        ledger.tables += 1;
        Ok(Self {
            heir,
            ledger: Some(ledger),
            acks: Vec::new(),
            reign: 0,
        })
    }

    /// Counts what was not counted before.
    #[cast(local)]
    pub(crate) fn count(&mut self, delta: Delta, cx: &mut Cx<Self>) {
        let mut ledger = self.ledger.take().expect("it is back after each delta");
        let (index, mark) = (delta.index, ledger.count(delta));
        self.ledger = Some(ledger);
        self.acknowledge(index, mark, cx);
    }

    /// Counts what the table on another node has counted, if it is the one that reigns.
    #[cast]
    pub(crate) fn count_for(&mut self, reign: u64, delta: Delta, cx: &mut Cx<Self>) {
        if reign == self.reign {
            self.count(delta, cx);
        }
    }

    /// Acknowledges once more, for the table on another node that reigns.
    #[cast]
    pub(crate) fn remind_for(
        &mut self,
        reign: u64,
        index: u32,
        client: ClientName,
        cx: &mut Cx<Self>,
    ) {
        if reign == self.reign {
            let mark = self.ledger().past(&client).mark;
            self.acknowledge(index, mark, cx);
        }
    }

    /// From now on only a new table on another node is listened to: this is what it begins with.
    #[call(local)]
    pub(crate) fn begin_reign(&mut self) -> (u64, Box<Ledger>) {
        // No number comes twice, whichever table of this name gives it.
        let starts = self.ledger().tables << 32;
        self.reign = self.reign.max(starts) + 1;
        (self.reign, Box::new(self.ledger().clone()))
    }

    fn acknowledge(&mut self, index: u32, mark: Mark, cx: &mut Cx<Self>) {
        if self.acks.is_empty() {
            // Behind whatever waits now: then a whole lot is acknowledged at once.
            drop(cx.self_ref().settle());
        }
        self.acks.push((index, mark));
        if self.acks.len() >= ACKS_MAX {
            self.settle(cx);
        }
    }

    /// Tells the router what is counted.
    #[cast]
    pub(crate) fn settle(&mut self, cx: &mut Cx<Self>) {
        if !self.acks.is_empty() {
            // A router that is being started again asks for all watermarks.
            drop(cx.node().at(ROUTER).acked(std::mem::take(&mut self.acks)));
        }
    }

    /// Where a client's next process begins.
    #[call(local)]
    pub(crate) fn recall(&self, client: ClientName) -> Past {
        self.ledger().past(&client)
    }

    /// What is known of every client, for a router that starts again.
    #[call(local)]
    pub(crate) fn rows(&self) -> Vec<(ClientName, Row)> {
        self.ledger().rows()
    }

    /// All lines of the passes before this one are counted.
    #[cast]
    pub(crate) fn passed(&mut self, pass: u32) {
        let ledger = self.ledger.as_mut().expect("it is back after each delta");
        ledger.totals.keep_from(pass);
    }

    /// Everything, at the end.
    #[call(local)]
    pub(crate) fn audit(&self) -> Box<Ledger> {
        Box::new(self.ledger().clone())
    }

    /// Answers: how long that takes says how others fare.
    #[call]
    pub(crate) fn pulse(&self) {}

    /// What there is to see.
    #[call(local)]
    pub(crate) fn glance(&self) -> Glance {
        let ledger = self.ledger();
        Glance {
            parsed: ledger.totals.parsed,
            malformed: ledger.totals.malformed,
            news: ledger.news.clone(),
        }
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().expect("it is back after each delta")
    }
}

/// A look at the ledger while it is being written.
#[derive(Debug, Default, Clone)]
pub(crate) struct Glance {
    pub(crate) parsed: u64,
    pub(crate) malformed: u64,
    pub(crate) news: News,
}

impl Ledger {
    /// Where a client's next process begins.
    pub(crate) fn past(&self, client: &[u8]) -> Past {
        let row = self.rows.get(client).copied().unwrap_or_default();
        let windows = self.totals.windows(client);
        let flagged = windows.filter(|_| row.mark.pass == FLAGGED_PASS);
        Past {
            mark: row.mark,
            windows: flagged.cloned().unwrap_or_default(),
        }
    }

    /// Whether a delta goes on where its client stopped.
    pub(crate) fn expects(&self, delta: &Delta) -> bool {
        let row = self.rows.get(&*delta.client).copied().unwrap_or_default();
        row.mark == delta.after && delta.after < delta.upto
    }

    /// Lines parsed and malformed, bytes, and clients: what two copies are compared by.
    pub(crate) fn sums(&self) -> (u64, u64, u64, u64) {
        let totals = &self.totals;
        let clients = self.rows.len() as u64;
        (totals.parsed, totals.malformed, totals.bytes, clients)
    }

    /// Counts a delta if it goes on where its client stopped, and says where that is now.
    pub(crate) fn count(&mut self, delta: Delta) -> Mark {
        let row = self.rows.entry_ref(&*delta.client).or_default();
        if row.mark != delta.after {
            return row.mark;
        }
        assert!(delta.after < delta.upto, "a delta goes forward");
        row.mark = delta.upto;
        row.lines += delta.tally.requests + delta.malformed;
        self.totals.malformed += delta.malformed;
        let upto = row.mark;
        self.totals
            .absorb(&delta.client, delta.tally, delta.paths.iter());
        delta
            .found
            .into_iter()
            .for_each(|found| self.news.add(found));
        upto
    }

    /// What is known of every client.
    pub(crate) fn rows(&self) -> Vec<(ClientName, Row)> {
        self.rows
            .iter()
            .map(|(name, row)| (name.clone(), *row))
            .collect()
    }
}

impl News {
    fn add(&mut self, found: Finding) {
        *match found {
            Finding::Burst(_) => &mut self.bursts,
            Finding::Storm(_) => &mut self.storms,
        } += 1;
        if self.latest.len() == NEWS_MAX {
            self.latest.remove(0);
        }
        self.latest.push(found);
    }
}

impl Heir {
    fn take(&self) -> Option<Box<Ledger>> {
        let mut estate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *estate, Estate::Taken) {
            Estate::New => Some(Box::default()),
            Estate::Taken => None,
            Estate::Left(ledger) => Some(ledger),
        }
    }

    fn leave(&self, ledger: Box<Ledger>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Estate::Left(ledger);
    }
}

/// However the table ends, killed or not: what it counted is there for the next.
impl Drop for Table {
    fn drop(&mut self) {
        if let Some(ledger) = self.ledger.take() {
            self.heir.leave(ledger);
        }
    }
}
