//! What is written, and has not come yet?
//!
//! Role       Bytes that wait to be sent, and those whose letters are under way.
//! Limit      As many bytes as the window, both together; the other end's credit; `segments_max`
//!            letters from the oldest that has not come to the newest.

use std::collections::{BTreeMap, VecDeque};

use super::config::Config;

#[derive(Debug, Clone)]
pub(super) struct Sending {
    window: usize,
    segment: usize,
    ahead: u64,
    /// Not sent yet.
    queue: VecDeque<u8>,
    /// Pieces under way, with how many bytes each brings.
    under_way: BTreeMap<u64, usize>,
    under_way_bytes: usize,
    /// The number of the next piece.
    next: u64,
    /// Bytes sent in all, and how many the other end allows.
    sent: u64,
    limit: u64,
    is_finished: bool,
    is_end_sent: bool,
}

impl Sending {
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            window: config.window_bytes,
            segment: config.segment_bytes,
            ahead: config.segments_max as u64,
            queue: VecDeque::new(),
            under_way: BTreeMap::new(),
            under_way_bytes: 0,
            next: 0,
            sent: 0,
            limit: 0,
            is_finished: false,
            is_end_sent: false,
        }
    }

    pub(super) fn room(&self) -> usize {
        self.window - self.held()
    }

    /// Bytes that are written and have not come.
    pub(super) fn held(&self) -> usize {
        self.queue.len() + self.under_way_bytes
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        assert!(!self.is_finished, "written after the end");
        assert!(bytes.len() <= self.room(), "more is written than fits");
        self.queue.extend(bytes);
    }

    pub(super) const fn finish(&mut self) {
        self.is_finished = true;
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// So many bytes may be sent in all; letters are in no order, so what was said last may be less.
    pub(super) fn allow(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }

    /// The next piece to be sent, with its number; no bytes: the end.
    pub(super) fn next(&mut self) -> Option<(u64, Vec<u8>)> {
        let oldest = self.under_way.keys().next().copied();
        let is_far = oldest.is_some_and(|oldest| self.next - oldest >= self.ahead);
        if is_far || self.is_end_sent {
            return None;
        }
        let allowed = usize::try_from(self.limit - self.sent).unwrap_or(usize::MAX);
        let len = self.queue.len().min(self.segment).min(allowed);
        let is_end = self.is_finished && self.queue.is_empty();
        if len == 0 && !is_end {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.is_end_sent = is_end;
        self.sent += len as u64;
        self.under_way.insert(number, len);
        self.under_way_bytes += len;
        Some((number, self.queue.drain(..len).collect()))
    }

    /// It has come: so much is there room for.
    pub(super) fn came(&mut self, number: u64) -> usize {
        let len = self.under_way.remove(&number).expect("it was under way");
        self.under_way_bytes -= len;
        len
    }

    /// Has all come, and the end?
    pub(super) fn is_over(&self) -> bool {
        self.is_end_sent && self.under_way.is_empty()
    }

    pub(super) fn check(&self) {
        let bytes: usize = self.under_way.values().sum();
        assert!(bytes == self.under_way_bytes, "bytes are not counted");
        assert!(self.held() <= self.window, "too much is written");
        assert!(self.sent <= self.limit, "more is sent than is allowed");
        let oldest = self.under_way.keys().next().copied();
        let ahead = self.next - oldest.unwrap_or(self.next);
        assert!(ahead <= self.ahead, "{ahead} pieces are under way");
        assert!(
            !self.is_end_sent || self.queue.is_empty(),
            "there are bytes behind the end"
        );
    }
}
