//! What does one end of a circuit say next, and until when does it wait?
//!
//! Role       Both halves of one end, and what is to be said beside bytes.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::Config;
use super::event::{Carried, CircuitId, Piece};
use super::post::What;
use super::receiving::Receiving;
use super::sending::Sending;
use crate::machine::Tick;
use crate::overlay::PeerId;
use crate::overlay::plumtree::Payload;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// This end has asked, the other has not answered.
    Opening,
    /// The other end has asked, the program has not answered.
    Asked,
    Open,
}

/// What a circuit needs when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// It has waited for too long.
    Stalled,
    /// Nothing was heard of the other end.
    Silent,
}

#[derive(Debug, Clone)]
pub(super) struct Circuit {
    id: CircuitId,
    pub(super) peer: PeerId,
    pub(super) stage: Stage,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    /// The program has closed it: nothing that comes is read.
    pub(super) is_closed: bool,
    /// Letters under way.
    pub(super) under_way: usize,
    /// Does it wait for its turn to send?
    pub(super) is_ready: bool,
    /// A word that is to be sent: open, accept or probe.
    word: Option<Carried>,
    /// Letters that routing was too busy for.
    returned: VecDeque<(Payload, What)>,
    /// Since when routing has taken nothing of it.
    refused: Option<Tick>,
    /// When it began, when the other end was last heard of, and when it last took a piece.
    begun: Tick,
    heard: Tick,
    moved: Tick,
    open_timeout: Duration,
    stall_timeout: Duration,
    probe_interval: Duration,
}

impl Circuit {
    pub(super) fn new(id: CircuitId, peer: PeerId, config: &Config, now: Tick) -> Self {
        let mut receiving = Receiving::new(config.window_bytes);
        let of_peer = id.opener == peer;
        let word = (!of_peer).then(|| Carried::Open(receiving.tell()));
        Self {
            id,
            peer,
            stage: if of_peer {
                Stage::Asked
            } else {
                Stage::Opening
            },
            sending: Sending::new(config),
            receiving,
            is_closed: false,
            under_way: 0,
            is_ready: false,
            word,
            returned: VecDeque::new(),
            refused: None,
            begun: now,
            heard: now,
            moved: now,
            open_timeout: config.open_timeout,
            stall_timeout: config.stall_timeout,
            probe_interval: config.probe_interval,
        }
    }

    pub(super) fn accept(&mut self) {
        self.stage = Stage::Open;
        self.word = Some(Carried::Accept(self.receiving.tell()));
    }

    /// The program is done with it.
    pub(super) fn close(&mut self, config: &Config, now: Tick) {
        self.is_closed = true;
        self.sending.finish();
        self.receiving = Receiving::new(config.window_bytes);
        self.moved = now;
    }

    pub(super) fn probe(&mut self) {
        self.word.get_or_insert(Carried::Probe);
    }

    pub(super) const fn heard(&mut self, now: Tick) {
        self.heard = now;
    }

    /// A letter has come. So much more is there room for.
    pub(super) fn came(&mut self, what: What, now: Tick) -> usize {
        self.under_way -= 1;
        self.refused = None;
        self.heard = now;
        let What::Piece(number) = what else {
            return 0;
        };
        self.moved = now;
        self.sending.came(number)
    }

    /// Routing was too busy for a letter: it is sent again.
    pub(super) fn returned(&mut self, payload: Payload, what: What, now: Tick) {
        self.under_way -= 1;
        self.refused.get_or_insert(now);
        self.returned.push_back((payload, what));
    }

    /// The next letter, if there is anything to say.
    pub(super) fn next(&mut self) -> Option<(Payload, What)> {
        if let Some(again) = self.returned.pop_front() {
            return Some(again);
        }
        if let Some(word) = self.word.take() {
            return Some((self.bytes(word), What::Word));
        }
        if self.stage != Stage::Open {
            return None;
        }
        if let Some((at, bytes)) = self.sending.next() {
            let carried = if bytes.is_empty() {
                Carried::End(at)
            } else {
                let (limit, bytes) = (self.receiving.tell(), bytes.into());
                Carried::Data { at, limit, bytes }
            };
            return Some((self.bytes(carried), What::Piece(at)));
        }
        if self.is_closed || !self.receiving.owes_credit() {
            return None;
        }
        let credit = Carried::Credit(self.receiving.tell());
        Some((self.bytes(credit), What::Word))
    }

    fn bytes(&self, carried: Carried) -> Payload {
        self.piece(carried).encode().into()
    }

    pub(super) fn piece(&self, carried: Carried) -> Piece {
        Piece {
            of_opener: self.id.opener != self.peer,
            number: self.id.number,
            carried,
        }
    }

    /// Has all that was written come, and is nothing more to be read?
    pub(super) fn is_over(&self) -> bool {
        self.sending.is_over() && (self.is_closed || self.receiving.has_ended())
    }

    /// What it waits for, and until when. Who has letters under way hears of them in any case.
    pub(super) fn due(&self) -> Option<(Tick, Overdue)> {
        let stalled = |since: Tick| (since + self.stall_timeout, Overdue::Stalled);
        if self.stage != Stage::Open {
            return Some((self.begun + self.open_timeout, Overdue::Stalled));
        }
        let refused = self.refused.map(stalled);
        let moved = self.is_closed.then(|| stalled(self.moved));
        let is_quiet = self.under_way == 0 && !self.is_ready;
        let silent = is_quiet.then(|| (self.heard + self.probe_interval, Overdue::Silent));
        [refused, moved, silent]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// Bytes that are kept here.
    pub(super) fn held(&self) -> usize {
        self.sending.held() + self.receiving.held()
    }

    pub(super) fn check(&self) {
        self.sending.check();
        self.receiving.check();
        let is_opener = self.id.opener != self.peer;
        assert!(self.stage != Stage::Asked || !is_opener, "it asks itself");
        assert!(
            self.is_ready || (self.returned.is_empty() && self.word.is_none()),
            "{:?} has something to say and no turn",
            self.id
        );
    }
}
