//! How is a value kept out of reports?
//!
//! Role       [`Secret`]: a value whose `Debug` does not show it, so that crash reports, which show
//!            states and arguments, do not, and neither does any other log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that no report shows: a password, a key, somebody's name.
///
/// It hides in its `Debug`, wherever that is: in the state of an actor, in an argument of a call, in
/// a message, in a log line of your own. It travels to another node as the value itself.
///
/// ```
/// use foundation_runtime::Secret;
/// let pin = Secret::new(1234);
/// assert_eq!(format!("{pin:?}"), "(secret)");
/// assert_eq!(*pin.reveal(), 1234);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value, no longer hidden.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
