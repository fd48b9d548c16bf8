//! Whom does a node of a full mesh dial, admit and give up?
//!
//! Role       The machine by tables; `mesh_walk` has many of them on a network.
//! Sabotages  Seen red: both connections kept when two nodes dial at once, neither kept; a name
//!            given to a second start; a lost node not dialled again; silence not noticed; members
//!            not dialled.

use std::time::Duration;

use foundation_cluster::handshake::{Refusal, Role, Who};
use foundation_cluster::mesh::{ConnectionId, Effect, Input, Loss, Machine, MeshConfig};
use foundation_cluster::{Effects, Machine as _, Tick};

fn who(name: &str, incarnation: u64) -> Who {
    Who {
        name: name.into(),
        incarnation,
        address: format!("{name}:1").into(),
    }
}

fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

fn step(machine: &mut Machine, now: Tick, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(now, input, &mut effects);
    machine.check();
    effects.drain().collect()
}

fn mesh(name: &str) -> Machine {
    Machine::new(MeshConfig::default(), who(name, 1), 7)
}

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

/// A node `m` that is connected to these, each over the connection of its place.
fn connected(to: &[&str]) -> Machine {
    let mut machine = mesh("m");
    for (at_, name) in to.iter().enumerate() {
        let id = ConnectionId(at_ as u64 + 1);
        let proved = Input::Proved(id, who(name, 1), Role::Listener);
        assert_eq!(
            step(&mut machine, at(0), proved),
            [Effect::Answer(id, Ok(()))]
        );
        step(&mut machine, at(0), Input::Up(id));
    }
    machine
}

#[test]
fn who_may_stay() {
    let rows: &[(&str, Who, Role, Result<(), Refusal>)] = &[
        ("a stranger", who("z", 1), Role::Listener, Ok(())),
        ("itself", who("m", 1), Role::Dialler, Err(Refusal::Oneself)),
        (
            "its twin",
            who("m", 2),
            Role::Listener,
            Err(Refusal::NameTaken),
        ),
        (
            "who is there",
            who("a", 1),
            Role::Listener,
            Err(Refusal::Simultaneous),
        ),
        (
            "another start of it",
            who("a", 2),
            Role::Listener,
            Err(Refusal::NameTaken),
        ),
        (
            "an older start of it",
            who("a", 0),
            Role::Dialler,
            Err(Refusal::NameTaken),
        ),
    ];
    for (what, who, role, answer) in rows {
        let mut machine = connected(&["a"]);
        let effects = step(&mut machine, at(1), Input::Proved(TWO, who.clone(), *role));
        assert_eq!(effects, [Effect::Answer(TWO, *answer)], "{what}");
    }
}

/// Two dial each other at once: both keep the connection that the smaller one dialled.
#[test]
fn of_two_connections_both_ends_keep_the_same() {
    for (own, other) in [("a", "b"), ("b", "a")] {
        for first in [Role::Dialler, Role::Listener] {
            let second = match first {
                Role::Dialler => Role::Listener,
                Role::Listener => Role::Dialler,
            };
            let mut machine = mesh(own);
            let effects = step(
                &mut machine,
                at(0),
                Input::Proved(ONE, who(other, 1), first),
            );
            assert_eq!(effects, [Effect::Answer(ONE, Ok(()))]);
            let effects = step(
                &mut machine,
                at(0),
                Input::Proved(TWO, who(other, 1), second),
            );
            let kept_is_dialled_here = own < other;
            let second_is_kept = (second == Role::Dialler) == kept_is_dialled_here;
            let expected = match second_is_kept {
                true => vec![
                    Effect::Close(ONE, Loss::Replaced),
                    Effect::Answer(TWO, Ok(())),
                ],
                false => vec![Effect::Answer(TWO, Err(Refusal::Simultaneous))],
            };
            assert_eq!(effects, expected, "{own} and {other}, first as {first:?}");
        }
    }
}

#[test]
fn no_more_nodes_than_there_may_be() {
    let config = MeshConfig {
        peers_max: 2,
        ..MeshConfig::default()
    };
    let mut machine = Machine::new(config, who("m", 1), 1);
    for (number, answer) in [(1, Ok(())), (2, Ok(())), (3, Err(Refusal::Full))] {
        let id = ConnectionId(number);
        let who = who(&format!("n{number}"), 1);
        let effects = step(&mut machine, at(0), Input::Proved(id, who, Role::Listener));
        assert_eq!(effects, [Effect::Answer(id, answer)]);
    }
}

#[test]
fn heartbeats_are_sent_where_nothing_else_is_and_silence_is_noticed() {
    let mut machine = connected(&["a", "b"]);
    // Something is sent to `a`, something is heard of `b`.
    for tick in 1..=8 {
        let now = at(tick * 500);
        step(&mut machine, now, Input::Sent(ONE));
        step(&mut machine, now, Input::Heard(TWO));
        let effects = step(&mut machine, now, Input::Ticked);
        let has = |effect: Effect| effects.contains(&effect);
        assert!(!has(Effect::Heartbeat(ONE)), "at tick {tick}");
        // After a quarter of the silence, which is two ticks.
        assert_eq!(has(Effect::Heartbeat(TWO)), tick % 2 == 0, "at tick {tick}");
        assert!(!has(Effect::Close(TWO, Loss::Silent)), "at tick {tick}");
        assert_eq!(
            has(Effect::Close(ONE, Loss::Silent)),
            tick == 8,
            "at tick {tick}"
        );
    }
}

#[test]
fn an_address_is_dialled_until_somebody_is_there() {
    let mut machine = mesh("m");
    let dial = Effect::Dial("s:1".into());
    assert_eq!(
        step(&mut machine, at(0), Input::Seed("s:1".into())),
        std::slice::from_ref(&dial)
    );
    let mut dials = Vec::new();
    for tick in 1..200 {
        let now = at(tick * 500);
        if step(&mut machine, now, Input::Ticked).contains(&dial) {
            dials.push(tick);
            step(
                &mut machine,
                now,
                Input::Undialled("s:1".into(), Refusal::Closed),
            );
        } else if tick == 1 {
            step(
                &mut machine,
                now,
                Input::Undialled("s:1".into(), Refusal::Closed),
            );
        }
    }
    assert!(
        (10..30).contains(&dials.len()),
        "it backs off, and goes on: {dials:?}"
    );
    let pauses: Vec<u64> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        pauses.iter().all(|pause| *pause <= 21),
        "at most 10 s: {pauses:?}"
    );
    assert_eq!(
        machine.dialled().next(),
        Some(("s:1", Some(Refusal::Closed)))
    );
    // Its own address is no address to dial.
    assert_eq!(step(&mut machine, at(0), Input::Seed("m:1".into())), []);
}

/// What becomes of the connection to `a`, started as 1, when the membership has lost somebody.
#[test]
fn who_is_no_member_is_not_connected() {
    let rows = [
        ("a", 1, Loss::Failed, true),
        ("a", 1, Loss::Left, true),
        ("a", 1, Loss::Evicted, true),
        // Another start of it, or one that is not connected.
        ("a", 0, Loss::Failed, false),
        ("a", 2, Loss::Evicted, false),
        ("z", 1, Loss::Failed, false),
    ];
    for (name, incarnation, loss, closes) in rows {
        let mut machine = connected(&["a", "b"]);
        let lost = Input::Lost(name.into(), incarnation, loss);
        let effects = step(&mut machine, at(1), lost);
        let expected = closes.then_some(Effect::Close(ONE, loss));
        assert_eq!(
            effects,
            Vec::from_iter(expected),
            "{name}, {incarnation}, {loss:?}"
        );
        // It comes back if it can: whoever was evicted when it is started anew.
        for again in [1, 2] {
            step(&mut machine, at(1), Input::Down(ONE, loss));
            let id = ConnectionId(10 + again);
            let proved = Input::Proved(id, who("a", again), Role::Listener);
            let refused = loss == Loss::Evicted && (name, incarnation) == ("a", again);
            let answer = if refused {
                Err(Refusal::Evicted)
            } else {
                Ok(())
            };
            assert_eq!(
                step(&mut machine, at(3), proved),
                [Effect::Answer(id, answer)]
            );
            step(&mut machine, at(3), Input::Down(id, Loss::Closed));
        }
    }
}

/// Who is dialled, and for how long, of those that are members.
#[test]
fn members_are_dialled() {
    let mut machine = connected(&["a"]);
    for known in ["a", "m"] {
        assert_eq!(step(&mut machine, at(1), Input::Member(who(known, 1))), []);
    }
    let dial = Effect::Dial("z:1".into());
    let effects = step(&mut machine, at(1), Input::Member(who("z", 1)));
    assert_eq!(effects, std::slice::from_ref(&dial));
    let fails = |now: Tick, machine: &mut Machine| {
        step(
            machine,
            now,
            Input::Undialled("z:1".into(), Refusal::Closed),
        );
    };
    fails(at(1), &mut machine);
    // Who has failed may come back; who has left does not.
    step(
        &mut machine,
        at(2),
        Input::Lost("z".into(), 1, Loss::Failed),
    );
    assert!(step(&mut machine, at(9_000), Input::Ticked).contains(&dial));
    fails(at(9_000), &mut machine);
    step(
        &mut machine,
        at(9_001),
        Input::Lost("z".into(), 1, Loss::Left),
    );
    assert!(!step(&mut machine, at(60_000), Input::Ticked).contains(&dial));
}

#[test]
fn who_leaves_takes_nobody_more() {
    let mut machine = connected(&["a"]);
    let effects = step(&mut machine, at(1), Input::Leave);
    assert_eq!(effects, [Effect::Close(ONE, Loss::Leaving)]);
    let proved = Input::Proved(TWO, who("z", 1), Role::Listener);
    let effects = step(&mut machine, at(1), proved);
    assert_eq!(effects, [Effect::Answer(TWO, Err(Refusal::Leaving))]);
    step(&mut machine, at(1), Input::Down(ONE, Loss::Leaving));
    assert_eq!(
        step(&mut machine, at(5_000), Input::Ticked),
        [],
        "and dials nobody"
    );
}

fn knocked(effects: &[Effect]) -> Vec<&str> {
    let knocked = effects.iter().filter_map(|effect| match effect {
        Effect::Knock(address) => Some(&**address),
        _ => None,
    });
    knocked.collect()
}

fn dialled(effects: &[Effect]) -> Vec<&str> {
    let dialled = effects.iter().filter_map(|effect| match effect {
        Effect::Dial(address) => Some(&**address),
        _ => None,
    });
    dialled.collect()
}

/// A node whose six peers have all fallen silent, and the four that are knocked at first.
fn alone() -> (Machine, Vec<String>) {
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut machine = connected(&names);
    for id in 1..=names.len() as u64 {
        step(
            &mut machine,
            at(4_000),
            Input::Down(ConnectionId(id), Loss::Silent),
        );
    }
    let effects = step(&mut machine, at(4_500), Input::Ticked);
    let first = knocked(&effects);
    assert_eq!(
        (first.len(), dialled(&effects).len()),
        (4, 0),
        "a few at a time"
    );
    let first = first.into_iter().map(String::from).collect();
    (machine, first)
}

fn silence(machine: &mut Machine, now: Tick, address: &str) -> Vec<Effect> {
    step(
        machine,
        now,
        Input::Undialled(address.into(), Refusal::Deadline),
    )
}

#[test]
fn who_has_fallen_silent_is_knocked_at_by_turns() {
    let (mut machine, first) = alone();
    let mut second = Vec::new();
    for address in &first {
        let effects = silence(&mut machine, at(9_500), address);
        second.extend(knocked(&effects).into_iter().map(String::from));
    }
    let others = second.iter().filter(|address| !first.contains(*address));
    assert_eq!(others.count(), 2, "{second:?}: who has waited is next");
    // It goes on at the same pace, until it is too long.
    let (mut now, mut open) = (9_500, second);
    while now < 604_000 {
        assert_eq!(open.len(), 4, "at {now}: {open:?}");
        now += 5_000;
        let before = std::mem::take(&mut open);
        for address in before {
            let effects = silence(&mut machine, at(now), &address);
            open.extend(knocked(&effects).into_iter().map(String::from));
        }
    }
    // Whoever was waiting is knocked at once more.
    for address in open {
        let effects = silence(&mut machine, at(now), &address);
        assert_eq!(knocked(&effects).len(), 0);
    }
    let effects = step(&mut machine, at(now + 15_000), Input::Ticked);
    assert_eq!((knocked(&effects).len(), dialled(&effects).len()), (0, 6));
}

/// Whatever says at once that nobody answers is not asked again at once.
#[test]
fn a_knock_that_takes_no_time_is_followed_by_a_pause() {
    let (mut machine, first) = alone();
    for address in &first {
        let effects = silence(&mut machine, at(4_500), address);
        let others = knocked(&effects).into_iter();
        assert_eq!(
            others
                .filter(|other| first.iter().any(|it| it == other))
                .count(),
            0
        );
    }
    let effects = step(&mut machine, at(5_000), Input::Ticked);
    assert_eq!(knocked(&effects).len(), 2, "the other two are under way");
}

#[test]
fn one_that_is_back_speaks_for_all_that_are_silent() {
    let (mut machine, first) = alone();
    let back = ConnectionId(9);
    let name = &first[0][..1];
    step(
        &mut machine,
        at(6_000),
        Input::Proved(back, who(name, 1), Role::Listener),
    );
    let effects = step(&mut machine, at(6_000), Input::Up(back));
    let ticked = step(&mut machine, at(6_001), Input::Ticked);
    let mut all = dialled(&effects);
    all.extend(dialled(&ticked));
    assert_eq!(all.len(), 2, "the two that were not knocked at: {all:?}");
    assert!(
        all.iter()
            .all(|address| !first.iter().any(|known| known == address))
    );
    // Who does not answer after all is knocked at again.
    let all: Vec<_> = all.into_iter().map(String::from).collect();
    let mut again = 0;
    for address in &all {
        let effects = silence(&mut machine, at(11_000), address);
        assert!(dialled(&effects).is_empty(), "{effects:?}");
        again += knocked(&effects).len();
    }
    assert_eq!(again, 1, "three are under way");
}

/// Whoever closed its connection, refuses, or was never there is dialled as before, later each time.
#[test]
fn who_is_not_silent_is_not_knocked_at() {
    let mut machine = connected(&["a", "b"]);
    step(&mut machine, at(1), Input::Down(ONE, Loss::Closed));
    assert_eq!(
        dialled(&step(&mut machine, at(501), Input::Ticked)),
        ["a:1"]
    );
    step(&mut machine, at(1_000), Input::Down(TWO, Loss::Failed));
    assert_eq!(
        knocked(&step(&mut machine, at(1_500), Input::Ticked)),
        ["b:1"]
    );
    let refused = Input::Undialled("b:1".into(), Refusal::Closed);
    step(&mut machine, at(1_500), refused);
    let effects = step(&mut machine, at(2_000), Input::Ticked);
    assert_eq!(dialled(&effects), ["b:1"]);
    let effects = step(&mut machine, at(2_000), Input::Seed("s:1".into()));
    assert_eq!(dialled(&effects), ["s:1"]);
    silence(&mut machine, at(2_000), "s:1");
    assert_eq!(
        dialled(&step(&mut machine, at(2_500), Input::Ticked)),
        ["s:1"]
    );
}
