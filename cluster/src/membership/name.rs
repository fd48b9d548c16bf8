//! Who is a member, and where is it reached?
//!
//! Role       Text with a limit: names and addresses.
//! Limit      [`NAME_MAX`] and [`ADDRESS_MAX`] bytes; neither is empty.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The longest name, in bytes.
pub const NAME_MAX: usize = 128;

/// The longest address, in bytes.
pub const ADDRESS_MAX: usize = 128;

/// Why a text is no name, or no address. Nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// It has no characters.
    Empty,
    /// It is longer than the limit.
    TooLong,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the text is empty",
            Self::TooLong => "the text is too long",
        })
    }
}

impl std::error::Error for TextError {}

/// What a member is called. One name is one member: of two with the same name, the one that started
/// later is meant.
///
/// ```
/// use foundation_cluster::membership::Name;
/// let name = Name::new("a@host")?;
/// assert_eq!(name.as_str(), "a@host");
/// assert!(Name::new("").is_err());
/// # Ok::<(), foundation_cluster::membership::TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Where a member is reached. What it means is the transport's business.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

fn bounded(text: &str, max: usize) -> Result<Arc<str>, TextError> {
    match text.len() {
        0 => Err(TextError::Empty),
        len if len > max => Err(TextError::TooLong),
        _ => Ok(Arc::from(text)),
    }
}

impl Name {
    /// A name of at most [`NAME_MAX`] bytes.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(text: &str) -> Result<Self, TextError> {
        bounded(text, NAME_MAX).map(Self)
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// An address of at most [`ADDRESS_MAX`] bytes.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(text: &str) -> Result<Self, TextError> {
        bounded(text, ADDRESS_MAX).map(Self)
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
