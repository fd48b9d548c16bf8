//! What do the benches share?
//!
//! Role       The stage that they run on, and the operations that are both timed and counted.
//! Inputs     A node, and how often.
//! Outputs    [`stage`]: nodes and code inside a process; [`micro`]: one function an operation.
//! Owns       Nothing.
//! Invariant  `cargo bench` and `counts` measure the same functions.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a bench reads the machine's clock"
)]

pub mod micro;
pub mod stage;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
