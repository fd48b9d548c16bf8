//! Which frames are in the bytes that have come?
//!
//! Role       One buffer that is read into, and looked at in place.
//! Limit      Grows with what has come, never with what a length promises.

use super::frame::{BadFrame, HEADER_BYTES, Kind, read_header};

/// A buffer that is filled grows up to this.
const BUFFER_BYTES: usize = 64 * 1024;
/// As large it is at first: most connections of a cluster are quiet.
const FIRST_BYTES: usize = 4 * 1024;

/// Bytes that have come and were not looked at yet.
#[derive(Debug)]
pub(super) struct Inbound {
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Inbound {
    /// What came behind the handshake is there already.
    pub(super) fn new(rest: &[u8]) -> Self {
        let mut buffer = rest.to_vec();
        buffer.resize(FIRST_BYTES.max(rest.len()), 0);
        Self {
            buffer,
            begin: 0,
            end: rest.len(),
        }
    }

    /// Where the next bytes go: never empty.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.begin == self.end {
            let was_full = self.end == self.buffer.len();
            (self.begin, self.end) = (0, 0);
            if was_full && self.buffer.len() < BUFFER_BYTES {
                self.buffer.resize(BUFFER_BYTES, 0);
            }
            if self.buffer.len() > 16 * BUFFER_BYTES {
                // A large frame has gone through: the room is not kept for ever.
                self.buffer.truncate(BUFFER_BYTES);
                self.buffer.shrink_to_fit();
            }
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
            if self.buffer.len() < 2 * self.end {
                self.buffer.resize(2 * self.buffer.len(), 0);
            }
        }
        &mut self.buffer[self.end..]
    }

    /// So many bytes went there.
    pub(super) fn came(&mut self, count: usize) {
        assert!(
            count <= self.buffer.len() - self.end,
            "more than there was room for"
        );
        self.end += count;
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> Result<Option<(Kind, &[u8])>, BadFrame> {
        let there = &self.buffer[self.begin..self.end];
        let Some((header, rest)) = there.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let (kind, length) = read_header(*header)?;
        if rest.len() < length {
            return Ok(None);
        }
        let begin = self.begin + HEADER_BYTES;
        self.begin = begin + length;
        Ok(Some((kind, &self.buffer[begin..begin + length])))
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::header;
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let sizes = [0, 1, 5, 70_000, 3, 200_000, 64 * 1024 - 4, 0];
        let mut bytes = Vec::new();
        for (at, size) in sizes.iter().enumerate() {
            bytes.extend(header(Kind::Process, *size));
            bytes.extend(vec![at as u8; *size]);
        }
        for portion in [1, 3, 1000, 65_536, 1 << 20] {
            let (mut inbound, mut seen) = (Inbound::new(&bytes[..2]), Vec::new());
            let mut rest = &bytes[2..];
            while !rest.is_empty() {
                let space = inbound.space();
                let count = portion.min(space.len()).min(rest.len());
                space[..count].copy_from_slice(&rest[..count]);
                inbound.came(count);
                rest = &rest[count..];
                while let Some((_, content)) = inbound.next().expect("all are frames") {
                    assert!(content.iter().all(|byte| usize::from(*byte) == seen.len()));
                    seen.push(content.len());
                }
            }
            assert_eq!(seen, sizes, "in portions of {portion}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_by_its_first_bytes() {
        let rows = [
            ([0xff; 4], BadFrame::Kind(15)),
            ([0xe0, 0, 0, 0], BadFrame::Kind(14)),
            ([0x0f, 0xff, 0xff, 0xff], BadFrame::TooLong((1 << 28) - 1)),
            ([0x04, 0, 0, 1], BadFrame::TooLong((64 << 20) + 1)),
        ];
        for (bytes, error) in rows {
            assert_eq!(Inbound::new(&bytes).next(), Err(error));
        }
        let mut promised = Inbound::new(&[0x04, 0, 0, 0]);
        assert_eq!(promised.next(), Ok(None), "64 MiB may come");
        assert_eq!(
            promised.buffer.len(),
            FIRST_BYTES,
            "and take no room before"
        );
    }
}
