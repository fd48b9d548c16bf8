//! How does every line find its client's process, once?
//!
//! Role     Sorts, hands out, and hands out again: one table of clients, few windows of lines.
//! Invariant  Decisions are the machine's; the driver performs them and waits for nobody.

mod driver;
mod machine;
mod names;
mod port;
#[cfg(test)]
mod walk;
mod window;

pub(crate) use driver::{ROUTER, Router};
pub(crate) use port::Facts;
