//! What happens to a circuit next?
//!
//! Role       Streams of bytes between this node and others that need not be its neighbours.
//! Inputs     [`Input`]: what the program wants, pieces, the end of letters, the time.
//! Outputs    [`Effect`]: letters for routing, bytes, room, and the end of each circuit.
//! Limit      `circuits_max` circuits, each with one window of bytes that were written and one of
//!            bytes that came.
//! Invariant  Each circuit that was opened or has asked is closed once, and not named after that.
//!            Bytes come as they were written, without a gap, until it is.

use std::collections::{BTreeMap, VecDeque};

use super::circuit::{Circuit, Overdue, Stage};
use super::config::{CircuitConfigError, Config};
use super::event::{Carried, CircuitId, Effect, Input, Piece, WhyClosed};
use super::post::Post;
use super::receiving::{Broken, Next};
use crate::machine::{Effects, Machine, Tick};
use crate::overlay::PeerId;
use crate::overlay::routing::{Letter, Undelivered};

/// One node's ends of circuits.
///
/// ```
/// use foundation_cluster::overlay::PeerId;
/// use foundation_cluster::overlay::circuit::{
///     Carried, CircuitConfigError, CircuitId, Circuits, Config, Effect, Input, Piece,
/// };
/// use foundation_cluster::{Effects, Machine, Tick};
/// let mut node = Circuits::new(PeerId(1), Config::default())?;
/// let mut effects = Effects::new();
/// let (number, to) = (1, PeerId(3));
/// node.step(Tick::ZERO, Input::Open { number, to }, &mut effects);
/// // Routing is to bring a letter to node 3.
/// let Some(Effect::Send(letter)) = effects.drain().next() else { panic!("no letter") };
/// assert_eq!(letter.to, to);
/// assert!(matches!(Piece::decode(&letter.payload).unwrap().carried, Carried::Open(_)));
/// // Its answer opens the circuit.
/// let accept = Piece { of_opener: false, number, carried: Carried::Accept(65_536) };
/// node.step(Tick::ZERO, Input::Received(to, accept), &mut effects);
/// let id = CircuitId { opener: PeerId(1), number };
/// assert!(effects.drain().any(|effect| effect == Effect::Opened(id)));
/// # Ok::<(), CircuitConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Circuits {
    me: PeerId,
    config: Config,
    now: Tick,
    circuits: BTreeMap<CircuitId, Circuit>,
    post: Post,
    /// Circuits that may have something to send, in turn.
    turns: VecDeque<CircuitId>,
    /// The number of the last circuit that this node has opened.
    last: Option<u64>,
    /// No circuit needs anything earlier.
    due: Option<Tick>,
    /// For when it asked to be woken.
    wake: Option<Tick>,
}

impl Circuits {
    /// A node without circuits.
    ///
    /// # Errors
    /// When a figure is out of its bounds.
    pub fn new(me: PeerId, config: Config) -> Result<Self, CircuitConfigError> {
        let config = config.checked()?;
        Ok(Self {
            me,
            now: Tick::ZERO,
            circuits: BTreeMap::new(),
            post: Post::new(&config),
            turns: VecDeque::new(),
            last: None,
            due: None,
            wake: None,
            config,
        })
    }

    /// How many circuits there are, those that are being opened or closed too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.circuits.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.circuits.is_empty()
    }

    /// How many letters are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.post.len()
    }

    /// How many bytes are kept: written and not come, or come before those that they follow.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.circuits.values().map(Circuit::held).sum()
    }

    fn open(&mut self, number: u64, to: PeerId, effects: &mut Effects<Effect>) {
        assert!(self.last < Some(number), "{number} was there before");
        self.last = Some(number);
        let opener = self.me;
        let id = CircuitId { opener, number };
        if to == self.me {
            effects.push(Effect::Closed(id, WhyClosed::Refused));
        } else if self.is_full() {
            effects.push(Effect::Closed(id, WhyClosed::TooMany));
        } else {
            self.add(id, to);
        }
    }

    fn is_full(&self) -> bool {
        self.circuits.len() >= self.config.circuits_max
    }

    fn add(&mut self, id: CircuitId, peer: PeerId) {
        let circuit = Circuit::new(id, peer, &self.config, self.now);
        self.circuits.insert(id, circuit);
        self.touch(id);
    }

    fn accept(&mut self, id: CircuitId, effects: &mut Effects<Effect>) {
        if let Some(circuit) = self.circuits.get_mut(&id)
            && circuit.stage == Stage::Asked
        {
            circuit.accept();
            self.opened(id, effects);
        }
    }

    fn opened(&mut self, id: CircuitId, effects: &mut Effects<Effect>) {
        effects.push(Effect::Opened(id));
        effects.push(Effect::Room(id, self.config.window_bytes));
        self.advance(id, effects);
    }

    fn finish(&mut self, id: CircuitId, effects: &mut Effects<Effect>) {
        if let Some(circuit) = self.circuits.get_mut(&id) {
            circuit.sending.finish();
            self.advance(id, effects);
        }
    }

    fn close(&mut self, id: CircuitId, effects: &mut Effects<Effect>) {
        let Some(circuit) = self.circuits.get_mut(&id) else {
            return;
        };
        match circuit.stage {
            Stage::Asked => self.end(id, WhyClosed::Refused, effects),
            Stage::Opening => self.end(id, WhyClosed::Done, effects),
            Stage::Open if circuit.is_closed => {}
            Stage::Open => {
                circuit.close(&self.config, self.now);
                self.advance(id, effects);
            }
        }
    }

    fn received(&mut self, from: PeerId, piece: Piece, effects: &mut Effects<Effect>) {
        let opener = if piece.of_opener { from } else { self.me };
        let number = piece.number;
        let id = CircuitId { opener, number };
        let Some(circuit) = self.circuits.get_mut(&id) else {
            self.unknown(from, id, &piece.carried, effects);
            return;
        };
        if circuit.peer != from {
            return;
        }
        circuit.heard(self.now);
        match piece.carried {
            Carried::Accept(limit) if circuit.stage == Stage::Opening => {
                circuit.stage = Stage::Open;
                circuit.sending.allow(limit);
                self.opened(id, effects);
            }
            Carried::Refuse { full } if circuit.stage == Stage::Opening => {
                let why = [WhyClosed::Refused, WhyClosed::TooMany][usize::from(full)];
                self.end(id, why, effects);
            }
            Carried::Data { at, limit, bytes } => {
                circuit.sending.allow(limit);
                self.piece(id, at, Next::Bytes(bytes), effects);
            }
            Carried::End(at) => self.piece(id, at, Next::End, effects),
            Carried::Credit(limit) => {
                circuit.sending.allow(limit);
                self.touch(id);
            }
            Carried::Gone => self.end(id, WhyClosed::OtherEnd, effects),
            Carried::Open(_) | Carried::Accept(_) | Carried::Refuse { .. } | Carried::Probe => {}
        }
    }

    /// A piece for a circuit that is not here.
    fn unknown(
        &mut self,
        from: PeerId,
        id: CircuitId,
        carried: &Carried,
        effects: &mut Effects<Effect>,
    ) {
        match carried {
            Carried::Open(_) if id.opener == self.me => {}
            Carried::Open(_) if self.is_full() => {
                self.farewell(from, id, Carried::Refuse { full: true }, effects);
            }
            Carried::Open(limit) => {
                self.add(id, from);
                let circuit = self.circuits.get_mut(&id).expect("it was added");
                circuit.sending.allow(*limit);
                effects.push(Effect::Asks(id));
            }
            Carried::Accept(_) | Carried::Data { .. } | Carried::End(_) | Carried::Probe => {
                self.farewell(from, id, Carried::Gone, effects);
            }
            // It is gone there, too; or it will ask again.
            Carried::Refuse { .. } | Carried::Gone | Carried::Credit(_) => {}
        }
    }

    fn piece(&mut self, id: CircuitId, at: u64, next: Next, effects: &mut Effects<Effect>) {
        let circuit = self.circuits.get_mut(&id).expect("it is there");
        if circuit.is_closed {
            self.touch(id);
        } else if circuit.receiving.add(at, next) == Err(Broken) {
            self.end(id, WhyClosed::Fault, effects);
        } else {
            self.advance(id, effects);
        }
    }

    /// What is next in order goes to the reader, and the end of all is told.
    fn advance(&mut self, id: CircuitId, effects: &mut Effects<Effect>) {
        let circuit = self.circuits.get_mut(&id).expect("it is there");
        while circuit.stage == Stage::Open
            && let Some(next) = circuit.receiving.take()
        {
            effects.push(match next {
                Next::Bytes(bytes) => Effect::Came(id, bytes),
                Next::End => Effect::Finished(id),
            });
        }
        if circuit.is_over() {
            self.end(id, WhyClosed::Done, effects);
        } else {
            self.touch(id);
        }
    }

    fn acknowledged(&mut self, ticket: u64, effects: &mut Effects<Effect>) {
        let Some(flight) = self.post.ended(ticket) else {
            return;
        };
        self.post.succeeded();
        if let Some(id) = flight.circuit
            && let Some(circuit) = self.circuits.get_mut(&id)
        {
            let room = circuit.came(flight.what, self.now);
            if 0 < room && !circuit.sending.is_finished() {
                effects.push(Effect::Room(id, room));
            }
            self.advance(id, effects);
        }
    }

    fn undelivered(&mut self, letter: Letter, why: Undelivered, effects: &mut Effects<Effect>) {
        let Some(flight) = letter.ticket.and_then(|ticket| self.post.ended(ticket)) else {
            return;
        };
        if why == Undelivered::Busy {
            self.post.busy(self.now);
        }
        let Some(id) = flight.circuit else {
            return;
        };
        let Some(circuit) = self.circuits.get_mut(&id) else {
            return;
        };
        match why {
            Undelivered::Busy => {
                circuit.returned(letter.payload, flight.what, self.now);
                self.touch(id);
            }
            Undelivered::TooLong => self.end(id, WhyClosed::TooLong, effects),
            Undelivered::Alone | Undelivered::Unanswered => {
                self.end(id, WhyClosed::Unreachable, effects);
            }
        }
    }

    /// It is no more. The other end is told if it may not know.
    fn end(&mut self, id: CircuitId, why: WhyClosed, effects: &mut Effects<Effect>) {
        let circuit = self.circuits.remove(&id).expect("it is there");
        if circuit.is_ready {
            self.turns.retain(|other| *other != id);
        }
        let last = match why {
            WhyClosed::OtherEnd | WhyClosed::Unreachable => None,
            _ if circuit.stage == Stage::Asked => Some(Carried::Refuse { full: false }),
            WhyClosed::Done if circuit.stage == Stage::Opening => Some(Carried::Gone),
            WhyClosed::Done if circuit.is_closed => Some(Carried::Gone),
            WhyClosed::Stalled | WhyClosed::TooLong | WhyClosed::Fault => Some(Carried::Gone),
            _ => None,
        };
        if let Some(carried) = last {
            self.farewell(circuit.peer, id, carried, effects);
        }
        effects.push(Effect::Closed(id, why));
    }

    fn farewell(
        &mut self,
        to: PeerId,
        id: CircuitId,
        carried: Carried,
        effects: &mut Effects<Effect>,
    ) {
        let (of_opener, number) = (id.opener == self.me, id.number);
        let piece = Piece {
            of_opener,
            number,
            carried,
        };
        if let Some(letter) = self.post.farewell(to, &piece) {
            effects.push(Effect::Send(letter));
        }
    }

    fn woken(&mut self, effects: &mut Effects<Effect>) {
        self.wake = None;
        let is_due = |circuit: &Circuit| circuit.due().filter(|(at, _)| *at <= self.now);
        let due: Vec<_> = self
            .circuits
            .iter()
            .filter_map(|(&id, circuit)| is_due(circuit).map(|(_, what)| (id, what)))
            .collect();
        for (id, what) in due {
            match what {
                Overdue::Stalled => self.end(id, WhyClosed::Stalled, effects),
                Overdue::Silent => {
                    let circuit = self.circuits.get_mut(&id).expect("it is there");
                    circuit.probe();
                    self.touch(id);
                }
            }
        }
        let due = self.circuits.values().filter_map(Circuit::due);
        self.due = due.map(|(at, _)| at).min();
    }

    /// Something has changed: it may have something to send, or wait for something.
    fn touch(&mut self, id: CircuitId) {
        let circuit = self.circuits.get_mut(&id).expect("it is there");
        let due = circuit.due().map(|(at, _)| at);
        self.due = self.due.into_iter().chain(due).min();
        if !circuit.is_ready {
            circuit.is_ready = true;
            self.turns.push_back(id);
        }
    }

    /// Circuits send in turns, a letter each, as long as the post admits it.
    fn send(&mut self, effects: &mut Effects<Effect>) {
        if self.post.is_paused(self.now) {
            return;
        }
        let mut held = VecDeque::new();
        while let Some(id) = self.turns.pop_front() {
            let circuit = self.circuits.get_mut(&id).expect("it is there");
            if !self.post.admits(circuit.under_way) {
                held.push_back(id);
                continue;
            }
            if let Some((payload, what)) = circuit.next() {
                circuit.under_way += 1;
                let letter = self.post.send(circuit.peer, payload, id, what);
                effects.push(Effect::Send(letter));
                self.turns.push_back(id);
            } else {
                circuit.is_ready = false;
                let due = circuit.due().map(|(at, _)| at);
                self.due = self.due.into_iter().chain(due).min();
            }
        }
        self.turns = held;
    }

    fn ask_to_be_woken(&mut self, effects: &mut Effects<Effect>) {
        let paused = self.post.paused().filter(|_| !self.turns.is_empty());
        let next = self.due.into_iter().chain(paused).min();
        if let Some(at) = next.filter(|_| next != self.wake) {
            effects.push(Effect::Wake(at));
        }
        self.wake = next;
    }
}

impl Machine for Circuits {
    type Input = Input;
    type Effect = Effect;

    fn step(&mut self, now: Tick, input: Input, effects: &mut Effects<Effect>) {
        self.now = now;
        match input {
            Input::Open { number, to } => self.open(number, to, effects),
            Input::Accept(id) => self.accept(id, effects),
            Input::Refuse(id) | Input::Close(id) => self.close(id, effects),
            Input::Write(id, bytes) => {
                if let Some(circuit) = self.circuits.get_mut(&id) {
                    assert!(circuit.stage == Stage::Open, "written before it is open");
                    circuit.sending.write(&bytes);
                    self.touch(id);
                }
            }
            Input::Consumed(id, bytes) => {
                if let Some(circuit) = self.circuits.get_mut(&id).filter(|c| !c.is_closed) {
                    circuit.receiving.consumed(bytes);
                    self.touch(id);
                }
            }
            Input::Finish(id) => self.finish(id, effects),
            Input::Received(from, piece) if from != self.me => {
                self.received(from, piece, effects);
            }
            Input::Received(..) => {}
            Input::Acknowledged(ticket) => self.acknowledged(ticket, effects),
            Input::Undelivered(letter, why) => self.undelivered(letter, why, effects),
            Input::Woken => self.woken(effects),
        }
        self.send(effects);
        self.ask_to_be_woken(effects);
    }

    fn check(&self) {
        assert!(
            self.circuits.len() <= self.config.circuits_max,
            "too many circuits"
        );
        self.post.check();
        let ready = self.circuits.values().filter(|circuit| circuit.is_ready);
        assert!(ready.count() == self.turns.len(), "turns are not counted");
        for (id, circuit) in &self.circuits {
            circuit.check();
            let under_way = self.post.of(*id);
            assert!(under_way == circuit.under_way, "{id:?} lost a letter");
        }
    }
}
