//! Two parts of a cluster have each given a name, and find each other: who keeps it?
//!
//! Role       The node of the lower of the two pids decides, by what its process said when it got the
//!            name, and tells the other. So it is decided once.
//! Invariant  Chance is the same for whoever asks ([`keeps`]): of any number of processes one stays.

use foundation_actors::pg::machine::Member;

use super::claims::keeps;
use super::event::Effect;
use super::machine::Registrar;
use super::word::{Claim, Conflict, Fate, Verdict, Word};
use crate::machine::Effects;

impl<P: Member> Registrar<P> {
    /// What a node says of a name, from here on.
    pub(super) fn learn(
        &mut self,
        node: P::Node,
        name: &str,
        claim: Option<Claim<P>>,
        effects: &mut Effects<Effect<P>>,
    ) {
        let before = self.claims.holder(name);
        if self.claims.set(node, name, claim) {
            let is_other = |of: &str, pid: P| of != name || pid.node() != node;
            self.verdicts.retain(|(of, pid), _| is_other(of, *pid));
            self.show(name, before, effects);
        }
        self.compare(node, name, effects);
    }

    /// Decides, if this node and that one both have given the name, and this one is to decide.
    pub(super) fn compare(&mut self, node: P::Node, name: &str, effects: &mut Effects<Effect<P>>) {
        let mine = self.claims.of(self.own.node(), name);
        let (Some(mine), Some(theirs)) = (mine, self.claims.of(node, name)) else {
            return;
        };
        if theirs.pid < mine.pid {
            return;
        }
        let verdict = match mine.conflict {
            Conflict::NotifyAll => Verdict::Nobody,
            Conflict::RandomExit | Conflict::RandomNotify => {
                match keeps(name, mine.pid, theirs.pid) == mine.pid {
                    true => Verdict::Mine,
                    false => Verdict::Theirs,
                }
            }
            Conflict::Own => {
                let key = (name.to_owned(), theirs.pid);
                match self.verdicts.get(&key) {
                    Some(Some(verdict)) => *verdict,
                    Some(None) => return,
                    None => {
                        self.verdicts.insert(key, None);
                        let decide = Effect::Decide(name.to_owned(), mine.pid, theirs.pid);
                        return effects.push(decide);
                    }
                }
            }
        };
        self.settle(name, mine, theirs, verdict, effects);
    }

    /// A function of the program has said who keeps the name.
    pub(super) fn decided(
        &mut self,
        name: &str,
        mine: P,
        theirs: P,
        verdict: Verdict,
        effects: &mut Effects<Effect<P>>,
    ) {
        let claims = [mine, theirs].map(|pid| {
            let claim = self.claims.of(pid.node(), name);
            claim.filter(|claim| claim.pid == pid)
        });
        let key = (name.to_owned(), theirs);
        match claims {
            [Some(mine), Some(theirs)] if self.verdicts.get(&key) == Some(&None) => {
                self.verdicts.insert(key, Some(verdict));
                self.settle(name, mine, theirs, verdict, effects);
            }
            // One of them has lost it meanwhile.
            _ => {}
        }
    }

    fn settle(
        &mut self,
        name: &str,
        mine: Claim<P>,
        theirs: Claim<P>,
        verdict: Verdict,
        effects: &mut Effects<Effect<P>>,
    ) {
        let fate = match mine.conflict {
            Conflict::RandomExit => Fate::Exit,
            Conflict::RandomNotify => Fate::Notify,
            Conflict::NotifyAll => Fate::NotifyAll,
            Conflict::Own => Fate::Nothing,
        };
        if verdict != Verdict::Theirs {
            let lost = Word::Lost {
                name: name.to_owned(),
                pid: theirs.pid,
                fate,
                other: mine.pid,
            };
            self.say(theirs.pid.node(), lost, effects);
        }
        if verdict != Verdict::Mine {
            self.lost(name, mine.pid, fate, theirs.pid, effects);
        }
    }

    /// A process of this node has lost its name.
    pub(super) fn lost(
        &mut self,
        name: &str,
        pid: P,
        fate: Fate,
        other: P,
        effects: &mut Effects<Effect<P>>,
    ) {
        let claim = self.claims.of(self.own.node(), name);
        if claim.is_some_and(|claim| claim.pid == pid) {
            self.claim(name, None, effects);
            effects.push(Effect::Punish(name.to_owned(), pid, fate, other));
        }
    }
}
