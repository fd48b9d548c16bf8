//! What is asked of an ecosystem that runs?
//!
//! Role       [`EcosystemRef`]: its coordinator, the workers that live, [`EcosystemHealth`], its end.
//! Source     Foundation 2.0: BEAM.get_ecosystem_health

use std::time::Duration;

use foundation_runtime::heap::HeapGroup;
use foundation_runtime::{CallError, Pid};

use super::SCALER;
use crate::NodeExt as _;
use crate::server::{Actor, Ref};
use crate::supervisor::{ChildState, Supervisor};

/// An ecosystem that was started. Dropped, it runs on; [`EcosystemRef::stop`] ends it.
#[derive(Clone, Debug)]
pub struct EcosystemRef {
    pub(super) name: String,
    pub(super) tree: Ref<Supervisor>,
    pub(super) heap_group: Option<HeapGroup>,
    pub(super) started_at: Duration,
}

/// How an ecosystem is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EcosystemHealth {
    /// Its name.
    pub name: String,
    /// When it was started, on the node's clock.
    pub started_at: Duration,
    /// Its coordinator, if it lives.
    pub coordinator: Option<Pid>,
    /// How many workers it is to have now.
    pub workers: usize,
    /// How many live.
    pub workers_alive: usize,
    /// How many messages wait at all of them, as far as it can be seen from outside.
    pub messages: usize,
    /// Which of them have a mailbox in alarm.
    pub in_alarm: Vec<Pid>,
    /// What the coordinator and the workers have allocated and still hold, in bytes; `None` when no
    /// accounting allocator is installed.
    pub memory: Option<u64>,
}

/// Who is in it now.
struct Seen {
    coordinator: Option<Pid>,
    alive: Vec<Pid>,
    workers: usize,
}

impl EcosystemHealth {
    /// Whether all live, and no mailbox is in alarm.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let all = self.coordinator.is_some() && self.workers_alive == self.workers;
        all && self.in_alarm.is_empty()
    }
}

impl EcosystemRef {
    /// Its supervisor.
    #[must_use]
    pub fn supervisor(&self) -> &Ref<Supervisor> {
        &self.tree
    }

    /// The heap group of its processes, if they share one.
    #[must_use]
    pub fn heap_group(&self) -> Option<&HeapGroup> {
        self.heap_group.as_ref()
    }

    async fn seen(&self) -> Result<Seen, CallError> {
        let children = self.tree.which_children().await?;
        let scales = |id: &str| id.strip_prefix(&*self.name) == Some(SCALER);
        let mut parts = children
            .iter()
            .filter(|child| !child.id.as_ref().is_some_and(|id| scales(&id.to_string())))
            .map(|child| match &child.state {
                ChildState::Running(pid) => Some(*pid),
                _ => None,
            });
        let coordinator = parts.next().flatten();
        let workers: Vec<Option<Pid>> = parts.collect();
        Ok(Seen {
            coordinator,
            workers: workers.len(),
            alive: workers.into_iter().flatten().collect(),
        })
    }

    /// The workers that live, in the order of their start.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer.
    pub async fn workers(&self) -> Result<Vec<Pid>, CallError> {
        self.seen().await.map(|seen| seen.alive)
    }

    /// The coordinator, if it lives. It is not checked that it is an `A`.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer.
    pub async fn coordinator<A: Actor>(&self) -> Result<Option<Ref<A>>, CallError> {
        let seen = self.seen().await?;
        Ok(seen.coordinator.map(|pid| self.tree.node().reference(pid)))
    }

    /// How it is.
    ///
    /// # Errors
    /// [`CallError`] when its supervisor gives no answer: it has ended.
    pub async fn health(&self) -> Result<EcosystemHealth, CallError> {
        let node = self.tree.node();
        let seen = self.seen().await?;
        let all: Vec<Pid> = seen
            .coordinator
            .iter()
            .chain(&seen.alive)
            .copied()
            .collect();
        let facts: Vec<_> = all.iter().filter_map(|pid| node.facts(*pid)).collect();
        let alarms = node.mailboxes_in_alarm().into_iter().map(|alarm| alarm.pid);
        Ok(EcosystemHealth {
            name: self.name.clone(),
            started_at: self.started_at,
            coordinator: seen.coordinator,
            workers: seen.workers,
            workers_alive: seen.alive.len(),
            messages: facts
                .iter()
                .filter_map(|facts| facts.message_queue_len)
                .sum(),
            in_alarm: alarms.filter(|pid| all.contains(pid)).collect(),
            memory: facts.iter().map(|facts| facts.memory).sum(),
        })
    }

    /// Ends all of it in order: workers, the last first, then the coordinator.
    ///
    /// # Errors
    /// [`crate::StopError`]: it was not there, or did not end within `bound`.
    pub async fn stop(&self, bound: Duration) -> Result<(), crate::StopError> {
        let node = self.tree.node();
        let stopped = node.stop(&self.tree, foundation_runtime::Reason::Shutdown, bound);
        stopped.await
    }
}
