//! Who is told of what is registered?
//!
//! Outputs    [`RegistryEvent`]: a message, too, for a plain process that listens.
//! Invariant  A listener runs outside every lock; its panic harms nobody.
//! Source     elixir: Registry, "Registrations", listeners

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use foundation_runtime::{Codec, Message, Pid, Tag, reason_of_panic};

/// What somebody did to a registry.
pub enum RegistryEvent<K, V> {
    /// A process was registered.
    Registered {
        /// Under this key,
        key: Arc<K>,
        /// this process,
        pid: Pid,
        /// with this value.
        value: Arc<V>,
    },
    /// A process gave its registrations under a key up. Not told when it dies instead.
    Unregistered {
        /// The key.
        key: Arc<K>,
        /// Who had it.
        pid: Pid,
    },
}

impl<K, V> Clone for RegistryEvent<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Registered { key, pid, value } => Self::Registered {
                key: Arc::clone(key),
                pid: *pid,
                value: Arc::clone(value),
            },
            Self::Unregistered { key, pid } => Self::Unregistered {
                key: Arc::clone(key),
                pid: *pid,
            },
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for RegistryEvent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered { key, pid, value } => {
                write!(f, "Registered({key:?}, {pid}, {value:?})")
            }
            Self::Unregistered { key, pid } => write!(f, "Unregistered({key:?}, {pid})"),
        }
    }
}

/// It never leaves its node.
impl<K: Send + Sync + 'static, V: Send + Sync + 'static> Message for RegistryEvent<K, V> {
    const NAME: &'static str = "RegistryEvent";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "RegistryEvent", "")
    }
}

/// One listener.
pub(super) struct Listener<K, V>(Box<dyn Fn(RegistryEvent<K, V>) + Send + Sync>);

impl<K, V> Listener<K, V> {
    pub(super) fn new(listener: impl Fn(RegistryEvent<K, V>) + Send + Sync + 'static) -> Self {
        Self(Box::new(listener))
    }

    pub(super) fn tell(&self, event: RegistryEvent<K, V>) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.0)(event))) {
            let reason = reason_of_panic(payload);
            tracing::error!(target: "foundation::registry", %reason, "a listener panicked");
        }
    }
}
