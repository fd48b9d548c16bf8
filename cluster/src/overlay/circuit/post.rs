//! Which letters are under way, and may there be one more?
//!
//! Role       Gives letters their tickets, and knows what each of them was. After routing was busy
//!            nothing is sent for a while, and then no more at a time than routing has taken.
//! Limit      `letters_max` letters, and one more of each circuit that has none; [`FAREWELLS_MAX`]
//!            letters that belong to no circuit, which are not sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::config::Config;
use super::event::{CircuitId, Piece};
use crate::machine::Tick;
use crate::overlay::PeerId;
use crate::overlay::plumtree::Payload;
use crate::overlay::routing::Letter;

/// The most letters under way that say that there is no such circuit; who gets none asks again.
pub(super) const FAREWELLS_MAX: usize = 64;

/// What a letter brings, for the half of the circuit that has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The piece of that number.
    Piece(u64),
    /// Something without a number.
    Word,
}

/// A letter under way; without a circuit it is a farewell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    pub(super) circuit: Option<CircuitId>,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) struct Post {
    flights: BTreeMap<u64, Flight>,
    farewells: usize,
    /// The ticket of the last letter.
    last: u64,
    /// How many may be under way, as far as is known.
    cap: usize,
    cap_max: usize,
    all_max: usize,
    /// Nothing is sent before.
    paused: Option<Tick>,
    /// How long the next pause is.
    wait: Duration,
    wait_least: Duration,
    wait_most: Duration,
}

impl Post {
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            flights: BTreeMap::new(),
            farewells: 0,
            last: 0,
            cap: config.letters_max,
            cap_max: config.letters_max,
            all_max: config.letters_max + config.circuits_max,
            paused: None,
            wait: config.busy_wait,
            wait_least: config.busy_wait,
            wait_most: config.busy_wait_max,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Until when nothing is sent.
    pub(super) const fn paused(&self) -> Option<Tick> {
        self.paused
    }

    pub(super) fn is_paused(&mut self, now: Tick) -> bool {
        self.paused = self.paused.filter(|until| now < *until);
        self.paused.is_some()
    }

    /// May a circuit with so many letters under way send one more?
    pub(super) fn admits(&self, under_way: usize) -> bool {
        let all = self.flights.len();
        all < self.cap || (under_way == 0 && all < self.all_max)
    }

    pub(super) fn send(
        &mut self,
        to: PeerId,
        payload: Payload,
        circuit: CircuitId,
        what: What,
    ) -> Letter {
        let circuit = Some(circuit);
        self.letter(to, payload, Flight { circuit, what })
    }

    /// A letter of no circuit; none when there are too many.
    pub(super) fn farewell(&mut self, to: PeerId, piece: &Piece) -> Option<Letter> {
        if self.farewells >= FAREWELLS_MAX {
            return None;
        }
        self.farewells += 1;
        let flight = Flight {
            circuit: None,
            what: What::Word,
        };
        Some(self.letter(to, piece.encode().into(), flight))
    }

    fn letter(&mut self, to: PeerId, payload: Payload, flight: Flight) -> Letter {
        self.last += 1;
        self.flights.insert(self.last, flight);
        Letter {
            to,
            payload,
            ticket: Some(self.last),
        }
    }

    /// The letter is under way no more.
    pub(super) fn ended(&mut self, ticket: u64) -> Option<Flight> {
        let flight = self.flights.remove(&ticket)?;
        self.farewells -= usize::from(flight.circuit.is_none());
        Some(flight)
    }

    /// Routing takes letters.
    pub(super) fn succeeded(&mut self) {
        self.paused = None;
        self.wait = self.wait_least;
        self.cap = self.cap_max.min(self.cap + 1);
    }

    /// It took none. All that it says of letters that were sent together counts once.
    pub(super) fn busy(&mut self, now: Tick) {
        self.cap = self.flights.len().clamp(1, self.cap_max);
        if !self.is_paused(now) {
            self.paused = Some(now + self.wait);
            self.wait = self.wait_most.min(2 * self.wait);
        }
    }

    /// How many letters of this circuit are under way.
    pub(super) fn of(&self, circuit: CircuitId) -> usize {
        let is_his = |flight: &&Flight| flight.circuit == Some(circuit);
        self.flights.values().filter(is_his).count()
    }

    pub(super) fn check(&self) {
        let most = self.all_max + FAREWELLS_MAX;
        assert!(self.flights.len() <= most, "too many letters are under way");
        let farewells = self.flights.values().filter(|f| f.circuit.is_none());
        assert!(
            farewells.count() == self.farewells,
            "farewells are not counted"
        );
        assert!(self.farewells <= FAREWELLS_MAX, "too many farewells");
        assert!((1..=self.cap_max).contains(&self.cap), "the cap is off");
        assert!(self.wait <= self.wait_most, "the pause is too long");
    }
}
