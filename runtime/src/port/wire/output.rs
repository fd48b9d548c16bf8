//! Where is a frame written to?
//!
//! Role       [`Output`]: appends to the caller's buffer, which may hold other frames.

use super::Ends;
use super::term::TERMS_MAX;

/// A frame that is being written.
pub(super) struct Output<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    pub(super) ends: Ends,
    /// How many terms more the frame may have.
    pub(super) terms: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>, ends: Ends) -> Self {
        Self {
            bytes,
            ends,
            terms: TERMS_MAX,
        }
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    #[inline]
    pub(super) fn fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes.extend_from_slice(&bytes);
    }

    /// Bytes behind their number.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Whatever `write` appends, behind its number, without a buffer between.
    pub(super) fn behind_its_length<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.bytes.len();
        self.bytes.push(0);
        write(self.bytes)?;
        let length = self.bytes.len() - at - 1;
        if length < 0x80 {
            self.bytes[at] = length as u8;
            return Ok(());
        }
        let mut number = Vec::new();
        Output::new(&mut number, self.ends).number(length as u64);
        self.bytes.splice(at..=at, number);
        Ok(())
    }
}
