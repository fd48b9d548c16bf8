//! How does every line find its client's process, once?
//!
//! Role     Sorts, hands out, and hands out again: see [`machine`].
//! Invariant  Decisions are the machine's; the driver performs them and waits for nobody.

mod driver;
pub(crate) mod machine;
mod window;

pub(crate) use driver::{ROUTER, Router};
