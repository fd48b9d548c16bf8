//! How does a process learn that a table is its own now?
//!
//! Outputs    [`TableTransfer`]: the message to an heir, or to whom a table was given.
//! Source     otp: ets, `'ETS-TRANSFER'`

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use foundation_runtime::{Codec, Message, Pid, Tag, Term};

use super::handle::Table;
use super::kind::Kind;
use super::shared::Shared;

/// A table has a new owner: the process that gets this message.
///
/// An actor takes it in `#[info]`: `info.take::<TableTransfer>()`; a plain process as `Mail::Info`.
pub struct TableTransfer {
    pub(super) table: Arc<dyn Any + Send + Sync>,
    /// The table's name, if it has one.
    pub name: Option<Box<str>>,
    /// Who owned it before.
    pub from: Pid,
    /// What was said with it when the heir was named, or the table given away.
    pub data: Term,
}

impl TableTransfer {
    /// The table, if its keys, values and kind are these.
    #[must_use]
    pub fn table<K, V, S>(&self) -> Option<Table<K, V, S>>
    where
        K: Send + Sync + 'static,
        V: Send + Sync + 'static,
        S: Kind<K, V>,
    {
        let shared = Arc::clone(&self.table).downcast::<Shared<K, V, S>>();
        shared.ok().map(Table::of)
    }
}

impl fmt::Debug for TableTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableTransfer")
            .field("name", &self.name)
            .field("from", &self.from)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl Message for TableTransfer {
    const NAME: &'static str = "TableTransfer";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Table", "transfer")
    }
}
