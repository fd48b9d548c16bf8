//! How is a process started under a key, and reached by it?
//!
//! Role       A key of a unique registry as an address that is resolved at each use, and as what a
//!            process is registered under before it runs, at each restart again.
//! Source     elixir: Registry, "Using in :via"

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use foundation_runtime::{
    Destination, Envelope, Message, NodeId, Pid, Registrar, SendError, SpawnError, Via,
};

use super::RegistryError;
use super::key::{Key, hash_of};
use super::table::{Registry, Shared, Unique};
use crate::server::{Address, Addressed, Ref};

/// One key, and the value that whoever is started under it gets; none for an address alone.
struct ByKey<K: 'static, V: 'static> {
    registry: Arc<Shared<K, V>>,
    key: Key<K>,
    value: Option<Arc<V>>,
}

impl<K, V> Registrar for ByKey<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn node(&self) -> NodeId {
        self.registry.node.id()
    }

    fn find(&self) -> Option<Pid> {
        self.registry.by_key(&*self.key.0).holder(&*self.key.0)
    }

    fn take(&self, pid: Pid) -> Result<(), SpawnError> {
        let refused = || SpawnError::BadName("a key without a value".into());
        let value = self.value.as_ref().ok_or_else(refused)?;
        let partition = self.registry.by_key(&*self.key.0);
        let taken = self.registry.enter(partition, true, &self.key, pid, value);
        taken.map_err(|error| match error {
            RegistryError::AlreadyRegistered(holder) => SpawnError::NameTaken(holder),
            RegistryError::Full(limit) => SpawnError::RegistryFull(limit),
            other => SpawnError::BadName(other.to_string().into()),
        })
    }

    fn is_same(&self, other: &dyn Registrar) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<Self>().is_some_and(|other| {
            Arc::ptr_eq(&self.registry, &other.registry) && self.key == other.key
        })
    }

    fn fingerprint(&self) -> u64 {
        hash_of(&*self.key.0)
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &'static str| name.rsplit("::").next().unwrap_or(name);
        let kind = short(std::any::type_name::<K>());
        write!(f, "key {:016x} of a registry by {kind}", self.fingerprint())
    }
}

impl<K, V> Registry<K, V, Unique>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Whoever has this key, found again at each use: the reference survives restarts, and leads to
    /// nobody while nobody has the key. It is not checked that the holder is an `A`.
    #[must_use]
    pub fn at<A: Addressed + ?Sized>(&self, key: K) -> Ref<A> {
        let to = Destination::Via(self.address(key, None));
        Ref::from_address(Address::new(self.node().clone(), to))
    }

    /// The right to be started under this key, with this value: for `Start::via`, `Child::via`,
    /// `SpawnOptions::via` and their like. A restarted child gets the key again.
    #[must_use]
    pub fn via(&self, key: K, value: V) -> Via {
        self.address(key, Some(Arc::new(value)))
    }

    fn address(&self, key: K, value: Option<Arc<V>>) -> Via {
        Via::new(ByKey {
            registry: Arc::clone(self.shared()),
            key: Key(Arc::new(key)),
            value,
        })
    }

    /// Sends a message to the plain process that has this key.
    ///
    /// # Errors
    /// [`SendError::NoName`] when nobody has it; the message is a dead letter.
    pub fn send<Q, M: Message>(&self, key: &Q, message: M) -> Result<(), SendError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.whereis(key);
        let to = found.unwrap_or(Pid::nobody(self.node().id()));
        let sent = self
            .node()
            .send_envelope(&Destination::Pid(to), Envelope::plain(message));
        match found {
            Some(_) => sent,
            None => Err(SendError::NoName("a key of a registry".into())),
        }
    }
}
