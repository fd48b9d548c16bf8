//! Which value comes next in the bytes?
//!
//! Role       Takes values off untrusted bytes.
//! Invariant  No length is believed before it was compared with what is there: what is allocated for
//!            a list is not more than its bytes make up.

use super::{LIST_MAX, Unreadable, VERSION};
use crate::overlay::PeerId;

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The protocol that these bytes are of.
    pub(super) fn protocol(bytes: &'a [u8]) -> Result<u8, Unreadable> {
        Self(bytes).head()
    }

    fn head(&mut self) -> Result<u8, Unreadable> {
        let version = self.u8()?;
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        self.u8()
    }

    /// The reader behind the head, and the kind of message.
    pub(super) fn begin(bytes: &'a [u8], protocol: u8) -> Result<(u8, Self), Unreadable> {
        let mut reader = Self(bytes);
        let other = reader.head()?;
        if other != protocol {
            return Err(Unreadable::UnknownProtocol(other));
        }
        Ok((reader.u8()?, reader))
    }

    pub(super) const fn end(&self) -> Result<(), Unreadable> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Unreadable::Trailing)
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Unreadable> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Unreadable> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Unreadable> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Unreadable::Flag(other)),
        }
    }

    pub(super) fn peer(&mut self) -> Result<PeerId, Unreadable> {
        self.u64().map(PeerId)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let len = usize::try_from(self.u64()?).map_err(|_| Unreadable::Length)?;
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Unreadable::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A name or an address of at most so many bytes, and at least one.
    pub(super) fn text(&mut self, max: usize) -> Result<Box<str>, Unreadable> {
        let bytes = self.bytes()?;
        if bytes.is_empty() || bytes.len() > max {
            return Err(Unreadable::Length);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Text)?;
        Ok(text.into())
    }

    /// A list behind its length. It grows with what is there, not with what was promised.
    pub(super) fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let count = usize::from(self.u16()?);
        if count > LIST_MAX {
            return Err(Unreadable::Length);
        }
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(one(self)?);
        }
        Ok(list)
    }
}
