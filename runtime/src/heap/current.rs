//! Whom is an allocation charged to?
//!
//! Role       Finds the account of the process that this thread runs, else one of nobody's.
//! Owns       A thread-local: which of nobody's accounts this thread uses.
//! Invariant  The account that a scheduler remembers is that of the process it names: nothing has to
//!            be written when a process is polled.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::account::Account;
use super::accounts::ACCOUNTS;
use crate::platform::current;
use crate::scheduler::Running;

thread_local! {
    static NOBODY: Cell<Option<&'static Account>> = const { Cell::new(None) };
}

static INSTALLED: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicU32 = AtomicU32::new(0);

/// Whether the program's allocator keeps accounts: it has been asked for memory by then.
#[inline]
pub(crate) fn is_on() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

/// The account of a process, as a scheduler remembers it.
pub(crate) struct Charged {
    word: Cell<u64>,
    account: Cell<Option<&'static Account>>,
}

impl Charged {
    pub(crate) const fn nobody() -> Self {
        Self {
            word: Cell::new(0),
            account: Cell::new(None),
        }
    }

    /// The account of the process of this word, if that is the one that is remembered.
    #[inline]
    pub(super) fn of(&self, word: u64) -> Option<&'static Account> {
        if self.word.get() == word {
            self.account.get()
        } else {
            None
        }
    }

    pub(super) fn set(
        &self,
        word: u64,
        account: &'static Account,
    ) -> (u64, Option<&'static Account>) {
        (self.word.replace(word), self.account.replace(Some(account)))
    }

    pub(super) fn restore(&self, (word, account): (u64, Option<&'static Account>)) {
        self.word.set(word);
        self.account.set(account);
    }
}

/// The account that an allocation of this thread is charged to.
#[inline]
pub(super) fn account() -> &'static Account {
    if let Some(running) = current::process() {
        match running.charged().of(running.word()) {
            Some(account) => account,
            None => resolve(running),
        }
    } else {
        nobody()
    }
}

/// The account of the process that runs, looked up and remembered.
#[cold]
fn resolve(running: &Running) -> &'static Account {
    let word = running.word();
    let account = running.core().homes().account(running.slot());
    // The one of an earlier tenant is none of ours.
    let account = account.filter(|account| account.owner().1 == word);
    let account = account.unwrap_or_else(nobody);
    running.charged().set(word, account);
    account
}

#[inline]
pub(super) fn nobody() -> &'static Account {
    match NOBODY.try_with(Cell::get) {
        Ok(Some(account)) => account,
        _ => first_of_thread(),
    }
}

#[cold]
fn first_of_thread() -> &'static Account {
    INSTALLED.store(true, Ordering::Relaxed);
    let account = ACCOUNTS.shard(THREADS.fetch_add(1, Ordering::Relaxed));
    let _ = NOBODY.try_with(|nobody| nobody.set(Some(account)));
    account
}

/// Charges what `f` allocates to nobody: it is the node's, and outlives the process that happens to
/// need it first.
#[inline]
pub(crate) fn of_the_node<T>(f: impl FnOnce() -> T) -> T {
    if is_on()
        && let Some(running) = current::process()
    {
        return charge_to(running, nobody(), f);
    }
    f()
}

/// Charges what `f` allocates to `account`, in the running process.
pub(super) fn charge_to<T>(
    running: &Running,
    account: &'static Account,
    f: impl FnOnce() -> T,
) -> T {
    /// Also when `f` panics.
    struct Back<'a>(&'a Charged, (u64, Option<&'static Account>));
    impl Drop for Back<'_> {
        fn drop(&mut self) {
            self.0.restore(self.1);
        }
    }
    let before = running.charged().set(running.word(), account);
    let _back = Back(running.charged(), before);
    f()
}
