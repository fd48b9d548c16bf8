//! What does a handler that never returns do to the others?
//!
//! Role       A process that the operator lets loop for ever, so that the watchdog can be seen to
//!            name it while the others go on.
//! Inputs     [`Bystander::spin`], once.
//! Limit      [`BYSTANDERS_MAX`]: each costs a thread until the program exits.

use foundation::prelude::*;

pub(crate) const BYSTANDERS: Name<Dynamic<Bystander>> = Name::new("bystanders");

/// So many may loop at a time.
pub(crate) const BYSTANDERS_MAX: usize = 8;

pub(crate) struct Bystander;

#[actor]
impl Bystander {
    #[init]
    fn init() -> Self {
        Self
    }

    /// Never returns.
    #[cast]
    pub(crate) fn spin(&mut self) {
        loop {
            std::hint::spin_loop();
        }
    }
}

/// Lets one more process loop, if there may be one more.
pub(crate) async fn block_one(node: &Node) {
    if let Ok(Ok(Some(bystander))) = node.at(BYSTANDERS).start_child(()).await {
        drop(bystander.spin());
    }
}
