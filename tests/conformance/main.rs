//! Does Foundation keep the BEAM's rules?
//!
//! Role       One test per row of the semantics page (B001-B095), each on the real platform and
//!            under seeds on the simulated one; then rules of the specification beyond the rows.
//! Source     otp: erts, "Processes and Signals"; the book's page on processes and signals

mod aliases;
mod churn;
mod distribution;
mod exits;
mod flags;
mod info;
mod large;
mod links;
mod memory;
mod monitors;
mod names;
mod nodes;
mod pairwise;
mod receive;
mod scene;
mod signals;
mod spawn;
mod support;
mod timers;
mod trace_events;
mod trace_sessions;
mod two_nodes;
