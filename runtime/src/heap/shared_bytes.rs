//! Bytes that many processes have and nobody copies.
//!
//! Role       [`SharedBytes`]: immutable bytes behind a count. They are charged once, to no process; each
//!            process that has them sees them among what it shares.
//! Owns       Per binary and process that has it, an entry of twelve bytes, charged to that process: so
//!            an account is not used again while an entry names it.
//! Invariant  A process sees each binary once, however many handles it has. Without accounts nothing is
//!            noted, and nothing here takes a lock.
//! Source     otp: Efficiency Guide, "Constructing and Matching Binaries"; erlang:process_info/2, binary

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Bound, Deref, RangeBounds};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::accounts::ACCOUNTS;
use super::current::{self, is_on, of_the_node};
use super::hand::{Hand, give_up};
use super::hand_over::HandOver;

/// No process's.
const NOBODY: u32 = 0;

/// A process that has a binary, and by how many handles. Each entry is charged to another process.
type Holders = Vec<Box<(u32, u64)>>;

struct Whole {
    bytes: Vec<u8>,
    holders: Mutex<Holders>,
}

impl Whole {
    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn size(&self) -> i64 {
        self.bytes.len() as i64
    }

    fn gain(&self, account: u32) {
        if account == NOBODY {
            return;
        }
        let mut holders = self.holders();
        if let Some(holder) = holders.iter_mut().find(|holder| holder.0 == account) {
            holder.1 += 1;
            return;
        }
        of_the_node(|| holders.reserve(1));
        holders.push(Box::new((account, 1)));
        ACCOUNTS.share(account, self.size());
    }

    fn lose(&self, account: u32) {
        if account == NOBODY {
            return;
        }
        let mut holders = self.holders();
        let Some(at) = holders.iter().position(|holder| holder.0 == account) else {
            return;
        };
        holders[at].1 -= 1;
        if holders[at].1 == 0 {
            ACCOUNTS.share(account, -self.size());
            let gone = holders.swap_remove(at);
            drop(holders);
            drop(gone);
        }
    }
}

/// Immutable bytes that are shared and not copied, whoever has them.
///
/// A clone is a handle of the same bytes, and so is a [slice](SharedBytes::slice): as on the BEAM, a
/// small part keeps the whole alive; [`SharedBytes::copy`] lets go of the rest. A message that has one
/// takes its handle to the receiver.
///
/// Where a program keeps heap accounts, the bytes are charged once, to no process, and each process
/// that has them finds them in [`HeapInfo::shared`](super::HeapInfo::shared). To another node they
/// travel as bytes.
///
/// ```
/// use foundation_runtime::heap::SharedBytes;
///
/// let page = SharedBytes::from(b"<html>hello</html>".to_vec());
/// let word = page.slice(6..11);
/// assert_eq!(&word[..], b"hello");
/// assert_eq!((word.len(), word.whole_len()), (5, 18));
/// assert_eq!(word.copy().whole_len(), 5);
/// assert_eq!(word, b"hello"[..]);
/// ```
pub struct SharedBytes {
    whole: Arc<Whole>,
    start: usize,
    end: usize,
    /// The account of the process that has this handle.
    holder: AtomicU32,
}

/// Who has what the running process makes.
fn here() -> u32 {
    match is_on() {
        true => current::account().holder(),
        false => NOBODY,
    }
}

impl SharedBytes {
    /// A copy of these bytes.
    #[must_use]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        Self::from(crate::envelope::copy(bytes))
    }

    /// A part of it, which shares the whole.
    ///
    /// # Panics
    /// When the range is not within it.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(at) => at + 1,
            Bound::Excluded(at) => *at,
            Bound::Unbounded => self.len(),
        };
        assert!(
            start <= end && end <= self.len(),
            "{start}..{end} is not within {} bytes",
            self.len()
        );
        self.part(self.start + start, self.start + end)
    }

    /// The same bytes alone, without the rest of the whole that they are a part of.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::copy_from_slice(self)
    }

    /// How many bytes it keeps alive: more than it shows if it is a slice.
    #[must_use]
    pub fn whole_len(&self) -> usize {
        self.whole.bytes.len()
    }

    /// How many handles there are, of all processes.
    #[must_use]
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.whole)
    }

    fn part(&self, start: usize, end: usize) -> Self {
        let holder = here();
        self.whole.gain(holder);
        Self {
            whole: Arc::clone(&self.whole),
            start,
            end,
            holder: AtomicU32::new(holder),
        }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        if is_on() {
            give_up(|hand| bytes.hand_over(hand));
        }
        let end = bytes.len();
        let whole = of_the_node(|| {
            Arc::new(Whole {
                bytes,
                holders: Mutex::default(),
            })
        });
        let holder = here();
        whole.gain(holder);
        Self {
            whole,
            start: 0,
            end,
            holder: AtomicU32::new(holder),
        }
    }
}

impl Clone for SharedBytes {
    fn clone(&self) -> Self {
        self.part(self.start, self.end)
    }
}

impl Drop for SharedBytes {
    fn drop(&mut self) {
        self.whole.lose(*self.holder.get_mut());
    }
}

impl HandOver for SharedBytes {
    const OWNS: bool = true;

    fn hand_over(&self, hand: &mut Hand<'_>) {
        let Some(new) = hand.holder() else {
            return;
        };
        let old = self.holder.swap(new, Ordering::Relaxed);
        if old != new {
            self.whole.gain(new);
            self.whole.lose(old);
        }
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.whole.bytes[self.start..self.end]
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for SharedBytes {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for SharedBytes {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for SharedBytes {}

impl Hash for SharedBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Default for SharedBytes {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedBytes({} of {})", self.len(), self.whole_len())
    }
}

impl Serialize for SharedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for SharedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = SharedBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<SharedBytes, E> {
                Ok(SharedBytes::copy_from_slice(bytes))
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<SharedBytes, E> {
                Ok(SharedBytes::from(bytes))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SharedBytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(SharedBytes::from(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
