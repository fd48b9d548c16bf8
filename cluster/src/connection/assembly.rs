//! How do the parts of a large frame become one again?
//!
//! Role       Keeps what has come of each sender's frame until the last part is there.
//! Limit      A frame of [`FRAME_BYTES_MAX`], and [`PARTS_BYTES_MAX`] together: a sender has no more
//!            under way. Room grows with what has come.

use foundation_runtime::planted::{self, Bug};
use std::collections::BTreeMap;

use super::frame::{BadFrame, FRAME_BYTES_MAX, read_part};

/// The most bytes of frames that are not whole.
const PARTS_BYTES_MAX: usize = 256 << 20;

/// Frames of which parts have come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    parts: BTreeMap<u8, Vec<u8>>,
    bytes: usize,
}

impl Assembly {
    /// Takes a part, and returns the frame when it is whole.
    pub(super) fn part(&mut self, content: &[u8]) -> Result<Option<Vec<u8>>, BadFrame> {
        let (bucket, is_last, _, bytes) = read_part(content)?;
        let there = self.parts.entry(bucket).or_default();
        let length = there.len() + bytes.len();
        if FRAME_BYTES_MAX < length || PARTS_BYTES_MAX < self.bytes + bytes.len() {
            return Err(BadFrame::TooLong(length));
        }
        there.extend_from_slice(bytes);
        self.bytes += bytes.len();
        if !is_last {
            return Ok(None);
        }
        self.bytes -= length;
        if planted::is(Bug::PartsStay) {
            return Ok(self.parts.get(&bucket).cloned());
        }
        Ok(self.parts.remove(&bucket))
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
