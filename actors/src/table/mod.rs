//! What may many processes read without asking anybody?
//!
//! Role       Tables in memory, with an owner: set, ordered set, bag, duplicate bag. Reading is a look
//!            and sends nothing; a table goes with its owner, or to an heir.
//! Limit      [`ROWS_MAX`] objects a table unless set; beyond, what is new is refused.
//! Invariant  No code of the program runs under a lock but hashing, comparing and cloning of keys. What
//!            the owner's death does to a table is done before anybody is told of the death.
//! Source     otp: ets

mod builder;
mod error;
mod handle;
mod kind;
mod multi;
mod names;
mod object;
mod ordered;
mod rows;
mod shared;
mod single;
mod sorted;
mod transfer;

pub use builder::{Access, TableBuilder};
pub use error::TableError;
pub use handle::{Table, TableInfo};
pub use kind::{Bag, DuplicateBag, Kind, Multi, OrderedSet, Set, Single};

pub use transfer::TableTransfer;

/// How many objects a table takes unless it is told otherwise.
pub const ROWS_MAX: usize = 1 << 32;
