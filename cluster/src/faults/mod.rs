//! What goes wrong in a simulated cluster, and which of it matters?
//!
//! Role       Plans of faults as values: read, made from a seed, carried out on a world's nodes, and made
//!            as short as they can be while a test still fails.

mod plan;
mod random;
mod shrink;

pub use plan::{BadPlan, FAULTS_MAX, Fault, Plan, Shape};
pub use shrink::{Shrunk, shrink};
