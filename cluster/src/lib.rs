//! Other nodes: who they are, how they are reached, and what holds them together.
//!
//! Role       Above `actors`, below the services. Programs use the facade crate `foundation`.
//! Invariant  What decides is a [`Machine`]: pure, told the time, seeded. Only `transport` opens
//!            sockets.

#![forbid(unsafe_code)]

pub mod machine;
pub mod membership;
pub mod model;

pub use machine::{Effects, Machine, Tick};
