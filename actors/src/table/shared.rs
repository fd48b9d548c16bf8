//! What do the handles of a table share?
//!
//! Role       The rows, whose they are, and what the owner's death does to them.
//! Invariant  `alive` is cleared before the rows are: who finds it set under a row's lock has a row
//!            that stays. The owner is held by the node for as long as it is the owner.
//! Source     otp: ets

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use foundation_runtime::{Destination, Envelope, Held, HoldError, Node, Pid, Term, me};

use super::TableError;
use super::builder::{Access, TableBuilder};
use super::kind::Kind;
use super::names::TableNames;
use super::object::Object;
use super::rows::Rows;
use super::transfer::TableTransfer;

/// How many objects are dropped by whoever ends a table.
const DROP_HERE_MAX: usize = 1024;

/// Whose a table is, and who comes after.
pub(super) struct Owned {
    pub(super) owner: Pid,
    pub(super) heir: Option<(Pid, Term)>,
}

pub(super) struct Shared<K, V, S: Kind<K, V>> {
    node: Node,
    pub(super) name: Option<Box<str>>,
    pub(super) access: Access,
    limit: usize,
    owned: Mutex<Owned>,
    alive: AtomicBool,
    pub(super) count: AtomicUsize,
    pub(super) rows: S::Rows,
    own: Weak<Self>,
}

impl<K, V, S> Shared<K, V, S>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Kind<K, V>,
{
    pub(super) fn create(
        builder: TableBuilder<K, V, S>,
        owner: Pid,
    ) -> Result<Arc<Self>, TableError> {
        let TableBuilder {
            node,
            name,
            access,
            heir,
            limit,
            ..
        } = builder;
        let shared = Arc::new_cyclic(|own| Shared {
            node,
            name,
            access,
            limit,
            owned: Mutex::new(Owned { owner, heir }),
            alive: AtomicBool::new(true),
            count: AtomicUsize::new(0),
            rows: S::Rows::default(),
            own: Weak::clone(own),
        });
        if let Some(name) = &shared.name {
            let table: Weak<dyn Any + Send + Sync> = Weak::clone(&shared.own) as _;
            shared.node.shared::<TableNames>().take(name, table)?;
        }
        // Under the lock that `release` takes: it finds a table that is whole.
        let held = {
            let _owned = shared.owned();
            shared.hold(owner)
        };
        if let Err(error) = held {
            shared.alive.store(false, Ordering::Release);
            shared.release_name();
            return Err(error);
        }
        Ok(shared)
    }

    pub(super) fn owned(&self) -> MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> Option<Arc<dyn Held>> {
        self.own.upgrade().map(|own| own as Arc<dyn Held>)
    }

    pub(super) fn hold(&self, pid: Pid) -> Result<(), TableError> {
        let held = self.held().ok_or(TableError::Gone)?;
        self.node.hold(pid, &held).map_err(|error| match error {
            HoldError::OtherNode => TableError::OtherNode,
            _ => TableError::NoProc,
        })
    }

    pub(super) fn let_go(&self, pid: Pid) {
        if let Some(held) = self.held() {
            self.node.let_go(pid, &held);
        }
    }

    pub(super) fn check_alive(&self) -> Result<(), TableError> {
        match self.alive.load(Ordering::Acquire) {
            true => Ok(()),
            false => Err(TableError::Gone),
        }
    }

    /// The owner, if that is who runs this.
    pub(super) fn check_owner(&self) -> Result<Pid, TableError> {
        self.check_alive()?;
        let owner = self.owned().owner;
        match me() {
            Some(me) if me.pid() == owner => Ok(owner),
            _ => Err(TableError::Denied(owner)),
        }
    }

    pub(super) fn check_read(&self) -> Result<(), TableError> {
        match self.access {
            Access::Private => self.check_owner().map(drop),
            Access::Public | Access::Protected => self.check_alive(),
        }
    }

    pub(super) fn check_write(&self) -> Result<(), TableError> {
        match self.access {
            Access::Public => self.check_alive(),
            Access::Private | Access::Protected => self.check_owner().map(drop),
        }
    }

    /// Edits the object of a key, and counts what that added or took away.
    pub(super) fn edit<R>(
        &self,
        key: K,
        edit: impl FnOnce(&mut Option<Object<V>>) -> R,
    ) -> Result<R, TableError> {
        let size = |slot: &Option<Object<V>>| slot.as_ref().map_or(0, |one| one.values().len());
        self.rows.write(key, |slot| {
            self.check_alive()?;
            let before = size(slot);
            if before == 0 && self.limit <= self.count.load(Ordering::Relaxed) {
                return Err(TableError::Full(self.limit));
            }
            let result = edit(slot);
            let (after, add) = (size(slot), Ordering::Relaxed);
            match before <= after {
                true => self.count.fetch_add(after - before, add),
                false => self.count.fetch_sub(before - after, add),
            };
            Ok(result)
        })
    }

    /// Puts a value in, if what is there is what was seen.
    pub(super) fn swap(
        &self,
        key: K,
        seen: Option<&Arc<V>>,
        new: &Arc<V>,
    ) -> Result<bool, TableError> {
        let new = Arc::clone(new);
        // What is replaced is dropped outside the lock.
        let mut old = None;
        self.edit(key, |slot| {
            let same = match (&slot, seen) {
                (Some(object), Some(seen)) => Arc::ptr_eq(object.first(), seen),
                (None, None) => true,
                _ => false,
            };
            if same {
                old = slot.replace(Object::One(new));
            }
            same
        })
    }

    pub(super) fn take(&self, key: &K, may: impl FnOnce(&Object<V>) -> bool) -> Option<Object<V>> {
        let taken = self.rows.take(key, may)?;
        self.count
            .fetch_sub(taken.values().len(), Ordering::Relaxed);
        Some(taken)
    }

    fn release_name(&self) {
        if let Some(name) = &self.name {
            let own: Weak<dyn Any + Send + Sync> = Weak::clone(&self.own) as _;
            self.node.shared::<TableNames>().release(name, &own);
        }
    }

    /// Drops rows: many of them off the schedulers.
    pub(super) fn discard(&self, rows: S::Rows, count: usize) {
        match count {
            ..=DROP_HERE_MAX => drop(rows),
            _ => self.node.reap(rows),
        }
    }

    /// The table is gone from here on.
    pub(super) fn end(&self) {
        self.alive.store(false, Ordering::Release);
        self.release_name();
        let taken = self.rows.drain();
        let count = self.count.swap(0, Ordering::Relaxed);
        self.discard(taken, count);
    }

    pub(super) fn tell(&self, to: Pid, from: Pid, data: Term) {
        let Some(table) = self.own.upgrade() else {
            return;
        };
        let transfer = TableTransfer {
            table,
            name: self.name.clone(),
            from,
            data,
        };
        // To one that has ended meanwhile it is a dead letter.
        let _ = self
            .node
            .send_envelope(&Destination::Pid(to), Envelope::plain(transfer));
    }
}

impl<K, V, S> Held for Shared<K, V, S>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Kind<K, V>,
{
    fn release(&self, pid: Pid) {
        let heir = {
            let mut owned = self.owned();
            if owned.owner != pid {
                return;
            }
            let heir = owned.heir.clone().filter(|(heir, _)| *heir != pid);
            let heir = heir.filter(|(heir, _)| self.hold(*heir).is_ok());
            if let Some((heir, _)) = &heir {
                owned.owner = *heir;
                owned.heir = None;
            }
            heir
        };
        match heir {
            Some((heir, data)) => self.tell(heir, pid, data),
            None => self.end(),
        }
    }
}
