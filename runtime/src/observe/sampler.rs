//! Who has worked since the last look?
//!
//! Role       Remembers how much each process had handled, so that a snapshot can be sorted by what
//!            was handled since.
//! Owns       Eight bytes for each slot that was ever used.

use super::facts::Glance;

/// The memory of an observer that looks again and again; see [`crate::Node::snapshot_since`].
///
/// ```
/// use foundation_runtime::{Node, Query, Sampler};
/// let node = Node::builder().start().unwrap();
/// let mut sampler = Sampler::new();
/// let first = node.snapshot_since(&mut sampler, &Query::new().limit(20));
/// let since = node.snapshot_since(&mut sampler, &Query::new().limit(20));
/// assert_eq!(since.processes.len(), first.processes.len());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sampler {
    before: Vec<(u32, u32)>,
    now: Vec<(u32, u32)>,
}

impl Sampler {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn begin(&mut self) {
        self.now.clear();
    }

    /// What the process has handled since the last look.
    pub(super) fn recent(&mut self, glance: &Glance) -> u64 {
        let (slot, tenancy) = (glance.pid.slot() as usize, glance.pid.generation().get());
        let before = match self.before.get(slot) {
            Some((tenant, handled)) if *tenant == tenancy => *handled,
            _ => 0,
        };
        if self.now.len() <= slot {
            self.now.resize(slot + 1, (0, 0));
        }
        self.now[slot] = (tenancy, glance.reductions);
        u64::from(glance.reductions.saturating_sub(before))
    }

    pub(super) fn end(&mut self) {
        std::mem::swap(&mut self.before, &mut self.now);
    }
}
