//! How do the parts of a large frame become one again?
//!
//! Role       Keeps what has come of each sender's frame until the last part is there.
//! Limit      A frame of [`FRAME_BYTES_MAX`], and [`PARTS_BYTES_MAX`] together: a sender has no more
//!            under way. Room grows with what has come.

use foundation_runtime::planted::{self, Bug};
use foundation_runtime::time;
use std::collections::BTreeMap;

use super::frame::{BadFrame, FRAME_BYTES_MAX, read_part};

/// The most bytes of frames that are not whole.
const PARTS_BYTES_MAX: usize = 256 << 20;

/// Parts are put together into pieces of this size: to move what has come when room grows would keep others from
/// their core for long.
const PIECE_BYTES: usize = 1 << 20;

/// The parts of one frame that have come.
#[derive(Clone, Debug, Default)]
struct Parts {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl Parts {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        match self.pieces.last_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE_BYTES => last.extend_from_slice(bytes),
            _ => self.pieces.push(bytes.to_vec()),
        }
    }

    fn whole(mut self) -> Vec<u8> {
        if self.pieces.len() == 1 {
            return self.pieces.swap_remove(0);
        }
        let mut whole = Vec::with_capacity(self.bytes);
        for piece in self.pieces {
            whole.extend_from_slice(&piece);
            time::give_way();
        }
        whole
    }
}

/// Frames of which parts have come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    parts: BTreeMap<u8, Parts>,
    bytes: usize,
}

impl Assembly {
    /// Takes a part, and returns the frame when it is whole.
    pub(super) fn part(&mut self, content: &[u8]) -> Result<Option<Vec<u8>>, BadFrame> {
        let (bucket, is_last, _, bytes) = read_part(content)?;
        let there = self.parts.entry(bucket).or_default();
        let length = there.bytes + bytes.len();
        if FRAME_BYTES_MAX < length || PARTS_BYTES_MAX < self.bytes + bytes.len() {
            return Err(BadFrame::TooLong(length));
        }
        there.add(bytes);
        self.bytes += bytes.len();
        if !is_last {
            return Ok(None);
        }
        self.bytes -= length;
        if planted::is(Bug::PartsStay) {
            return Ok(self.parts.get(&bucket).cloned().map(Parts::whole));
        }
        Ok(self.parts.remove(&bucket).map(Parts::whole))
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Whole, part_head};
    use super::*;

    fn part(bucket: u8, is_last: bool, bytes: &[u8]) -> Vec<u8> {
        [&part_head(bucket, is_last, Whole::default()), bytes].concat()
    }

    #[test]
    fn parts_of_several_come_apart_again() {
        let mut assembly = Assembly::default();
        let rows = [
            (part(1, false, b"ab"), None),
            (part(2, false, b"xy"), None),
            (part(1, true, b"c"), Some(b"abc".to_vec())),
            (part(2, true, b""), Some(b"xy".to_vec())),
            (part(1, true, b"d"), Some(b"d".to_vec())),
        ];
        for (part, whole) in rows {
            assert_eq!(assembly.part(&part), Ok(whole));
        }
        assert_eq!((assembly.bytes, assembly.parts.len()), (0, 0));
    }

    #[test]
    fn a_large_frame_is_the_same_that_was_cut_up() {
        let bytes: Vec<u8> = (0..7 * PIECE_BYTES / 2)
            .map(|at| (at % 251) as u8)
            .collect();
        let mut assembly = Assembly::default();
        let mut parts = bytes.chunks(60_001).peekable();
        let mut whole = None;
        while let Some(chunk) = parts.next() {
            assert_eq!(whole, None, "it has not all come");
            let is_last = parts.peek().is_none();
            whole = assembly.part(&part(1, is_last, chunk)).expect("a part");
        }
        assert!(whole == Some(bytes), "it was put together otherwise");
    }

    #[test]
    fn what_is_too_much_or_no_part_is_refused() {
        let mut assembly = Assembly::default();
        for bad in [&b""[..], b"\x01", b"\x01\x08abc"] {
            assert_eq!(assembly.part(bad), Err(BadFrame::Content));
        }
        let half = part(1, false, &vec![0; FRAME_BYTES_MAX / 2]);
        assert_eq!(assembly.part(&half), Ok(None));
        assert_eq!(assembly.part(&half), Ok(None));
        let error = assembly.part(&part(1, false, b"a"));
        assert_eq!(error, Err(BadFrame::TooLong(FRAME_BYTES_MAX + 1)));
        for bucket in 2..8 {
            assert_eq!(assembly.part(&part(bucket, false, &half[2..])), Ok(None));
        }
        let error = assembly.part(&part(9, true, b"a"));
        assert_eq!(
            error,
            Err(BadFrame::TooLong(1)),
            "all together are too much"
        );
    }
}
