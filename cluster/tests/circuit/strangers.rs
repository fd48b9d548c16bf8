//! Can another node break this one by what it says?
//!
//! Role       Node 0 between nodes that say anything, in any order, about circuits that there are and
//!            others; routing that acknowledges, gives up and is busy by chance; and a program that
//!            keeps to the rules. Planted faults that this finds: a window that is not enforced, a
//!            piece that is far ahead, a letter that ends twice.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::circuit::{
    AHEAD_MAX, Carried, CircuitId, Circuits, Config, Effect, Input, Piece,
};
use foundation_cluster::overlay::routing::{Letter, Undelivered};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;

use super::{circuit, id};

const WINDOW: usize = 2048;

/// What the program knows of a circuit.
#[derive(Default)]
struct Known {
    peer: u64,
    room: usize,
    unread: usize,
    /// It wrote its last.
    is_finished: bool,
    is_open: bool,
}

struct Walk {
    node: Circuits,
    now: Tick,
    rng: Rng,
    known: BTreeMap<CircuitId, Known>,
    letters: Vec<Letter>,
    last: u64,
    faults: usize,
    came: usize,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let config = Config {
            window_bytes: WINDOW,
            segment_bytes: 256,
            segments_max: 6,
            letters_max: 16,
            circuits_max: 6,
            ..Config::default()
        };
        Self {
            node: Circuits::new(id(0), config).unwrap(),
            now: Tick::ZERO,
            rng: Rng::new(seed),
            known: BTreeMap::new(),
            letters: Vec::new(),
            last: 0,
            faults: 0,
            came: 0,
        }
    }

    fn give(&mut self, input: Input) {
        let mut effects = Effects::new();
        self.node.step(self.now, input, &mut effects);
        self.node.check();
        assert!(self.node.held_bytes() <= 6 * 2 * WINDOW);
        for effect in effects.drain() {
            match effect {
                Effect::Send(letter) => self.letters.push(letter),
                Effect::Asks(id) => {
                    let peer = id.opener.0;
                    self.know(id, peer);
                }
                Effect::Opened(id) => self.of(id).is_open = true,
                Effect::Room(id, bytes) => {
                    self.of(id).room += bytes;
                    assert!(self.of(id).room <= WINDOW);
                }
                Effect::Came(id, bytes) => {
                    self.of(id).unread += bytes.len();
                    assert!(self.of(id).unread <= WINDOW, "more than the window");
                    self.came += 1;
                }
                Effect::Finished(id) => assert!(self.of(id).is_open),
                Effect::Closed(id, why) => {
                    assert!(self.known.remove(&id).is_some(), "{id:?} is not known");
                    self.faults += usize::from(format!("{why:?}") == "Fault");
                }
                Effect::Wake(_) => {}
            }
        }
        assert_eq!(self.known.len(), self.node.len());
    }

    fn know(&mut self, id: CircuitId, peer: u64) {
        let known = Known {
            peer,
            ..Known::default()
        };
        assert!(self.known.insert(id, known).is_none(), "{id:?} asks twice");
    }

    fn of(&mut self, id: CircuitId) -> &mut Known {
        self.known.get_mut(&id).expect("it is named after its end")
    }

    fn says(&mut self) -> Input {
        let rng = &mut self.rng;
        let at = match rng.below(20) {
            0 => rng.next_u64(),
            1 => AHEAD_MAX + rng.below(4) as u64,
            _ => rng.below(4) as u64,
        };
        let limit = match rng.below(8) {
            0 => rng.next_u64(),
            _ => rng.below(10_000) as u64,
        };
        let len = [1, 200, 1000, 3000][rng.below(4)];
        let carried = match rng.below(24) {
            0..4 => Carried::Open(limit),
            4..7 => Carried::Accept(limit),
            7 => Carried::Refuse {
                full: rng.chance(0.5),
            },
            8..19 => {
                let bytes = vec![1; rng.below(len + 1)].into();
                Carried::Data { at, limit, bytes }
            }
            19 => Carried::End(at),
            20 | 21 => Carried::Credit(limit),
            22 => Carried::Probe,
            _ => Carried::Gone,
        };
        // Mostly of a circuit that there is, by who has the other end.
        let chosen = rng.below(self.known.len() + 2);
        let (from, of_opener, number) = match self.known.iter().nth(chosen) {
            Some((id, known)) => (known.peer, id.opener.0 != 0, id.number),
            None => {
                let number = 1 + rng.below(self.last as usize + 4) as u64;
                (rng.below(4) as u64, rng.chance(0.5), number)
            }
        };
        let piece = Piece {
            of_opener,
            number,
            carried,
        };
        Input::Received(PeerId(from), piece)
    }

    /// What routing says of a letter.
    fn ends(&mut self) -> Option<Input> {
        if self.letters.is_empty() {
            return None;
        }
        let chosen = self.rng.below(self.letters.len());
        let letter = self.letters.swap_remove(chosen);
        let ticket = letter.ticket.expect("all of them have one");
        Some(match self.rng.below(20) {
            0 => Input::Undelivered(letter, Undelivered::Unanswered),
            1..5 => Input::Undelivered(letter, Undelivered::Busy),
            _ => Input::Acknowledged(ticket),
        })
    }

    /// What the program does, within the rules.
    fn program(&mut self) -> Option<Input> {
        let chosen = self.rng.below(self.known.len() + 1);
        let Some((&id, known)) = self.known.iter_mut().nth(chosen) else {
            self.last += 1;
            let number = self.last;
            let to = super::id(1 + self.rng.below(3));
            self.know(circuit(0, number), to.0);
            return Some(Input::Open { number, to });
        };
        match self.rng.below(12) {
            0 => {
                known.is_finished = true;
                known.unread = 0;
                Some(Input::Close(id))
            }
            1 => Some(Input::Refuse(id)).filter(|_| !known.is_open),
            2 if known.is_open => {
                known.is_finished = true;
                Some(Input::Finish(id))
            }
            3..5 => Some(Input::Accept(id)),
            5..8 if known.is_open && !known.is_finished => {
                let len = self.rng.below(known.room + 1);
                known.room -= len;
                Some(Input::Write(id, vec![2; len]))
            }
            8.. if known.unread > 0 => {
                let len = 1 + self.rng.below(known.unread);
                known.unread -= len;
                Some(Input::Consumed(id, len))
            }
            _ => None,
        }
    }
}

#[test]
fn nobody_is_broken_by_what_others_say() {
    let (mut faults, mut came) = (0, 0);
    for seed in 0..60 {
        let mut walk = Walk::new(seed);
        for _ in 0..4000 {
            let input = match walk.rng.below(10) {
                0 => {
                    let later = Duration::from_millis(walk.rng.below(2000) as u64);
                    walk.now = walk.now + later;
                    Some(Input::Woken)
                }
                1..4 => walk.program(),
                4..6 => walk.ends(),
                _ => Some(walk.says()),
            };
            if let Some(input) = input {
                walk.give(input);
            }
        }
        faults += walk.faults;
        came += walk.came;
    }
    println!("{faults} faults, {came} pieces came");
    assert!(faults > 1000, "{faults}");
    assert!(came > 1000, "{came}");
}
