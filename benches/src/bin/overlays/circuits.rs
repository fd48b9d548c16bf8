//! What does a stream over letters cost, and how fast is it?
//!
//! Sketch: a link takes 10 ms, so three of them 60 ms there and back; a window of 256 KiB in that time
//! is 4.4 MB/s. A thousand nodes of five neighbours are log4(1,000) = 5 hops apart: 2.6 MB/s. A letter
//! of 32 KiB has 83 bytes of its own; with an acknowledgement for each, and a credit for four of them,
//! that is below 1 % of the bytes on links. When a node on the way fails, the window is sent to all: each
//! of a thousand nodes passes 256 KiB on to its four others, 1,000 MiB in all.
//!
//! Role       Routing and circuits in each node, in virtual time. Links are as wide as wanted, so a
//!            window and the way there and back are all that limits a circuit.
//! Invariant  Same seed, same figures.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use foundation::cluster::overlay::circuit::{self, CircuitId, Circuits, Piece};
use foundation::cluster::overlay::routing::{self, Kind, Message, Routing};
use foundation::cluster::{Effects, Machine, Tick};

use crate::flood::{Overlay, at, id};
use crate::table::Table;
use crate::timed::delay;

/// What is written to each circuit.
const BYTES: usize = 4 << 20;
/// Pairs of nodes on the overlay.
const PAIRS: usize = 20;
/// Neighbours learn so late that a node has failed.
const KNOWN_AFTER: Duration = Duration::from_secs(1);

enum Item {
    Routing(routing::Input),
    Circuits(circuit::Input),
    Failed(usize),
}

struct Net {
    links: Vec<Vec<usize>>,
    routing: Vec<Routing>,
    circuits: Vec<Circuits>,
    dead: Vec<bool>,
    queue: BTreeMap<(Tick, u64), (usize, Item)>,
    order: u64,
    wakes: Vec<[Tick; 2]>,
    now: Tick,
    salt: u64,
    sent: Sent,
    unwritten: usize,
    came: usize,
    opened: Option<Tick>,
    closed: Option<circuit::WhyClosed>,
}

/// What went over links since it was set to nothing.
#[derive(Default)]
struct Sent {
    bytes: usize,
    /// Letters with bytes of the circuit, and over how many links they went.
    letters: usize,
    passed: usize,
}

impl Net {
    fn new(links: Vec<Vec<usize>>, seed: u64) -> Self {
        let count = links.len();
        let routing = |n| Routing::new(id(n), routing::Config::default()).expect("within bounds");
        let circuits = |n| Circuits::new(id(n), circuit::Config::default()).expect("within bounds");
        let mut net = Self {
            routing: (0..count).map(routing).collect(),
            circuits: (0..count).map(circuits).collect(),
            dead: vec![false; count],
            queue: BTreeMap::new(),
            order: 0,
            wakes: vec![[Tick::ZERO; 2]; count],
            now: Tick::ZERO,
            salt: seed,
            sent: Sent::default(),
            unwritten: 0,
            came: 0,
            opened: None,
            closed: None,
            links,
        };
        for node in 0..count {
            for other in net.links[node].clone() {
                net.give(node, Item::Routing(routing::Input::Up(id(other))));
            }
        }
        net
    }

    /// A circuit that brings [`BYTES`]; in the middle of them the next node on its way may fail. The
    /// figures: links of the way, milliseconds until it is open, MB/s, and bytes on all links for each
    /// that is brought.
    fn run(&mut self, number: u64, from: usize, to: usize, fails: bool) -> Option<[f64; 4]> {
        self.sent = Sent::default();
        (self.unwritten, self.came) = (BYTES, 0);
        (self.opened, self.closed) = (None, None);
        let (begun, peer) = (self.now, id(to));
        let open = circuit::Input::Open { number, to: peer };
        self.give(from, Item::Circuits(open));
        let mut fails = fails;
        let until = begun + Duration::from_secs(300);
        while self.closed.is_none() && self.now < until {
            let Some(((at, _), (node, item))) = self.queue.pop_first() else {
                break;
            };
            self.now = at;
            self.give(node, item);
            if fails && self.came > BYTES / 2 {
                fails = false;
                self.fail(self.routing[from].next(peer).map(crate::flood::at)?);
            }
        }
        let opened = self.opened.filter(|_| self.came == BYTES)?;
        let hops = self.sent.passed as f64 / self.sent.letters as f64;
        let seconds = self.now.since(opened).as_secs_f64();
        Some([
            hops,
            opened.since(begun).as_secs_f64() * 1000.0,
            BYTES as f64 / seconds / 1e6,
            self.sent.bytes as f64 / BYTES as f64,
        ])
    }

    fn fail(&mut self, node: usize) {
        self.dead[node] = true;
        for other in self.links[node].clone() {
            self.queue(self.now + KNOWN_AFTER, other, Item::Failed(node));
        }
    }

    fn queue(&mut self, at: Tick, node: usize, item: Item) {
        self.order += 1;
        self.queue.insert((at, self.order), (node, item));
    }

    fn give(&mut self, node: usize, item: Item) {
        let mut todo = VecDeque::from([item]);
        while let Some(item) = todo.pop_front() {
            match item {
                _ if self.dead[node] => return,
                Item::Routing(routing::Input::Woken) if self.wakes[node][0] != self.now => {}
                Item::Circuits(circuit::Input::Woken) if self.wakes[node][1] != self.now => {}
                Item::Routing(input) => self.route(node, input, &mut todo),
                Item::Circuits(input) => self.stream(node, input, &mut todo),
                Item::Failed(other) => {
                    todo.push_back(Item::Routing(routing::Input::Down(id(other))));
                }
            }
        }
    }

    fn route(&mut self, node: usize, input: routing::Input, todo: &mut VecDeque<Item>) {
        use routing::Effect;
        let mut effects = Effects::new();
        self.routing[node].step(self.now, input, &mut effects);
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => self.carry(node, at(to), message),
                Effect::Deliver(source, payload) => {
                    let piece = Piece::decode(&payload).expect("all letters are of circuits");
                    let input = circuit::Input::Received(source, piece);
                    todo.push_back(Item::Circuits(input));
                }
                Effect::Acknowledged(ticket) => {
                    todo.push_back(Item::Circuits(circuit::Input::Acknowledged(ticket)));
                }
                Effect::Undelivered(letter, why) => {
                    let input = circuit::Input::Undelivered(letter, why);
                    todo.push_back(Item::Circuits(input));
                }
                Effect::Wake(at) => {
                    self.wakes[node][0] = at;
                    self.queue(at, node, Item::Routing(routing::Input::Woken));
                }
            }
        }
    }

    fn carry(&mut self, from: usize, to: usize, message: Message) {
        self.sent.bytes += bytes_of(&message);
        if let Message(envelope, Kind::Asked { payload, .. }) = &message
            && payload.len() > 1024
            && !envelope.flooded
        {
            self.sent.passed += 1;
            self.sent.letters += usize::from(envelope.hops == 1);
        }
        let due = self.now + delay(self.salt, from, to);
        let input = routing::Input::Received(id(from), message);
        self.queue(due, to, Item::Routing(input));
    }

    fn stream(&mut self, node: usize, input: circuit::Input, todo: &mut VecDeque<Item>) {
        use circuit::{Effect, Input};
        let mut effects = Effects::new();
        self.circuits[node].step(self.now, input, &mut effects);
        for effect in effects.drain() {
            let then = |input| Item::Circuits(input);
            match effect {
                Effect::Send(letter) => {
                    todo.push_back(Item::Routing(routing::Input::Send(letter)));
                }
                Effect::Asks(id) => todo.push_back(then(Input::Accept(id))),
                Effect::Opened(id) if at(id.opener) == node => self.opened = Some(self.now),
                Effect::Room(id, room) if at(id.opener) == node => self.write(id, room, todo),
                Effect::Came(id, bytes) => {
                    self.came += bytes.len();
                    todo.push_back(then(Input::Consumed(id, bytes.len())));
                }
                Effect::Finished(id) => todo.push_back(then(Input::Finish(id))),
                Effect::Closed(id, why) if at(id.opener) == node => self.closed = Some(why),
                Effect::Wake(at) => {
                    self.wakes[node][1] = at;
                    self.queue(at, node, then(Input::Woken));
                }
                Effect::Opened(_) | Effect::Room(..) | Effect::Closed(..) => {}
            }
        }
    }

    fn write(&mut self, id: CircuitId, room: usize, todo: &mut VecDeque<Item>) {
        let len = room.min(self.unwritten);
        if len == 0 {
            return;
        }
        self.unwritten -= len;
        let input = circuit::Input::Write(id, vec![7; len]);
        todo.push_back(Item::Circuits(input));
        if self.unwritten == 0 {
            todo.push_back(Item::Circuits(circuit::Input::Finish(id)));
        }
    }
}

/// How long a message is on a link; its payload is not copied for that.
fn bytes_of(message: &Message) -> usize {
    let Message(envelope, kind) = message;
    let (kind, len) = match kind {
        Kind::Asked { payload, floor } => {
            let (payload, len) = ([].into(), payload.len());
            let floor = *floor;
            (Kind::Asked { payload, floor }, len)
        }
        other => (other.clone(), 0),
    };
    Message(*envelope, kind).encode().len() + len
}

/// The mean of those that came to an end, and how many did.
fn mean(runs: &[Option<[f64; 4]>]) -> Vec<Option<f64>> {
    let good: Vec<_> = runs.iter().flatten().collect();
    let of = |column: usize| {
        let sum: f64 = good.iter().map(|run| run[column]).sum();
        (!good.is_empty()).then(|| sum / good.len() as f64)
    };
    let share = good.len() as f64 * 100.0 / runs.len() as f64;
    (0..4).map(of).chain([Some(share)]).collect()
}

/// A line of four, and pairs by chance on the overlay.
pub(crate) fn table(overlay: &Overlay, seed: u64) -> Table {
    let title = format!(
        "Circuits that bring {} MiB, links of 5 to 15 ms: mean of {PAIRS} pairs",
        BYTES >> 20
    );
    let columns = [
        "between",
        "hops",
        "opened after, ms",
        "MB/s",
        "bytes on all links for each",
        "ended well, percent",
    ];
    let mut table = Table::new(&title, &columns);
    let line = vec![vec![1], vec![0, 2], vec![1, 3], vec![2]];
    let mut net = Net::new(line, seed);
    table.row("ends of a line of four", mean(&[net.run(1, 0, 3, false)]));
    let of = |node: &foundation::cluster::overlay::hyparview::HyParView| -> Vec<usize> {
        node.active().iter().map(|&peer| at(peer)).collect()
    };
    let links: Vec<Vec<usize>> = overlay.nodes.iter().map(of).collect();
    let mut rng = foundation::Rng::new(seed);
    for (name, fails) in [("pairs", false), ("pairs, a node on the way fails", true)] {
        let mut net = Net::new(links.clone(), seed);
        let mut runs = Vec::new();
        while runs.len() < PAIRS {
            let (from, to) = (rng.below(links.len()), rng.below(links.len()));
            let apart = from != to && !links[from].contains(&to);
            if apart && !net.dead[from] && !net.dead[to] {
                runs.push(net.run(runs.len() as u64 + 1, from, to, fails));
            }
        }
        table.row(name, mean(&runs));
    }
    table
}
