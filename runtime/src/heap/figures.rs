//! What do the accounts say?
//!
//! Outputs    [`HeapInfo`] of a process, [`NodeMemory`] of a node.
//! Source     otp: erlang:memory/0, erlang:process_info/2

use serde::{Deserialize, Serialize};

use super::accounts::ACCOUNTS;
use super::current::{self, is_on};
use crate::node::Core;
use crate::scheduler::Running;
use crate::{Node, Pid};

/// The heap of one process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapInfo {
    /// What it allocated and still holds, as far as is known.
    pub memory: u64,
    /// What it allocated and others are known to hold.
    pub lent: u64,
    /// The most that both were together.
    pub peak: u64,
    /// The sizes of the [shared binaries](super::SharedBytes) that it has, each once. They are charged
    /// to no process.
    pub shared: u64,
}

/// The memory of the program and of one node's processes, in bytes.
///
/// `total` is `processes + left + outside`, and what processes of other nodes in the same program
/// hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeMemory {
    /// What the allocator holds, for the whole program.
    pub total: u64,
    /// What the node's living processes were charged with.
    pub processes: u64,
    /// What processes of the node allocated that have ended since: others hold it.
    pub left: u64,
    /// What was allocated outside any process: by the runtime itself, by other threads.
    pub outside: u64,
}

/// The heap of the running process, if the program keeps accounts.
pub(crate) fn of_running(running: &Running) -> Option<HeapInfo> {
    if !is_on() {
        return None;
    }
    if !has_account(running) {
        return None;
    }
    let account = current::account();
    let (held, lent) = (account.held().0, account.lent());
    Some(HeapInfo {
        memory: bytes(held - lent),
        lent: bytes(lent),
        peak: bytes(account.peak()),
        shared: bytes(ACCOUNTS.shared(account.number())),
    })
}

/// What a process that may run meanwhile holds, if the program keeps accounts.
pub(crate) fn of_process(core: &Core, pid: Pid) -> Option<u64> {
    let account = core.homes().account_of(pid)?;
    Some(bytes(account.held().0 - account.lent()))
}

/// How large a heap is freed on the scheduler.
const FREE_HERE_MAX: i64 = 1 << 20;

/// Whether the running process holds so much that freeing it would hold the scheduler.
#[inline]
pub(crate) fn is_large(running: &Running) -> bool {
    is_on() && holds_much(running)
}

#[cold]
fn holds_much(running: &Running) -> bool {
    current::account().held().0 > FREE_HERE_MAX && has_account(running)
}

/// Whether what this thread charges is the running process's own account.
fn has_account(running: &Running) -> bool {
    current::account().owner().1 == running.word()
}

impl Node {
    /// Who holds how much memory now; `None` when no accounting allocator is installed. Looks at
    /// each account: a millisecond for a hundred thousand processes. While others allocate, the
    /// figures are not of one moment.
    ///
    /// ```
    /// # let node = foundation_runtime::Node::builder().start().expect("a node starts");
    /// assert_eq!(node.memory(), None, "this program has not chosen to count");
    /// ```
    #[must_use]
    pub fn memory(&self) -> Option<NodeMemory> {
        is_on().then(|| sums(self.core().homes().node()))
    }
}

fn sums(node: u64) -> NodeMemory {
    let (mut total, mut processes, mut left, mut outside) = (0, 0, 0, 0);
    for account in ACCOUNTS.all() {
        let (held, ended) = account.held();
        total += held;
        match account.owner() {
            (_, 0) => outside += held,
            (of, _) if of != node => {}
            _ if ended => left += held,
            _ => processes += held,
        }
    }
    NodeMemory {
        total: bytes(total),
        processes: bytes(processes),
        left: bytes(left),
        outside: bytes(outside),
    }
}

/// A sum that others change meanwhile may come out a little below nothing.
fn bytes(held: i64) -> u64 {
    held.max(0).unsigned_abs()
}
