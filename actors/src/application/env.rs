//! What is an application told about how to run?
//!
//! Role       Values by application and key, in three layers.
//! Limit      [`ENV_MAX`] values of all applications; beyond, a new key is refused.
//! Invariant  What was set while the program runs goes before what it was configured with, and that
//!            before the application's own defaults.
//! Source     otp: application:get_env/2, set_env/3

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How many values there are at most, of all applications of a node together.
pub const ENV_MAX: usize = 1 << 16;

/// Where a value comes from; the later goes before the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvLayer {
    /// The application's own default.
    Default,
    /// What the program was configured with, by a file or otherwise.
    Config,
    /// Set while the program runs.
    Runtime,
}

/// There are [`ENV_MAX`] values already. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvFull;

impl fmt::Display for EnvFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are at most {ENV_MAX} values of applications")
    }
}

impl std::error::Error for EnvFull {}

pub(crate) type Value = Arc<dyn Any + Send + Sync>;

type Layers = BTreeMap<EnvLayer, Value>;

#[derive(Default)]
pub(super) struct Env(BTreeMap<(Box<str>, Box<str>), Layers>);

impl Env {
    /// Sets a value; what it was before comes back, to be dropped outside any lock.
    pub(super) fn put(
        &mut self,
        app: &str,
        key: &str,
        layer: EnvLayer,
        value: Value,
    ) -> Result<Option<Value>, EnvFull> {
        let at = (app.into(), key.into());
        if ENV_MAX <= self.0.len() && !self.0.contains_key(&at) {
            return Err(EnvFull);
        }
        Ok(self.0.entry(at).or_default().insert(layer, value))
    }

    /// Whether so many new keys have room.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.0.len() + count <= ENV_MAX
    }

    pub(super) fn get(&self, app: &str, key: &str) -> Option<Value> {
        let layers = self.0.get(&(app.into(), key.into()))?;
        layers.values().next_back().cloned()
    }
}
