//! Which processes have one bound on their heaps, and are freed together?
//!
//! Role       [`HeapGroup`]: members keep accounts of their own, and the group adds them up. What is
//!            left of them is freed by the reaper, as one.
//! Owns       A ledger: what each member held when it was last counted.
//! Inputs     A member that has grown by a step is told, as one that passes a bound of its own, and
//!            has itself counted at its next yield.
//! Limit      Soft, as [`MaxHeap`] is: beyond the bound the group gets what its members allocate
//!            before they yield, and [`STEP_MIN`] bytes each.
//! Invariant  If all members grow by a step without being counted, the bound is not passed, unless
//!            the step is [`STEP_MIN`]. A member is in the ledger from before it first runs until just before its account is
//!            closed. A charge costs a member no more than anybody: its account has a limit anyway.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

use super::account::{Account, NONE};
use super::current::{is_on, of_the_node};
use super::limit::{self, MaxHeap};
use crate::process::Remains;
use crate::scheduler::Running;
use crate::{Node, Pid, Reason, report};

/// By so much a member may grow without being counted, however little room there is.
const STEP_MIN: i64 = 16 << 10;

/// How many of the dead wait in a group to be freed; beyond, schedulers free what they have at hand.
const DEAD_MAX: usize = 1 << 16;

/// Processes of one node that have one bound on their heaps, and are freed together.
///
/// Each member keeps its own account and its own bound, and all have the group's beside. If they
/// hold more than that together, all of them are killed: as one process would die that had all of
/// their state. What dead members leave is freed by the reaper in one go, on no scheduler, however
/// small each of them was; it is no longer counted here. As after any large heap, whoever hears of
/// the end of a member may hear of it before its state is dropped; unless it was started with
/// [`release_first`](crate::SpawnOptions::release_first).
///
/// A process is a member if it was [started as one](crate::SpawnOptions::heap_group). Those that it
/// starts are not, unless they are told to be. Without the accounting allocator a bound has no
/// effect, and the rest holds.
///
/// ```
/// use foundation_runtime::heap::HeapGroup;
/// use foundation_runtime::{MaxHeap, Process, SpawnOptions};
/// # use foundation_runtime::{Codec, Message, Tag};
/// # struct Note;
/// # impl Message for Note {
/// #     const NAME: &'static str = "Note";
/// #     const CODEC: Codec<Self> = Codec::local();
/// #     fn tag() -> Tag { Tag::of("docs", "Note", "") }
/// # }
/// # let node = foundation_runtime::Node::builder().start()?;
/// let group = HeapGroup::new(&node, "sessions", MaxHeap::bytes(256 << 20));
/// let member = SpawnOptions::new().heap_group(&group);
/// for _ in 0..3 {
///     node.spawn_fn_with(&member, |mut me: Process<Note>| async move { me.recv().await; })?;
/// }
/// assert_eq!(group.info().members, 3);
/// assert_eq!(group.kill(), 3);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HeapGroup(Arc<Group>);

struct Group {
    node: Node,
    name: Box<str>,
    ledger: Mutex<Ledger>,
    dead: Mutex<Vec<Remains>>,
}

/// What a heap group holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapGroupInfo {
    /// How many processes are in it.
    pub members: usize,
    /// What they allocated and still hold; `None` when no accounting allocator is installed.
    pub memory: Option<u64>,
    /// What they allocated and others are known to hold; `None` likewise.
    pub lent: Option<u64>,
    /// How much they may hold together.
    pub max_heap_size: MaxHeap,
}

struct Member {
    pid: Pid,
    /// None where no accounts are kept.
    account: Option<&'static Account>,
    /// Of the ledger's sum, what is its part.
    counted: i64,
    /// Its own bound, until it was told of it.
    own: i64,
}

impl Member {
    fn held(&self) -> i64 {
        let held = |account: &Account| account.held().0 - account.lent();
        self.account.map_or(0, held)
    }

    /// From here on it is told when it has grown by `step`, or passes its own bound; `true` when it
    /// does now.
    fn arm(&self, step: i64) -> bool {
        let limit = self.own.min(self.counted.saturating_add(step));
        self.account.is_some_and(|account| account.set_limit(limit))
    }
}

struct Ledger {
    members: HashMap<u64, Member, BuildHasherDefault<FxHasher>>,
    bound: MaxHeap,
    /// The bound; none any more when it was passed and that was told.
    limit: i64,
    /// What all members held together, each when it was last counted.
    sum: i64,
    /// By so much each may grow before it is counted again.
    step: i64,
}

impl Ledger {
    fn new(bound: MaxHeap) -> Self {
        Self {
            members: HashMap::default(),
            bound,
            limit: bound.limit(),
            sum: 0,
            step: NONE,
        }
    }

    /// How much each member may have of the room that is left.
    fn share(&self) -> i64 {
        match self.limit {
            NONE => NONE,
            limit => (limit - self.sum).max(0) / self.members.len().max(1) as i64,
        }
    }

    /// Keeps the step between an eighth of a share and a whole one. All are looked at only when the
    /// room has halved or the members have doubled since they were, or there is much more room.
    fn fit(&mut self) {
        let share = self.share();
        if self.step > share.max(STEP_MIN) || self.step < share / 8 {
            self.fit_all();
        }
    }

    /// Counts all, and makes the step half a share.
    fn fit_all(&mut self) {
        self.sum = 0;
        for member in self.members.values_mut() {
            member.counted = member.held();
            self.sum += member.counted;
        }
        self.step = match self.share() {
            NONE => NONE,
            share => (share / 2).max(STEP_MIN),
        };
        for member in self.members.values() {
            member.arm(self.step);
        }
    }

    fn count(&mut self, word: u64) {
        if let Some(member) = self.members.get_mut(&word) {
            let held = member.held();
            self.sum += held - std::mem::replace(&mut member.counted, held);
        }
    }

    /// Who dies of it, in order, if more is held than may be.
    fn judge(&mut self) -> Option<Passed> {
        // What was counted some time ago may have been freed since.
        if self.sum <= self.limit {
            return None;
        }
        self.fit_all();
        if self.sum <= self.limit {
            return None;
        }
        let held = self.sum.unsigned_abs();
        self.limit = NONE;
        self.fit_all();
        Some(Passed {
            bound: self.bound,
            held,
            members: self.pids(),
        })
    }

    fn pids(&self) -> Vec<Pid> {
        let mut pids: Vec<Pid> = self.members.values().map(|member| member.pid).collect();
        pids.sort_unstable();
        pids
    }

    fn arm(&self, word: u64) -> bool {
        let member = self.members.get(&word);
        member.is_some_and(|member| member.arm(self.step))
    }
}

/// More is held than may be.
struct Passed {
    bound: MaxHeap,
    held: u64,
    members: Vec<Pid>,
}

impl HeapGroup {
    /// A group of processes of `node`, with nobody in it. `name` is for reports.
    #[must_use]
    pub fn new(node: &Node, name: impl Into<Box<str>>, bound: MaxHeap) -> Self {
        limit::heed(node.core(), bound);
        Self(Arc::new(Group {
            node: node.clone(),
            name: name.into(),
            ledger: Mutex::new(Ledger::new(bound)),
            dead: Mutex::new(Vec::new()),
        }))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let ledger = &self.0.ledger;
        ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is called in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How many are in it, and what they hold. Looks at each of them.
    #[must_use]
    pub fn info(&self) -> HeapGroupInfo {
        let ledger = self.ledger();
        let (mut memory, mut lent) = (0, 0);
        for member in ledger.members.values() {
            memory += member.held();
            lent += member.account.map_or(0, Account::lent);
        }
        let bytes = |held: i64| is_on().then(|| held.max(0).unsigned_abs());
        HeapGroupInfo {
            members: ledger.members.len(),
            memory: bytes(memory),
            lent: bytes(lent),
            max_heap_size: ledger.bound,
        }
    }

    /// Who is in it, in the order of their pids.
    #[must_use]
    pub fn members(&self) -> Vec<Pid> {
        self.ledger().pids()
    }

    /// Bounds what its members hold together, from now on; returns the bound before. If they hold
    /// more than that already, the bound acts now, see [`MaxHeap`].
    pub fn set_max_heap_size(&self, bound: MaxHeap) -> MaxHeap {
        limit::heed(self.0.node.core(), bound);
        let mut ledger = self.ledger();
        let old = std::mem::replace(&mut ledger.bound, bound);
        ledger.limit = bound.limit();
        ledger.fit_all();
        let passed = ledger.judge();
        drop(ledger);
        if let Some(passed) = passed {
            self.act(&passed, None);
        }
        old
    }

    /// Kills all of its members, and says how many there were. Each ends `killed`, as if that was
    /// sent to it; the state of all is freed by the reaper.
    pub fn kill(&self) -> usize {
        let members = self.members();
        for pid in &members {
            self.0.node.exit(*pid, Reason::Kill);
        }
        members.len()
    }

    /// Reports that too much is held, and kills whom that kills; the one that noticed it ends by
    /// itself.
    fn act(&self, passed: &Passed, noticed_by: Option<Pid>) -> bool {
        let bound = passed.bound;
        let node = &self.0.node;
        if bound.report {
            report::group_passed(
                node.core(),
                self.name(),
                passed.members.len(),
                bound,
                passed.held,
            );
        }
        if bound.kill {
            let others = passed
                .members
                .iter()
                .filter(|pid| Some(**pid) != noticed_by);
            others.for_each(|pid| node.exit(*pid, Reason::Kill));
        }
        bound.kill
    }

    /// Whether it is a group of this node's processes.
    pub(crate) fn is_of(&self, node: &Node) -> bool {
        std::ptr::eq(self.0.node.core(), node.core())
    }

    /// A process that is being made joins, with its own bound.
    pub(crate) fn join(&self, pid: Pid, own: MaxHeap) {
        let account = self.0.node.core().homes().account_of(pid);
        let word = pid.local_word().get();
        let member = Member {
            pid,
            account,
            counted: 0,
            own: own.limit(),
        };
        of_the_node(|| {
            let mut ledger = self.ledger();
            ledger.members.insert(word, member);
            ledger.count(word);
            ledger.fit();
            ledger.arm(word);
        });
    }

    /// A process has ended, and its state is gone or on its way to the reaper.
    pub(crate) fn leave(&self, pid: Pid) {
        of_the_node(|| {
            let mut ledger = self.ledger();
            if let Some(member) = ledger.members.remove(&pid.local_word().get()) {
                ledger.sum -= member.counted;
            }
        });
    }

    /// Sets a member's own bound; `true` when it holds more.
    pub(super) fn set_own(&self, word: u64, limit: i64) -> bool {
        let mut ledger = self.ledger();
        if let Some(member) = ledger.members.get_mut(&word) {
            member.own = limit;
        }
        ledger.arm(word)
    }

    /// The running member has grown: has it passed its own bound, and does it die of the group's?
    pub(super) fn look(&self, running: &Running) -> (bool, bool) {
        let word = running.word();
        let mut ledger = self.ledger();
        ledger.count(word);
        let own = ledger.members.get_mut(&word).is_some_and(|member| {
            let passed = member.counted > member.own;
            if passed {
                member.own = NONE;
            }
            passed
        });
        ledger.fit();
        let passed = ledger.judge();
        ledger.arm(word);
        drop(ledger);
        let dies = passed.is_some_and(|passed| self.act(&passed, Some(running.pid())));
        (own, dies)
    }

    /// Takes what a member has left; gives it back if there is no room. `true` when the reaper is to
    /// be told.
    pub(crate) fn bring(&self, remains: Remains) -> Result<bool, Box<Remains>> {
        let mut dead = self.0.dead.lock().unwrap_or_else(PoisonError::into_inner);
        if dead.len() >= DEAD_MAX {
            return Err(Box::new(remains));
        }
        of_the_node(|| dead.push(remains));
        Ok(dead.len() == 1)
    }

    /// What its dead members have left.
    pub(crate) fn dead(&self) -> Vec<Remains> {
        let dead = &self.0.dead;
        std::mem::take(&mut *dead.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The node of its members.
    pub(crate) fn node(&self) -> &Node {
        &self.0.node
    }
}

/// The same group, not an equal one.
impl PartialEq for HeapGroup {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for HeapGroup {}

impl fmt::Debug for HeapGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeapGroup").field(&self.0.name).finish()
    }
}
