//! How is a handler of an event manager named?
//!
//! Outputs    [`HandlerId`]: its type and a word, typed; [`HandlerKey`]: the same without the type,
//!            as a manager lists it.
//! Source     otp: gen_event, `Module | {Module, Id}`

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A handler of type `H` in a manager, to be written as a constant. Several of one type have
/// different words; the only one of its type is `HandlerId::default()`.
///
/// ```
/// # struct Logger;
/// use foundation_actors::HandlerId;
/// const TO_FILE: HandlerId<Logger> = HandlerId::new("file");
/// assert_eq!(TO_FILE.as_str(), "file");
/// ```
pub struct HandlerId<H> {
    word: Cow<'static, str>,
    _handler: PhantomData<fn() -> H>,
}

impl<H> HandlerId<H> {
    /// The one of this word.
    #[must_use]
    pub const fn new(word: &'static str) -> Self {
        Self {
            word: Cow::Borrowed(word),
            _handler: PhantomData,
        }
    }

    /// The one of a word that is made while the program runs.
    #[must_use]
    pub fn dynamic(word: impl Into<String>) -> Self {
        Self {
            word: Cow::Owned(word.into()),
            _handler: PhantomData,
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.word
    }
}

impl<H: 'static> HandlerId<H> {
    /// The same without its type: what `which_handlers` lists.
    #[must_use]
    pub fn key(&self) -> HandlerKey {
        HandlerKey {
            of: TypeId::of::<H>(),
            handler: std::any::type_name::<H>(),
            word: self.as_str().into(),
        }
    }
}

impl<H> Default for HandlerId<H> {
    fn default() -> Self {
        Self::new("")
    }
}

impl<H> Clone for HandlerId<H> {
    fn clone(&self) -> Self {
        Self {
            word: self.word.clone(),
            _handler: PhantomData,
        }
    }
}

impl<H> fmt::Debug for HandlerId<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerId({:?})", self.word)
    }
}

/// A handler in a manager: its type and its word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HandlerKey {
    of: TypeId,
    handler: &'static str,
    word: Box<str>,
}

impl HandlerKey {
    /// The handler's type.
    #[must_use]
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// The word that tells it from others of its type; empty for the only one.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }
}

impl fmt::Display for HandlerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.word {
            "" => f.write_str(self.handler),
            word => write!(f, "{} {word:?}", self.handler),
        }
    }
}
