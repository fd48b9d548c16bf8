//! Which clients came in a burst, and which met a storm of errors?
//!
//! Role       Counts a client's requests in windows of event time, in any order.
//! Inputs     [`Windows::note`], once a request: its pass, its second, its status; or [`Minutes`].
//! Outputs    [`Findings`], one per client and window, sorted by start, then client.
//! Owns       One minute's counts per client, pass and minute that saw a request, until the pass is
//!            dropped.
//! Invariant  What is found depends on the requests alone: not on their order, and not on how they
//!            were split before being merged.
//!
//! Both windows are aligned to the epoch, and six burst windows make one storm window: so a minute
//! with six counters serves both with one look-up.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::sorted::Sorted;

/// The width of a burst's window.
pub const BURST_SECONDS: i64 = 10;
/// So many requests of a client in a window are a burst.
pub const BURST_REQUESTS: u64 = 10;
/// The width of a storm's window.
pub const STORM_SECONDS: i64 = 60;
/// So many responses to a client in a window may be a storm: if half of them are errors.
pub const STORM_RESPONSES: u64 = 5;
/// Statuses from here on are errors.
pub const ERROR_STATUS: u16 = 400;

const BURSTS: usize = (STORM_SECONDS / BURST_SECONDS) as usize;
const _: () = assert!(STORM_SECONDS % BURST_SECONDS == 0);

/// The windows of one client.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Windows {
    minutes: Sorted<Key, Minute>,
    /// Counted, but not sorted in yet: at most [`SHELF`] batches, the newest last.
    shelf: VecDeque<Minutes>,
}

/// So many batches lie on a shelf: most are forgotten with their pass, and never sorted.
const SHELF: usize = 16;

/// By pass first: passes are dropped in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    pass: u32,
    start: i64,
}

/// One storm window, and the burst windows in it.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Minute {
    requests: [u32; BURSTS],
    errors: u32,
}

/// Some requests of one client, by minute, in the order in which they were noted: cheap to fill, to
/// be added to its [`Windows`].
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Minutes {
    entries: Vec<(Key, Minute)>,
    /// Of the entry added last.
    pass: u32,
}

/// A burst or a storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the types say it")]
pub enum Finding {
    Burst(Burst),
    Storm(Storm),
}

/// A client with at least [`BURST_REQUESTS`] requests in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// When the window began, in seconds since 1970.
    pub start: i64,
    /// Whose it is.
    pub client: Box<[u8]>,
    /// Requests in the window.
    pub requests: u64,
}

/// A client with at least [`STORM_RESPONSES`] responses in one window, half of them errors or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// When the window began, in seconds since 1970.
    pub start: i64,
    /// Whose it is.
    pub client: Box<[u8]>,
    /// Responses in the window.
    pub responses: u64,
    /// Those with a status of 400 or more.
    pub errors: u64,
}

/// What was found in one pass.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// By start, then client.
    pub bursts: Vec<Burst>,
    /// By start, then client.
    pub storms: Vec<Storm>,
}

impl Windows {
    /// Counts one request.
    #[inline]
    pub fn note(&mut self, pass: u32, epoch: i64, status: u16) {
        let (key, second) = key(pass, epoch);
        self.minutes.entry(key).note(second, status);
    }

    /// Adds what a batch has counted, and tells `flag` of the windows of `client` that become
    /// findings by it, each with its pass.
    pub fn absorb(&mut self, client: &[u8], batch: &Minutes, mut flag: impl FnMut(u32, Finding)) {
        self.settle();
        for (key, more) in &batch.entries {
            let minute = self.minutes.entry(*key);
            let before = *minute;
            minute.merge(more);
            // Most minutes are far from being a finding.
            if minute.responses() >= STORM_RESPONSES {
                let now = *minute;
                now.news(&before, key.start, client, |found| flag(key.pass, found));
            }
        }
    }

    /// Adds what a batch has counted, for a caller who needs no news of it: costs next to nothing
    /// until somebody looks.
    pub fn shelve(&mut self, batch: Minutes) {
        if self.shelf.len() == SHELF {
            self.settle();
        }
        self.shelf.push_back(batch);
    }

    /// Adds what another set of windows of the same client has counted.
    pub fn merge(&mut self, other: &Self) {
        let shelf = other.shelf.iter().flat_map(|batch| &batch.entries);
        for (key, minute) in other.minutes.iter().chain(shelf) {
            self.minutes.entry(*key).merge(minute);
        }
    }

    /// Appends what `client` is found to have done in `pass`; [`Findings::sort`] comes after.
    pub fn list(&self, pass: u32, client: &[u8], findings: &mut Findings) {
        if !self.shelf.is_empty() {
            let mut settled = self.clone();
            settled.settle();
            return settled.list(pass, client, findings);
        }
        for (key, minute) in self.minutes.iter().filter(|(key, _)| key.pass == pass) {
            minute.judge(key.start, client, findings);
        }
    }

    /// Forgets the passes before this one.
    pub fn drop_before(&mut self, pass: u32) {
        let over = |batch: &mut Minutes| batch.pass < pass;
        while self.shelf.pop_front_if(over).is_some() {}
        self.minutes.remove(first(0)..first(pass));
    }

    /// Forgets a pass, when it has been listed.
    pub fn drop_pass(&mut self, pass: u32) {
        self.settle();
        self.minutes.remove(first(pass)..first(pass + 1));
    }

    fn settle(&mut self) {
        for (key, minute) in self.shelf.drain(..).flat_map(|batch| batch.entries) {
            self.minutes.entry(key).merge(&minute);
        }
    }
}

/// No minute of this pass comes before.
fn first(pass: u32) -> Key {
    let start = i64::MIN;
    Key { pass, start }
}

impl Minutes {
    /// Room for so many minutes.
    #[must_use]
    pub fn with_capacity(minutes: usize) -> Self {
        Self {
            entries: Vec::with_capacity(minutes),
            pass: 0,
        }
    }

    /// Counts one request.
    #[inline]
    pub fn note(&mut self, pass: u32, epoch: i64, status: u16) {
        let (key, second) = key(pass, epoch);
        match self.entries.last_mut() {
            Some((last, minute)) if *last == key => minute.note(second, status),
            _ => {
                let mut minute = Minute::default();
                minute.note(second, status);
                self.entries.push((key, minute));
                self.pass = pass;
            }
        }
    }
}

/// The minute that a second belongs to, and which second of it that is.
#[inline]
fn key(pass: u32, epoch: i64) -> (Key, i64) {
    let second = epoch.rem_euclid(STORM_SECONDS);
    let start = epoch - second;
    (Key { pass, start }, second)
}

impl Minute {
    #[inline]
    fn note(&mut self, second: i64, status: u16) {
        let window = &mut self.requests[(second / BURST_SECONDS) as usize];
        *window = window.saturating_add(1);
        let error = u32::from(status >= ERROR_STATUS);
        self.errors = self.errors.saturating_add(error);
    }

    #[inline]
    fn responses(&self) -> u64 {
        self.requests.iter().map(|&count| u64::from(count)).sum()
    }

    /// What it is found to be now, and was not before.
    fn news(&self, before: &Self, start: i64, client: &[u8], mut flag: impl FnMut(Finding)) {
        let (mut now, mut then) = (Findings::default(), Findings::default());
        self.judge(start, client, &mut now);
        before.judge(start, client, &mut then);
        for burst in now.bursts {
            if then.bursts.iter().all(|old| old.start != burst.start) {
                flag(Finding::Burst(burst));
            }
        }
        if then.storms.is_empty() {
            now.storms
                .into_iter()
                .for_each(|storm| flag(Finding::Storm(storm)));
        }
    }

    fn merge(&mut self, other: &Self) {
        for (window, more) in self.requests.iter_mut().zip(other.requests) {
            *window = window.saturating_add(more);
        }
        self.errors = self.errors.saturating_add(other.errors);
    }

    fn judge(&self, start: i64, client: &[u8], findings: &mut Findings) {
        for (window, &requests) in (0..).zip(&self.requests) {
            let (start, requests) = (start + window * BURST_SECONDS, u64::from(requests));
            if requests >= BURST_REQUESTS {
                findings.bursts.push(Burst {
                    start,
                    client: client.into(),
                    requests,
                });
            }
        }
        let responses = self.responses();
        let errors = u64::from(self.errors);
        if responses >= STORM_RESPONSES && errors * 2 >= responses {
            findings.storms.push(Storm {
                start,
                client: client.into(),
                responses,
                errors,
            });
        }
    }
}

impl Findings {
    /// Brings both lists into their order: by start, then client.
    pub fn sort(&mut self) {
        self.bursts
            .sort_unstable_by(|a, b| (a.start, &a.client).cmp(&(b.start, &b.client)));
        self.storms
            .sort_unstable_by(|a, b| (a.start, &a.client).cmp(&(b.start, &b.client)));
    }
}
