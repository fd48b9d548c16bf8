//! What does a node do at a single message?
//!
//! Role       Tables: what came, and what is done. Planted faults that these find: a request that is
//!            waited for without end, a refusal by a neighbour that changes nothing, a walk of a
//!            stranger that is not answered.

use std::time::Duration;

use foundation_cluster::overlay::hyparview::{
    Config, ConfigError, Effect, HyParView, Input, Message, PeerId,
};
use foundation_cluster::{Effects, Machine, Tick};

use super::id;

fn received(from: usize, message: Message) -> Input {
    Input::Received(id(from), message)
}

fn send(to: usize, message: Message) -> Effect {
    Effect::Send(id(to), message)
}

/// An answer that is at its end.
fn reply(peers: Vec<PeerId>) -> Message {
    let path = Vec::new();
    Message::ShuffleReply { path, peers }
}

/// One input, so many seconds after the start.
fn step(node: &mut HyParView, seconds: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    let now = Tick::ZERO + Duration::from_secs(seconds);
    node.step(now, input, &mut effects);
    node.check();
    effects.drain().collect()
}

/// Node 0 with the neighbours 1 and so on.
fn with_neighbours(count: usize) -> HyParView {
    let mut node = HyParView::new(id(0), Config::default(), 1).unwrap();
    for peer in 1..=count {
        step(
            &mut node,
            0,
            received(peer, Message::Neighbour { priority: false }),
        );
    }
    node
}

const ASK: Message = Message::Neighbour { priority: true };

#[test]
fn a_stranger_is_told_that_it_is_none() {
    let check = |message: Message, expected: &[Effect]| {
        let mut node = with_neighbours(2);
        let effects = step(&mut node, 0, received(9, message.clone()));
        assert_eq!(effects, expected, "{message:?}");
    };
    let parting = send(9, Message::Disconnect);
    let walk = |to| send(to, Message::ForwardJoin(id(9), 6));
    let joined = [
        Effect::Up(id(9)),
        send(9, Message::Accept),
        walk(1),
        walk(2),
    ];
    let answer = send(9, reply(vec![]));
    check(Message::Join, &joined);
    check(ASK, &joined[..2]);
    check(
        Message::ForwardJoin(id(7), 0),
        &[parting.clone(), send(7, ASK)],
    );
    check(
        Message::Shuffle {
            hops: 0,
            path: vec![],
            peers: vec![id(7)],
        },
        &[parting.clone(), answer],
    );
    check(Message::Accept, &[parting]);
    check(Message::Refuse, &[]);
    check(Message::Disconnect, &[]);
    check(reply(vec![id(7)]), &[]);
}

#[test]
fn a_neighbour_that_says_otherwise_is_none() {
    for parting in [Message::Refuse, Message::Disconnect] {
        let mut node = with_neighbours(2);
        let effects = step(&mut node, 0, received(2, parting));
        // It asks the only one in reserve, which is the one that has just left; it has one of five.

        let again = Message::Neighbour { priority: true };
        assert_eq!(effects, [Effect::Down(id(2)), send(2, again)]);
        assert_eq!(node.active(), [id(1)]);
    }
}

#[test]
fn a_failure_and_a_request_make_a_node_look_after_its_neighbours() {
    let refused = received(9, Message::Neighbour { priority: false });
    let check = |input: Input, probed: usize| {
        let mut node = with_neighbours(5);
        let count = |effects: Vec<Effect>| {
            let is_probe = |e: &&Effect| matches!(e, Effect::Send(_, Message::Probe));
            effects.iter().filter(is_probe).count()
        };
        assert_eq!(
            count(step(&mut node, 4, input.clone())),
            0,
            "{input:?}: too soon"
        );
        let mut node = with_neighbours(5);
        assert_eq!(
            count(step(&mut node, 6, input.clone())),
            probed,
            "{input:?}"
        );
        assert_eq!(
            count(step(&mut node, 7, input.clone())),
            0,
            "{input:?}: again"
        );
    };
    check(refused, 5);
    check(Input::PeerFailed(id(3)), 4);
    check(Input::PeerFailed(id(9)), 0);
    let stranger = received(9, Message::Probe);
    let parting = send(9, Message::Disconnect);
    assert_eq!(step(&mut with_neighbours(2), 0, stranger), [parting]);
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let mut node = with_neighbours(0);
    step(&mut node, 0, received(3, reply(vec![id(7)])));
    assert_eq!(step(&mut node, 0, Input::Round), [send(7, ASK)]);
    assert_eq!(step(&mut node, 4, Input::Round), [], "it has time left");
    assert_eq!(node.passive(), [id(7)]);
    assert_eq!(step(&mut node, 5, Input::Round), []);
    assert_eq!(node.passive(), [], "it is of no use in reserve");
    let late = step(&mut node, 6, received(7, Message::Accept));
    assert_eq!(late, [send(7, Message::Disconnect)]);
}

#[test]
fn the_next_in_reserve_is_asked_when_one_is_silent() {
    let mut node = with_neighbours(1);
    let reserve = (10..20).map(id).collect();
    step(&mut node, 0, received(1, reply(reserve)));
    let asked = |effects: &[Effect]| {
        let is_ask = |e: &&Effect| matches!(e, Effect::Send(_, Message::Neighbour { .. }));
        effects.iter().filter(is_ask).count()
    };
    let first = step(&mut node, 0, received(1, Message::Disconnect));
    assert_eq!(asked(&first), 5, "{first:?}");
    let later = step(&mut node, 5, received(30, Message::Refuse));
    assert_eq!(asked(&later), 5, "{later:?}");
}

#[test]
fn a_contact_that_is_silent_is_asked_again() {
    let mut node = with_neighbours(0);
    let join = [send(7, Message::Join)];
    assert_eq!(step(&mut node, 0, Input::Join(id(7))), join);
    assert_eq!(step(&mut node, 1, Input::Round), []);
    assert_eq!(step(&mut node, 6, Input::Round), join);
}

#[test]
fn the_answer_to_a_walk_goes_back_over_those_who_passed_it_on() {
    let ids = |numbers: &[usize]| numbers.iter().copied().map(id).collect::<Vec<_>>();
    let walk = |hops, path: &[usize]| Message::Shuffle {
        hops,
        path: ids(path),
        peers: ids(&[7]),
    };
    let answer = |path: &[usize], peers: &[usize]| Message::ShuffleReply {
        path: ids(path),
        peers: ids(peers),
    };
    let step = |input| step(&mut with_neighbours(2), 0, input);
    // Whoever passes it on is added to its path; the last one answers over it.
    assert_eq!(
        step(received(1, walk(3, &[9, 8]))),
        [send(2, walk(2, &[9, 8, 1]))]
    );
    assert_eq!(
        step(received(1, walk(0, &[9, 8]))),
        [send(1, answer(&[9, 8], &[]))]
    );
    assert_eq!(
        step(received(2, answer(&[9, 8, 1], &[5]))),
        [send(1, answer(&[9, 8], &[5]))]
    );
    assert_eq!(
        step(received(2, answer(&[1], &[5]))),
        [send(1, answer(&[], &[5]))]
    );
    // Where one of them is no neighbour any more, it goes to the origin.
    assert_eq!(
        step(received(2, answer(&[9, 8, 3], &[5]))),
        [send(9, answer(&[], &[5]))]
    );
    // A path that comes back to its end is no way, and one that is too long is cut.
    assert_eq!(step(received(2, answer(&[0, 3], &[5]))), []);
    let long: Vec<usize> = (10..60).collect();
    assert_eq!(
        step(received(1, walk(1, &long))),
        [send(2, walk(0, &[&long[..6], &[1]].concat()))]
    );
}

#[test]
fn what_was_given_away_makes_room_for_the_answer() {
    let mut node = with_neighbours(1);
    let reserve: Vec<_> = (10..40).map(id).collect();
    step(&mut node, 0, received(1, reply(reserve)));
    let effects = step(&mut node, 0, Input::Round);
    let named = effects.iter().find_map(|effect| match effect {
        Effect::Send(_, Message::Shuffle { peers, .. }) => Some(peers.clone()),
        _ => None,
    });
    let given: Vec<_> = named.unwrap().into_iter().filter(|p| p.0 >= 10).collect();
    assert_eq!(given.len(), 4);
    let answer = (50..54).map(id).collect();
    step(&mut node, 0, received(1, reply(answer)));
    let left = |peer| node.passive().contains(peer);
    assert!(!given.iter().any(left), "{given:?} were given away");
}

#[test]
fn a_full_node_refuses_only_without_priority() {
    for (priority, answer) in [(false, Message::Refuse), (true, Message::Accept)] {
        let mut node = with_neighbours(5);
        let effects = step(&mut node, 0, received(6, Message::Neighbour { priority }));
        assert_eq!(effects.last(), Some(&send(6, answer)));
    }
}

#[test]
fn figures_out_of_bounds_are_refused() {
    let check = |change: fn(&mut Config), error| {
        let mut config = Config::default();
        change(&mut config);
        let made = HyParView::new(id(0), config, 1);
        assert_eq!(made.err(), Some(error));
    };
    check(|c| c.active_max = 1, ConfigError::View);
    check(|c| c.passive_max = 0, ConfigError::View);
    check(|c| c.passive_walk = 7, ConfigError::Walk);
    check(|c| c.shuffle_active = 6, ConfigError::Shuffle);
    check(|c| c.shuffle_passive = 31, ConfigError::Shuffle);
    check(|c| c.answer_timeout = Duration::ZERO, ConfigError::Timeout);
    check(|c| c.unbiased = 5, ConfigError::Optimisation);
    check(|c| c.optimise_scan = 65, ConfigError::Optimisation);
    check(
        |c| c.cost_age_max = Duration::ZERO,
        ConfigError::Optimisation,
    );
}

#[test]
fn who_is_about_to_have_all_its_neighbours_takes_no_more_from_walks() {
    let ends = |newcomer| received(1, Message::ForwardJoin(id(newcomer), 0));
    let mut node = with_neighbours(1);
    for newcomer in 6..10 {
        assert_eq!(step(&mut node, 0, ends(newcomer)), [send(newcomer, ASK)]);
    }
    assert_eq!(step(&mut node, 0, ends(10)), []);
    assert_eq!(node.passive(), [id(10)], "it is kept in reserve");
    // One of them fails: there is a place again, and who was kept is asked for it.
    let effects = step(&mut node, 0, Input::PeerFailed(id(9)));
    assert_eq!(effects, [send(10, Message::Neighbour { priority: true })]);
    // Who has all of them and has asked nobody makes room for a newcomer, as in the paper.
    let mut full = with_neighbours(5);
    assert_eq!(step(&mut full, 0, ends(7)), [send(7, ASK)]);
    assert_eq!(step(&mut full, 0, ends(8)), [], "one at a time");
}
