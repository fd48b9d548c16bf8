//! How is a number written whose size is not known?
//!
//! Role       LEB128: seven bits a byte, the lowest first.
//! Invariant  A number is written in one way: with as few bytes as it needs, at most ten.

use super::error::{Flaw, WireError};
use super::input::Input;
use super::output::Output;

impl Output<'_> {
    #[inline]
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// A number that may be negative: small ones of both signs are short.
    pub(super) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }
}

impl Input<'_> {
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, WireError> {
        let first = self.byte()?;
        match first {
            ..0x80 => Ok(u64::from(first)),
            _ => self.long_number(first),
        }
    }

    fn long_number(&mut self, first: u8) -> Result<u64, WireError> {
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            match byte {
                // It says nothing: the byte before should have been the last.
                0 => return Err(self.flaw(Flaw::Number)),
                // Nine bytes have 63 bits.
                2.. if shift == 63 => return Err(self.flaw(Flaw::Number)),
                1..0x80 => return Ok(number),
                _ => {}
            }
        }
        Err(self.flaw(Flaw::Number))
    }

    pub(super) fn signed(&mut self) -> Result<i64, WireError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number of 32 bits.
    #[inline]
    pub(super) fn short_number(&mut self) -> Result<u32, WireError> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.flaw(Flaw::Number))
    }
}
