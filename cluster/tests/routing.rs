//! Do messages reach nodes that are not neighbours, and each of them once?
//!
//! Role       Tables of single steps; walks on graphs by chance whose links break, lose and come
//!            back. Planted faults that these find: a message that is passed on twice, an
//!            acknowledged one that is delivered again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::routing::{
    Config, ConfigError, Effect, Envelope, Input, Kind, Letter, Message, Routing, Undelivered,
};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;

fn id(node: usize) -> PeerId {
    PeerId(node as u64)
}

fn at(peer: PeerId) -> usize {
    usize::try_from(peer.0).unwrap()
}

fn seconds(seconds: u64) -> Tick {
    Tick::ZERO + Duration::from_secs(seconds)
}

fn letter(to: usize, ticket: Option<u64>) -> Letter {
    Letter {
        to: id(to),
        payload: ticket.unwrap_or(0).to_be_bytes().into(),
        ticket,
    }
}

fn step(node: &mut Routing, now: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    node.step(seconds(now), input, &mut effects);
    node.check();
    let is_wake = |effect: &Effect| matches!(effect, Effect::Wake(_));
    effects.drain().filter(|effect| !is_wake(effect)).collect()
}

/// Node 0 with the neighbours 1 to 3.
fn three() -> Routing {
    let mut node = Routing::new(id(0), Config::default()).unwrap();
    for peer in 1..=3 {
        step(&mut node, 0, Input::Up(id(peer)));
    }
    node
}

fn receivers(effects: &[Effect]) -> Vec<usize> {
    let to = |effect: &Effect| match effect {
        Effect::Send(peer, _) => Some(at(*peer)),
        _ => None,
    };
    effects.iter().filter_map(to).collect()
}

/// From node 9 to another, after two hops.
fn message(to: usize, number: u64, left: u8) -> Message {
    let envelope = Envelope {
        source: id(9),
        number,
        attempt: 0,
        to: id(to),
        left,
        hops: 2,
        flooded: false,
    };
    Message(envelope, Kind::Plain((*b"x").into()))
}

fn received(from: usize, message: Message) -> Input {
    Input::Received(id(from), message)
}

#[test]
fn it_goes_by_a_way_that_is_known_and_else_to_all() {
    let mut node = three();
    let to = |node: &mut Routing, to| receivers(&step(node, 0, Input::Send(letter(to, None))));
    assert_eq!(to(&mut node, 9), [1, 2, 3]);
    assert_eq!(to(&mut node, 2), [2]);
    let passed = step(&mut node, 0, received(1, message(7, 1, 5)));
    assert_eq!(receivers(&passed), [2, 3], "not to who brought it");
    assert_eq!(to(&mut node, 9), [1], "9 is behind 1");
    let again = step(&mut node, 0, received(2, message(7, 1, 5)));
    assert_eq!(again, [], "it has passed");
    step(&mut node, 0, Input::Down(id(1)));
    assert_eq!(to(&mut node, 9), [2, 3]);
}

#[test]
fn where_there_is_an_overlay_only_its_neighbours_are_asked_for_a_way() {
    let mut node = three();
    let to = |node: &mut Routing, to| receivers(&step(node, 0, Input::Send(letter(to, None))));
    step(&mut node, 0, Input::Flooded(id(2), true));
    step(&mut node, 0, Input::Flooded(id(4), true));
    assert_eq!(to(&mut node, 9), [2]);
    let passed = step(&mut node, 0, received(1, message(7, 1, 5)));
    assert_eq!(receivers(&passed), [2]);
    assert_eq!(to(&mut node, 9), [1], "a way goes by anybody");
    step(&mut node, 0, Input::Send(letter(3, Some(1))));
    for (now, to) in [(1, &[2, 3][..]), (3, &[2, 3]), (7, &[1, 2, 3])] {
        let again = step(&mut node, now, Input::Woken);
        assert_eq!(receivers(&again), to, "and to whom it is for, at {now} s");
    }
    step(&mut node, 7, Input::Down(id(2)));
    assert_eq!(to(&mut node, 8), [1, 3], "none of them is connected");
    step(&mut node, 7, Input::Up(id(2)));
    assert_eq!(to(&mut node, 8), [2]);
    step(&mut node, 7, Input::Flooded(id(2), false));
    assert_eq!(to(&mut node, 8), [1, 2, 3]);
}

/// A letter that came by all ways has shown which is the best: the answer takes it, until that fails, too.
#[test]
fn the_answer_goes_back_by_the_way_that_was_found() {
    let asked = |number, attempt| {
        let Message(envelope, _) = message(0, number, 5);
        let flooded = attempt > 0;
        let envelope = Envelope {
            attempt,
            flooded,
            ..envelope
        };
        let payload = (*b"x").into();
        received(3, Message(envelope, Kind::Asked { payload, floor: 1 }))
    };
    let mut node = three();
    for (attempt, to) in [(0, &[3][..]), (1, &[3]), (2, &[1, 2, 3])] {
        let effects = step(&mut node, 0, asked(1, attempt));
        assert_eq!(receivers(&effects), to, "attempt {attempt}");
    }
}

#[test]
fn a_shorter_way_counts_and_a_longer_one_only_after_a_while() {
    let near = |number, hops| {
        let Message(envelope, kind) = message(7, number, 5);
        Message(Envelope { hops, ..envelope }, kind)
    };
    let mut node = three();
    step(&mut node, 0, received(1, near(1, 3)));
    step(&mut node, 0, received(2, near(2, 2)));
    assert_eq!(node.next(id(9)), Some(id(2)));
    step(&mut node, 30, received(3, near(3, 4)));
    assert_eq!(node.next(id(9)), Some(id(2)));
    step(&mut node, 31, received(3, near(4, 4)));
    assert_eq!(node.next(id(9)), Some(id(3)));
}

#[test]
fn who_has_no_hops_left_passes_nothing_on() {
    let mut node = three();
    assert_eq!(step(&mut node, 0, received(1, message(7, 1, 0))), []);
    assert_eq!(
        receivers(&step(&mut node, 0, received(1, message(2, 2, 1)))),
        [2]
    );
    let last = step(&mut node, 0, received(1, message(0, 3, 0)));
    assert_eq!(last, [Effect::Deliver(id(9), (*b"x").into())], "it is here");
    let effects = step(&mut node, 0, received(1, message(7, 4, 255)));
    let Effect::Send(_, Message(envelope, _)) = &effects[0] else {
        panic!("{effects:?}");
    };
    assert_eq!(envelope.left, 15, "nobody makes it go further");
}

#[test]
fn the_last_hop_goes_to_the_destination_or_nowhere() {
    let mut node = three();
    assert_eq!(
        receivers(&step(&mut node, 0, received(1, message(9, 1, 2)))).len(),
        2
    );
    assert_eq!(
        receivers(&step(&mut node, 0, received(1, message(9, 2, 1)))),
        []
    );
    assert_eq!(
        receivers(&step(&mut node, 0, received(1, message(2, 3, 1)))),
        [2]
    );
}

#[test]
fn what_cannot_be_sent_comes_back() {
    let mut alone = Routing::new(id(0), Config::default()).unwrap();
    let check = |node: &mut Routing, letter: Letter, why| {
        let effects = step(node, 0, Input::Send(letter.clone()));
        assert_eq!(effects, [Effect::Undelivered(letter, why)]);
    };
    check(&mut alone, letter(5, None), Undelivered::Alone);
    let long = Letter {
        payload: vec![0; (1 << 20) + 1].into(),
        ..letter(5, Some(1))
    };
    check(&mut three(), long, Undelivered::TooLong);
    for ticket in 0..256 {
        step(&mut alone, 0, Input::Send(letter(5, Some(ticket))));
    }
    assert_eq!(alone.pending(), 256);
    check(&mut alone, letter(5, Some(256)), Undelivered::Busy);
    let own = step(&mut alone, 0, Input::Send(letter(0, Some(7))));
    let payload = 7_u64.to_be_bytes().into();
    assert_eq!(
        own,
        [Effect::Deliver(id(0), payload), Effect::Acknowledged(7)]
    );
}

#[test]
fn it_is_sent_five_times_and_then_given_up() {
    let mut node = three();
    assert_eq!(
        receivers(&step(&mut node, 0, Input::Send(letter(2, Some(1))))),
        [2]
    );
    for now in [1, 3, 7, 15] {
        assert_eq!(step(&mut node, now - 1, Input::Woken), []);
        let again = step(&mut node, now, Input::Woken);
        assert_eq!(receivers(&again), [1, 2, 3], "to all, at {now} s");
    }
    let end = Effect::Undelivered(letter(2, Some(1)), Undelivered::Unanswered);
    assert_eq!(step(&mut node, 31, Input::Woken), [end]);
    assert_eq!(node.pending(), 0);
}

/// Who has died acknowledges nothing for as long as it takes to be given up.
#[test]
fn a_destination_that_has_died_keeps_nothing_from_others() {
    let mut node = three();
    step(&mut node, 0, Input::Send(letter(9, Some(0))));
    for ticket in 1..=3000 {
        let effects = step(&mut node, 0, Input::Send(letter(2, Some(ticket))));
        let [Effect::Send(_, Message(sent, Kind::Asked { floor, .. }))] = &effects[..] else {
            panic!("{ticket}: {effects:?}");
        };
        assert_eq!(sent.number, *floor, "nothing else waits for this one");
        let Message(envelope, _) = message(0, ticket, 5);
        let source = id(2);
        let had = Message(Envelope { source, ..envelope }, Kind::Had(sent.number));
        let heard = step(&mut node, 0, received(2, had));
        assert_eq!(heard, [Effect::Acknowledged(ticket)]);
    }
    assert_eq!(node.pending(), 1, "the first is still waited for");
}

#[test]
fn only_the_destination_acknowledges() {
    let answer = |source: usize, number| {
        let Message(envelope, _) = message(0, number, 5);
        let source = id(source);
        let envelope = Envelope { source, ..envelope };
        received(1, Message(envelope, Kind::Had(1)))
    };
    let mut node = three();
    step(&mut node, 0, Input::Send(letter(9, Some(5))));
    assert_eq!(step(&mut node, 0, answer(8, 1)), []);
    assert_eq!(step(&mut node, 0, answer(9, 1)), [Effect::Acknowledged(5)]);
    assert_eq!(step(&mut node, 0, answer(9, 2)), [], "once");
}

#[test]
fn figures_out_of_bounds_are_refused() {
    let check = |change: fn(&mut Config), error| {
        let mut config = Config::default();
        change(&mut config);
        assert_eq!(Routing::new(id(0), config).err(), Some(error));
    };
    check(|c| c.hops_max = 0, ConfigError::Hops);
    check(|c| c.answer_timeout = Duration::ZERO, ConfigError::Time);
    check(|c| c.route_age_max = Duration::ZERO, ConfigError::Time);
    check(|c| c.attempts_max = 0, ConfigError::Attempts);
    check(|c| c.pending_max = 0, ConfigError::Pending);
}

const NODES: usize = 14;

/// Nodes whose links come and go. A message takes some time, by chance.
struct Walk {
    nodes: Vec<Routing>,
    links: BTreeSet<(usize, usize)>,
    way: Vec<(usize, usize, Message)>,
    wake: Vec<Option<Tick>>,
    now: Tick,
    rng: Rng,
    lost: f64,
    delivered: BTreeMap<u64, usize>,
    acknowledged: BTreeSet<u64>,
    failed: BTreeSet<u64>,
    /// How often a node has sent a message of one attempt over one link.
    passed: BTreeMap<(usize, usize, (PeerId, PeerId), u8, u64, u8), usize>,
}

impl Walk {
    fn new(seed: u64, lost: f64) -> Self {
        let node = |n| Routing::new(id(n), Config::default()).unwrap();
        let mut walk = Self {
            nodes: (0..NODES).map(node).collect(),
            links: BTreeSet::new(),
            way: Vec::new(),
            wake: vec![None; NODES],
            now: Tick::ZERO,
            rng: Rng::new(seed),
            lost,
            delivered: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            failed: BTreeSet::new(),
            passed: BTreeMap::new(),
        };
        for node in 1..NODES {
            let other = walk.rng.below(node);
            walk.link(node, other);
            // Each second walk has an overlay: a tree, beside which there are other connections.
            if seed % 2 == 1 {
                walk.give(node, Input::Flooded(id(other), true));
                walk.give(other, Input::Flooded(id(node), true));
            }
        }
        for _ in 0..6 {
            let (node, other) = (walk.rng.below(NODES), walk.rng.below(NODES));
            walk.link(node, other);
        }
        walk
    }

    fn link(&mut self, node: usize, other: usize) {
        if node != other && self.links.insert((node.min(other), node.max(other))) {
            self.give(node, Input::Up(id(other)));
            self.give(other, Input::Up(id(node)));
        }
    }

    fn cut(&mut self, link: (usize, usize)) {
        if self.links.remove(&link) {
            let pair = |way: &(usize, usize, Message)| (way.0.min(way.1), way.0.max(way.1)) == link;
            self.way.retain(|way| !pair(way));
            self.give(link.0, Input::Down(id(link.1)));
            self.give(link.1, Input::Down(id(link.0)));
        }
    }

    fn give(&mut self, node: usize, input: Input) {
        let from = match &input {
            Input::Received(from, _) => Some(*from),
            _ => None,
        };
        let mut effects = Effects::new();
        self.nodes[node].step(self.now, input, &mut effects);
        self.nodes[node].check();
        for effect in effects.drain() {
            match effect {
                Effect::Send(to, message) => {
                    let fresh = message.0.source == id(node);
                    assert!(fresh || Some(to) != from, "{node} sends it back");
                    self.sent(node, at(to), &message);
                    if !self.rng.chance(self.lost) {
                        self.way.push((node, at(to), message));
                    }
                }
                Effect::Deliver(_, payload) => {
                    let ticket = u64::from_be_bytes(payload[..].try_into().unwrap());
                    *self.delivered.entry(ticket).or_insert(0) += 1;
                }
                Effect::Acknowledged(ticket) => {
                    assert!(self.acknowledged.insert(ticket), "{ticket} twice");
                    assert!(
                        self.delivered.contains_key(&ticket),
                        "{ticket} did not come"
                    );
                }
                Effect::Undelivered(letter, _) => {
                    self.failed.extend(letter.ticket);
                }
                Effect::Wake(at) => self.wake[node] = Some(at),
            }
        }
    }

    fn sent(&mut self, node: usize, to: usize, message: &Message) {
        let Message(envelope, kind) = message;
        let kind = match kind {
            Kind::Plain(_) => 0,
            Kind::Asked { .. } => 1,
            Kind::Had(_) => 2,
        };
        let Envelope {
            source,
            number,
            attempt,
            to: destination,
            ..
        } = *envelope;
        let ends = (source, destination);
        let key = (node, to, ends, kind, number, attempt);
        let count = self.passed.entry(key).or_insert(0);
        *count += 1;
        assert_eq!(*count, 1, "{node} has sent {message:?} to {to} before");
        assert!(envelope.hops <= 16, "{message:?} has come far");
    }

    /// The next message, or the next time at which somebody is woken.
    fn advance(&mut self) -> bool {
        if !self.way.is_empty() {
            let chosen = self.rng.below(self.way.len());
            let (from, to, message) = self.way.swap_remove(chosen);
            self.give(to, Input::Received(id(from), message));
            return true;
        }
        let next = self.wake.iter().flatten().min().copied();
        let Some(next) = next else {
            return false;
        };
        self.now = next.max(self.now);
        for node in 0..NODES {
            if self.wake[node].is_some_and(|at| at <= self.now) {
                self.wake[node] = None;
                self.give(node, Input::Woken);
            }
        }
        true
    }

    fn settle(&mut self) {
        for _ in 0..200_000 {
            if !self.advance() {
                return;
            }
        }
        panic!("messages go on without end");
    }

    fn send(&mut self, ticket: u64) {
        let (node, to) = (self.rng.below(NODES), self.rng.below(NODES));
        self.give(node, Input::Send(letter(to, Some(ticket))));
    }
}

#[test]
fn all_arrive_once_when_nothing_breaks() {
    let (mut sent, mut links) = (0, 0);
    for seed in 0..100 {
        let mut walk = Walk::new(seed, 0.0);
        for ticket in 1..=100 {
            walk.send(ticket);
            walk.settle();
        }
        assert_eq!(walk.acknowledged.len(), 100, "seed {seed}");
        assert!(
            walk.delivered.values().all(|&count| count == 1),
            "seed {seed}"
        );
        // Ways are learned: a flood goes over each link.
        sent += walk.passed.len();
        links += walk.links.len() * 2 * 100;
    }
    println!("{sent} messages; floods would be {links}");
    assert!(sent * 2 < links, "{sent} of {links}");
}

#[test]
fn never_twice_and_never_in_circles_whatever_breaks() {
    let (mut came, mut failed) = (0, 0);
    for seed in 0..150 {
        let lost = [0.0, 0.1, 0.3][seed as usize % 3];
        let mut walk = Walk::new(seed, lost);
        for ticket in 1..=60 {
            walk.send(ticket);
            for _ in 0..walk.rng.below(40) {
                walk.advance();
            }
            let (node, other) = (walk.rng.below(NODES), walk.rng.below(NODES));
            if walk.rng.chance(0.5) {
                walk.cut((node.min(other), node.max(other)));
            } else if walk.links.len() < 25 {
                walk.link(node, other);
            }
        }
        walk.settle();
        for (ticket, count) in &walk.delivered {
            assert_eq!(*count, 1, "{ticket} was delivered again, seed {seed}");
        }
        let ended = walk.acknowledged.len() + walk.failed.len();
        assert_eq!(ended, 60, "each has one end, seed {seed}");
        came += walk.acknowledged.len();
        failed += walk.failed.len();
    }
    println!("{came} were acknowledged, {failed} not");
    assert!(came > failed * 5, "{came} were acknowledged, {failed} not");
}

#[test]
fn what_waits_comes_when_there_is_a_way_again() {
    for seed in 0..100 {
        let mut walk = Walk::new(seed, 0.0);
        for ticket in 1..=20 {
            walk.send(ticket);
        }
        walk.settle();
        // Cut in two, with messages for the other half; then one again, by another link.
        let across = |link: &(usize, usize)| (link.0 < 7) != (link.1 < 7);
        let cut: Vec<_> = walk.links.iter().copied().filter(across).collect();
        for link in cut {
            walk.cut(link);
        }
        for node in 1..7 {
            walk.link(node - 1, node);
            walk.link(node + 6, node + 7);
        }
        for ticket in 21..=40 {
            let (here, there) = (walk.rng.below(7), 7 + walk.rng.below(7));
            walk.give(here, Input::Send(letter(there, Some(ticket))));
        }
        while walk.now < seconds(40) && !walk.way.is_empty() {
            walk.advance();
        }
        let (here, there) = (walk.rng.below(7), 7 + walk.rng.below(7));
        walk.link(here, there);
        walk.settle();
        assert_eq!(
            walk.acknowledged.len(),
            40,
            "seed {seed}: {:?}",
            walk.failed
        );
        assert!(
            walk.delivered.values().all(|&count| count == 1),
            "seed {seed}"
        );
    }
}
