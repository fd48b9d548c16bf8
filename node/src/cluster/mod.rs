//! How does a machine become a node of a cluster, and how is a cluster steered?
//!
//! Role       `foundation run --config FILE` starts a node that stays; `foundation cluster` asks one
//!            that runs on this machine, through its socket.

pub mod args;
mod ask;
pub mod cert;
pub mod config;
mod place;
mod search;
mod serve;
mod show;

pub use ask::{answer_of, request, run};
pub use serve::{builder, serve};
pub use show::value;
