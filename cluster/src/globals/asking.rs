//! How does something that is wanted here come about?
//!
//! Role       Tries to lock: first at the node that all see as the first, then at all others. Whatever
//!            has come far enough goes one stage on, at every step of the machine.
//! Invariant  Nobody keeps a grant that is not counted on: each try has a number of its own, and what
//!            it was granted is given back before the next.

use std::collections::BTreeSet;
use std::time::Duration;

use foundation_actors::pg::machine::Member;

use super::event::{Effect, Request, Trouble};
use super::machine::Registrar;
use super::ops::{Held, Stage};
use super::word::{Claim, Resource, Word};
use crate::machine::{Effects, Tick};

/// The longest pause between the first and the second try; it doubles up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(512);

impl<P: Member> Registrar<P> {
    /// Whether every node that is connected has said everything: before that nothing is granted here,
    /// and nothing is tried.
    fn is_ready(&self) -> bool {
        self.peers.values().all(|peer| peer.is_synced)
    }

    fn nodes(&self) -> BTreeSet<P::Node> {
        let others = self.peers.keys().copied();
        others.chain([self.own.node()]).collect()
    }

    /// Takes everything that is wanted as far as it can go now.
    pub(super) fn advance(&mut self, now: Tick, effects: &mut Effects<Effect<P>>) {
        for number in self.ops.keys().copied().collect::<Vec<_>>() {
            while self.go_on(now, number, effects) {}
        }
    }

    /// One stage on; whether another may follow.
    fn go_on(&mut self, now: Tick, number: u64, effects: &mut Effects<Effect<P>>) -> bool {
        let Some(op) = self.ops.get(&number) else {
            return false;
        };
        let is_late = op.deadline <= now;
        match &op.stage {
            Stage::Confirming(version) => {
                let version = *version;
                if self.peers.values().all(|peer| version <= peer.acked) {
                    self.finish(number, Ok(()), effects);
                } else if is_late {
                    self.finish(number, Err(Trouble::Unconfirmed), effects);
                }
                false
            }
            _ if is_late => {
                self.finish(number, Err(Trouble::Late), effects);
                false
            }
            Stage::Resting(until) => *until <= now && self.attempt(now, number, effects),
            Stage::Asking { asked, granted } => {
                let there = self.nodes();
                let is_granted = asked
                    .intersection(&there)
                    .all(|node| granted.contains(node));
                match (is_granted, there.is_subset(asked)) {
                    (true, true) => self.locked(number, effects),
                    // Some node is still to be asked: all but the first, or one that has come since.
                    (true, false) => self.is_ready() && self.ask(now, number, there, effects),
                    (false, _) => false,
                }
            }
            Stage::Withdrawing => self.take_name(number, effects),
        }
    }

    /// Begins a try.
    fn attempt(&mut self, now: Tick, number: u64, effects: &mut Effects<Effect<P>>) -> bool {
        if !self.is_ready() {
            return false;
        }
        let Some(op) = self.ops.get_mut(&number) else {
            return false;
        };
        if op.tries == op.tries_max() {
            self.finish(number, Err(Trouble::Late), effects);
            return false;
        }
        self.attempts += 1;
        op.tries += 1;
        op.attempt = self.attempts;
        op.told.clear();
        op.stage = Stage::Asking {
            asked: BTreeSet::new(),
            granted: BTreeSet::new(),
        };
        let first = self.nodes().into_iter().take(1).collect();
        self.ask(now, number, first, effects)
    }

    /// Asks those of these nodes that were not asked yet. Whether the thing is still wanted.
    fn ask(
        &mut self,
        now: Tick,
        number: u64,
        nodes: BTreeSet<P::Node>,
        effects: &mut Effects<Effect<P>>,
    ) -> bool {
        let own = self.own.node();
        let Some(op) = self.ops.get_mut(&number) else {
            return false;
        };
        let (Some(resource), attempt, forced) = (op.resource(), op.attempt, op.is_forced()) else {
            return false;
        };
        let Stage::Asking { asked, .. } = &mut op.stage else {
            return false;
        };
        let new: Vec<P::Node> = nodes.difference(asked).copied().collect();
        asked.extend(&new);
        op.told.extend(&new);
        for node in new {
            if node != own {
                let word = Word::Ask(resource.clone(), attempt, forced);
                self.say(node, word, effects);
                continue;
            }
            match self.granted(&resource, (own, attempt), forced) {
                Ok(()) => self.grant(own, attempt),
                Err(taken) => {
                    self.refused(now, attempt, taken, effects);
                    return false;
                }
            }
        }
        true
    }

    /// Whether this node grants a lock; if not, who has the name, where that is why.
    fn granted(
        &mut self,
        resource: &Resource,
        to: (P::Node, u64),
        is_forced: bool,
    ) -> Result<(), Option<P>> {
        if !self.is_ready() {
            return Err(None);
        }
        if let Resource::Name(name) = resource
            && let Some(holder) = self.claims.holder(name)
            && !is_forced
        {
            return Err(Some(holder));
        }
        match self.locks.grant(resource, to) {
            true => Ok(()),
            false => Err(None),
        }
    }

    /// Another node asks, or answers what it was asked.
    pub(super) fn asked_by(
        &mut self,
        now: Tick,
        node: P::Node,
        word: Word<P>,
        effects: &mut Effects<Effect<P>>,
    ) {
        match word {
            Word::Ask(resource, number, forced) => {
                let answer = match self.granted(&resource, (node, number), forced) {
                    Ok(()) => Word::Grant(number),
                    Err(taken) => Word::Refuse(number, taken),
                };
                self.say(node, answer, effects);
            }
            Word::Grant(number) => self.grant(node, number),
            Word::Refuse(number, taken) => self.refused(now, number, taken, effects),
            Word::Unlock(resource, number) => self.locks.release(&resource, (node, number)),
            Word::Withdraw(name) => self.claim(&name, None, effects),
            Word::Lost {
                name,
                pid,
                fate,
                other,
            } => self.lost(&name, pid, fate, other, effects),
            _ => {}
        }
    }

    fn grant(&mut self, node: P::Node, attempt: u64) {
        for op in self.ops.values_mut() {
            if let Stage::Asking { asked, granted, .. } = &mut op.stage
                && op.attempt == attempt
                && asked.contains(&node)
            {
                granted.insert(node);
            }
        }
    }

    /// A try has failed.
    fn refused(
        &mut self,
        now: Tick,
        attempt: u64,
        taken: Option<P>,
        effects: &mut Effects<Effect<P>>,
    ) {
        let is_it = |stage: &Stage<P>| matches!(stage, Stage::Asking { .. });
        let mut ops = self.ops.iter();
        let Some(number) = ops
            .find(|(_, op)| op.attempt == attempt && is_it(&op.stage))
            .map(|(number, _)| *number)
        else {
            return;
        };
        match taken {
            Some(holder) => self.finish(number, Err(Trouble::Taken(holder)), effects),
            None => self.rest(now, number, effects),
        }
    }

    /// Gives back what a try was granted, and waits a while before the next.
    fn rest(&mut self, now: Tick, number: u64, effects: &mut Effects<Effect<P>>) {
        let Some(op) = self.ops.get_mut(&number) else {
            return;
        };
        let longest = PAUSE.saturating_mul(1 << op.tries.min(16)).min(PAUSE_MAX);
        let micros = 1 + self.rng.below(longest.as_micros() as usize);
        let pause = Duration::from_micros(micros as u64);
        op.stage = Stage::Resting(now + pause);
        let (resource, attempt) = (op.resource(), op.attempt);
        let told = std::mem::take(&mut op.told);
        if op.tries == op.tries_max() {
            self.finish(number, Err(Trouble::Late), effects);
        }
        if let Some(resource) = resource {
            self.release(&resource, attempt, &told, effects);
        }
    }

    /// What was asked of this node, or granted by it, does not count any more.
    pub(super) fn try_again(&mut self, now: Tick, node: P::Node, effects: &mut Effects<Effect<P>>) {
        let ops = self.ops.iter().filter(|(_, op)| match &op.stage {
            Stage::Asking { asked, .. } => asked.contains(&node),
            _ => false,
        });
        for number in ops.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.rest(now, number, effects);
        }
    }

    /// A lock is no more, at these nodes.
    pub(super) fn release(
        &mut self,
        resource: &Resource,
        number: u64,
        told: &BTreeSet<P::Node>,
        effects: &mut Effects<Effect<P>>,
    ) {
        let own = self.own.node();
        for node in told {
            match *node == own {
                true => self.locks.release(resource, (own, number)),
                false => self.say(*node, Word::Unlock(resource.clone(), number), effects),
            }
        }
    }

    /// All nodes have granted it. Whether there is more to do.
    fn locked(&mut self, number: u64, effects: &mut Effects<Effect<P>>) -> bool {
        let Some(op) = self.ops.get_mut(&number) else {
            return false;
        };
        match &op.request {
            Request::Lock {
                resource,
                requester,
                ..
            } => {
                let held = Held {
                    requester: *requester,
                    count: 1,
                    number: op.attempt,
                    told: std::mem::take(&mut op.told),
                };
                let resource = resource.clone();
                effects.push(Effect::KeepLock(resource.clone(), Some(held.requester)));
                self.holding.insert(resource, held);
                self.finish(number, Ok(()), effects);
                false
            }
            _ => {
                op.stage = Stage::Withdrawing;
                for node in self.peers.keys().copied().collect::<Vec<_>>() {
                    self.ask_to_withdraw(node, effects);
                }
                true
            }
        }
    }

    /// Whoever of this node has a name that somebody else is to get.
    pub(super) fn ask_to_withdraw(&self, node: P::Node, effects: &mut Effects<Effect<P>>) {
        for op in self.ops.values() {
            if let (Request::Register { name, .. }, Stage::Withdrawing) = (&op.request, &op.stage)
                && op.is_forced()
                && self.claims.of(node, name).is_some()
            {
                self.say(node, Word::Withdraw(name.clone()), effects);
            }
        }
    }

    /// The lock of the name is held: the name is taken once nobody else has it.
    fn take_name(&mut self, number: u64, effects: &mut Effects<Effect<P>>) -> bool {
        let own = self.own.node();
        let Some(op) = self.ops.get(&number) else {
            return false;
        };
        let Request::Register { name, claim, .. } = op.request.clone() else {
            return false;
        };
        let others = self.claims.elsewhere(own, &name);
        let has_own = self.claims.of(own, &name).map(|claim| claim.pid);
        let taken = has_own.or(others.first().map(|claim| claim.pid));
        match (taken, op.is_forced()) {
            (Some(holder), false) => {
                self.finish(number, Err(Trouble::Taken(holder)), effects);
                return false;
            }
            (_, true) if !others.is_empty() => return false,
            _ => {}
        }
        self.claim(&name, Some(claim), effects);
        if let Some(op) = self.ops.get_mut(&number) {
            op.stage = Stage::Confirming(self.version);
        }
        true
    }

    /// Answers, and gives back what it holds.
    pub(super) fn finish(
        &mut self,
        number: u64,
        answer: Result<(), Trouble<P>>,
        effects: &mut Effects<Effect<P>>,
    ) {
        let Some(op) = self.ops.remove(&number) else {
            return;
        };
        if let Some(resource) = op.resource() {
            self.release(&resource, op.attempt, &op.told, effects);
        }
        let answer = match (&op.request, answer) {
            (Request::Register { name, claim, .. }, Ok(())) => self.still_has(name, *claim),
            (_, answer) => answer,
        };
        effects.push(Effect::Answer(number, answer));
    }

    /// It may have lost the name while the others were told that it has it.
    fn still_has(&self, name: &str, claim: Claim<P>) -> Result<(), Trouble<P>> {
        match self.claims.of(self.own.node(), name) {
            Some(has) if has.pid == claim.pid => Ok(()),
            _ => Err(self.whereis(name).map_or(Trouble::NotHeld, Trouble::Taken)),
        }
    }
}
