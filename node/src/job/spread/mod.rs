//! How is the job done by several nodes?
//!
//! Role       Clients on every node, the table on one of them, its second copy with the reader.
//! Invariant  What is acknowledged is counted in the copy on the first node, whose loss ends the job
//!            in any case: so no other node's loss takes a count with it. Each copy counts a delta
//!            only if it begins at its client's watermark: so nothing is counted twice.
//!
//! ```text
//! n1  reader ─ router ─ keeper (the table's second copy) ─ steward
//!       │  lines          ▲ what the table has counted
//!       ▼                 │
//! all guests ──deltas──▶ front (the table, on n2 at first)
//! ```

mod batch;
pub(crate) mod bytes;
mod dispatch;
mod front;
mod guest;
mod host;
pub(crate) mod mishap;
mod place;
mod plan;
mod steward;

pub(crate) use dispatch::{Dispatch, Lost};
pub(crate) use front::Front;
pub(crate) use guest::Guest;
pub use host::host_tree;
pub(crate) use host::{GUESTS, HOST, Host};
pub use mishap::{Blow, Mishap, mishap};
pub(crate) use plan::Spread;
pub use plan::{Faults, NodeState, Nodes, node_name};
pub(crate) use steward::steward;
