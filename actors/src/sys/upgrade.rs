//! How does a state outlive the program that it was made by?
//!
//! Role       [`CodeChange`]: what an actor writes of itself, and how it reads what an older version
//!            of it has written; [`SavedState`]: that, with name and version; [`export`] and
//!            [`change_code`]: out of a live actor, and into one.
//! Invariant  Whatever goes wrong, an unknown version, bytes that are no such state, a function that
//!            panics: the actor keeps the state that it had.
//! Source     otp: sys:change_code/4; gen_server, code_change/3

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ask::Refusal;
use super::operation::{Asking, put, within};
use crate::server::{Actor, Ref};

/// An actor whose state can be taken up by a later version of the program.
///
/// ```ignore
/// #[derive(Serialize, Deserialize)]
/// struct Saved { euros: u64, cents: u64 }             // version 2
///
/// #[actor(version = 2)]
/// impl Account { /* ... */ }
///
/// impl CodeChange for Account {
///     type Saved = Saved;
///     fn export(&self) -> Saved { Saved { euros: self.euros, cents: self.cents } }
///     fn import(&self, saved: Saved) -> Self { Account { bank: self.bank.clone(), ..saved.into() } }
///     fn code_change(old: &SavedState) -> Result<Saved, ChangeError> {
///         match old.version() {
///             1 => { let cents: u64 = old.read()?; Ok(Saved { euros: cents / 100, cents: cents % 100 }) }
///             _ => Err(old.unknown()),
///         }
///     }
/// }
/// ```
pub trait CodeChange: Actor {
    /// What is written of the state: plain data, without what belongs to a running program alone.
    type Saved: Serialize + DeserializeOwned;

    /// The state as data.
    fn export(&self) -> Self::Saved;

    /// The actor with this state; what is no data, as addresses and files, comes from the one that
    /// is there.
    #[must_use]
    fn import(&self, saved: Self::Saved) -> Self;

    /// Makes of what an older version has written what this version writes. Unless overridden, no
    /// other version is known.
    ///
    /// # Errors
    /// [`ChangeError`]: it is of a version that this one does not know, or no such state.
    fn code_change(old: &SavedState) -> Result<Self::Saved, ChangeError> {
        Err(old.unknown())
    }
}

/// What an actor has written of its state, with its name and the version of its code. It is
/// serializable itself, to be kept in a file or sent to another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    actor: String,
    version: u32,
    bytes: Vec<u8>,
}

impl SavedState {
    /// What `actor` writes of itself.
    ///
    /// # Errors
    /// [`ChangeError::Malformed`] when its data cannot be written.
    pub fn of<A: CodeChange>(actor: &A) -> Result<Self, ChangeError> {
        Self::as_written_by(A::NAME, A::VERSION, &actor.export())
    }

    /// What version `version` of an actor of type `actor` would have written: for tests of a
    /// [`CodeChange::code_change`].
    ///
    /// # Errors
    /// [`ChangeError::Malformed`] when the data cannot be written.
    pub fn as_written_by(
        actor: &str,
        version: u32,
        data: &impl Serialize,
    ) -> Result<Self, ChangeError> {
        Ok(Self {
            actor: actor.to_owned(),
            version,
            bytes: rmp_serde::to_vec_named(data).map_err(malformed)?,
        })
    }

    /// All of it as bytes, to be kept until the next version of the program runs.
    ///
    /// ```
    /// use foundation_actors::sys::SavedState;
    /// let saved = SavedState::as_written_by("Account", 1, &1234_u64)?;
    /// assert_eq!(SavedState::from_bytes(&saved.to_bytes())?, saved);
    /// # Ok::<_, foundation_actors::sys::ChangeError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("text, a number and bytes can be written")
    }

    /// Reads what [`SavedState::to_bytes`] has written.
    ///
    /// # Errors
    /// [`ChangeError::Malformed`] when it is nothing of the kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChangeError> {
        rmp_serde::from_slice(bytes).map_err(malformed)
    }

    /// The actor's type.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The version of the code that has written it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The data, as a type that its version wrote: for [`CodeChange::code_change`].
    ///
    /// # Errors
    /// [`ChangeError::Malformed`] when it is no such data.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ChangeError> {
        rmp_serde::from_slice(&self.bytes).map_err(malformed)
    }

    /// That this version is not known.
    #[must_use]
    pub fn unknown(&self) -> ChangeError {
        ChangeError::UnknownVersion(self.version)
    }

    /// What an actor of this program makes of it: as it is, if it was written by the same version,
    /// else by its [`CodeChange::code_change`]. For an `#[init]` that goes on where an earlier
    /// program ended.
    ///
    /// # Errors
    /// [`ChangeError`]: it is of another actor, of a version that is not known, or no such state.
    pub fn restore<A: CodeChange>(&self) -> Result<A::Saved, ChangeError> {
        if self.actor != A::NAME {
            return Err(ChangeError::OtherActor(self.actor.clone()));
        }
        if self.version == A::VERSION {
            return self.read();
        }
        A::code_change(self)
    }
}

fn malformed(error: impl fmt::Display) -> ChangeError {
    ChangeError::Malformed(error.to_string())
}

/// Why a state was not taken up. The actor keeps the one that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeError {
    /// The code does not know what this version wrote; it may be a later one.
    UnknownVersion(u32),
    /// It was written by an actor of this other type.
    OtherActor(String),
    /// The data is not what its version says it is, for the reason in this text.
    Malformed(String),
    /// The data is sound, and the actor does not accept it, for the reason in this text.
    Refused(String),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => write!(f, "version {version} of the state is unknown"),
            Self::OtherActor(actor) => write!(f, "the state is that of an actor of type {actor}"),
            Self::Malformed(why) => write!(f, "the data is no such state: {why}"),
            Self::Refused(why) => write!(f, "the state was refused: {why}"),
        }
    }
}

impl std::error::Error for ChangeError {}

/// What an actor of this node writes of its state, between two handlers. Suspend it before, if
/// nothing is to be handled after: what it handles later is not in it.
pub fn export<A: CodeChange>(target: &Ref<A>) -> Asking<SavedState> {
    within(target, |state: &mut A, _| {
        SavedState::of(state).map_err(Refusal::Change)
    })
}

/// Gives a suspended actor of this node a state that this or an older version of its code has
/// written. It stays suspended: [`super::resume`] lets it go on.
///
/// What goes wrong is [`super::SysError::NotSuspended`], or [`super::SysError::Change`] with the reason; the actor
/// keeps the state that it had.
pub fn change_code<A: CodeChange>(target: &Ref<A>, saved: SavedState) -> Asking<()> {
    within(target, move |state: &mut A, suspended| {
        if !suspended {
            return Err(Refusal::NotSuspended);
        }
        let data = saved.restore::<A>().map_err(Refusal::Change)?;
        let new = state.import(data);
        put(state, new);
        Ok(())
    })
}
