//! Who runs the registry of global names of a node?
//!
//! Role       The process that owns the machine: takes what is wanted, says what is to be said in the
//!            order in which it is said, and writes the tables that everybody reads.
//! Invariant  When it ends and another one takes its place, names are kept, and whoever holds a lock is
//!            killed: nobody may hold what somebody else can get.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use foundation_actors::{Cx, NodeExt as _};
use foundation_macros::actor;
use foundation_runtime::{
    Down, Held, Info, Node, NodeChange, NodeId, Pid, Process, Reason, ReplyTo, SendError, TimerRef,
    me,
};

use super::event::{Effect, Input, Request, Trouble};
use super::handle::GlobalNameConflict;
use super::machine::Registrar;
use super::shared::{Ended, GLOBALS, Shared};
use super::word::{Claim, Conflict, Fate, Verdict, Word};
use crate::machine::{Effects, Machine as _, Tick};

type Answer = Result<(), Trouble<Pid>>;

/// Who waits for what, and of whose end this node has to be told for it.
struct Wanted {
    from: ReplyTo<Answer>,
    of: Option<Pid>,
}

/// The process that owns the machine.
pub(crate) struct Globals {
    machine: Registrar<Pid>,
    node: Node,
    shared: Arc<Shared>,
    /// The names of the nodes that are connected.
    names: BTreeMap<NodeId, Arc<str>>,
    wanted: BTreeMap<u64, Wanted>,
    next: u64,
    wake: Option<TimerRef>,
    /// Who is not told what the machine has said before it knows that there is no room.
    full: BTreeSet<Pid>,
}

#[actor(crate = foundation_actors)]
impl Globals {
    #[init]
    fn init((node, is_shy): (Node, bool), cx: &mut Cx<Self>) -> Self {
        let shared = node.shared::<Shared>();
        let mut machine = Registrar::new(cx.pid(), node.random());
        if is_shy {
            machine = machine.shy();
        }
        let locked = {
            let mut tables = shared.write();
            // What others have is known when they have said so.
            tables.shown.clear();
            for (name, claim) in tables.names() {
                machine.restore(&name, claim);
                tables.shown.insert(name.into(), claim.pid);
            }
            std::mem::take(&mut tables.locks)
        };
        for pid in locked.into_values() {
            node.exit(pid, Reason::Kill);
        }
        let mut globals = Self {
            machine,
            shared,
            names: BTreeMap::new(),
            wanted: BTreeMap::new(),
            next: 0,
            wake: None,
            full: BTreeSet::new(),
            node,
        };
        if let Some(me) = me() {
            me.monitor_nodes();
        }
        for (name, node) in globals.node.peers() {
            globals.up(node, name, cx);
        }
        globals
    }

    /// Another node says something.
    #[cast]
    fn heard(&mut self, from: Pid, word: Word<Pid>, cx: &mut Cx<Self>) {
        self.step(Input::Heard(from, word), cx);
    }

    #[cast(local)]
    fn wake(&mut self, cx: &mut Cx<Self>) {
        self.wake = None;
        self.step(Input::Woken, cx);
    }

    /// A function of the program has said who keeps a name.
    #[cast(local)]
    fn decided(
        &mut self,
        name: String,
        mine: Pid,
        theirs: Pid,
        verdict: Verdict,
        cx: &mut Cx<Self>,
    ) {
        let decided = Input::Decided {
            name,
            mine,
            theirs,
            verdict,
        };
        self.step(decided, cx);
    }

    /// A process of this node is to have a name.
    #[call]
    pub(super) fn take(
        &mut self,
        name: String,
        claim: Claim<Pid>,
        is_forced: bool,
        bound: Duration,
        from: ReplyTo<Answer>,
        cx: &mut Cx<Self>,
    ) {
        let request = Request::Register {
            name,
            claim,
            is_forced,
        };
        self.want(request, Some(claim.pid), bound, from, cx);
    }

    /// No process of this node is to have a name.
    #[call]
    pub(super) fn give(
        &mut self,
        name: String,
        bound: Duration,
        from: ReplyTo<Answer>,
        cx: &mut Cx<Self>,
    ) {
        self.want(Request::Unregister(name), None, bound, from, cx);
    }

    #[call(local)]
    pub(super) fn lock(
        &mut self,
        resource: String,
        requester: Pid,
        tries: u32,
        bound: Duration,
        from: ReplyTo<Answer>,
        cx: &mut Cx<Self>,
    ) {
        let request = Request::Lock {
            resource,
            requester,
            tries,
        };
        self.want(request, Some(requester), bound, from, cx);
    }

    #[call(local)]
    pub(super) fn unlock(
        &mut self,
        resource: String,
        requester: Pid,
        from: ReplyTo<Answer>,
        cx: &mut Cx<Self>,
    ) {
        let request = Request::Unlock {
            resource,
            requester,
        };
        self.want(request, None, Duration::ZERO, from, cx);
        self.settle(requester);
    }

    /// Whoever wanted a lock does not wait for it any more.
    #[cast(local)]
    pub(super) fn abandon(&mut self, resource: String, requester: Pid, cx: &mut Cx<Self>) {
        let request = Request::Unlock {
            resource,
            requester,
        };
        self.next += 1;
        self.step(Input::Asked(self.next, request, Duration::ZERO), cx);
        self.settle(requester);
    }

    #[info]
    fn told(&mut self, info: Info, cx: &mut Cx<Self>) {
        let info = match info.take::<Ended>() {
            Ok(Ended(pid)) => return self.step(Input::Died(pid), cx),
            Err(other) => other,
        };
        match info.take::<NodeChange>() {
            Ok(NodeChange::Up { node, name }) => self.up(node, name, cx),
            Ok(NodeChange::Down { node, .. }) => {
                self.names.remove(&node);
                self.step(Input::Down(node), cx);
            }
            Err(_) => {}
        }
    }

    #[down]
    fn ended(&mut self, down: Down, cx: &mut Cx<Self>) {
        // With its node it is gone for everybody, and that is told, too.
        if let Some(pid) = down.pid.filter(|_| down.reason != Reason::NoConnection) {
            self.step(Input::Ended(pid), cx);
        }
    }
}

impl Globals {
    fn up(&mut self, node: NodeId, name: Arc<str>, cx: &mut Cx<Self>) {
        self.names.insert(node, name);
        self.step(Input::Up(node), cx);
    }

    fn want(
        &mut self,
        request: Request<Pid>,
        of: Option<Pid>,
        bound: Duration,
        from: ReplyTo<Answer>,
        cx: &mut Cx<Self>,
    ) {
        if let Some(pid) = of {
            let held: Arc<dyn Held> = Arc::clone(&self.shared) as _;
            if self.node.hold(pid, &held).is_err() {
                return from.send(Err(Trouble::NoProc(pid)));
            }
        }
        self.next += 1;
        self.wanted.insert(self.next, Wanted { from, of });
        self.step(Input::Asked(self.next, request, bound), cx);
    }

    /// A process that has nothing here any more need not be held.
    fn settle(&self, pid: Pid) {
        if !self.machine.knows(pid) {
            let held: Arc<dyn Held> = Arc::clone(&self.shared) as _;
            self.node.let_go(pid, &held);
        }
    }

    fn step(&mut self, input: Input<Pid>, cx: &mut Cx<Self>) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            if let Input::Unsaid(to) = &input {
                self.full.remove(to);
            }
            let mut effects = Effects::new();
            let now = Tick::ZERO + self.node.now();
            self.machine.step(now, input, &mut effects);
            self.machine.check();
            for effect in effects.drain() {
                inputs.extend(self.perform(now, effect, cx));
            }
        }
    }

    /// Does what the machine asks for, and says what came of it.
    fn perform(&mut self, now: Tick, effect: Effect<Pid>, cx: &mut Cx<Self>) -> Option<Input<Pid>> {
        match effect {
            Effect::Seek(node, word) => {
                // Where nobody hears it, whoever starts there later seeks this one.
                if let Some(name) = self.names.get(&node) {
                    let _ = self.node.remote(name).at(GLOBALS).heard(cx.pid(), word);
                }
            }
            Effect::Say(to, _) if self.full.contains(&to) => {}
            Effect::Say(to, word) => match self.node.reference::<Self>(to).heard(cx.pid(), word) {
                Ok(()) => {}
                Err(SendError::Full) => {
                    self.full.insert(to);
                    return Some(Input::Unsaid(to));
                }
                Err(error) => tracing::error!(
                    target: "foundation::cluster",
                    %to, %error,
                    "a node cannot be told of a global name"
                ),
            },
            Effect::Watch(pid) => {
                if let Some(me) = me() {
                    me.monitor(pid);
                }
            }
            Effect::Show(name, pid) => self.show(name, pid),
            Effect::Keep(name, claim) => self.shared.write().keep(name, claim),
            Effect::KeepLock(resource, holder) => {
                let locks = &mut self.shared.write().locks;
                match holder {
                    Some(pid) => locks.insert(resource, pid),
                    None => locks.remove(&resource),
                };
            }
            Effect::Answer(number, answer) => {
                if let Some(Wanted { from, of }) = self.wanted.remove(&number) {
                    from.send(answer);
                    of.into_iter().for_each(|pid| self.settle(pid));
                }
            }
            Effect::Punish(name, pid, fate, other) => self.punish(&name, pid, fate, other),
            Effect::Decide(name, mine, theirs) => self.decide(name, mine, theirs, cx),
            Effect::Wake(at) => {
                if let (Some(timer), Some(me)) = (self.wake.take(), me()) {
                    me.cancel_timer(timer);
                }
                self.wake = Some(cx.msg_after(at.since(now), GlobalsMsg::Wake));
            }
        }
        None
    }

    fn show(&self, name: String, pid: Option<Pid>) {
        let shown = &mut self.shared.write().shown;
        // One of this node that has ended by now is told of next.
        let is_there = |pid: &Pid| pid.node() != self.node.id() || self.node.is_alive(*pid);
        match pid.filter(is_there) {
            Some(pid) => shown.insert(name.into(), pid),
            None => shown.remove(&*name),
        };
    }

    fn punish(&self, name: &str, pid: Pid, fate: Fate, other: Pid) {
        tracing::warn!(
            target: "foundation::cluster",
            name, %pid, %other, ?fate,
            "a process has lost its global name to another"
        );
        let told = |other| {
            let name = name.into();
            // It may have ended.
            let _ = self.node.send(pid, GlobalNameConflict { name, other });
        };
        match fate {
            Fate::Exit => self.node.exit(pid, Reason::Kill),
            Fate::Notify => told(None),
            Fate::NotifyAll => told(Some(other)),
            Fate::Nothing => {}
        }
    }

    /// A function of the program runs in a process of its own.
    fn decide(&self, name: String, mine: Pid, theirs: Pid, cx: &mut Cx<Self>) {
        let key = (name.clone(), mine);
        let decider = self.shared.read().deciders.get(&key).cloned();
        let deciding = Deciding {
            registry: cx.self_ref(),
            name,
            mine,
            theirs,
            verdict: Verdict::Mine,
        };
        // Dropped undecided, the name stays where it is.
        let body = async move |_: Process<NodeChange>| {
            let mut deciding = deciding;
            if let Some(decider) = decider {
                deciding.verdict = match decider(&deciding.name, mine, theirs) {
                    Some(pid) if pid == mine => Verdict::Mine,
                    Some(pid) if pid == theirs => Verdict::Theirs,
                    _ => Verdict::Nobody,
                };
            }
            drop(deciding);
        };
        if let Err(error) = self.node.spawn_fn(body) {
            tracing::error!(target: "foundation::cluster", %error, "nobody decides of a name");
        }
    }
}

/// What is decided when it is dropped, also by a panic.
struct Deciding {
    registry: foundation_actors::Ref<Globals>,
    name: String,
    mine: Pid,
    theirs: Pid,
    verdict: Verdict,
}

impl Drop for Deciding {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let decided = self
            .registry
            .decided(name, self.mine, self.theirs, self.verdict);
        // Where the registry has ended, the next one asks again.
        drop(decided);
    }
}

/// The claim of a process, as it says it.
pub(super) const fn claim(pid: Pid, conflict: Conflict) -> Claim<Pid> {
    Claim { pid, conflict }
}

/// The child of the cluster's tree.
pub(crate) fn child(node: Node, is_shy: bool) -> foundation_actors::supervisor::Child<Globals> {
    foundation_actors::child_with::<Globals>((node, is_shy)).name(GLOBALS)
}
