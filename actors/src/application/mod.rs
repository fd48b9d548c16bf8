//! Trees of processes that are started and stopped as one, alone or with others that they need.
//!
//! Role       [`Application`]: one of them; [`Applications`]: those of a node; and what a program's
//!            `main` does.
//! Invariant  Whoever is started is stopped: by name, at the end of the node, or because one ended that
//!            the node cannot do without.
//! Source     otp: application

mod controller;
mod entry;
mod env;
pub mod plan;
mod set;
mod tree;

pub use entry::run_main;
pub use env::{ENV_MAX, EnvFull, EnvLayer};
pub use set::{APPLICATIONS_MAX, Applications, LoadError, StartType};
pub use tree::{Application, ApplicationError, Running};
