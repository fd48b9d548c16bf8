//! What did one client ask for, on whichever node?
//!
//! Role       The process of one client in a job on several nodes.
//! Inputs     [`Batch`]es from the router; before the first, its past from the table.
//! Outputs    Deltas to the table.
//! Invariant  It ends with the table it knows, and when it cannot reach it: what it sent may be lost
//!            then, and is counted by another process.

use std::time::Duration;

use foundation::prelude::*;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::front::Front;
use crate::job::client::End;
use crate::job::counting::Counting;
use crate::job::work::{ClientName, Past};

/// How long the table has to answer.
const PATIENCE: Duration = secs(5);
/// A process that reaches no table ends after this: the next one shall not try at once.
const PAUSE: Duration = ms(50);

/// What a guest is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) name: ClientName,
    /// What the router calls it.
    pub(crate) index: u32,
    /// Which start of the client's process this is.
    pub(crate) life: u64,
    pub(crate) front: Ref<Front>,
}

pub(crate) struct Guest {
    counting: Counting,
    life: u64,
    front: Ref<Front>,
}

#[actor]
impl Guest {
    #[init]
    fn init(errand: Errand, cx: &mut Cx<Self>) -> Self {
        cx.monitor(errand.front.pid());
        cx.continue_with(GuestMsg::Recall);
        Self {
            counting: Counting {
                name: errand.name,
                index: errand.index,
                past: Past::default(),
            },
            life: errand.life,
            front: errand.front,
        }
    }

    /// Asks the table where to begin. Work waits in the mailbox meanwhile.
    #[continue_with]
    async fn recall(&mut self, cx: &mut Cx<Self>) {
        let name = self.counting.name.clone();
        match self.front.recall(name, self.life).timeout(PATIENCE).await {
            Ok(Some(past)) => self.counting.past = past,
            Ok(None) => cx.stop(Reason::Killed),
            Err(_) => {
                foundation::time::sleep(PAUSE).await;
                cx.stop(End::Crashed.into_reason());
            }
        }
    }

    #[cast]
    pub(crate) fn work(&mut self, batch: Batch, cx: &mut Cx<Self>) {
        let dice = batch.dice;
        let Some(work) = batch.into_work() else {
            return cx.stop(End::Crashed.into_reason());
        };
        let (front, life) = (&self.front, self.life);
        let fresh = self
            .counting
            .count_work(&work, dice, |delta| drop(front.count(life, delta)));
        if !fresh {
            // Counted before, but the acknowledgement died with a router or a keeper.
            let name = self.counting.name.clone();
            drop(self.front.remind(self.counting.index, name));
        }
    }

    #[cast]
    pub(crate) fn retire(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }

    #[down]
    fn gone(&mut self, _: Down, cx: &mut Cx<Self>) {
        cx.stop(End::Crashed.into_reason());
    }
}
