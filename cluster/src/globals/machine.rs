//! Who has which name in the whole cluster, and who holds which lock?
//!
//! Role       The registry of global names of one node. Each node says which of its own processes have
//!            names, and nobody else does; before one takes a name it locks that at all nodes.
//! Inputs     [`Input`]: nodes that come and go, words, what is wanted here, deaths, time.
//! Outputs    [`Effect`]: words, answers, what the names lead to.
//! Limit      [`NAMES_MAX`] names and [`LOCKS_MAX`] locks of this node's processes, `OPS_MAX` things
//!            that are wanted.
//! Invariant  A registration that is done has been heard of by every node that is connected. Nothing of
//!            a node stays when it is lost. All that have heard the same lead a name to the same process.
//! Source     otp: global

use std::collections::{BTreeMap, BTreeSet};

use foundation_actors::pg::machine::Member;
use foundation_runtime::Rng;

use super::claims::Claims;
use super::event::{Effect, Input, Request, Trouble};
use super::locks::Locks;
use super::ops::{Holding, OPS_MAX, Op, Stage};
use super::peer::{Peer, Told};
use super::word::{Claim, Resource, Verdict};
use crate::machine::{Effects, Machine, Tick};

/// How many names the processes of one node may have.
pub const NAMES_MAX: usize = 65_536;
/// How many locks the processes of one node may hold.
pub const LOCKS_MAX: usize = 4096;

/// The registry of one node.
#[derive(Debug)]
pub struct Registrar<P: Member> {
    pub(super) own: P,
    pub(super) peers: BTreeMap<P::Node, Peer<P>>,
    pub(super) claims: Claims<P>,
    pub(super) locks: Locks<P::Node>,
    pub(super) holding: Holding<P>,
    pub(super) ops: BTreeMap<u64, Op<P>>,
    /// How often this node's names have changed.
    pub(super) version: u64,
    /// How many tries there were to lock something.
    pub(super) attempts: u64,
    /// What functions of the program have said, or nothing yet: by name and the other process.
    pub(super) verdicts: BTreeMap<(String, P), Option<Verdict>>,
    pub(super) rng: Rng,
    armed: Option<Tick>,
    names_max: usize,
    /// It has nothing to say yet, and seeks nobody.
    pub(super) is_shy: bool,
}

impl<P: Member> Registrar<P> {
    /// This process is the registry of its node; nobody is connected. The seed is for pauses.
    #[must_use]
    pub fn new(own: P, seed: u64) -> Self {
        Self::with_limit(own, seed, NAMES_MAX)
    }

    /// The same, with another limit than [`NAMES_MAX`].
    #[must_use]
    pub fn with_limit(own: P, seed: u64, names_max: usize) -> Self {
        Self {
            own,
            peers: BTreeMap::new(),
            claims: Claims::new(),
            locks: Locks::new(),
            holding: Holding::new(),
            ops: BTreeMap::new(),
            version: 0,
            attempts: 0,
            verdicts: BTreeMap::new(),
            rng: Rng::new(seed),
            armed: None,
            names_max,
            is_shy: false,
        }
    }

    /// It seeks nobody before it has something to say, or is sought: where a node is connected to few,
    /// it would be to all.
    #[must_use]
    pub fn shy(self) -> Self {
        Self {
            is_shy: true,
            ..self
        }
    }

    /// A registry that has ended had given this name: it is still given.
    pub fn restore(&mut self, name: &str, claim: Claim<P>) {
        let node = self.own.node();
        assert!(claim.pid.node() == node, "a name is restored where it was");
        self.claims.set(node, name, Some(claim));
        self.is_shy = false;
    }

    /// All who are said to have this name: more than one for as long as a conflict is not settled.
    #[must_use]
    pub fn claimants(&self, name: &str) -> Vec<P> {
        let own = self.claims.of(self.own.node(), name);
        let others = self.claims.elsewhere(self.own.node(), name);
        own.into_iter()
            .chain(others)
            .map(|claim| claim.pid)
            .collect()
    }

    /// Whoever has this name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<P> {
        self.claims.holder(name)
    }

    /// Whether the end of this process of this node matters.
    #[must_use]
    pub fn knows(&self, pid: P) -> bool {
        let node = self.own.node();
        let named = self.claims.names_of(node);
        let has_name = named.iter().any(|name| {
            let claim = self.claims.of(node, name);
            claim.is_some_and(|claim| claim.pid == pid)
        });
        has_name
            || self.holding.values().any(|held| held.requester == pid)
            || self.ops.values().any(|op| op.of() == Some(pid))
    }

    /// Whether this process of this node holds this lock.
    #[must_use]
    pub fn holds(&self, resource: &str, requester: P) -> bool {
        let held = self.holding.get(resource);
        held.is_some_and(|held| held.requester == requester)
    }

    /// Whether nothing is wanted, and nothing is locked.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let told = self.peers.values().all(|peer| peer.is_synced);
        self.ops.is_empty() && self.locks.is_empty() && told
    }

    fn asked(
        &mut self,
        now: Tick,
        number: u64,
        request: Request<P>,
        deadline: Tick,
        effects: &mut Effects<Effect<P>>,
    ) {
        let node = self.own.node();
        let of = match &request {
            Request::Register { claim, .. } => Some(claim.pid),
            Request::Lock { requester, .. } => Some(*requester),
            _ => None,
        };
        if let Some(pid) = of.filter(|pid| pid.node() != node) {
            return effects.push(Effect::Answer(number, Err(Trouble::NoProc(pid))));
        }
        let refused = match &request {
            Request::Unlock {
                resource,
                requester,
            } => {
                let answer = match self.unlock(resource, *requester, effects) {
                    true => Ok(()),
                    false => Err(Trouble::NotHeld),
                };
                return effects.push(Effect::Answer(number, answer));
            }
            Request::Lock {
                resource,
                requester,
                ..
            } if self.set_again(resource, *requester) => {
                return effects.push(Effect::Answer(number, Ok(())));
            }
            _ if OPS_MAX <= self.ops.len() => Some(Trouble::Full(OPS_MAX)),
            Request::Lock { .. } if LOCKS_MAX <= self.holding.len() => {
                Some(Trouble::Full(LOCKS_MAX))
            }
            Request::Register { name, .. }
                if self.names_max <= self.claims.count_of(node)
                    && self.claims.of(node, name).is_none() =>
            {
                Some(Trouble::Full(self.names_max))
            }
            Request::Unregister(name) if self.claims.of(node, name).is_none() => {
                Some(Trouble::NotHeld)
            }
            _ => None,
        };
        if let Some(trouble) = refused {
            return effects.push(Effect::Answer(number, Err(trouble)));
        }
        let stage = match &request {
            Request::Unregister(name) => {
                self.claim(name, None, effects);
                Stage::Confirming(self.version)
            }
            _ => Stage::Resting(now),
        };
        let op = Op {
            request,
            deadline,
            stage,
            tries: 0,
            attempt: 0,
            told: BTreeSet::new(),
        };
        self.ops.insert(number, op);
    }

    /// A process of this node has ended.
    fn died(&mut self, pid: P, effects: &mut Effects<Effect<P>>) {
        let node = self.own.node();
        for name in self.claims.names_of(node) {
            let claim = self.claims.of(node, &name);
            if claim.is_some_and(|claim| claim.pid == pid) {
                self.claim(&name, None, effects);
            }
        }
        let held = self.holding.iter();
        let held = held.filter(|(_, held)| held.requester == pid);
        for resource in held.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.drop_lock(&resource, effects);
        }
        let ops = self.ops.iter().filter(|(_, op)| op.of() == Some(pid));
        for number in ops.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.finish(number, Err(Trouble::NoProc(pid)), effects);
        }
    }

    /// Sets a lock once more, if this process holds it.
    fn set_again(&mut self, resource: &str, requester: P) -> bool {
        let held = self.holding.get_mut(resource);
        let held = held.filter(|held| held.requester == requester);
        held.map(|held| held.count += 1).is_some()
    }

    /// Gives a lock back, once; whether it was held.
    fn unlock(&mut self, resource: &str, requester: P, effects: &mut Effects<Effect<P>>) -> bool {
        let Some(held) = self.holding.get_mut(resource) else {
            // Whoever wants it yet does not want it any more.
            let wants = |request: &Request<P>| match request {
                Request::Lock {
                    resource: wanted,
                    requester: by,
                    ..
                } => wanted == resource && *by == requester,
                _ => false,
            };
            let wanted = self.ops.iter().find(|(_, op)| wants(&op.request));
            let Some(number) = wanted.map(|(number, _)| *number) else {
                return false;
            };
            self.finish(number, Err(Trouble::Late), effects);
            return true;
        };
        if held.requester != requester {
            return false;
        }
        held.count -= 1;
        if held.count == 0 {
            self.drop_lock(resource, effects);
        }
        true
    }

    fn drop_lock(&mut self, resource: &str, effects: &mut Effects<Effect<P>>) {
        if let Some(held) = self.holding.remove(resource) {
            let lock = Resource::Lock(resource.to_owned());
            self.release(&lock, held.number, &held.told, effects);
            effects.push(Effect::KeepLock(resource.to_owned(), None));
        }
    }

    /// Gives this node's own name to a process, or takes it back; everybody is told.
    pub(super) fn claim(
        &mut self,
        name: &str,
        claim: Option<Claim<P>>,
        effects: &mut Effects<Effect<P>>,
    ) {
        let node = self.own.node();
        let before = self.claims.holder(name);
        if !self.claims.set(node, name, claim) {
            return;
        }
        self.verdicts.retain(|(of, _), _| of != name);
        self.version += 1;
        effects.push(Effect::Keep(name.to_owned(), claim));
        self.show(name, before, effects);
        self.tell_change(name, claim, effects);
    }

    /// Says what a name leads to, if that is something else than before.
    pub(super) fn show(&self, name: &str, before: Option<P>, effects: &mut Effects<Effect<P>>) {
        let now = self.claims.holder(name);
        if now != before {
            effects.push(Effect::Show(name.to_owned(), now));
        }
    }

    /// The next time at which something is to be done.
    fn wake(&mut self, now: Tick, effects: &mut Effects<Effect<P>>) {
        let ops = self.ops.values().map(|op| match op.stage {
            // One that may be tried, and is not, waits for a node and not for a time.
            Stage::Resting(until) if now < until => until.min(op.deadline),
            _ => op.deadline,
        });
        let behind = self.peers.values().filter_map(|peer| match peer.told {
            Told::Behind(until) => Some(until),
            _ => None,
        });
        let next = ops.chain(behind).min();
        if let Some(at) = next
            && self.armed != next
        {
            self.armed = next;
            effects.push(Effect::Wake(at));
        }
    }
}

impl<P: Member> Machine for Registrar<P> {
    type Input = Input<P>;
    type Effect = Effect<P>;

    fn step(&mut self, now: Tick, input: Self::Input, effects: &mut Effects<Self::Effect>) {
        match input {
            Input::Up(node) => self.up(node, effects),
            Input::Down(node) => self.down(node, effects),
            Input::Heard(from, word) => self.heard(now, from, word, effects),
            Input::Ended(pid) => self.ended(pid, effects),
            Input::Died(pid) => self.died(pid, effects),
            Input::Asked(number, request, bound) => {
                self.speak_up(effects);
                self.asked(now, number, request, now + bound, effects);
            }
            Input::Decided {
                name,
                mine,
                theirs,
                verdict,
            } => self.decided(&name, mine, theirs, verdict, effects),
            Input::Unsaid(to) => self.unsaid(now, to),
            Input::Woken => self.armed = None,
        }
        self.tell_again(now, effects);
        self.advance(now, effects);
        self.wake(now, effects);
    }

    fn check(&self) {
        self.claims.check();
        let node = self.own.node();
        assert!(self.ops.len() <= OPS_MAX, "too much is wanted");
        assert!(
            self.claims.count_of(node) <= self.names_max,
            "too many names"
        );
        for (of, peer) in &self.peers {
            assert!(*of != node, "a node is no peer of its own");
            assert!(peer.acked <= self.version, "{of:?} has heard of the future");
            let is_heard = peer.speaker.is_some() || peer.told == Told::Nothing;
            assert!(is_heard, "nobody at {of:?} is told of anything");
        }
        for held in self.holding.values() {
            assert!(0 < held.count, "a lock is held at least once");
        }
    }
}
