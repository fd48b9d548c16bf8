//! What has been counted, as the clients' processes see it?
//!
//! Role       The table of a job on several nodes: on one of them, as long as that lives.
//! Inputs     [`Delta`]s of guests on all nodes.
//! Outputs    Each delta that it counts, in this order, to the keeper; watermarks to new guests.
//! Owns       A whole [`Ledger`], begun as a copy of the keeper's.
//! Invariant  Of each client only the process that asked last is listened to: one that lives on beyond
//!            a partition cannot come between. The keeper has counted a prefix of what this has.

use foundation::prelude::*;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use crate::job::table::{Ledger, Table};
use crate::job::work::{ClientName, Delta, Past};

/// What a table begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Founding {
    pub(crate) reign: u64,
    pub(crate) ledger: Box<Ledger>,
    pub(crate) keeper: Ref<Table>,
}

pub(crate) struct Front {
    reign: u64,
    ledger: Box<Ledger>,
    keeper: Ref<Table>,
    /// Which start of a client's process is listened to.
    lives: HashMap<ClientName, u64, FxBuildHasher>,
}

#[actor]
impl Front {
    #[init]
    fn init(founding: Founding, cx: &mut Cx<Self>) -> Self {
        cx.monitor(founding.keeper.pid());
        Self {
            reign: founding.reign,
            ledger: founding.ledger,
            keeper: founding.keeper,
            lives: HashMap::default(),
        }
    }

    /// Where a client's new process begins; nothing when a newer one has asked.
    #[call]
    pub(crate) fn recall(&mut self, client: ClientName, life: u64) -> Option<Past> {
        let past = self.ledger.past(&client);
        let known = self.lives.entry(client).or_default();
        if life < *known {
            return None;
        }
        *known = life;
        Some(past)
    }

    /// Counts what was not counted before, and has it counted by the keeper.
    #[cast]
    pub(crate) fn count(&mut self, life: u64, delta: Delta) {
        if self.lives.get(&delta.client) != Some(&life) || !self.ledger.expects(&delta) {
            return;
        }
        // A keeper that has ended takes this process with it.
        drop(self.keeper.count_for(self.reign, delta.clone()));
        self.ledger.count(delta);
    }

    /// Somebody waits for the acknowledgement of lines that are counted.
    #[cast]
    pub(crate) fn remind(&self, index: u32, client: ClientName) {
        drop(self.keeper.remind_for(self.reign, index, client));
    }

    /// All lines of the passes before this one are counted.
    #[cast]
    pub(crate) fn passed(&mut self, pass: u32) {
        self.ledger.totals.keep_from(pass);
    }

    /// What this copy comes to, to be compared with the other.
    #[call]
    pub(crate) fn sums(&self) -> (u64, u64, u64, u64) {
        self.ledger.sums()
    }

    /// The other copy is gone, or cannot be reached: a new table begins where that is.
    #[down]
    fn gone(&mut self, _: Down, cx: &mut Cx<Self>) {
        cx.stop(Reason::Killed);
    }
}
