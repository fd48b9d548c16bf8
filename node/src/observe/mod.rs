//! How does an operator look into a running node?
//!
//! Role       `foundation observe`: a terminal, a web page or one JSON object, of what the agent at
//!            a socket tells.
//! Inputs     A socket's path; keys; requests of a browser.
//! Outputs    Frames, pages, JSON; an exit code.
//! Invariant  What the observed node says is shown, never trusted: texts are made harmless, and a
//!            node that dies is waited for.

mod circles;
pub mod draw;
pub mod json;
pub mod keys;
pub mod link;
mod program;
pub mod view;
pub mod web;

pub use program::run;
