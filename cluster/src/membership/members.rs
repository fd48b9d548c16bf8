//! Whom does this member know?
//!
//! Role       The table of all others: those that are live, and those that are gone and remembered.
//! Owns       At most `members_max` entries, each in one list at most: live, or down.
//! Invariant  A suspect has a suspicion, who is gone has a time when it is forgotten, and the digest is that of
//!            the live ones.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_runtime::Rng;

use crate::machine::Tick;

use super::digest::{Digest, hash, range};
use super::record::{Accusers, Claim, Record, State};
use super::suspicion::Suspicion;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) record: Record,
    /// Of its name.
    pub(super) hash: u64,
    /// When the suspicion ends, and what it is.
    pub(super) suspicion: Option<(Tick, Suspicion)>,
    /// When it is forgotten, if it was lost.
    pub(super) gone: Option<Tick>,
    /// When it was last told, because it sent something, what is believed of it.
    pub(super) informed: Option<Tick>,
    /// Is it still to be probed in this round?
    in_ring: bool,
    /// The last round in which it was probed.
    probed: u64,
    /// Where it stands in the list for its state.
    place: usize,
}

impl Member {
    pub(super) fn accusers(&self) -> Accusers {
        let suspicion = self.suspicion.as_ref();
        suspicion.map_or_else(Accusers::default, |(_, suspicion)| suspicion.accusers)
    }

    /// Is it suspected for no other reason than that it was heard to be down?
    pub(super) fn is_hearsay(&self) -> bool {
        self.record.state == State::Suspect && self.accusers().is_empty()
    }

    /// What is said of it. Who is gone is remembered for so long: what is left of that says for how
    /// long it has been gone.
    pub(super) fn claim(&self, now: Tick, remember: Duration) -> Claim<'_> {
        let age = self.gone.map_or(Duration::ZERO, |forgotten| {
            remember.saturating_sub(forgotten.since(now))
        });
        let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        Claim::of(&self.record, self.accusers(), age)
    }
}

#[derive(Debug)]
pub(super) struct Members {
    slots: Vec<Option<Member>>,
    free: Vec<usize>,
    /// By the hash of the name, whose first bits are its bucket.
    names: BTreeMap<u64, usize>,
    live: Vec<usize>,
    down: Vec<usize>,
    /// Whom to probe next, from its end: nobody twice in a round, so that who comes and goes does not
    /// keep others from being probed.
    ring: Vec<usize>,
    round: u64,
    pub(super) digest: Digest,
}

impl Members {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            names: BTreeMap::new(),
            live: Vec::new(),
            down: Vec::new(),
            ring: Vec::new(),
            round: 1,
            digest: Digest::empty(),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let at = *self.names.get(&hash(name))?;
        (self.at(at).record.name.as_str() == name).then_some(at)
    }

    pub(super) fn find_hash(&self, hash: u64) -> Option<usize> {
        self.names.get(&hash).copied()
    }

    /// Is there another whose name has this one's hash?
    pub(super) fn collides(&self, name: &str) -> bool {
        self.names.contains_key(&hash(name)) && self.find(name).is_none()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Member> {
        self.slots.get(at)?.as_ref()
    }

    /// The member in a place that is known to be taken.
    pub(super) fn at(&self, at: usize) -> &Member {
        self.get(at).expect("the place is taken")
    }

    pub(super) fn at_mut(&mut self, at: usize) -> &mut Member {
        self.slots[at].as_mut().expect("the place is taken")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.names.values().map(|at| (*at, self.at(*at)))
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn live(&self) -> &[usize] {
        &self.live
    }

    pub(super) fn down(&self) -> &[usize] {
        &self.down
    }

    /// Adds somebody new, in no list yet: see [`Members::enter`].
    pub(super) fn add(&mut self, record: Record) -> usize {
        let member = Member {
            hash: hash(record.name.as_str()),
            record,
            suspicion: None,
            gone: None,
            informed: None,
            in_ring: false,
            probed: 0,
            place: usize::MAX,
        };
        let hash = member.hash;
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[at] = Some(member);
        let before = self.names.insert(hash, at);
        assert!(before.is_none(), "a member was added twice");
        at
    }

    /// Removes somebody who is in no list.
    pub(super) fn remove(&mut self, at: usize) -> Member {
        let member = self.slots[at].take().expect("the place is taken");
        assert_eq!(
            member.place,
            usize::MAX,
            "a member that is listed was removed"
        );
        self.names.remove(&member.hash);
        self.free.push(at);
        if member.in_ring {
            self.ring.retain(|other| *other != at);
        }
        member
    }

    /// Puts it into the list for its state, and into the digest if it is live. If it was not before,
    /// it is also probed in this round.
    pub(super) fn enter(&mut self, at: usize, was_live: bool, rng: &mut Rng) {
        let member = self.at(at);
        let (state, hash) = (member.record.state, member.hash);
        let (incarnation, revision) = (member.record.incarnation, member.record.revision);
        let list = if state.is_live() {
            self.digest.add(hash, incarnation, revision);
            &mut self.live
        } else if state == State::Down {
            &mut self.down
        } else {
            return;
        };
        let place = list.len();
        list.push(at);
        self.at_mut(at).place = place;
        if state.is_live() && !was_live {
            self.add_to_ring(at, rng);
        }
    }

    /// Takes it out of its list, and out of the digest.
    pub(super) fn withdraw(&mut self, at: usize) {
        let member = self.at_mut(at);
        let place = std::mem::replace(&mut member.place, usize::MAX);
        let (state, hash) = (member.record.state, member.hash);
        let (incarnation, revision) = (member.record.incarnation, member.record.revision);
        let list = if state.is_live() {
            self.digest.remove(hash, incarnation, revision);
            &mut self.live
        } else if state == State::Down {
            &mut self.down
        } else {
            return;
        };
        let last = list.pop().expect("it is in the list");
        if last != at {
            list[place] = last;
            self.at_mut(last).place = place;
        }
    }

    /// Somebody new is probed in this round, at a random time, if it was not before.
    fn add_to_ring(&mut self, at: usize, rng: &mut Rng) {
        if self.at(at).probed == self.round {
            return;
        }
        if std::mem::replace(&mut self.at_mut(at).in_ring, true) {
            return;
        }
        self.ring.push(at);
        let last = self.ring.len() - 1;
        self.ring.swap(last, rng.below(last + 1));
    }

    /// The live member to be probed next: all once in a random order, then all again in another.
    pub(super) fn next_probed(&mut self, rng: &mut Rng) -> Option<usize> {
        if self.live.is_empty() {
            return None;
        }
        loop {
            let Some(at) = self.ring.pop() else {
                self.round += 1;
                self.ring.clone_from(&self.live);
                for last in (1..self.ring.len()).rev() {
                    self.ring.swap(last, rng.below(last + 1));
                }
                for at in 0..self.live.len() {
                    self.at_mut(self.live[at]).in_ring = true;
                }
                continue;
            };
            self.at_mut(at).in_ring = false;
            if self.is_live(at) {
                self.at_mut(at).probed = self.round;
                return Some(at);
            }
        }
    }

    pub(super) fn is_live(&self, at: usize) -> bool {
        self.get(at)
            .is_some_and(|member| member.record.state.is_live())
    }

    /// Up to `count` live members that may be chosen, at random, none twice.
    pub(super) fn choose(
        &self,
        count: usize,
        rng: &mut Rng,
        may: impl Fn(&Member) -> bool,
    ) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(count);
        // Few of many: draw until enough are found. Otherwise, or after bad luck: try all.
        if self.live.len() > 4 * count {
            for _ in 0..4 * count {
                let at = self.live[rng.below(self.live.len())];
                if chosen.len() < count && !chosen.contains(&at) && may(self.at(at)) {
                    chosen.push(at);
                }
            }
        }
        if chosen.len() < count {
            let rest = self.live.iter().copied();
            let mut rest: Vec<usize> = rest
                .filter(|at| !chosen.contains(at) && may(self.at(*at)))
                .collect();
            while chosen.len() < count && !rest.is_empty() {
                chosen.push(rest.swap_remove(rng.below(rest.len())));
            }
        }
        chosen
    }

    /// Who has been gone for longest.
    pub(super) fn longest_gone(&self) -> Option<usize> {
        let gone = self
            .iter()
            .filter_map(|(at, member)| Some((member.gone?, at)));
        gone.min().map(|(_, at)| at)
    }

    /// Those in a bucket.
    pub(super) fn in_bucket(&self, number: usize) -> impl Iterator<Item = usize> {
        self.names.range(range(number)).map(|(_, at)| *at)
    }

    /// Panics when the lists do not agree with the members, or `expected` is not their digest.
    pub(super) fn check(&self, expected: &Digest) {
        let mut digest = Digest::empty();
        let mut listed = 0;
        for (at, member) in self.iter() {
            let record = &member.record;
            let state = record.state;
            let suspected = member.suspicion.is_some();
            assert_eq!(suspected, state == State::Suspect, "{record:?}");
            assert_eq!(member.gone.is_some(), !state.is_live(), "{record:?}");
            if state.is_live() {
                digest.add(member.hash, record.incarnation, record.revision);
                assert_eq!(self.live[member.place], at, "{record:?}");
                listed += 1;
            } else if state == State::Down {
                assert_eq!(self.down[member.place], at, "{record:?}");
                listed += 1;
            } else {
                assert_eq!(member.place, usize::MAX, "{record:?}");
            }
        }
        assert_eq!(
            listed,
            self.live.len() + self.down.len(),
            "lists hold strangers"
        );
        assert_eq!(
            self.len() + self.free.len(),
            self.slots.len(),
            "places are lost"
        );
        assert!(digest == *expected, "the digest is not that of the members");
    }
}
