//! Bytes that are being read: how far, and how much is left?
//!
//! Role       [`Input`]: the cursor of one frame. What it gives out borrows from the frame.
//! Invariant  A length is compared with what is left before anything is made of it.

use super::Ends;
use super::error::{Flaw, WireError};
use super::term::TERMS_MAX;

/// The rest of a frame.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) ends: Ends,
    /// How many terms more the frame may have.
    pub(super) terms: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], ends: Ends) -> Self {
        Self {
            bytes,
            at: 0,
            ends,
            terms: TERMS_MAX,
        }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// What is wrong with the byte that was read last.
    #[cold]
    pub(super) fn flaw(&self, flaw: Flaw) -> WireError {
        let at = self.at.saturating_sub(1);
        WireError { flaw, at }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => Err(self.short()),
        }
    }

    /// As many bytes as fit in an array.
    #[inline]
    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        match self.bytes[self.at..].first_chunk() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.short()),
        }
    }

    #[cold]
    fn short(&self) -> WireError {
        WireError {
            flaw: Flaw::Short,
            at: self.bytes.len(),
        }
    }

    /// How many things follow, of at least `size` bytes each.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, WireError> {
        let at = self.at;
        let announced = self.number()?;
        match usize::try_from(announced) {
            Ok(count) if count <= self.left() / size => Ok(count),
            _ => Err(WireError {
                flaw: Flaw::Length(announced),
                at,
            }),
        }
    }

    /// Bytes behind their number.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.count(1)?;
        let bytes = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, WireError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|error| WireError {
            flaw: Flaw::Text,
            at: self.at - bytes.len() + error.valid_up_to(),
        })
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), WireError> {
        match self.left() {
            0 => Ok(()),
            _ => Err(WireError {
                flaw: Flaw::Trailing,
                at: self.at,
            }),
        }
    }
}
