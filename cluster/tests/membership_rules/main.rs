//! What does one member do with what it hears, rule by rule?
//!
//! Role       One member, and messages written by hand: `words` has the format, `one` the member, the
//!            others a test for each rule.
//!
//! Seen to fail, each with one line of the machine changed: who is held down is not told so; the answer
//! to a comparison sends nothing back; an old incarnation is not corrected; a probe is judged without
//! its target's claim; who comes back is probed again in the same round; those that were heard to be down
//! are probed before all others, always.

mod exchanging;
mod learning;
mod one;
mod own;
mod probing;
mod telling;
mod words;
