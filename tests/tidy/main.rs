//! Does the source tree keep the rules of the house?
//!
//! Role       One module per rule. Each has a test of the tree, and one that plants a violation
//!            and sees it found: a rule that was never seen red is no rule.
//! Inputs     The files of the workspace, as they lie on disk.
//! Outputs    A list of `file:line: what is wrong`, empty when all is well.
//! Invariant  Exceptions stand in `allow.rs` with their reason, and one that is no longer needed is
//!            an error too.

#![allow(
    clippy::disallowed_methods,
    reason = "these tests read the source tree"
)]

mod allow;
mod book;
mod direction;
mod examples;
mod header;
mod machines;
mod mentions;
mod rooms;
mod rows;
mod size;
mod source;
mod statics;
mod two_nodes;
mod unsafety;
