//! Which account does this number mean?
//!
//! Role       All accounts of the program: an allocation remembers a number, and is freed by
//!            whoever has it last, on any thread, when its process and its node are long gone. That
//!            is why this is one table beside all nodes.
//! Owns       A line per account that was ever open at a time; [`SHARDS`] accounts of nobody, so
//!            that threads outside any process seldom meet.
//! Invariant  A number leads to the same account until all that bears it is freed.
//! Limit      2^30 accounts.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::account::Account;
use super::chunks::Chunks;

pub(super) const SHARDS: u32 = 16;
const ACCOUNTS_MAX: u32 = 1 << 30;

pub(super) static ACCOUNTS: Accounts = Accounts::new();

pub(super) struct Accounts {
    nobody: [Account; SHARDS as usize],
    table: Chunks<Account>,
    /// Bytes that each has in shared binaries.
    shared: Chunks<AtomicI64>,
    /// The first free account, in the lower half: its number, or 0. The upper half counts changes.
    free: AtomicU64,
    /// How many accounts were ever opened.
    high: AtomicU32,
}

impl Accounts {
    pub(super) const fn new() -> Self {
        let mut nobody = [const { Account::nobodys(0) }; SHARDS as usize];
        let mut number = 0;
        while number < SHARDS {
            nobody[number as usize] = Account::nobodys(number);
            number += 1;
        }
        Self {
            nobody,
            table: Chunks::new(),
            shared: Chunks::new(),
            free: AtomicU64::new(0),
            high: AtomicU32::new(0),
        }
    }

    /// The account of a number that an allocation bears.
    #[inline]
    pub(super) fn of(&self, number: u32) -> &Account {
        if let Some(nobodys) = self.nobody.get(number as usize) {
            return nobodys;
        }
        match self.table.find(number - SHARDS) {
            Some(account) => account,
            None => unreachable!("account {number} was never opened"),
        }
    }

    /// An account for a process.
    pub(super) fn open(&self, node: u64, word: u64) -> &Account {
        let number = self.take_free().unwrap_or_else(|| self.fresh());
        let account = self.table.make(number - SHARDS);
        account.begin(number, node, word);
        account
    }

    fn fresh(&self) -> u32 {
        let number = self.high.fetch_add(1, Ordering::Relaxed);
        assert!(number < ACCOUNTS_MAX, "there are too many heap accounts");
        self.table.make(number);
        number + SHARDS
    }

    fn take_free(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let number = head as u32;
            if number == 0 {
                return None;
            }
            // It may be taken and given back meanwhile: then the count is another.
            let next = self.of(number).next.load(Ordering::Relaxed);
            let new = ((head >> 32) + 1) << 32 | u64::from(next);
            // Acquire pairs with the release in `give`.
            match self
                .free
                .compare_exchange_weak(head, new, Ordering::Acquire, Ordering::Acquire)
            {
                Ok(_) => return Some(number),
                Err(now) => head = now,
            }
        }
    }

    /// Takes back an account that nothing is charged to. Called within the allocator.
    pub(super) fn give(&self, account: &Account) {
        let number = account.number();
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            account.next.store(head as u32, Ordering::Relaxed);
            let new = ((head >> 32) + 1) << 32 | u64::from(number);
            match self
                .free
                .compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Notes that a process has so many more bytes in shared binaries, or less if it is negative.
    pub(super) fn share(&self, number: u32, bytes: i64) {
        let shared = super::of_the_node(|| self.shared.make(number - SHARDS));
        shared.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes a process has in shared binaries.
    pub(super) fn shared(&self, number: u32) -> i64 {
        let shared = number
            .checked_sub(SHARDS)
            .and_then(|number| self.shared.find(number));
        shared.map_or(0, |shared| shared.load(Ordering::Relaxed))
    }

    /// Takes `bytes` off the account of `number`, in whoever's name.
    pub(super) fn settle(&self, number: u32, bytes: i64) {
        let account = self.of(number);
        if account.settle(bytes) {
            self.give(account);
        }
    }

    /// Every account there ever was, nobody's first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Account> {
        let opened = 0..self.high.load(Ordering::Acquire);
        let processes = opened.filter_map(|number| self.table.find(number));
        self.nobody.iter().chain(processes)
    }

    /// One of nobody's accounts.
    pub(super) fn shard(&self, number: u32) -> &Account {
        &self.nobody[(number % SHARDS) as usize]
    }
}
