//! How is a table made?
//!
//! Outputs    [`TableBuilder`], and a [`Table`] with an owner.
//! Source     otp: ets:new/2

use std::fmt;
use std::marker::PhantomData;

use foundation_runtime::{Node, Pid, Term, me};

use super::handle::Table;
use super::kind::Kind;
use super::{ROWS_MAX, TableError};

/// Who may do what with a table, beside its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// Everybody reads and writes.
    Public,
    /// Everybody reads, the owner writes.
    #[default]
    Protected,
    /// The owner reads and writes.
    Private,
}

/// A table that is being described.
#[must_use = "a table is made by `create`"]
pub struct TableBuilder<K, V, S> {
    pub(super) node: Node,
    pub(super) name: Option<Box<str>>,
    pub(super) access: Access,
    pub(super) owner: Option<Pid>,
    pub(super) heir: Option<(Pid, Term)>,
    pub(super) limit: usize,
    _rows: PhantomData<fn() -> (K, V, S)>,
}

impl<K, V, S> fmt::Debug for TableBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableBuilder")
            .field("name", &self.name)
            .field("access", &self.access)
            .field("heir", &self.heir)
            .finish_non_exhaustive()
    }
}

impl<K, V, S> TableBuilder<K, V, S>
where
    K: Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Kind<K, V>,
{
    pub(super) fn new(node: &Node) -> Self {
        Self {
            node: node.clone(),
            name: None,
            access: Access::default(),
            owner: None,
            heir: None,
            limit: ROWS_MAX,
            _rows: PhantomData,
        }
    }

    /// Lets others find it by this name, on this node.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Who may do what: [`Access::Protected`] unless set.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Whose it is: the process that makes it unless set.
    pub fn owner(mut self, owner: impl Into<Pid>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Who gets it when its owner ends, with a [`TableTransfer`](super::TableTransfer) that carries
    /// `data`. An heir that is dead then is none.
    pub fn heir(mut self, heir: impl Into<Pid>, data: impl Into<Term>) -> Self {
        self.heir = Some((heir.into(), data.into()));
        self
    }

    /// How many objects it takes: [`ROWS_MAX`] unless set.
    pub fn limit(mut self, objects: usize) -> Self {
        self.limit = objects;
        self
    }

    /// Makes the table, empty.
    ///
    /// # Errors
    /// [`TableError::NameTaken`], [`TableError::NoOwner`], [`TableError::NoProc`] or
    /// [`TableError::OtherNode`] of the owner.
    pub fn create(self) -> Result<Table<K, V, S>, TableError> {
        let here = me().filter(|me| me.node().id() == self.node.id());
        let owner = self.owner.or(here.map(|me| me.pid()));
        Table::create(self, owner.ok_or(TableError::NoOwner)?)
    }
}
