//! How is much copied without keeping others from their core?
//!
//! Role       Appends bytes, a share at a time, between which threads that wait for the core of this one go first: a
//!            copy of 64 MiB takes 20 ms, and who only has a short message to bring would wait for a tick of the
//!            system.

use std::io;

use crate::time;

/// So many bytes at once.
const SHARE: usize = 256 * 1024;

/// Appends all of these. Messages are written a few bytes at a time: that must cost nothing.
#[inline(always)]
fn append(bytes: &mut Vec<u8>, more: &[u8]) {
    match more.len() <= SHARE {
        true => bytes.extend_from_slice(more),
        false => append_in_shares(bytes, more),
    }
}

#[cold]
#[inline(never)]
fn append_in_shares(bytes: &mut Vec<u8>, more: &[u8]) {
    bytes.reserve(more.len());
    for share in more.chunks(SHARE) {
        bytes.extend_from_slice(share);
        time::give_way();
    }
}

/// A copy of these.
pub(crate) fn copy(bytes: &[u8]) -> Vec<u8> {
    let mut copied = Vec::new();
    append(&mut copied, bytes);
    copied
}

/// Where a message is written.
pub(crate) struct Sink<'a>(pub(crate) &'a mut Vec<u8>);

impl io::Write for Sink<'_> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        append(self.0, bytes);
        Ok(bytes.len())
    }

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        append(self.0, bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_appended_once_and_in_order() {
        for length in [0, 1, SHARE - 1, SHARE, SHARE + 1, 3 * SHARE + 7] {
            let more: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut bytes = vec![9];
            append(&mut bytes, &more);
            assert_eq!(bytes[0], 9);
            assert!(bytes[1..] == more, "{length} bytes");
            assert!(copy(&more) == more, "{length} bytes");
        }
    }
}
