//! What is one end without the other?
//!
//! Role       Node 0 with its circuits. What the other nodes say, and what becomes of letters, a test
//!            writes by hand.

use foundation_cluster::overlay::circuit::{
    Carried, Circuits, Config, Effect, Input, Piece, WhyClosed,
};
use foundation_cluster::overlay::routing::Letter;
use foundation_cluster::{Effects, Machine};

use super::{circuit, id, millis};

pub(crate) const WINDOW: usize = 8192;

pub(crate) fn config() -> Config {
    Config {
        window_bytes: WINDOW,
        segment_bytes: 1024,
        segments_max: 4,
        letters_max: 8,
        circuits_max: 4,
        ..Config::default()
    }
}

/// Node 0, by the millisecond.
pub(crate) struct Hand {
    pub(crate) node: Circuits,
    pub(crate) now: u64,
}

impl Hand {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        let node = Circuits::new(id(0), config).unwrap();
        Self { node, now: 0 }
    }

    /// With a circuit to node 1 that is open, which may send so much.
    pub(crate) fn open(limit: u64) -> Self {
        let mut end = Self::new();
        let letters = end.letters(Input::Open {
            number: 1,
            to: id(1),
        });
        end.node_has(&letters);
        end.gets(Carried::Accept(limit));
        end
    }

    pub(crate) fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Effects::new();
        self.node.step(millis(self.now), input, &mut effects);
        self.node.check();
        let is_wake = |effect: &Effect| matches!(effect, Effect::Wake(_));
        effects.drain().filter(|effect| !is_wake(effect)).collect()
    }

    /// Only what is told to the program.
    pub(crate) fn told(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.step(input).into_iter();
        let is_letter = |effect: &Effect| matches!(effect, Effect::Send(_));
        effects.filter(|effect| !is_letter(effect)).collect()
    }

    pub(crate) fn letters(&mut self, input: Input) -> Vec<Letter> {
        letters(self.step(input))
    }

    /// What it says, without the letters' tickets.
    pub(crate) fn says(&mut self, input: Input) -> Vec<Carried> {
        self.letters(input).iter().map(said).collect()
    }

    pub(crate) fn node_has(&mut self, letters: &[Letter]) {
        for letter in letters {
            self.step(Input::Acknowledged(letter.ticket.unwrap()));
        }
    }

    /// Node 1 says something about circuit 1 of node 0.
    pub(crate) fn gets(&mut self, carried: Carried) -> Vec<Effect> {
        self.step(from(1, 1, carried))
    }

    pub(crate) fn write(&mut self, len: usize) -> Vec<Letter> {
        self.letters(Input::Write(circuit(0, 1), vec![7; len]))
    }
}

pub(crate) fn letters(effects: Vec<Effect>) -> Vec<Letter> {
    let letter = |effect| match effect {
        Effect::Send(letter) => Some(letter),
        _ => None,
    };
    effects.into_iter().filter_map(letter).collect()
}

pub(crate) fn said(letter: &Letter) -> Carried {
    Piece::decode(&letter.payload).unwrap().carried
}

/// A node speaks of a circuit that node 0 has opened.
pub(crate) fn from(node: usize, number: u64, carried: Carried) -> Input {
    let of_opener = false;
    let piece = Piece {
        of_opener,
        number,
        carried,
    };
    Input::Received(id(node), piece)
}

/// A node speaks of a circuit that it has opened.
pub(crate) fn of(node: usize, number: u64, carried: Carried) -> Input {
    let of_opener = true;
    let piece = Piece {
        of_opener,
        number,
        carried,
    };
    Input::Received(id(node), piece)
}

pub(crate) fn data(at: u64, bytes: &[u8]) -> Carried {
    Carried::Data {
        at,
        limit: 0,
        bytes: bytes.into(),
    }
}

pub(crate) fn closed(why: WhyClosed) -> Effect {
    Effect::Closed(circuit(0, 1), why)
}

pub(crate) fn came(bytes: &[u8]) -> Effect {
    Effect::Came(circuit(0, 1), bytes.into())
}
