//! How much did each client ask for, and what in all?
//!
//! Role       Counts requests: [`Tally`] those of one client, [`Totals`] those of everybody.
//! Inputs     Parsed lines, each with the number of its pass; tallies to absorb, totals to merge.
//! Outputs    Sums, the top lists, and a pass's [`Findings`].
//! Owns       One entry per client, one per path; a path's or client's name is copied once.
//! Invariant  Counting and merging are the same: any split, in any order, gives equal totals.
//!
//! Sums of bytes saturate, so that a log that claims impossible sizes can't end the job. The hash
//! is fast and unseeded; hashed order never leaves this file.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use super::finding::{Findings, Minutes, Windows};
use super::line::Line;

/// How long the top lists are.
pub const TOP: usize = 10;

/// A batch seldom has more statuses ...
const STATUSES: usize = 4;
/// ... or more minutes.
const MINUTES: usize = 24;

type ByteMap<V> = HashMap<Box<[u8]>, V, FxBuildHasher>;

/// What one client did, as much as one batch of lines tells. Its paths are kept by whoever keeps
/// the lines: they are counted where all are known.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Tally {
    /// Its requests.
    pub requests: u64,
    /// Bytes sent to it.
    pub bytes: u64,
    /// Its responses by status.
    pub statuses: Statuses,
    /// Its requests by minute of event time.
    pub minutes: Minutes,
}

/// What all clients did.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Totals {
    /// Lines that were well-formed.
    pub parsed: u64,
    /// Lines that were not.
    pub malformed: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Responses by status.
    pub statuses: Statuses,
    clients: ByteMap<Client>,
    paths: ByteMap<u64>,
    /// Windows of earlier passes are of no use any more.
    kept_from: u32,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Client {
    sums: Sums,
    windows: Windows,
    kept_from: u32,
}

/// The sums of one client.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Its requests.
    pub requests: u64,
    /// Bytes sent to it.
    pub bytes: u64,
}

/// Responses counted by status, ascending: a few entries, and 200 is nearly always the first.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses(Vec<(u16, u64)>);

impl Tally {
    /// Room for what so many requests usually come to.
    #[must_use]
    pub fn with_capacity(requests: usize) -> Self {
        Self {
            statuses: Statuses(Vec::with_capacity(requests.min(STATUSES))),
            minutes: Minutes::with_capacity(requests.min(MINUTES)),
            ..Self::default()
        }
    }

    /// Counts one request of this client.
    #[inline]
    pub fn count(&mut self, pass: u32, line: &Line<'_>) {
        self.requests += 1;
        self.bytes = self.bytes.saturating_add(line.bytes);
        self.statuses.add(line.status, 1);
        self.minutes.note(pass, line.epoch, line.status);
    }
}

impl Totals {
    /// Counts one request.
    #[inline]
    pub fn count(&mut self, pass: u32, line: &Line<'_>) {
        self.count_parts(
            pass,
            line.client,
            line.path,
            line.epoch,
            line.status,
            line.bytes,
        );
    }

    /// Counts one request by the parts that matter, for a caller who kept no more of the line.
    #[inline]
    pub fn count_parts(
        &mut self,
        pass: u32,
        client: &[u8],
        path: &[u8],
        epoch: i64,
        status: u16,
        bytes: u64,
    ) {
        self.parsed += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.statuses.add(status, 1);
        let client = self.clients.entry_ref(client).or_default();
        client.sums.add(Sums { requests: 1, bytes });
        client.windows.note(pass, epoch, status);
        *self.paths.entry_ref(path).or_default() += 1;
    }

    /// Adds what a client's tally has counted, and the paths of the same requests; a client with no
    /// request stays unknown.
    pub fn absorb<'a>(
        &mut self,
        client: &[u8],
        tally: Tally,
        paths: impl Iterator<Item = &'a [u8]>,
    ) {
        if tally.requests == 0 {
            return;
        }
        self.parsed += tally.requests;
        self.bytes = self.bytes.saturating_add(tally.bytes);
        self.statuses.merge(&tally.statuses);
        let known = self.clients.entry_ref(client).or_default();
        known.sums.add(Sums {
            requests: tally.requests,
            bytes: tally.bytes,
        });
        if known.kept_from < self.kept_from {
            known.kept_from = self.kept_from;
            known.windows.drop_before(self.kept_from);
        }
        known.windows.shelve(tally.minutes);
        for path in paths {
            *self.paths.entry_ref(path).or_default() += 1;
        }
    }

    /// Adds other totals, of the same clients or of others.
    pub fn merge(&mut self, other: &Self) {
        self.parsed += other.parsed;
        self.malformed += other.malformed;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.statuses.merge(&other.statuses);
        for (name, theirs) in &other.clients {
            let client = self.clients.entry_ref(&**name).or_default();
            client.sums.add(theirs.sums);
            client.windows.merge(&theirs.windows);
        }
        merge_paths(&mut self.paths, &other.paths);
    }

    /// What is found in `pass` so far.
    #[must_use]
    pub fn findings(&self, pass: u32) -> Findings {
        let mut findings = Findings::default();
        for (name, client) in &self.clients {
            client.windows.list(pass, name, &mut findings);
        }
        findings.sort();
        findings
    }

    /// What was found in `pass`, of which every line has been counted; its windows are dropped.
    pub fn close_pass(&mut self, pass: u32) -> Findings {
        let findings = self.findings(pass);
        self.clients
            .values_mut()
            .for_each(|client| client.windows.drop_pass(pass));
        findings
    }

    /// Every line of the passes before this one has been counted, and their findings are of no use:
    /// a client's windows of them are dropped when more of it comes.
    pub fn keep_from(&mut self, pass: u32) {
        self.kept_from = self.kept_from.max(pass);
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> u64 {
        self.clients.len() as u64
    }

    /// The windows of a client.
    #[must_use]
    pub fn windows(&self, name: &[u8]) -> Option<&Windows> {
        self.clients.get(name).map(|client| &client.windows)
    }

    /// What is known of a client.
    #[must_use]
    pub fn client(&self, name: &[u8]) -> Option<Sums> {
        self.clients.get(name).map(|client| client.sums)
    }

    /// The clients with the most requests, at most [`TOP`]; ties by name.
    #[must_use]
    pub fn top_clients(&self) -> Vec<(&[u8], Sums)> {
        top(
            self.clients
                .iter()
                .map(|(name, client)| (&**name, client.sums)),
            |sums| sums.requests,
        )
    }

    /// The paths with the most requests, at most [`TOP`]; ties by name.
    #[must_use]
    pub fn top_paths(&self) -> Vec<(&[u8], u64)> {
        top(
            self.paths
                .iter()
                .map(|(path, &requests)| (&**path, requests)),
            |&requests| requests,
        )
    }
}

impl Sums {
    #[inline]
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl Statuses {
    /// Counts `by` responses more.
    #[inline]
    pub fn add(&mut self, status: u16, by: u64) {
        match self.0.iter_mut().find(|(code, _)| *code >= status) {
            Some((code, count)) if *code == status => *count += by,
            _ => self.insert(status, by),
        }
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        other
            .0
            .iter()
            .for_each(|&(status, count)| self.add(status, count));
    }

    /// The counts as a map.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<u16, u64> {
        self.0.iter().copied().collect()
    }

    #[cold]
    fn insert(&mut self, status: u16, by: u64) {
        let at = self.0.partition_point(|&(code, _)| code < status);
        self.0.insert(at, (status, by));
    }
}

fn merge_paths(paths: &mut ByteMap<u64>, others: &ByteMap<u64>) {
    for (path, count) in others {
        *paths.entry_ref(&**path).or_default() += count;
    }
}

/// The [`TOP`] entries with the largest `rank`, ties by name, without sorting the rest.
fn top<'a, V>(
    entries: impl Iterator<Item = (&'a [u8], V)>,
    rank: impl Fn(&V) -> u64,
) -> Vec<(&'a [u8], V)> {
    let mut entries: Vec<_> = entries.collect();
    let order = |a: &(&'a [u8], V), b: &(&'a [u8], V)| {
        (Reverse(rank(&a.1)), a.0).cmp(&(Reverse(rank(&b.1)), b.0))
    };
    if entries.len() > TOP {
        entries.select_nth_unstable_by(TOP, order);
        entries.truncate(TOP);
    }
    entries.sort_unstable_by(order);
    entries
}
