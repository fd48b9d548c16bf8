//! Which addresses are dialled, and when?
//!
//! Role       The addresses at which somebody is to be reached: of seeds, of nodes that finders yield, of
//!            members. A dial that comes to nothing is tried again, later each time. Where somebody was that
//!            has fallen silent it is knocked for a while, a few at a time: one that answers speaks for all,
//!            who may have been cut off together, and all are dialled at once.
//! Limit      Twice as many as nodes may be connected; [`KNOCKS`] are knocked at.

use foundation_runtime::planted;
use std::collections::BTreeMap;
use std::time::Duration;

use foundation_runtime::Rng;

use super::MeshConfig;
use crate::handshake::{Refusal, Who};
use crate::machine::Tick;

/// At how many addresses it is knocked at the same time.
const KNOCKS: usize = 4;
/// For how long it is knocked. Whoever is silent for longer is dialled like any other.
const KNOCKING: Duration = Duration::from_secs(600);

/// How an address is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Dial,
    Knock,
}

/// What is known of the silence at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// Nobody was there yet, or it is not silent.
    None,
    /// Somebody was there.
    Lost,
    /// It is being knocked at.
    Knocked,
    /// Another one that was lost is back: this one may be, too.
    Hopeful,
}

/// An address that is dialled while nobody there is connected.
#[derive(Debug)]
pub(super) struct Target {
    /// Which node is there, once it is known.
    pub(super) name: Option<Box<str>>,
    is_seed: bool,
    /// A finder yields it at present.
    is_candidate: bool,
    /// It was found no more while it was dialled: if nobody is there, it is dropped.
    is_over: bool,
    /// Somebody wants the connection now: where not all are connected to all, nobody is dialled without
    /// that but seeds and candidates.
    is_wanted: bool,
    is_dialling: bool,
    silence: Silence,
    /// When the last dial began.
    dialled: Tick,
    next: Tick,
    pause: Duration,
    /// Since when nobody was reached.
    since: Tick,
    /// Why the last dial failed.
    last: Option<Refusal>,
}

impl Target {
    /// It is dialled whatever happens.
    pub(super) fn is_kept(&self) -> bool {
        self.is_seed || self.is_candidate
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }
}

/// All addresses that one node dials.
#[derive(Debug)]
pub(super) struct Targets {
    config: MeshConfig,
    own: Box<str>,
    rng: Rng,
    by_address: BTreeMap<Box<str>, Target>,
}

/// Why somebody is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Seed,
    Candidate,
    /// It is a member.
    Member,
    /// The connection is wanted now.
    Wanted,
}

impl Targets {
    pub(super) fn new(config: MeshConfig, own: Box<str>, rng: Rng) -> Self {
        Self {
            config,
            own,
            rng,
            by_address: BTreeMap::new(),
        }
    }

    /// The addresses, and why the last dial of each came to nothing.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<Refusal>)> {
        let all = self.by_address.iter();
        all.map(|(address, target)| (&**address, target.last))
    }

    /// One more address. Of this node itself, or when there is no room, it has no effect.
    pub(super) fn add(&mut self, now: Tick, address: Box<str>, name: Option<Box<str>>, why: Cause) {
        let full = 2 * self.config.peers_max <= self.by_address.len();
        let is_own = address.is_empty() || address == self.own;
        if is_own || (full && !self.by_address.contains_key(&address)) {
            return;
        }
        let pause = self.config.redial;
        let target = self.by_address.entry(address).or_insert_with(|| Target {
            name: None,
            is_seed: false,
            is_candidate: false,
            is_over: false,
            is_wanted: false,
            is_dialling: false,
            silence: Silence::None,
            dialled: now,
            next: now,
            pause,
            since: now,
            last: None,
        });
        match why {
            Cause::Seed => target.is_seed = true,
            Cause::Candidate => (target.is_candidate, target.is_over) = (true, false),
            Cause::Wanted => target.is_wanted = true,
            Cause::Member => {}
        }
        if name.is_some() {
            target.name = name;
        }
    }

    /// A member is to be connected. Its address is dialled when that is due, or, if it was not
    /// dialled so far, within such a pause.
    pub(super) fn seek(&mut self, now: Tick, who: Who, pause: Duration) {
        let is_new = !self.by_address.contains_key(&who.address);
        let address = who.address.clone();
        self.add(now, who.address, Some(who.name), Cause::Wanted);
        if is_new && let Some(target) = self.by_address.get_mut(&address) {
            target.pause = pause;
            target.next = now + pause.mul_f64(share(&mut self.rng));
        }
    }

    /// Nobody wants this connection any more.
    pub(super) fn unwanted(&mut self, name: &str) {
        for target in self.by_address.values_mut() {
            if target.name.as_deref() == Some(name) {
                target.is_wanted = false;
            }
        }
    }

    /// A node is connected: it need not be dialled.
    pub(super) fn found(&mut self, now: Tick, who: &Who) {
        let mut is_back = false;
        for (address, target) in &mut self.by_address {
            if *address == who.address || target.name.as_ref() == Some(&who.name) {
                is_back |= target.silence != Silence::None;
                (target.pause, target.last) = (self.config.redial, None);
                (target.since, target.next) = (now, now);
                (target.is_wanted, target.silence) = (false, Silence::None);
            }
        }
        if is_back {
            self.hope(now);
        }
    }

    /// Whoever is silent may be back.
    fn hope(&mut self, now: Tick) {
        let silent = |target: &&mut Target| target.silence == Silence::Lost;
        for target in self.by_address.values_mut().filter(silent) {
            (target.silence, target.next) = (Silence::Hopeful, now);
        }
    }

    /// Who was connected there is not any more, and may have been cut off.
    pub(super) fn parted(&mut self, now: Tick, address: &str, is_silent: bool) {
        if let Some(target) = self.by_address.get_mut(address) {
            if is_silent {
                target.silence = Silence::Lost;
            }
            (target.since, target.pause) = (now, self.config.redial);
            // Not at once: both would dial.
            target.next = now + target.pause.mul_f64(share(&mut self.rng)) + planted::chance();
        }
    }

    /// Nobody will be there any more.
    pub(super) fn gone(&mut self, address: &str) {
        let is_kept = self.by_address.get(address).is_none_or(Target::is_kept);
        if !is_kept {
            self.by_address.remove(address);
        }
    }

    /// This member is gone for good.
    pub(super) fn lost(&mut self, name: &str) {
        let is_it = |target: &Target| target.name.as_deref() == Some(name);
        self.by_address
            .retain(|_, target| target.is_kept() || target.is_dialling || !is_it(target));
    }

    /// A dial has led to the node of this name.
    pub(super) fn reached(&mut self, address: &str, name: Option<Box<str>>) {
        if let Some(target) = self.by_address.get_mut(address) {
            target.is_dialling = false;
            target.name = name;
            // Somebody answers, whoever it is.
            if target.silence == Silence::Knocked {
                target.silence = Silence::Hopeful;
            }
        }
    }

    /// A dial came to nothing; whether somebody wanted it, and has to be told.
    pub(super) fn undialled(&mut self, now: Tick, address: &str, refusal: Refusal) -> bool {
        let (most, forget) = (self.config.redial_max, self.config.forget);
        let Some(target) = self.by_address.get_mut(address) else {
            return false;
        };
        target.is_dialling = false;
        target.last = Some(refusal);
        // Whoever answers, if only to refuse, is silent no more.
        let is_silent = refusal == Refusal::Deadline && now.since(target.since) < KNOCKING;
        target.silence = match target.silence {
            Silence::Knocked | Silence::Hopeful if is_silent => Silence::Lost,
            Silence::Lost => Silence::Lost,
            _ => Silence::None,
        };
        let jitter = 0.5 + share(&mut self.rng) / 2.0;
        // Where it was waited for long enough, the next one knocks.
        let has_waited = self.config.redial <= now.since(target.dialled);
        target.next = match target.silence {
            Silence::Lost if has_waited => now,
            _ => now + target.pause.mul_f64(jitter),
        };
        if target.silence != Silence::Lost {
            target.pause = (target.pause * 2).min(most);
        }
        let hopeless = !refusal.may_pass() || forget <= now.since(target.since);
        let is_over = target.is_over && target.name.is_none();
        // The other connection is there, or will be.
        let is_failed = target.is_wanted && refusal != Refusal::Simultaneous;
        target.is_wanted &= !is_failed;
        if !target.is_kept() && (hopeless || is_over) || refusal == Refusal::Oneself {
            self.by_address.remove(address);
        }
        is_failed
    }

    /// The addresses that it is time to dial, of those that are to be dialled, and how.
    pub(super) fn due(
        &mut self,
        now: Tick,
        is_needed: impl Fn(&str, &Target) -> bool,
    ) -> Vec<(Box<str>, Manner)> {
        let (mut due, mut lost) = (Vec::new(), Vec::new());
        for (address, target) in &mut self.by_address {
            if target.is_dialling || now < target.next || !is_needed(address, target) {
                continue;
            }
            if target.silence == Silence::Lost {
                lost.push((target.next, address.clone()));
                continue;
            }
            (target.is_dialling, target.dialled) = (true, now);
            due.push((address.clone(), Manner::Dial));
        }
        if !lost.is_empty() {
            // Who has waited longest is next.
            lost.sort_unstable();
            let knocked = |target: &&Target| target.silence == Silence::Knocked;
            let knocked = self.by_address.values().filter(knocked).count();
            for (_, address) in lost.into_iter().take(KNOCKS.saturating_sub(knocked)) {
                if let Some(target) = self.by_address.get_mut(&address) {
                    (target.is_dialling, target.silence) = (true, Silence::Knocked);
                    target.dialled = now;
                }
                due.push((address, Manner::Knock));
            }
        }
        due
    }

    /// It is dialled at the next occasion, whatever came before.
    pub(super) fn hurry(&mut self, now: Tick, address: &str) {
        if let Some(target) = self.by_address.get_mut(address) {
            target.next = now;
        }
    }

    /// Who was met there is dialled as any member is; an address where nobody was met, no more.
    pub(super) fn forgotten(&mut self, address: &str) {
        let Some(target) = self.by_address.get_mut(address) else {
            return;
        };
        (target.is_candidate, target.is_over) = (false, true);
        if target.name.is_none() && !target.is_seed && !target.is_dialling {
            self.by_address.remove(address);
        }
    }

    pub(super) fn all_forgotten(&mut self) {
        let targets = self.by_address.iter();
        let found = targets.filter(|(_, target)| target.is_candidate);
        let found: Vec<Box<str>> = found.map(|(address, _)| address.clone()).collect();
        for address in found {
            self.forgotten(&address);
        }
    }

    /// Members are dialled for other reasons from here on.
    pub(super) fn only_kept(&mut self) {
        self.by_address
            .retain(|_, target| target.is_kept() || target.is_dialling);
    }

    pub(super) fn clear(&mut self) {
        self.by_address.clear();
    }
}

/// A share of one, at random.
fn share(rng: &mut Rng) -> f64 {
    rng.below(1000) as f64 / 1000.0
}
