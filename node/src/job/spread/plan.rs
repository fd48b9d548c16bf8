//! What do all who take part on the first node know of the others?
//!
//! Role       How many nodes, what is to go wrong with them, and how they are.
//! Outputs    [`Nodes`], to be shown and reported.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foundation::Ref;
use serde::{Deserialize, Serialize};

use super::front::Front;
use super::mishap::{Blow, Mishap};

/// What can be done to a node, by whoever runs it. It is told by a process, and does not wait.
pub trait Faults: Send + Sync {
    /// It is killed at once, and started again in a while.
    fn kill(&self, node: u32);
    /// It is cut off from the others at once, for a while.
    fn cut(&self, node: u32);
}

/// A job on several nodes.
pub(crate) struct Spread {
    pub(crate) nodes: u32,
    faults: Box<dyn Faults>,
    /// By line.
    mishaps: Mutex<VecDeque<Mishap>>,
    board: Mutex<Nodes>,
    /// The table, while it is known.
    front: Mutex<Option<Ref<Front>>>,
}

/// How the nodes of a job are, and what became of them.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    /// By number, from 1.
    pub nodes: Vec<NodeState>,
    /// The number of the node with the table.
    pub table: Option<u32>,
    /// Nodes that were killed.
    pub kills: u64,
    /// Nodes that were cut off.
    pub partitions: u64,
    /// Clients that went on elsewhere.
    pub moved: u64,
    /// How often a table began, the first time not counted.
    pub tables_again: u64,
}

/// How a node is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// Its name.
    pub name: String,
    /// Whether it takes part.
    pub up: bool,
    /// Clients with a process there.
    pub clients: u64,
}

/// What a node of a job is called.
#[must_use]
pub fn node_name(number: u32) -> String {
    format!("n{number}")
}

impl Spread {
    pub(crate) fn new(nodes: u32, faults: Box<dyn Faults>, mishaps: &[Mishap]) -> Self {
        let mut mishaps = mishaps.to_vec();
        mishaps.sort_by_key(|mishap| mishap.line);
        let states = (1..=nodes).map(|number| NodeState {
            name: node_name(number),
            ..NodeState::default()
        });
        let board = Nodes {
            nodes: states.collect(),
            ..Nodes::default()
        };
        Self {
            nodes,
            faults,
            mishaps: Mutex::new(mishaps.into()),
            board: Mutex::new(board),
            front: Mutex::new(None),
        }
    }

    /// Lets go wrong what is to when so many lines are counted.
    pub(crate) fn counted(&self, lines: u64) {
        loop {
            let due = |mishap: &mut Mishap| mishap.line <= lines;
            let next = self.mishaps().pop_front_if(due);
            match next {
                Some(Mishap { blow, node, .. }) => self.strike(blow, node),
                None => return,
            }
        }
    }

    pub(crate) fn strike(&self, blow: Blow, node: u32) {
        if node < 2 || self.nodes < node {
            return;
        }
        match blow {
            Blow::Kill => {
                self.board().kills += 1;
                self.faults.kill(node);
            }
            Blow::Partition => {
                self.board().partitions += 1;
                self.faults.cut(node);
            }
        }
    }

    /// The table is there, on this node; or it is gone.
    pub(crate) fn note_front(&self, front: Option<(u32, Ref<Front>)>) {
        let (node, front) = front.unzip();
        self.board().table = node;
        *self.front.lock().unwrap_or_else(PoisonError::into_inner) = front;
    }

    /// The table, if it is known.
    pub(crate) fn front(&self) -> Option<Ref<Front>> {
        let front = self.front.lock();
        front.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn state(&self) -> Nodes {
        self.board().clone()
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Nodes)) {
        change(&mut self.board());
    }

    fn board(&self) -> MutexGuard<'_, Nodes> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mishaps(&self) -> MutexGuard<'_, VecDeque<Mishap>> {
        self.mishaps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
