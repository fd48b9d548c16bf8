//! Which account has the process in this slot?
//!
//! Role       Opens an account when a process begins, and closes it when it ends.
//! Owns       Four bytes per slot, once a process was started under the accounting allocator.
//! Invariant  An account is open before the process first runs, and closed after the last of its
//!            destructors.

use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::account::Account;
use super::accounts::ACCOUNTS;
use super::chunks::{Chunks, Zeroed};
use super::current::{is_on, nobody, of_the_node};
use super::{current, hand};
use crate::Pid;
use crate::node::Core;
use crate::process::Behaviour;
use crate::scheduler::Running;

// SAFETY: an integer.
unsafe impl Zeroed for AtomicU32 {}

// SAFETY: an integer.
unsafe impl Zeroed for AtomicI64 {}

/// Nodes of different worlds may have the same id; their accounts are told apart all the same.
static NODES: AtomicU64 = AtomicU64::new(0);

/// The accounts of one node's processes.
pub(crate) struct Homes {
    /// The node, among all there ever were in the program.
    node: u64,
    /// The numbers of the accounts, by slot; 0 for none.
    numbers: Chunks<AtomicU32>,
}

impl Homes {
    pub(crate) fn new() -> Self {
        Self {
            node: NODES.fetch_add(1, Ordering::Relaxed),
            numbers: Chunks::new(),
        }
    }

    /// The account of a process that has not ended.
    pub(super) fn account_of(&self, pid: Pid) -> Option<&'static Account> {
        let account = self.account(pid.slot())?;
        (account.owner() == (self.node, pid.local_word().get())).then_some(account)
    }

    /// What the node is called in its accounts.
    pub(super) fn node(&self) -> u64 {
        self.node
    }

    /// The account of the tenant of a slot, or of one before.
    pub(super) fn account(&self, slot: u32) -> Option<&'static Account> {
        let number = self.numbers.find(slot)?.load(Ordering::Relaxed);
        (number != 0).then(|| ACCOUNTS.of(number))
    }
}

/// A block that somebody holds.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    block: *mut u8,
    size: usize,
}

impl Held {
    /// The box of a process's code and state.
    #[inline]
    pub(crate) fn of(body: &Pin<Box<dyn Behaviour>>) -> Self {
        Self {
            block: std::ptr::from_ref(&**body).cast::<u8>().cast_mut(),
            size: size_of_val(&**body),
        }
    }
}

/// Opens an account for a process that is being made; its body is charged to it.
#[inline]
pub(crate) fn open(core: &Core, pid: Pid, body: Held) {
    if is_on() {
        of_the_node(|| open_account(core, pid, body));
    }
}

#[cold]
fn open_account(core: &Core, pid: Pid, body: Held) {
    let homes = core.homes();
    let account = ACCOUNTS.open(homes.node, pid.local_word().get());
    let home = homes.numbers.make(pid.slot());
    home.store(account.number(), Ordering::Relaxed);
    if body.size > 0 {
        // SAFETY: the body is a box of this size, and the process that it is for has not begun.
        unsafe { hand::hand(body.block, body.size, account) };
    }
}

/// Closes the account of a process that never ran.
pub(crate) fn abandon(core: &Core, pid: Pid) {
    if let Some(account) = core.homes().account_of(pid)
        && account.end()
    {
        ACCOUNTS.give(account);
    }
}

/// Closes the account of the running process, whose state is gone. What it still holds it has lent.
#[inline]
pub(crate) fn close(running: &Running) {
    if is_on() {
        close_account(running);
    }
}

#[cold]
fn close_account(running: &Running) {
    let account = current::account();
    let word = running.word();
    // What follows in this process's name is the node's.
    running.charged().set(word, nobody());
    if account.owner().1 == word && account.end() {
        ACCOUNTS.give(account);
    }
}
