//! Has a connection that has something to send got stuck?
//!
//! Role       Tells a connection that is slow from one on which nothing moves: the first one may take
//!            as long as it likes.

use std::time::Duration;

use crate::machine::Tick;

/// What was seen of one connection so far.
#[derive(Debug, Default)]
pub(super) struct Stall {
    sent: u64,
    /// Since when nothing has moved, although something is to be sent.
    since: Option<Tick>,
}

impl Stall {
    /// Looks once more: whether something `waits`, and how many bytes were ever `sent`. True when
    /// nothing has moved for longer than `bound`.
    pub(super) fn look(&mut self, now: Tick, waits: bool, sent: u64, bound: Duration) -> bool {
        let moved = std::mem::replace(&mut self.sent, sent) != sent;
        if !waits || moved {
            self.since = None;
            return false;
        }
        bound < now.since(*self.since.get_or_insert(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_and_does_not_move_is_stuck() {
        let bound = Duration::from_secs(8);
        // Seconds, whether something waits, bytes sent, and whether it is stuck.
        let rows = [
            (0, false, 0, false),
            (60, false, 0, false),
            (61, true, 10, false),
            (62, true, 10, false),
            (69, true, 11, false),
            (70, true, 11, false),
            (78, true, 11, false),
            (79, true, 11, true),
            (80, true, 12, false),
            (81, true, 12, false),
            (85, false, 12, false),
            (90, true, 12, false),
            (98, true, 12, false),
            (99, true, 12, true),
        ];
        let mut stall = Stall::default();
        for (second, waits, sent, is_stuck) in rows {
            let now = Tick::ZERO + Duration::from_secs(second);
            assert_eq!(stall.look(now, waits, sent, bound), is_stuck, "at {second}");
        }
    }
}
