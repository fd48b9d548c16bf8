//! How does a message become bytes, and who may? What does it take along where it does not?
//!
//! Role       MessagePack for messages that are portable, a refusal for those that are not; a walk
//!            over what they own for receivers on the same node.
//! Outputs    [`Codec`]: function pointers or none; [`Tag`]: the stable name of a message.
//! Invariant  Local delivery never encodes.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::copying::Sink;
use crate::heap::{Hand, Owned};

/// The stable name of a message type: equal on every node that runs the same program text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tag(u64);

impl Tag {
    /// The tag of a method: a hash of package, type and method.
    #[must_use]
    pub const fn of(package: &str, type_name: &str, method: &str) -> Self {
        let whose = Self::whose(package, type_name);
        let hash = Self::fold(whose, method) & !Self::SYSTEM_BIT;
        match whose == Self::whose("foundation", "system") || whose == Self::SYS {
            true => Self(hash | Self::SYSTEM_BIT),
            false => Self(hash),
        }
    }

    pub(crate) const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_u64(tag: u64) -> Self {
        Self(tag)
    }

    const SYSTEM_BIT: u64 = 1;
    const SYS: u64 = Self::whose("foundation", "sys");

    const fn whose(package: &str, type_name: &str) -> u64 {
        Self::fold(Self::fold(0xcbf2_9ce4_8422_2325, package), type_name)
    }

    /// Whether it names a system message, which is not the program's: one of `foundation`'s own for any server.
    pub(crate) const fn is_system(self) -> bool {
        self.0 & Self::SYSTEM_BIT != 0
    }

    /// The tag of a method of a generic type, with its parameters mixed in.
    #[must_use]
    pub fn of_generic(package: &str, type_name: &str, method: &str) -> Self {
        Self::of(package, type_name, method)
    }

    /// Whether two of these names are one, for where constants are made.
    #[must_use]
    pub const fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    const fn fold(mut hash: u64, text: &str) -> u64 {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        // A separator, so that ("ab", "c") and ("a", "bc") differ.
        (hash ^ 0xff).wrapping_mul(0x0000_0100_0000_01b3)
    }
}

/// Types that can travel to another node: everything that serde can write and read back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another node",
    label = "not serializable",
    note = "if it never leaves its node, say so: `#[message(local)]` on the type, `#[call(local)]` or `#[cast(local)]` on the method",
    note = "otherwise derive `serde::Serialize` and `serde::Deserialize` for the type"
)]
pub trait Portable: Serialize + DeserializeOwned {}

impl<M: Serialize + DeserializeOwned> Portable for M {}

/// How a message type travels: as bytes to another node, if it does, and as it is to another process,
/// with what it owns.
pub struct Codec<M> {
    pub(crate) owned: Owned<M>,
    /// Appends it to a buffer.
    pub(crate) encode: Option<fn(&M, &mut Vec<u8>) -> Result<(), CodecError>>,
    pub(crate) decode: Option<fn(&[u8]) -> Result<M, CodecError>>,
}

impl<M> Codec<M> {
    /// Stays on its node: sending it to another is refused at the sender.
    #[must_use]
    pub const fn local() -> Self {
        Self {
            owned: Owned::nothing(),
            encode: None,
            decode: None,
        }
    }

    /// The same; the allocations that it owns are known.
    #[must_use]
    pub const fn owning(self, owned: Owned<M>) -> Self {
        Self { owned, ..self }
    }

    /// Travels as MessagePack with named fields, so that unknown fields are tolerated.
    #[must_use]
    pub const fn portable() -> Self
    where
        M: Portable,
    {
        Self {
            owned: Owned::nothing(),
            encode: Some(encode::<M>),
            decode: Some(decode::<M>),
        }
    }

    /// Writes a message as bytes.
    ///
    /// # Errors
    /// [`CodecError::Refused`] when the type's own serialization refuses, [`CodecError::Local`] when
    /// the type does not travel.
    ///
    /// ```
    /// use foundation_runtime::Codec;
    /// let bytes = Codec::<u64>::portable().write(&7)?;
    /// assert_eq!(Codec::<u64>::portable().decode(&bytes), Ok(7));
    /// assert!(Codec::<u64>::local().write(&7).is_err());
    /// # Ok::<_, foundation_runtime::CodecError>(())
    /// ```
    pub fn write(&self, message: &M) -> Result<Vec<u8>, CodecError> {
        let encode = self
            .encode
            .ok_or(CodecError::Local(std::any::type_name::<M>()))?;
        let mut bytes = Vec::new();
        encode(message, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a message from bytes.
    ///
    /// # Errors
    /// [`CodecError::Malformed`] when the bytes are no such message, [`CodecError::Local`] when the
    /// type does not travel.
    pub fn decode(&self, bytes: &[u8]) -> Result<M, CodecError> {
        match self.decode {
            Some(decode) => decode(bytes),
            None => Err(CodecError::Local(std::any::type_name::<M>())),
        }
    }
}

/// A type around another one that travels as that one does.
pub trait Wrap: Sized {
    /// What is inside.
    type Inner;
    /// How that travels.
    const INNER: Codec<Self::Inner>;
    /// What is inside.
    fn inner(&self) -> &Self::Inner;
    /// The wrapper around it.
    fn wrap(inner: Self::Inner) -> Self;
}

impl<W: Wrap> Codec<W> {
    /// Travels as what is inside, or not at all.
    #[must_use]
    pub const fn wrapping() -> Self {
        Self {
            owned: match W::INNER.owned.is_something() {
                true => Owned::by(hand_over_inner::<W>),
                false => Owned::nothing(),
            },
            encode: match W::INNER.encode {
                Some(_) => Some(encode_inner::<W>),
                None => None,
            },
            decode: match W::INNER.decode {
                Some(_) => Some(decode_inner::<W>),
                None => None,
            },
        }
    }
}

fn hand_over_inner<W: Wrap>(wrapper: &W, hand: &mut Hand<'_>) {
    W::INNER.owned.hand_over(wrapper.inner(), hand);
}

fn encode_inner<W: Wrap>(wrapper: &W, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    match W::INNER.encode {
        Some(encode) => encode(wrapper.inner(), bytes),
        None => Err(CodecError::Local(std::any::type_name::<W::Inner>())),
    }
}

fn decode_inner<W: Wrap>(bytes: &[u8]) -> Result<W, CodecError> {
    W::INNER.decode(bytes).map(W::wrap)
}

impl<M> Clone for Codec<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Codec<M> {}

fn encode<M: Portable>(message: &M, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    rmp_serde::encode::write_named(&mut Sink(bytes), message)
        .map_err(|error| CodecError::Refused(error.to_string().into()))
}

fn decode<M: Portable>(bytes: &[u8]) -> Result<M, CodecError> {
    rmp_serde::from_slice(bytes).map_err(|error| CodecError::Malformed(error.to_string().into()))
}

/// Why a message did not become bytes, or bytes no message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The type named here is marked local. Nothing was sent.
    Local(&'static str),
    /// The type's own serialization refused. Nothing was sent.
    Refused(Box<str>),
    /// The bytes are not a message of the expected type. They were dropped.
    Malformed(Box<str>),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => write!(f, "`{name}` is local and cannot travel to another node"),
            Self::Refused(why) => write!(f, "the message could not be written: {why}"),
            Self::Malformed(why) => write!(f, "the message could not be read: {why}"),
        }
    }
}

impl std::error::Error for CodecError {}
