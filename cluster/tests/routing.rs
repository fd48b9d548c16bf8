//! Do messages reach nodes that are not neighbours, and each of them once?
//!
//! Role       Tables of single steps.

#[path = "common/letters.rs"]
mod letters;

use std::time::Duration;

use foundation_cluster::overlay::routing::{
    Config, ConfigError, Effect, Envelope, Input, Kind, Letter, Message, Routing, Undelivered,
};
use foundation_cluster::{Effects, Machine};

use letters::{at, id, letter, seconds};

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
