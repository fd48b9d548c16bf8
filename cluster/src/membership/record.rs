//! What is known of a member, and which of two claims about it is the newer one?
//!
//! Role       The order of claims. Views that have seen the same claims are equal, in whatever order
//!            they came: the greatest is kept.
//! Invariant  Only the member itself makes a new revision, so claims of one revision agree in all but
//!            the state.
//! Source     Das, Gupta, Motivala: SWIM (2002), 4.2, "incarnation number". There a failed member is
//!            failed for good; here it comes back with a greater revision.

use std::sync::Arc;

use super::name::{Address, Name};

/// The longest metadata, in bytes.
pub const METADATA_MAX: usize = 256;

/// The greatest revision. A claim of it cannot be refuted any more.
pub const REVISION_MAX: u32 = u32::MAX;

/// The most accusers that a claim names.
pub(super) const ACCUSERS_MAX: usize = 8;

/// How it is with a member. The later ones win over the earlier ones of the same revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It said so.
    Alive,
    /// Somebody did not reach it. It counts as a member until the suspicion is confirmed by time.
    Suspect,
    /// It was suspected for long enough. It may come back.
    Down,
    /// It said good-bye. It comes back when it is started anew.
    Left,
    /// An operator took it out. It comes back when it is started anew.
    Evicted,
}

impl State {
    /// Does it count as a member?
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Alive | Self::Suspect)
    }
}

/// What is known of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is called.
    pub name: Name,
    /// When it was started: greater at each start.
    pub incarnation: u64,
    /// Which of its claims about itself this is (SWIM's incarnation number): greater each time that
    /// it refutes a suspicion or changes its metadata.
    pub revision: u32,
    /// Where it is reached.
    pub address: Address,
    /// What it says of itself, at most [`METADATA_MAX`] bytes.
    pub metadata: Arc<[u8]>,
    /// How it is.
    pub state: State,
}

/// What decides between two claims: the greater one is kept.
pub(super) type Precedence = (u64, bool, u32, State);

impl Record {
    pub(super) fn precedence(&self) -> Precedence {
        let evicted = self.state == State::Evicted;
        (self.incarnation, evicted, self.revision, self.state)
    }
}

/// Who did not reach a suspect: hashes of names. None: it was heard that it is down, and nobody whose
/// word counts has tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Accusers {
    hashes: [u64; ACCUSERS_MAX],
    len: usize,
}

impl Accusers {
    pub(super) fn one(hash: u64) -> Self {
        let mut accusers = Self::default();
        accusers.add(hash);
        accusers
    }

    /// Is it a new one, and was there room?
    pub(super) fn add(&mut self, hash: u64) -> bool {
        if self.len == ACCUSERS_MAX || self.as_slice().contains(&hash) {
            return false;
        }
        self.hashes[self.len] = hash;
        self.len += 1;
        true
    }

    pub(super) fn as_slice(&self) -> &[u64] {
        &self.hashes[..self.len]
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

/// A record on its way, borrowed from a message or from a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    pub(super) name: &'a str,
    pub(super) incarnation: u64,
    pub(super) revision: u32,
    pub(super) address: &'a str,
    pub(super) metadata: &'a [u8],
    pub(super) state: State,
    /// Of a suspect.
    pub(super) accusers: Accusers,
    /// For how many seconds it has not been live any more; 0 if it is.
    pub(super) age: u32,
}

impl<'a> Claim<'a> {
    pub(super) fn of(record: &'a Record, accusers: Accusers, age: u32) -> Self {
        Self {
            name: record.name.as_str(),
            incarnation: record.incarnation,
            revision: record.revision,
            address: record.address.as_str(),
            metadata: &record.metadata,
            state: record.state,
            accusers,
            age,
        }
    }

    pub(super) fn precedence(&self) -> Precedence {
        let evicted = self.state == State::Evicted;
        (self.incarnation, evicted, self.revision, self.state)
    }
}
