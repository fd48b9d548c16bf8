//! Processes by key: who is responsible for `alice`, and who listens to `orders`?
//!
//! Role       [`Registry`]: unique or duplicate keys of any type, with a value per registration.
//! Limit      [`REGISTRATIONS_MAX`] entries unless set, [`PARTITIONS_MAX`] partitions,
//!            [`META_MAX`] values of metadata. Beyond, what is new is refused.
//! Invariant  Reads take one lock and send nothing. What a process has registered is gone before
//!            anybody is told of its death.
//! Source     elixir: Registry

mod builder;
mod dispatch;
mod key;
mod listener;
mod meta;
mod ordered;
mod partition;
mod table;
mod via;

pub use builder::{RegistryBuilder, RegistryOptionError};
pub(crate) use key::hash_of;
pub use listener::RegistryEvent;
pub use meta::{META_MAX, MetaError};
pub use table::{Duplicate, Keys, Registration, Registry, RegistryError, Unique};

/// How many registrations a registry takes unless it is told otherwise.
pub const REGISTRATIONS_MAX: usize = 16 << 20;
/// The most partitions that a registry may have.
pub const PARTITIONS_MAX: usize = 1024;
