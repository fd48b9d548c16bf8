//! What has a neighbour not had that this node can send it?
//!
//! Role       Anti-entropy: two neighbours say what they have had, and send what the other lacks.
//!            A node that is new learns where all origins stand, and waits for nothing older.
//! Limit      [`REPAIRS_MAX`] messages, and `payload_bytes_max` bytes and one message more, for one
//!            comparison: the next goes on.

use crate::machine::{Effects, Tick};
use crate::overlay::PeerId;

use super::event::{Effect, Had, Message, MessageId};
use super::machine::{Plumtree, tell};
use super::store::Kept;

const REPAIRS_MAX: usize = 64;
/// The most origins in one message about where they stand, and in one that is read.
const BASELINE_MAX: usize = 2048;

impl Plumtree {
    /// Asks a neighbour, by chance, what it has had.
    pub(super) fn begin_comparison(&mut self, effects: &mut Effects<Effect>) {
        let Some(peer) = self.links.any(&mut self.rng) else {
            self.compare_at = None;
            return;
        };
        self.compare_at = Some(self.now + self.config.compare_interval);
        // Nobody knows better: all are new, and what was heard by now is where they stand.
        self.ledger.greeted = true;
        let had = self.ledger.had();
        // Who has had nothing lacks what others say that they have had: these compare, too.
        if !had.is_empty() {
            effects.push(Effect::Send(peer, Message::Compare(had)));
        }
    }

    pub(super) fn greeted_by(&mut self, from: PeerId, effects: &mut Effects<Effect>) {
        let all: Vec<(PeerId, u64)> = self.ledger.standing().collect();
        for part in all.chunks(BASELINE_MAX) {
            effects.push(Effect::Send(from, Message::Baseline(part.to_vec(), false)));
        }
        // Of two that are new neither can tell the other that it knows all.
        let knows = self.ledger.greeted;
        effects.push(Effect::Send(from, Message::Baseline(Vec::new(), knows)));
    }

    pub(super) fn baseline(&mut self, origins: &[(PeerId, u64)], last: bool) {
        if self.ledger.greeted {
            return;
        }
        for &(origin, number) in origins.iter().take(BASELINE_MAX) {
            self.ledger.begin(origin, number);
        }
        self.ledger.greeted = last;
    }

    /// Sends what the other has not had, and notes what this node has not.
    pub(super) fn compare(&mut self, from: PeerId, had: &[Had], effects: &mut Effects<Effect>) {
        let mut missed = Vec::new();
        for had in had.iter().take(BASELINE_MAX) {
            let id = MessageId {
                origin: had.origin,
                number: had.highest,
            };
            self.ledger.expect(id, &mut missed);
        }
        tell(&missed, effects);
        // What has just come is on its way to the other as well.
        let settled = |at: Tick| at + self.config.graft_timeout <= self.now;
        let mut bytes = 0;
        for (id, kept) in self
            .wanted(had)
            .filter(|(_, kept)| settled(kept.at))
            .take(REPAIRS_MAX)
        {
            if bytes > self.config.payload_bytes_max {
                break;
            }
            bytes += kept.payload.len();
            let hops = kept.hops.saturating_add(1);
            let message = Message::Repair(id, hops, kept.payload.clone());
            effects.push(Effect::Send(from, message));
        }
    }

    fn wanted(&self, had: &[Had]) -> impl Iterator<Item = (MessageId, &Kept)> {
        had.iter().take(BASELINE_MAX).flat_map(move |had| {
            let origin = had.origin;
            let missing = had.missing.iter().take(BASELINE_MAX);
            let missing = missing.filter_map(move |&number| {
                let id = MessageId { origin, number };
                Some((id, self.store.get(id)?))
            });
            missing.chain(self.store.beyond(origin, had.highest))
        })
    }

    pub(super) fn tried(&mut self, effects: &mut Effects<Effect>) {
        let mut missed = Vec::new();
        self.ledger.tried(&mut missed);
        tell(&missed, effects);
    }
}
