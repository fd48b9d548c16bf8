//! Who waits for whom in a node that lives?
//!
//! Role       [`Node::deadlocks`]: a walk over the processes that are idle: the calls that lie in
//!            their mailboxes or are in their handlers name who waits for them.
//! Limit      [`CALLS_SEEN_MAX`] calls in a mailbox, [`WAITS_MAX`] in all; beyond, the outcome is
//!            marked as incomplete. A process that runs is not looked at: it does not wait.
//! Invariant  Nothing is sent and nobody is stopped. A cycle is named when each of its calls was seen
//!            twice, all first looks before all second ones: there was a moment when all waited.

use std::collections::{BTreeMap, BTreeSet};

use super::graph;
use crate::node::Core;
use crate::process::{Local, is_process, look, parent_of};
use crate::{Node, Pid};

/// How far one mailbox is looked through.
const CALLS_SEEN_MAX: usize = 10_000;
/// How many waits are kept.
const WAITS_MAX: usize = 100_000;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallStage {
    /// It lies in the server's mailbox.
    Queued,
    /// The server's handler has it, or the server has kept it to answer later.
    Taken,
}

/// A process that waits for another to answer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// Who waits.
    pub caller: Pid,
    /// For whom.
    pub server: Pid,
    /// Where the call is.
    pub stage: CallStage,
    /// The number of the call, among those of its caller.
    pub call: u64,
    /// What was asked: the message's type, or the method, such as `Counter::add`.
    pub message: &'static str,
}

/// Who waits for whom, and who for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlocks {
    /// All waits that were seen, by caller; of a caller of another node, too.
    pub waits: Vec<Wait>,
    /// Those that wait for each other: the server of each wait is the next one's caller, and the last
    /// one's the first. All of them wait until a call's time is up, unless one of them answers out of
    /// turn.
    pub cycles: Vec<Vec<Wait>>,
    /// Whether there was less to see than is looked at.
    pub complete: bool,
}

impl Node {
    /// Looks who waits for whom, and whether any wait for each other. It costs about a hundred
    /// nanoseconds for a process and a few for a message that waits; from any thread.
    ///
    /// ```
    /// # let node = foundation_runtime::Node::builder().start().unwrap();
    /// let found = node.deadlocks();
    /// assert!(found.cycles.is_empty() && found.complete);
    /// ```
    #[must_use]
    pub fn deadlocks(&self) -> Deadlocks {
        let core = self.core();
        let mut found = Deadlocks {
            complete: true,
            ..Deadlocks::default()
        };
        for slot in 0..core.table().high() {
            let (waits, complete) = waits_of(core, slot);
            found.complete &= complete;
            let room = WAITS_MAX - found.waits.len();
            found.complete &= waits.len() <= room;
            found.waits.extend(waits.into_iter().take(room));
        }
        found.waits.sort_unstable();
        let edges = found.waits.iter().map(|wait| (wait.caller, wait.server));
        let suspects = graph::cycles(&edges.collect());
        let cycles = suspects
            .iter()
            .filter_map(|cycle| lasting(core, cycle, &found.waits));
        found.cycles = cycles.collect();
        found
    }
}

/// The calls of a cycle, if each is there at a second look.
fn lasting(core: &Core, cycle: &[Pid], waits: &[Wait]) -> Option<Vec<Wait>> {
    let hop = |at: usize| {
        let (from, to) = (cycle[at], cycle[(at + 1) % cycle.len()]);
        let (now, _) = waits_of(core, to.slot());
        let now: BTreeSet<(Pid, u64)> = now.iter().map(|wait| (wait.caller, wait.call)).collect();
        let mut between = waits
            .iter()
            .filter(|wait| (wait.caller, wait.server) == (from, to));
        between
            .find(|wait| now.contains(&(wait.caller, wait.call)))
            .copied()
    };
    (0..cycle.len()).map(hop).collect()
}

/// Who waits for the process in this slot, if it is idle; and whether that is all.
fn waits_of(core: &Core, slot: u32) -> (Vec<Wait>, bool) {
    let generation = core.table().find(slot).map(|block| block.generation());
    let Some(server) = generation
        .and_then(|generation| parent_of(core.id(), u64::from(slot) << 32 | u64::from(generation)))
    else {
        return (Vec::new(), true);
    };
    let seen = look(core, slot, server.generation().get(), read);
    let (calls, complete) = seen.unwrap_or_default();
    let waits = calls
        .into_iter()
        .filter(|((caller, _), _)| is_process(caller));
    let wait = |((caller, call), (stage, message))| Wait {
        caller,
        server,
        stage,
        call,
        message,
    };
    (waits.map(wait).collect(), complete)
}

/// The calls that a process has: whose, where they are and what was asked; and whether these are all.
type Calls = (BTreeMap<(Pid, u64), (CallStage, &'static str)>, bool);

fn read(local: &Local) -> Calls {
    let mut calls = BTreeMap::new();
    let mut seen = 0;
    for header in local.queue.headers().take(CALLS_SEEN_MAX) {
        seen += 1;
        if let Some(caller) = header.caller() {
            calls.insert(caller, (CallStage::Queued, header.table.name));
        }
    }
    let handled = local.body.as_ref().and_then(|body| body.serves());
    let handled = handled.and_then(|call| Some((call.caller()?, call.message())));
    let kept = local
        .extra
        .iter()
        .flat_map(|extra| extra.open_calls.values());
    let kept = kept.filter_map(|kept| Some((kept.caller.key()?, kept.message)));
    for (caller, message) in handled.into_iter().chain(kept) {
        calls.insert(caller, (CallStage::Taken, message));
    }
    (calls, seen < CALLS_SEEN_MAX)
}
