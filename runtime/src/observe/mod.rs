//! What does a node look like from outside, without asking its processes?
//!
//! Role       Figures for observers: of processes, of schedulers, of the tree.
//! Invariant  Nobody is stopped, sent anything or woken by being looked at; what is not known
//!            without asking is `None`.

mod facts;
mod kind;
mod load;
mod neighbours;
mod query;
mod sampler;

pub use facts::{Activity, ProcessFacts};
pub(crate) use facts::{Close, Glance};
pub use kind::ProcessKind;
pub use load::{Load, SchedulerLoad};
pub use neighbours::Neighbour;
pub(crate) use neighbours::neighbours;
pub use query::{By, Query, Snapshot};
pub use sampler::Sampler;
