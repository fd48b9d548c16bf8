//! What has come, and how much more may?
//!
//! Role       Puts in order what letters bring, and says how much the other end may send.
//! Limit      As many bytes as the window that are not consumed, those that are early included;
//!            pieces less than [`AHEAD_MAX`] ahead of the next. More is a fault of the other end.
//! Invariant  No more is promised than the window holds behind what was consumed.

use std::collections::BTreeMap;

use crate::overlay::plumtree::Payload;

/// How far ahead of the next piece one may be, for all nodes of all configurations.
pub const AHEAD_MAX: u64 = 64;

/// The other end does not keep to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

#[derive(Debug, Clone)]
pub(super) enum Next {
    Bytes(Payload),
    End,
}

#[derive(Debug, Clone)]
pub(super) struct Receiving {
    window: u64,
    /// The number of the next piece.
    next: u64,
    early: BTreeMap<u64, Next>,
    early_bytes: u64,
    /// Bytes that came in order, and of these consumed.
    came: u64,
    consumed: u64,
    /// How many bytes the other end may send, as it was told.
    told: u64,
    has_ended: bool,
}

impl Receiving {
    /// Nothing may come yet.
    pub(super) const fn new(window: usize) -> Self {
        Self {
            window: window as u64,
            next: 0,
            early: BTreeMap::new(),
            early_bytes: 0,
            came: 0,
            consumed: 0,
            told: 0,
            has_ended: false,
        }
    }

    /// A piece with this number. One that was there before is nothing new.
    pub(super) fn add(&mut self, at: u64, next: Next) -> Result<(), Broken> {
        if at < self.next || self.early.contains_key(&at) {
            return Ok(());
        }
        let len = match &next {
            Next::Bytes(bytes) => bytes.len() as u64,
            Next::End => 0,
        };
        let is_empty = matches!(&next, Next::Bytes(bytes) if bytes.is_empty());
        let all = self.came + self.early_bytes + len;
        if at - self.next >= AHEAD_MAX || self.told < all || self.has_ended || is_empty {
            return Err(Broken);
        }
        self.early_bytes += len;
        self.early.insert(at, next);
        Ok(())
    }

    /// The next in order.
    pub(super) fn take(&mut self) -> Option<Next> {
        let next = self.early.remove(&self.next)?;
        self.next += 1;
        match &next {
            Next::Bytes(bytes) => {
                self.early_bytes -= bytes.len() as u64;
                self.came += bytes.len() as u64;
            }
            Next::End => {
                self.has_ended = true;
                self.early.clear();
                self.early_bytes = 0;
            }
        }
        Some(next)
    }

    pub(super) fn consumed(&mut self, bytes: usize) {
        self.consumed += bytes as u64;
        assert!(self.consumed <= self.came, "more is consumed than came");
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Is it time to say how much more may come? Each half of the window, not each byte.
    pub(super) const fn owes_credit(&self) -> bool {
        let more = self.consumed + self.window - self.told;
        !self.has_ended && self.window <= 2 * more
    }

    /// How much may be sent in all: it is told.
    pub(super) const fn tell(&mut self) -> u64 {
        self.told = self.consumed + self.window;
        self.told
    }

    /// Bytes that are kept here until those before them come.
    pub(super) const fn held(&self) -> usize {
        self.early_bytes as usize
    }

    pub(super) fn check(&self) {
        let kept = self.came - self.consumed + self.early_bytes;
        assert!(kept <= self.window, "{kept} bytes came");
        assert!(
            self.told <= self.consumed + self.window,
            "more is promised than the window holds"
        );
        let len = |next: &Next| match next {
            Next::Bytes(bytes) => bytes.len() as u64,
            Next::End => 0,
        };
        let early: u64 = self.early.values().map(len).sum();
        assert!(early == self.early_bytes, "early bytes are not counted");
        let ahead = self.next..self.next + AHEAD_MAX;
        assert!(
            self.early.keys().all(|at| ahead.contains(at)),
            "a piece is far ahead"
        );
    }
}
