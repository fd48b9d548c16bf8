//! An address that is looked up elsewhere than among the node's names.
//!
//! Role       [`Via`]: a process by a key of some registry, found at each use, and the right to
//!            start a process under that key.
//! Invariant  It leads to processes of one node, and does not travel to another.
//! Source     otp: `{via, Module, Name}`

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{NodeId, Pid, SpawnError};

/// One key of one registry.
pub trait Registrar: Any + Send + Sync {
    /// The node whose processes are registered there.
    fn node(&self) -> NodeId;
    /// Who has the key now.
    fn find(&self) -> Option<Pid>;
    /// Gives the key to a process that is about to run; it is taken back when the process ends, by
    /// [`Node::hold`](crate::Node::hold).
    ///
    /// # Errors
    /// [`SpawnError`]: the process is not started.
    fn take(&self, pid: Pid) -> Result<(), SpawnError>;
    /// Whether the other is the same key of the same registry.
    fn is_same(&self, other: &dyn Registrar) -> bool;
    /// Equal for those that are the same.
    fn fingerprint(&self) -> u64;
    /// What people read.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A process by a key of some registry: whoever has the key at each use.
///
/// Registries make them, and start processes under them: see `foundation::Registry`.
#[derive(Clone)]
pub struct Via(Arc<dyn Registrar>);

impl Via {
    /// The address by this key.
    pub fn new(key: impl Registrar) -> Self {
        Self(Arc::new(key))
    }

    /// The node whose processes it leads to.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node()
    }

    /// Who has the key now.
    #[must_use]
    pub fn find(&self) -> Option<Pid> {
        self.0.find()
    }

    pub(crate) fn take(&self, pid: Pid) -> Result<(), SpawnError> {
        if pid.node() != self.node() {
            return Err(SpawnError::BadName(format!("{self:?}").into()));
        }
        self.0.take(pid)
    }
}

impl PartialEq for Via {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&*other.0)
    }
}

impl Eq for Via {}

impl Hash for Via {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.fingerprint());
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

const STAYS: &str = "an address by a key of a registry leads to whoever has the key on its own \
     node, and does not travel: send the pid";

/// Always refused: it does not travel.
impl Serialize for Via {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(STAYS))
    }
}

/// Always refused: nothing was ever written.
impl<'de> Deserialize<'de> for Via {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(STAYS))
    }
}
