//! What does one member do with what it hears?
//!
//! Role       Two or three members, messages carried by hand: one row or one short story a rule.

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::membership::{
    Address, Config, DATAGRAM_MAX, Effect, Event, Input, METADATA_MAX, Membership, Name, Refusal,
    State,
};
use foundation_cluster::{Effects, Machine, Tick};
use foundation_runtime::Rng;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::new(text).unwrap()
}

fn member(text: &str, incarnation: u64) -> Membership {
    let config = Config::default();
    Membership::new(config, name(text), incarnation, address(text), 1).unwrap()
}

fn secs(seconds: u64) -> Tick {
    Tick::ZERO + Duration::from_secs(seconds)
}

fn step(machine: &mut Membership, now: Tick, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(now, input, &mut effects);
    machine.check();
    effects.drain().collect()
}

/// Members at addresses that are their names, and everything between them arrives at once.
struct Table {
    now: Tick,
    members: Vec<(String, Membership)>,
    /// Whom nothing reaches.
    cut: Vec<String>,
    told: Vec<(String, Event)>,
    wakes: Vec<Option<Tick>>,
    /// The last message with nothing but news, by sender.
    gossip: BTreeMap<String, Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

/// The kind of such a message.
const GOSSIP: u8 = 5;

impl Table {
    fn new(names: &[&str]) -> Self {
        let mut table = Self {
            now: Tick::ZERO,
            members: Vec::new(),
            cut: Vec::new(),
            told: Vec::new(),
            wakes: Vec::new(),
            gossip: BTreeMap::new(),
            sent: Vec::new(),
        };
        for name in names {
            table.seat(name, member(name, 1));
            table.give(name, Input::Join(vec![address(names[0])]));
        }
        table.pass(20);
        table.told.clear();
        table
    }

    fn seat(&mut self, name: &str, machine: Membership) {
        self.unseat(name);
        self.members.push((name.to_owned(), machine));
        self.wakes.push(None);
    }

    fn unseat(&mut self, name: &str) {
        if let Some(at) = self.members.iter().position(|(other, _)| other == name) {
            self.members.remove(at);
            self.wakes.remove(at);
        }
    }

    fn of(&self, name: &str) -> &Membership {
        let found = self.members.iter().find(|(other, _)| other == name);
        &found.expect("it is there").1
    }

    fn give(&mut self, name: &str, input: Input) {
        let mut queue = vec![(name.to_owned(), input)];
        let mut steps = 0;
        while let Some((name, input)) = queue.pop() {
            steps += 1;
            assert!(steps < 100, "they talk without end");
            let Some(at) = self.members.iter().position(|(other, _)| *other == name) else {
                continue;
            };
            for effect in step(&mut self.members[at].1, self.now, input) {
                match effect {
                    Effect::Send { to, bytes } | Effect::Stream { to, bytes } => {
                        if self.sent.len() < 200 {
                            self.sent.push(bytes.clone());
                        }
                        if bytes[1] == GOSSIP {
                            self.gossip.insert(name.clone(), bytes.clone());
                        }
                        let cut = |name: &str| self.cut.iter().any(|other| other == name);
                        if !cut(&name) && !cut(to.as_str()) {
                            queue.insert(0, (to.as_str().to_owned(), Input::Received(bytes)));
                        }
                    }
                    Effect::Wake(when) => self.wakes[at] = Some(when),
                    Effect::Tell(event) => self.told.push((name.clone(), event)),
                    Effect::Refused(refusal) => assert_eq!(refusal, Refusal::NotRunning),
                }
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let wakes = self.wakes.iter().enumerate();
            let first = wakes.filter_map(|(at, wake)| Some(((*wake)?, at))).min();
            let Some((when, at)) = first.filter(|(when, _)| *when <= end) else {
                break;
            };
            self.now = self.now.max(when);
            self.wakes[at] = None;
            let name = self.members[at].0.clone();
            self.give(&name, Input::Woken);
        }
        self.now = end;
    }

    /// What was told since the last time, of whom, in short.
    fn told(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.told).into_iter();
        let mut told: Vec<String> = told
            .map(|(at, event)| match event {
                Event::Joined(record) => format!("{at}: joined {}", record.name),
                Event::Updated(record) => {
                    let metadata = String::from_utf8_lossy(&record.metadata).into_owned();
                    format!("{at}: updated {} {metadata}", record.name)
                }
                Event::Suspected(record) => format!("{at}: suspected {}", record.name),
                Event::Recovered(record) => format!("{at}: recovered {}", record.name),
                Event::Failed(record) => format!("{at}: failed {}", record.name),
                Event::Left(record) => format!("{at}: left {}", record.name),
                Event::Departed => format!("{at}: departed"),
                Event::Ousted(why) => format!("{at}: ousted {why:?}"),
            })
            .collect();
        told.sort_unstable();
        told
    }
}

#[test]
fn all_know_all() {
    let table = Table::new(&["a", "b", "c", "d"]);
    for (name, machine) in &table.members {
        let mut known: Vec<&str> = machine.live().map(|record| record.name.as_str()).collect();
        known.push(name);
        known.sort_unstable();
        assert_eq!(known, ["a", "b", "c", "d"], "{name}");
        assert_eq!(machine.live_count(), 3);
    }
}

#[test]
fn a_crash_is_told_once() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.unseat("c");
    table.pass(30);
    assert_eq!(
        table.told(),
        [
            "a: failed c",
            "a: suspected c",
            "b: failed c",
            "b: suspected c"
        ]
    );
    assert_eq!(table.of("a").member("c").unwrap().state, State::Down);
    table.pass(60);
    assert_eq!(table.told(), [""; 0]);
}

#[test]
fn a_good_bye_is_no_failure() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.give("c", Input::Leave);
    table.pass(30);
    assert_eq!(table.told(), ["a: left c", "b: left c", "c: departed"]);
    // Nothing wakes it any more.
    let effects = step(&mut table.members[2].1, table.now, Input::Woken);
    assert_eq!(effects, []);
    let again = step(&mut table.members[2].1, table.now, Input::Join(vec![]));
    assert_eq!(again, [Effect::Refused(Refusal::NotRunning)]);
}

#[test]
fn an_evicted_member_is_out_until_it_is_started_anew() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.give("a", Input::Evict(name("c")));
    table.pass(10);
    assert_eq!(
        table.told(),
        ["a: left c", "b: left c", "c: ousted Evicted"]
    );
    table.seat("c", member("c", 2));
    table.give("c", Input::Join(vec![address("a")]));
    table.pass(10);
    assert_eq!(
        table.told(),
        ["a: joined c", "b: joined c", "c: joined a", "c: joined b"]
    );
}

#[test]
fn a_restart_is_a_failure_and_a_newcomer() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.seat("c", member("c", 2));
    table.give("c", Input::Join(vec![address("a")]));
    table.pass(10);
    assert_eq!(
        table.told(),
        [
            "a: failed c",
            "a: joined c",
            "b: failed c",
            "b: joined c",
            "c: joined a",
            "c: joined b"
        ]
    );
}

#[test]
fn of_two_with_one_name_the_later_stays() {
    let mut table = Table::new(&["a", "b"]);
    // The second is reached elsewhere; the first still runs.
    let second = Membership::new(Config::default(), name("b"), 2, address("e"), 1).unwrap();
    table.seat("e", second);
    table.give("e", Input::Join(vec![address("a")]));
    table.pass(20);
    let told = table.told();
    assert!(told.contains(&"b: ousted Replaced".to_owned()), "{told:?}");
    assert_eq!(table.of("a").member("b").unwrap().address, address("e"));
}

#[test]
fn a_partition_heals() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.cut.push("c".to_owned());
    table.pass(60);
    let told = table.told();
    assert!(told.contains(&"a: failed c".to_owned()), "{told:?}");
    assert!(told.contains(&"c: failed a".to_owned()), "{told:?}");
    table.cut.clear();
    table.pass(10);
    // Nobody failed because of what the others believed.
    let mut told = table.told();
    told.retain(|line| !line.contains("suspected") && !line.contains("recovered"));
    assert_eq!(
        told,
        ["a: joined c", "b: joined c", "c: joined a", "c: joined b"]
    );
}

/// Each takes the other for gone: they tell each other so, and no more than that.
#[test]
fn two_that_believe_the_same_of_each_other_stop_talking() {
    let mut table = Table::new(&["a", "b"]);
    table.cut.push("b".to_owned());
    table.pass(60);
    assert_eq!(table.of("a").member("b").unwrap().state, State::Down);
    assert_eq!(table.of("b").member("a").unwrap().state, State::Down);
    table.cut.clear();
    let late = table.gossip["b"].clone();
    table.give("a", Input::Received(late));
    table.pass(10);
    assert_eq!(table.of("a").live_count(), 1);
    assert_eq!(table.of("b").live_count(), 1);
}

#[test]
fn metadata_is_told() {
    let mut table = Table::new(&["a", "b"]);
    table.give("b", Input::Describe(b"role=db".to_vec()));
    table.pass(5);
    assert_eq!(table.told(), ["a: updated b role=db"]);
}

#[test]
fn a_short_stop_is_refuted() {
    let mut table = Table::new(&["a", "b", "c"]);
    table.cut.push("c".to_owned());
    // A probe fails, but the suspicion of 1.5 s does not end.
    while table.told.is_empty() {
        table.now = table.now + Duration::from_millis(1);
        table.pass(0);
    }
    table.cut.clear();
    table.pass(20);
    let told = table.told();
    assert!(!told.iter().any(|line| line.contains("failed")), "{told:?}");
    let suspected = |line: &&String| line.contains("suspected");
    let recovered = |line: &&String| line.contains("recovered");
    let count = told.iter().filter(suspected).count();
    assert!(count > 0, "{told:?}");
    assert_eq!(told.iter().filter(recovered).count(), count, "{told:?}");
    // Who was suspected, or heard nothing, trusted itself less, and does so no longer.
    assert_eq!(table.of("c").doubt(), 0);
}

/// Old messages of a member that has failed change nothing.
#[test]
fn old_gossip_raises_nobody() {
    let mut b = member("b", 1);
    let effects = step(&mut b, Tick::ZERO, Input::Join(vec![address("a")]));
    let old = effects.into_iter().find_map(|effect| match effect {
        Effect::Send { bytes, .. } => Some(bytes),
        _ => None,
    });
    let old = old.unwrap();
    let mut table = Table::new(&["a", "b"]);
    table.unseat("b");
    table.pass(60);
    table.told();
    table.give("a", Input::Received(old.clone()));
    assert_eq!(table.told(), [""; 0]);
    assert_eq!(table.of("a").member("b").unwrap().state, State::Down);
    // After the time for which it is remembered, it is forgotten.
    table.pass(3700);
    assert_eq!(table.of("a").member("b"), None);
}

#[test]
fn a_full_table_turns_away_and_forgets_the_gone_first() {
    let config = Config {
        members_max: 2,
        ..Config::default()
    };
    let mut table = Table::new(&[]);
    let a = Membership::new(config, name("a"), 1, address("a"), 1).unwrap();
    table.seat("a", a);
    table.give("a", Input::Join(vec![]));
    for other in ["b", "c", "d"] {
        table.seat(other, member(other, 1));
        table.give(other, Input::Join(vec![address("a")]));
    }
    table.pass(5);
    assert_eq!(table.of("a").live_count(), 2);
    assert!(table.of("a").turned_away() > 0);
    let known: Vec<String> = table
        .of("a")
        .live()
        .map(|record| record.name.to_string())
        .collect();
    table.unseat(&known[0]);
    table.pass(60);
    let names: Vec<String> = table
        .of("a")
        .live()
        .map(|record| record.name.to_string())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(!names.contains(&known[0]), "{names:?}");
}

#[test]
fn datagrams_keep_their_limit() {
    // The longest names, addresses and metadata there are.
    let long = |letter: char| letter.to_string().repeat(128);
    let mut machines = Vec::new();
    for letter in ['a', 'b', 'c', 'd'] {
        let text = long(letter);
        let machine = Membership::new(Config::default(), name(&text), 1, address(&text), 1);
        machines.push((text, machine.unwrap()));
    }
    let mut table = Table::new(&[]);
    for (text, machine) in machines {
        table.seat(&text, machine);
        table.give(&text, Input::Describe(vec![7; METADATA_MAX]));
        table.give(&text, Input::Join(vec![address(&long('a'))]));
    }
    table.pass(20);
    assert!(
        table
            .members
            .iter()
            .all(|(_, machine)| machine.live_count() == 3)
    );
    table.unseat(&long('d'));
    for _ in 0..600 {
        table.pass(1);
        let now = table.now;
        for (_, machine) in &mut table.members {
            for effect in step(machine, now, Input::Woken) {
                if let Effect::Send { bytes, .. } = effect {
                    assert!(bytes.len() <= DATAGRAM_MAX, "{}", bytes.len());
                }
            }
        }
    }
}

/// Whatever comes, a member takes it or refuses it, and its books agree.
#[test]
fn changed_messages_do_no_harm() {
    let mut rng = Rng::new(3);
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut a = member("a", 1);
    let mut refused = 0;
    for round in 0..30_000_u64 {
        if round % 500 == 0 {
            messages = Table::new(&["b", "c", "d"]).sent;
            a = member("a", 1);
            step(&mut a, secs(round), Input::Join(vec![address("b")]));
        }
        let mut bytes = messages[rng.below(messages.len())].clone();
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len());
            bytes[at] = rng.next_u64() as u8;
        }
        let now = secs(round);
        let effects = step(&mut a, now, Input::Received(bytes));
        let refusals = |effect: &&Effect| matches!(effect, Effect::Refused(_));
        refused += effects.iter().filter(refusals).count();
        step(&mut a, now, Input::Woken);
    }
    assert!((2_000..28_000).contains(&refused), "{refused}");
}
