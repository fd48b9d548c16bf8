//! Where does a message of DNS end, and where its names?
//!
//! Role       Takes fields from bytes of a stranger, in order.
//! Invariant  A name that points at another place points back, so that no name is without end.
//! Source     rfc: 1035 section 4.1.4

use super::message::BadAnswer;

/// The most bytes of a name.
const NAME_BYTES_MAX: usize = 255;

pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn take(&mut self, many: usize) -> Result<&'b [u8], BadAnswer> {
        let end = self.at.checked_add(many).ok_or(BadAnswer)?;
        let taken = self.bytes.get(self.at..end).ok_or(BadAnswer)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BadAnswer> {
        self.take(N)?.try_into().map_err(|_| BadAnswer)
    }

    pub(super) fn u16(&mut self) -> Result<u16, BadAnswer> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, BadAnswer> {
        self.array().map(u32::from_be_bytes)
    }

    /// A name in small letters, its labels with dots between; the root is empty.
    pub(super) fn name(&mut self) -> Result<Box<str>, BadAnswer> {
        let mut name = String::new();
        // Where reading goes on afterwards, once the name has pointed elsewhere.
        let mut resume = None;
        let mut limit = self.at;
        let mut bytes = 0;
        loop {
            let [length] = self.array()?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.take(usize::from(length))?;
                    bytes += label.len() + 1;
                    if NAME_BYTES_MAX < bytes {
                        return Err(BadAnswer);
                    }
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.extend(label.iter().map(|byte| shown(*byte)));
                }
                0xC0.. => {
                    let [low] = self.array()?;
                    let to = usize::from(u16::from_be_bytes([length & 0x3F, low]));
                    if limit <= to {
                        return Err(BadAnswer);
                    }
                    resume.get_or_insert(self.at);
                    (limit, self.at) = (to, to);
                }
                _ => return Err(BadAnswer),
            }
        }
        self.at = resume.unwrap_or(self.at);
        Ok(name.into())
    }
}

/// A dot within a label must not be taken for the one between two.
fn shown(byte: u8) -> char {
    match byte {
        b'.' => '\0',
        byte => char::from(byte.to_ascii_lowercase()),
    }
}
