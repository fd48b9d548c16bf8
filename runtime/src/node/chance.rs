//! What is chance on a node?
//!
//! Role       Entropy, or in a simulated world what its seed makes of it.

use crate::Node;
use crate::platform::entropy;
use crate::scheduler::Scheduler;

impl Node {
    /// A number that nobody can foresee; in a simulated world, the next from its seed.
    #[must_use]
    pub fn random(&self) -> u64 {
        match self.core().scheduler() {
            Scheduler::Simulated(simulated) => simulated.random(),
            Scheduler::Real(_) => entropy::seed(),
        }
    }

    /// Bytes that nobody can foresee, good enough for secrets; in a simulated world, the next from
    /// its seed.
    #[must_use]
    pub fn random_bytes(&self) -> [u8; 32] {
        match self.core().scheduler() {
            Scheduler::Simulated(simulated) => simulated.random_bytes(),
            Scheduler::Real(_) => entropy::random_bytes(),
        }
    }
}
