//! What changes when something is heard of a member?
//!
//! Role       Takes claims into the view: from messages, from this member's own judgement, from time
//!            that has run out.
//! Invariant  A claim that is not newer changes nothing. Who is heard to be down, but was not
//!            suspected here, is suspected and probed, not believed to be down: after a partition both
//!            sides believe that of each other.

use foundation_runtime::planted::{self, Bug};
use std::sync::Arc;
use std::time::Duration;

use crate::machine::{Effects, Tick};

use super::agenda::Due;
use super::config::Reach;
use super::event::{Effect, Event, Ousted};
use super::machine::{Membership, Phase};
use super::name::{Address, Name};
use super::record::{Accusers, Claim, REVISION_MAX, Record, State};
use super::rumours::About;
use super::suspicion::Suspicion;

impl Membership {
    /// Takes a claim. Was it news?
    pub(super) fn learn(
        &mut self,
        now: Tick,
        claim: &Claim<'_>,
        effects: &mut Effects<Effect>,
    ) -> bool {
        if self.phase == Phase::Out {
            return false;
        }
        if claim.name == self.me.name.as_str() {
            return self.heard_of_me(claim, effects);
        }
        let Some(at) = self.members.find(claim.name) else {
            return self.meet(now, claim, effects);
        };
        let mut claim = *claim;
        let member = self.members.at(at);
        let known = member.record.precedence();
        let believed = member.record.state == State::Alive || member.is_hearsay();
        let same_start = claim.incarnation == member.record.incarnation;
        if claim.state == State::Down && same_start && believed {
            claim.state = State::Suspect;
            claim.accusers = Accusers::default();
        }
        if claim.precedence() > known {
            self.adopt(now, at, &claim, effects);
            return true;
        }
        if claim.precedence() == known && claim.state == State::Suspect {
            return self.confirm(now, at, &claim.accusers);
        }
        false
    }

    /// Somebody claims something of this member.
    fn heard_of_me(&mut self, claim: &Claim<'_>, effects: &mut Effects<Effect>) -> bool {
        if claim.incarnation > self.me.incarnation {
            self.oust(Ousted::Replaced, effects);
            return true;
        }
        if claim.incarnation < self.me.incarnation {
            // Others still take an earlier one for a member.
            if claim.state.is_live() {
                self.rumours.tell(About::Own);
            }
            return false;
        }
        let unanswerable = claim.state == State::Evicted || claim.revision == REVISION_MAX;
        if unanswerable && self.me.precedence() < claim.precedence() {
            self.oust(Ousted::Evicted, effects);
            return true;
        }
        if self.phase == Phase::Leaving || self.me.precedence() >= claim.precedence() {
            return false;
        }
        if planted::is(Bug::RefutationForgotten) {
            return false;
        }
        // A wrong suspicion is a sign that this member answers late.
        self.health.worse(1);
        self.revise(claim.revision + 1);
        true
    }

    /// A claim of somebody who is not known.
    fn meet(&mut self, now: Tick, claim: &Claim<'_>, effects: &mut Effects<Effect>) -> bool {
        let age = Duration::from_secs(claim.age.into());
        if !claim.state.is_live() && age >= self.config.remember {
            return false;
        }
        let (Ok(name), Ok(address)) = (Name::new(claim.name), Address::new(claim.address)) else {
            return false;
        };
        let full = self.members.len() >= self.config.members_max;
        if self.members.collides(claim.name) || (full && !self.make_room(claim)) {
            self.turned_away += 1;
            return false;
        }
        let record = Record {
            name,
            incarnation: claim.incarnation,
            revision: claim.revision,
            address,
            metadata: Arc::from(claim.metadata),
            state: claim.state,
        };
        let live = claim.state.is_live();
        let at = self.members.add(record);
        self.enter(now, at, false, claim, effects);
        if live {
            let record = self.members.at(at).record.clone();
            let suspected = record.state == State::Suspect;
            effects.push(Effect::Tell(Event::Joined(record.clone())));
            if suspected {
                effects.push(Effect::Tell(Event::Suspected(record)));
            }
        }
        true
    }

    /// Forgets who has been gone for longest, for somebody who is live.
    fn make_room(&mut self, claim: &Claim<'_>) -> bool {
        if !claim.state.is_live() {
            return false;
        }
        let Some(at) = self.members.longest_gone() else {
            return false;
        };
        let due = self.members.at(at).gone.expect("it is gone");
        self.agenda.remove(due, Due::Forget(at));
        self.forget(at);
        true
    }

    pub(super) fn forget(&mut self, at: usize) {
        self.rumours.drop(About::Member(at));
        self.members.withdraw(at);
        self.members.remove(at);
    }

    /// Takes a newer claim of somebody known.
    fn adopt(&mut self, now: Tick, at: usize, claim: &Claim<'_>, effects: &mut Effects<Effect>) {
        let before = self.members.at(at).record.clone();
        assert!(
            before.precedence() < claim.precedence(),
            "a claim went back"
        );
        self.withdraw(at);
        let record = &mut self.members.at_mut(at).record;
        record.incarnation = claim.incarnation;
        record.revision = claim.revision;
        record.state = claim.state;
        if record.address.as_str() != claim.address {
            record.address = Address::new(claim.address).unwrap_or(before.address.clone());
        }
        if *record.metadata != *claim.metadata {
            record.metadata = Arc::from(claim.metadata);
        }
        self.enter(now, at, before.state.is_live(), claim, effects);
        self.tell(&before, at, effects);
    }

    /// Takes it out of the list of its state, and ends what its state needs.
    fn withdraw(&mut self, at: usize) {
        self.members.withdraw(at);
        let member = self.members.at_mut(at);
        let suspicion = member.suspicion.take();
        let gone = member.gone.take();
        if let Some((due, _)) = suspicion {
            self.agenda.remove(due, Due::Suspicion(at));
        }
        if let Some(due) = gone {
            self.agenda.remove(due, Due::Forget(at));
        }
    }

    /// Puts it into the list of its state, begins what its state needs, and passes the news on.
    fn enter(
        &mut self,
        now: Tick,
        at: usize,
        was_live: bool,
        claim: &Claim<'_>,
        effects: &mut Effects<Effect>,
    ) {
        self.members.enter(at, was_live, &mut self.rng);
        let live = self.members.live().len() + 1;
        let member = self.members.at_mut(at);
        match claim.state {
            State::Alive => {}
            State::Suspect => {
                let suspicion = Suspicion::new(&self.config, now, live, claim.accusers);
                let due = suspicion.end();
                member.suspicion = Some((due, suspicion));
                self.agenda.add(due, Due::Suspicion(at));
                if claim.accusers.is_empty() {
                    self.doubt_of(now, at, effects);
                }
            }
            State::Down | State::Left | State::Evicted => {
                let age = Duration::from_secs(claim.age.into());
                let due = now + self.config.remember.saturating_sub(age);
                member.gone = Some(due);
                self.agenda.add(due, Due::Forget(at));
            }
        }
        if self.exchanging {
            self.rumours.drop(About::Member(at));
        } else {
            self.rumours.tell(About::Member(at));
        }
    }

    /// It is to be probed before others, and to say that it lives, if it does.
    fn doubt_of(&mut self, now: Tick, at: usize, effects: &mut Effects<Effect>) {
        if self.doubted.len() < self.config.members_max {
            self.doubted.push_back(at);
        }
        // To one that is not connected the news of its own death goes from neighbour to neighbour.
        if self.config.reach == Reach::All {
            self.inform_some(now, at, effects);
        }
    }

    /// Tells those who watch what has become of a member.
    fn tell(&self, before: &Record, at: usize, effects: &mut Effects<Effect>) {
        let after = self.members.at(at).record.clone();
        let restarted = before.incarnation != after.incarnation;
        let was_live = before.state.is_live();
        let mut tell = |event| effects.push(Effect::Tell(event));
        if was_live && restarted {
            tell(Event::Failed(before.clone()));
        }
        match after.state {
            State::Alive | State::Suspect => {
                if !was_live || restarted {
                    tell(Event::Joined(after.clone()));
                } else if *before.metadata != *after.metadata || before.address != after.address {
                    tell(Event::Updated(after.clone()));
                }
                let suspected = was_live && !restarted && before.state == State::Suspect;
                match (suspected, after.state) {
                    (false, State::Suspect) => tell(Event::Suspected(after)),
                    (true, State::Alive) => tell(Event::Recovered(after)),
                    _ => {}
                }
            }
            State::Down if was_live && !restarted => tell(Event::Failed(after)),
            State::Left | State::Evicted if was_live && !restarted => tell(Event::Left(after)),
            State::Down | State::Left | State::Evicted => {}
        }
    }

    /// Others accuse a suspect too: it has less time.
    fn confirm(&mut self, now: Tick, at: usize, accusers: &Accusers) -> bool {
        let suspicion = self.members.at_mut(at).suspicion.as_mut();
        let (due, suspicion) = suspicion.expect("a suspect");
        if !suspicion.confirm(accusers) {
            return false;
        }
        let before = *due;
        *due = suspicion.end().max(now);
        let after = *due;
        self.agenda.remove(before, Due::Suspicion(at));
        self.agenda.add(after, Due::Suspicion(at));
        self.rumours.tell(About::Member(at));
        true
    }

    /// This member's own word: it did not reach somebody.
    pub(super) fn suspect(
        &mut self,
        now: Tick,
        at: usize,
        accusers: Accusers,
        effects: &mut Effects<Effect>,
    ) {
        match self.members.at(at).record.state {
            State::Alive => {
                let record = self.members.at(at).record.clone();
                let mut claim = Claim::of(&record, accusers, 0);
                claim.state = State::Suspect;
                self.adopt(now, at, &claim, effects);
            }
            State::Suspect => {
                self.confirm(now, at, &accusers);
            }
            State::Down | State::Left | State::Evicted => {}
        }
    }

    /// This member's own word: somebody is gone.
    pub(super) fn declare(
        &mut self,
        now: Tick,
        at: usize,
        state: State,
        effects: &mut Effects<Effect>,
    ) {
        assert!(!state.is_live(), "nobody else says that a member lives");
        let record = self.members.at(at).record.clone();
        let mut claim = Claim::of(&record, Accusers::default(), 0);
        claim.state = state;
        self.adopt(now, at, &claim, effects);
    }

    pub(super) fn suspicion_due(&mut self, now: Tick, at: usize, effects: &mut Effects<Effect>) {
        let member = self.members.at_mut(at);
        let (due, _) = member.suspicion.as_ref().expect("a suspect's time is up");
        assert!(*due <= now, "a suspicion ended too early");
        // The entry was taken out when it became due: put it back, for the change takes it out.
        self.agenda.add(*due, Due::Suspicion(at));
        self.declare(now, at, State::Down, effects);
    }
}
