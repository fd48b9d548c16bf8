//! What lies between the ends of a circuit?
//!
//! Role       Nodes of routing and circuits, links that take their time, lose, double and break, and
//!            a program at each end that writes and reads when it likes.
//! Invariant  Each byte that comes is compared with what was written there, and each end of a circuit
//!            with what may be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use foundation_cluster::overlay::circuit::{
    CircuitId, Circuits, Config, Effect, Input, Piece, WhyClosed,
};
use foundation_cluster::overlay::routing;
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;
use routing::{Message, Routing};

use super::{at, circuit, id};

/// What may happen to a message on a link.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) lost: f64,
    pub(crate) doubled: f64,
    /// So often it takes up to three seconds.
    pub(crate) late: f64,
}

#[derive(Debug)]
enum Happening {
    Arrive(usize, usize, Message),
    WakeRouting(usize),
    WakeCircuits(usize),
    Down(usize, usize),
    Program(usize),
}

enum Work {
    Routing(routing::Input),
    Circuits(Input),
}

/// What the program at one end has done, and is to do.
#[derive(Debug, Default, Clone)]
pub(crate) struct End {
    pub(crate) room: usize,
    pub(crate) written: usize,
    pub(crate) to_write: usize,
    pub(crate) came: usize,
    unread: usize,
    is_done: bool,
    pub(crate) is_finished: bool,
    /// It closes when it has written all, whatever comes.
    pub(crate) is_hasty: bool,
    /// It neither reads, nor writes, nor finishes.
    pub(crate) is_idle: bool,
    pub(crate) is_open: bool,
    pub(crate) closed: Option<(Tick, WhyClosed)>,
}

pub(crate) struct Net {
    pub(crate) routing: Vec<Routing>,
    pub(crate) circuits: Vec<Circuits>,
    pub(crate) dead: Vec<bool>,
    pub(crate) links: BTreeSet<(usize, usize)>,
    /// Links on which everything is lost, before anybody knows.
    cut: BTreeSet<(usize, usize)>,
    pub(crate) faults: Faults,
    pub(crate) ends: BTreeMap<(usize, CircuitId), End>,
    pub(crate) config: Config,
    pub(crate) now: Tick,
    pub(crate) rng: Rng,
    queue: BTreeMap<(Tick, u64), Happening>,
    order: u64,
    wakes: Vec<[Tick; 2]>,
    /// The most that a node ever kept, and how often routing was busy.
    pub(crate) held_max: usize,
    pub(crate) busy: usize,
}

/// The byte that stands there in what this end writes.
fn byte(id: CircuitId, writer: usize, offset: usize) -> u8 {
    let salt = id.opener.0 * 31 + id.number * 1009 + writer as u64 * 7919;
    let mixed = (salt + offset as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 56) as u8
}

impl Net {
    pub(crate) fn new(
        count: usize,
        links: &[(usize, usize)],
        seed: u64,
        config: Config,
        letters: routing::Config,
    ) -> Self {
        let mut net = Self {
            routing: (0..count)
                .map(|n| Routing::new(id(n), letters.clone()).unwrap())
                .collect(),
            circuits: (0..count)
                .map(|n| Circuits::new(id(n), config.clone()).unwrap())
                .collect(),
            dead: vec![false; count],
            links: BTreeSet::new(),
            cut: BTreeSet::new(),
            faults: Faults::default(),
            ends: BTreeMap::new(),
            config,
            now: Tick::ZERO,
            rng: Rng::new(seed),
            queue: BTreeMap::new(),
            order: 0,
            wakes: vec![[Tick::ZERO; 2]; count],
            held_max: 0,
            busy: 0,
        };
        for &(one, other) in links {
            net.link(one, other);
        }
        for node in 0..count {
            net.queue(Duration::ZERO, Happening::Program(node));
        }
        net
    }

    /// A program opens a circuit, and will write so much; at the other end so much will be written.
    pub(crate) fn open(&mut self, from: usize, to: usize, number: u64, write: [usize; 2]) {
        let id = circuit(from, number);
        for (node, to_write) in [(from, write[0]), (to, write[1])] {
            let end = End {
                to_write,
                ..End::default()
            };
            self.ends.insert((node, id), end);
        }
        let to = super::id(to);
        self.give(from, Work::Circuits(Input::Open { number, to }));
    }

    pub(crate) fn link(&mut self, one: usize, other: usize) {
        if one != other && self.links.insert((one.min(other), one.max(other))) {
            self.give(one, Work::Routing(routing::Input::Up(id(other))));
            self.give(other, Work::Routing(routing::Input::Up(id(one))));
        }
    }

    /// Nothing passes the link any more; both ends learn it after so long.
    pub(crate) fn cut(&mut self, one: usize, other: usize, known_after: Duration) {
        let pair = (one.min(other), one.max(other));
        if self.links.remove(&pair) {
            self.cut.insert(pair);
            self.queue(known_after, Happening::Down(one, other));
            self.queue(known_after, Happening::Down(other, one));
        }
    }

    pub(crate) fn crash(&mut self, node: usize) {
        self.dead[node] = true;
        for other in 0..self.dead.len() {
            self.cut(node, other, Duration::from_secs(2));
        }
    }

    fn queue(&mut self, after: Duration, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now + after, self.order), happening);
    }

    /// The next thing happens.
    pub(crate) fn advance(&mut self) {
        let ((at, _), happening) = self.queue.pop_first().expect("programs never end");
        self.now = at;
        match happening {
            Happening::Arrive(from, to, message) => {
                let pair = (from.min(to), from.max(to));
                if !self.cut.contains(&pair) {
                    self.give(
                        to,
                        Work::Routing(routing::Input::Received(id(from), message)),
                    );
                }
            }
            Happening::WakeRouting(node) if self.wakes[node][0] == at => {
                self.give(node, Work::Routing(routing::Input::Woken));
            }
            Happening::WakeCircuits(node) if self.wakes[node][1] == at => {
                self.give(node, Work::Circuits(Input::Woken));
            }
            Happening::WakeRouting(_) | Happening::WakeCircuits(_) => {}
            Happening::Down(node, other) => {
                self.give(node, Work::Routing(routing::Input::Down(id(other))));
            }
            Happening::Program(node) => {
                self.program(node);
                let pause = Duration::from_micros(200 + self.rng.below(20_000) as u64);
                self.queue(pause, Happening::Program(node));
            }
        }
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.now < until {
            self.advance();
        }
    }

    /// Until each circuit of a living node is closed. So long it may take.
    pub(crate) fn settle(&mut self, bound: Duration, what: &str) {
        let until = self.now + bound;
        while self.left() > 0 {
            assert!(self.now < until, "{what}: {:?}", self.ends);
            self.advance();
        }
    }

    /// How many ends of nodes that live are not closed.
    fn left(&self) -> usize {
        let is_left = |((node, id), end): &(&(usize, CircuitId), &End)| {
            let was_told = end.is_open || at(id.opener) == *node;
            was_told && !self.dead[*node] && end.closed.is_none()
        };
        self.ends.iter().filter(is_left).count()
    }

    fn give(&mut self, node: usize, work: Work) {
        let mut todo = VecDeque::from([work]);
        let mut steps = 0;
        while let Some(work) = todo.pop_front() {
            steps += 1;
            assert!(steps < 10_000, "a node goes on without end");
            if self.dead[node] {
                return;
            }
            match work {
                Work::Routing(input) => self.routing(node, input, &mut todo),
                Work::Circuits(input) => self.circuits(node, input, &mut todo),
            }
        }
    }

    fn routing(&mut self, node: usize, input: routing::Input, todo: &mut VecDeque<Work>) {
        use routing::Effect;
        let mut effects = Effects::new();
        self.routing[node].step(self.now, input, &mut effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => self.carry(node, at(to), message),
                Effect::Deliver(source, payload) => {
                    let piece = Piece::decode(&payload).unwrap();
                    todo.push_back(Work::Circuits(Input::Received(source, piece)));
                }
                Effect::Acknowledged(ticket) => {
                    todo.push_back(Work::Circuits(Input::Acknowledged(ticket)));
                }
                Effect::Undelivered(letter, why) => {
                    self.busy += usize::from(why == routing::Undelivered::Busy);
                    todo.push_back(Work::Circuits(Input::Undelivered(letter, why)));
                }
                Effect::Wake(at) => {
                    self.wakes[node][0] = at;
                    self.order += 1;
                    let happening = Happening::WakeRouting(node);
                    self.queue.insert((at.max(self.now), self.order), happening);
                }
            }
        }
    }

    fn carry(&mut self, from: usize, to: usize, message: Message) {
        let copies = 1 + usize::from(self.rng.chance(self.faults.doubled));
        for _ in 0..copies {
            if self.dead[to] || self.rng.chance(self.faults.lost) {
                continue;
            }
            let most = [20_000, 3_000_000][usize::from(self.rng.chance(self.faults.late))];
            let after = Duration::from_micros(1_000 + self.rng.below(most) as u64);
            self.queue(after, Happening::Arrive(from, to, message.clone()));
        }
    }

    fn circuits(&mut self, node: usize, input: Input, todo: &mut VecDeque<Work>) {
        let mut effects = Effects::new();
        self.circuits[node].step(self.now, input, &mut effects);
        self.circuits[node].check();
        let held = self.circuits[node].held_bytes();
        let count = self.circuits[node].len();
        assert!(held <= 2 * self.config.window_bytes * count, "{held} bytes");
        self.held_max = self.held_max.max(held);
        for effect in effects.drain() {
            match effect {
                Effect::Send(letter) => todo.push_back(Work::Routing(routing::Input::Send(letter))),
                Effect::Wake(at) => {
                    self.wakes[node][1] = at;
                    self.order += 1;
                    let happening = Happening::WakeCircuits(node);
                    self.queue.insert((at.max(self.now), self.order), happening);
                }
                Effect::Asks(id) => {
                    self.end(node, id);
                    todo.push_back(Work::Circuits(Input::Accept(id)));
                }
                other => self.told(node, other),
            }
        }
    }

    fn end(&mut self, node: usize, id: CircuitId) -> &mut End {
        let end = self.ends.get_mut(&(node, id)).expect("it was opened");
        assert!(end.closed.is_none(), "{id:?} is named after its end");
        end
    }

    /// What a program is told of a circuit.
    fn told(&mut self, node: usize, effect: Effect) {
        let (now, window) = (self.now, self.config.window_bytes);
        match effect {
            Effect::Opened(id) => self.end(node, id).is_open = true,
            Effect::Room(id, bytes) => {
                let end = self.end(node, id);
                end.room += bytes;
                assert!(end.room <= window, "too much room");
            }
            Effect::Came(id, bytes) => {
                let writer = self.other(node, id);
                let end = self.end(node, id);
                assert!(end.is_open && !end.is_finished, "bytes out of place");
                assert!(!(end.is_done && end.is_hasty), "bytes for nobody");
                for (offset, &found) in (end.came..).zip(bytes.iter()) {
                    assert_eq!(found, byte(id, writer, offset), "{id:?} at {offset}");
                }
                end.came += bytes.len();
                end.unread += bytes.len();
                assert!(end.unread <= window, "{} bytes are not read", end.unread);
            }
            Effect::Finished(id) => {
                let all = self.ends[&(self.other(node, id), id)].to_write;
                let end = self.end(node, id);
                assert!(!end.is_finished, "{id:?} finishes twice");
                assert_eq!(end.came, all, "{id:?}: not all came before the end");
                end.is_finished = true;
            }
            Effect::Closed(id, why) => {
                let other = &self.ends[&(self.other(node, id), id)];
                let (came, is_hasty) = (other.came, other.is_hasty);
                let end = self.end(node, id);
                end.closed = Some((now, why));
                if why == WhyClosed::Done && !is_hasty {
                    assert_eq!(came, end.to_write, "{id:?}: done, and not all has come");
                }
            }
            Effect::Send(_) | Effect::Asks(_) | Effect::Wake(_) => unreachable!("{effect:?}"),
        }
    }

    fn other(&self, node: usize, id: CircuitId) -> usize {
        let is_other = |(other, of): &&(usize, CircuitId)| *of == id && *other != node;
        self.ends
            .keys()
            .find(is_other)
            .expect("there are two ends")
            .0
    }

    /// The program of a node does something with one of its circuits.
    fn program(&mut self, node: usize) {
        let is_open = |end: &End| end.is_open && !end.is_idle && end.closed.is_none();
        let mine = self.ends.iter().filter(|((n, _), _)| *n == node);
        let open: Vec<CircuitId> = mine
            .filter(|(_, end)| is_open(end))
            .map(|((_, id), _)| *id)
            .collect();
        if open.is_empty() {
            return;
        }
        let id = open[self.rng.below(open.len())];
        let (large, part) = (self.rng.chance(0.5), self.rng.below(1 << 20));
        let end = self.ends.get_mut(&(node, id)).unwrap();
        let mut inputs = Vec::new();
        let most = end.room.min(end.to_write - end.written);
        let len = if large { most } else { part % (most + 1) % 50 };
        if 0 < len {
            let bytes = end.written..end.written + len;
            let bytes = bytes.map(|offset| byte(id, node, offset)).collect();
            inputs.push(Input::Write(id, bytes));
            end.written += len;
            end.room -= len;
        }
        if 0 < end.unread && !(end.is_done && end.is_hasty) {
            let len = 1 + part % end.unread;
            end.unread -= len;
            inputs.push(Input::Consumed(id, len));
        }
        if end.written == end.to_write && !end.is_done {
            end.is_done = true;
            inputs.push(match end.is_hasty {
                true => Input::Close(id),
                false => Input::Finish(id),
            });
        }
        for input in inputs {
            self.give(node, Work::Circuits(input));
        }
    }

    /// Why the circuits of nodes that live were closed.
    pub(crate) fn reasons(&self) -> Vec<WhyClosed> {
        let living = self.ends.iter().filter(|((node, _), _)| !self.dead[*node]);
        let why = living.filter_map(|(_, end)| end.closed.map(|(_, why)| why));
        why.collect()
    }
}
