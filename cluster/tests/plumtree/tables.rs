//! What does a node do at a single message?
//!
//! Role       Tables: what came, and what is done. Planted faults that these find: a double that is
//!            not answered by a prune, a graft that is not repeated, a branch changed below the
//!            threshold, a payload beyond the limit, a past that a newcomer asks for.

use std::time::Duration;

use foundation_cluster::overlay::PeerId;
use foundation_cluster::overlay::plumtree::{
    Config, ConfigError, Effect, Had, Input, Message, MessageId, Missed, ORIGINS_MAX, Payload,
    Plumtree,
};
use foundation_cluster::{Effects, Machine, Tick};

use super::id;

fn news() -> Payload {
    (*b"news").into()
}

fn of(origin: usize, number: u64) -> MessageId {
    let origin = id(origin);
    MessageId { origin, number }
}

fn received(from: usize, message: Message) -> Input {
    Input::Received(id(from), message)
}

fn send(to: usize, message: Message) -> Effect {
    Effect::Send(id(to), message)
}

fn gossip(origin: usize, number: u64, hops: u16) -> Message {
    Message::Gossip(of(origin, number), hops, news())
}

/// One input, so many milliseconds after the start; without the wishes to be woken.
fn step(node: &mut Plumtree, millis: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    let now = Tick::ZERO + Duration::from_millis(millis);
    node.step(now, input, &mut effects);
    node.check();
    let all = effects.drain();
    all.filter(|e| !matches!(e, Effect::Wake(_))).collect()
}

/// Node 0 with the neighbours 1 to 3, which knows that there is no past.
fn node_with(change: fn(&mut Config)) -> Plumtree {
    let mut config = Config {
        graft_spread: Duration::ZERO,
        ..Config::default()
    };
    change(&mut config);
    let mut node = Plumtree::new(id(0), config, 1).unwrap();
    for peer in 1..=3 {
        assert_eq!(
            step(&mut node, 0, Input::Up(id(peer))),
            [send(peer, Message::Greet)]
        );
    }
    step(&mut node, 0, received(1, Message::Baseline(vec![], true)));
    node
}

fn node() -> Plumtree {
    node_with(|_| {})
}

#[test]
fn the_first_is_passed_on_and_the_second_pruned() {
    let mut node = node();
    let deliver = Effect::Deliver(of(9, 1), 4, news());
    let first = step(&mut node, 0, received(2, gossip(9, 1, 4)));
    assert_eq!(
        first,
        [deliver, send(1, gossip(9, 1, 5)), send(3, gossip(9, 1, 5))]
    );
    let second = step(&mut node, 0, received(3, gossip(9, 1, 4)));
    assert_eq!(second, [send(3, Message::Prune)]);
    assert_eq!(node.lazy().collect::<Vec<_>>(), [id(3)]);
    // From now on it is told, after a while, and all of it at once.
    step(&mut node, 0, received(2, gossip(9, 2, 4)));
    step(&mut node, 10, received(2, gossip(9, 3, 4)));
    let told = vec![(of(9, 2), 5), (of(9, 3), 5)];
    assert_eq!(
        step(&mut node, 50, Input::Woken),
        [send(3, Message::IHave(told))]
    );
}

#[test]
fn what_is_announced_and_does_not_come_is_asked_for() {
    let mut node = node();
    for peer in [2, 3] {
        let told = Message::IHave(vec![(of(9, 1), 1)]);
        assert_eq!(step(&mut node, 0, received(peer, told)), []);
    }
    let graft = |to| [send(to, Message::Graft(Some(of(9, 1))))];
    assert_eq!(step(&mut node, 499, Input::Woken), []);
    assert_eq!(step(&mut node, 500, Input::Woken), graft(2));
    assert_eq!(step(&mut node, 699, Input::Woken), []);
    assert_eq!(step(&mut node, 700, Input::Woken), graft(3));
    assert_eq!(
        step(&mut node, 900, Input::Woken),
        [],
        "there is nobody left"
    );
    assert_eq!(step(&mut node, 1100, Input::Woken), []);
}

#[test]
fn not_all_ask_at_the_same_time() {
    let mut asked = Vec::new();
    for seed in 0..10 {
        let mut node = Plumtree::new(id(0), Config::default(), seed).unwrap();
        step(&mut node, 0, Input::Up(id(1)));
        let told = Message::IHave(vec![(of(9, 1), 1)]);
        step(&mut node, 0, received(1, told));
        let asks = |node: &mut Plumtree, millis| !step(node, millis, Input::Woken).is_empty();
        asked.extend((0..=1000).find(|&millis| asks(&mut node, millis)));
    }
    assert_eq!(asked.len(), 10, "all have asked: {asked:?}");
    assert!(
        asked.iter().all(|millis| (500..=1000).contains(millis)),
        "{asked:?}"
    );
    asked.sort_unstable();
    assert!(asked[9] - asked[0] > 100, "they are spread: {asked:?}");
}

#[test]
fn an_origin_that_was_forgotten_is_not_delivered_twice() {
    let mut node = node();
    step(&mut node, 0, received(1, gossip(9, 1, 1)));
    let many = (100..100 + ORIGINS_MAX as u64).map(|peer| Had {
        origin: PeerId(peer),
        highest: 1,
        missing: vec![],
    });
    let many: Vec<Had> = many.collect();
    for part in many.chunks(1000) {
        step(&mut node, 0, received(1, Message::Compare(part.to_vec())));
    }
    let second = step(&mut node, 0, received(1, gossip(9, 1, 1)));
    assert_eq!(second, [send(1, Message::Prune)]);
}

#[test]
fn who_is_gone_is_not_asked() {
    let mut node = node();
    let told = Message::IHave(vec![(of(9, 1), 1)]);
    step(&mut node, 0, received(2, told.clone()));
    step(&mut node, 0, Input::Down(id(2)));
    step(&mut node, 0, received(3, told.clone()));
    step(&mut node, 0, received(8, told));
    let graft = send(3, Message::Graft(Some(of(9, 1))));
    assert_eq!(step(&mut node, 500, Input::Woken), [graft]);
    assert_eq!(step(&mut node, 700, Input::Woken), [], "8 is a stranger");
}

#[test]
fn a_long_branch_is_changed_for_a_short_one() {
    let check = |threshold, announced, hops, changes| {
        let mut node = node_with(|config| config.threshold = None);
        if let Some(threshold) = threshold {
            assert_eq!(threshold, 7, "the default");
            node = node_with(|_| {});
        }
        let told = Message::IHave(vec![(of(9, 1), announced)]);
        step(&mut node, 0, received(3, told));
        let effects = step(&mut node, 10, received(2, gossip(9, 1, hops)));
        let change = [send(3, Message::Graft(None)), send(2, Message::Prune)];
        let changed = effects.ends_with(&change);
        assert_eq!(changed, changes, "{threshold:?}, {announced}, {hops}");
        assert_eq!(node.lazy().collect::<Vec<_>>() == [id(2)], changes);
    };
    check(Some(7), 1, 8, true);
    check(Some(7), 1, 7, false);
    check(Some(7), 8, 1, false);
    check(None, 1, 60, false);
}

#[test]
fn a_graft_is_answered_as_long_as_the_message_is_kept() {
    let mut node = node_with(|config| config.store_max = 2);
    step(&mut node, 0, received(2, Message::Prune));
    for number in 1..=3 {
        step(&mut node, 0, received(1, gossip(9, number, 1)));
    }
    let graft = |number| received(2, Message::Graft(Some(of(9, number))));
    assert_eq!(step(&mut node, 0, graft(1)), [], "there was room for two");
    assert_eq!(node.lazy().count(), 0, "but the branch is there");
    assert_eq!(step(&mut node, 0, graft(2)), [send(2, gossip(9, 2, 2))]);
    assert_eq!(step(&mut node, 0, graft(7)), []);
}

#[test]
fn what_is_too_long_goes_nowhere() {
    let mut node = node_with(|config| config.payload_bytes_max = 3);
    let refused = step(&mut node, 0, Input::Broadcast(news()));
    assert_eq!(refused, [Effect::TooLong(news())]);
    let pruned = step(&mut node, 0, received(1, gossip(9, 1, 1)));
    assert_eq!(pruned, [send(1, Message::Prune)]);
}

#[test]
fn a_new_neighbour_is_told_of_what_came_lately() {
    let mut node = node();
    step(&mut node, 0, received(2, gossip(9, 1, 1)));
    step(&mut node, 8_000, received(2, gossip(9, 2, 1)));
    step(&mut node, 12_000, Input::Up(id(4)));
    let told = step(&mut node, 12_050, Input::Woken);
    assert!(
        told.contains(&send(4, Message::IHave(vec![(of(9, 2), 2)]))),
        "{told:?}"
    );
}

#[test]
fn a_newcomer_does_not_wait_for_the_past() {
    let mut node = Plumtree::new(id(0), Config::default(), 1).unwrap();
    step(&mut node, 0, Input::Up(id(1)));
    let standing = vec![(id(9), 41)];
    step(
        &mut node,
        0,
        received(1, Message::Baseline(standing, false)),
    );
    step(&mut node, 0, received(1, Message::Baseline(vec![], true)));
    let had = |origin, highest, missing: &[u64]| Had {
        origin: id(origin),
        highest,
        missing: missing.to_vec(),
    };
    let mut compare = |number, origin| {
        step(&mut node, 0, received(1, gossip(origin, number, 1)));
        let asked = step(&mut node, 0, received(1, Message::Compare(vec![])));
        asked.into_iter().find_map(|effect| match effect {
            Effect::Send(_, Message::Compared(had)) => {
                had.into_iter().find(|h| h.origin == id(origin))
            }
            _ => None,
        })
    };
    assert_eq!(compare(41, 9), Some(had(9, 41, &[])), "it is of the past");
    assert_eq!(compare(43, 9), Some(had(9, 43, &[42])));
    assert_eq!(
        compare(2, 7),
        Some(had(7, 2, &[1])),
        "a newer origin is waited for whole"
    );
}

#[test]
fn a_comparison_sends_what_the_other_lacks() {
    let mut node = node();
    for number in [1, 2, 3, 5] {
        step(&mut node, 0, received(1, gossip(9, number, 1)));
    }
    let had = |highest, missing: &[u64]| Had {
        origin: id(9),
        highest,
        missing: missing.to_vec(),
    };
    let repair = |number| send(3, Message::Repair(of(9, number), 2, news()));
    let answer = |highest| send(3, Message::Compared(vec![had(highest, &[4])]));
    let early = step(
        &mut node,
        100,
        received(3, Message::Compare(vec![had(3, &[2])])),
    );
    assert_eq!(
        early[..],
        [send(3, Message::Compared(vec![had(5, &[4])]))],
        "it may be on its way"
    );
    let late = step(
        &mut node,
        600,
        received(3, Message::Compare(vec![had(3, &[2])])),
    );
    assert_eq!(late, [repair(2), repair(5), answer(5)]);
    let none = step(
        &mut node,
        600,
        received(3, Message::Compare(vec![had(5, &[4])])),
    );
    assert_eq!(none, [answer(5)]);
}

#[test]
fn what_nobody_has_is_told_to_be_missed() {
    let mut node = node();
    for number in [1, 4, 6] {
        step(&mut node, 0, received(1, gossip(9, number, 1)));
    }
    let missed = |first, last| {
        let origin = id(9);
        Effect::Missed(Missed {
            origin,
            first,
            last,
        })
    };
    let mut seen = Vec::new();
    for _ in 0..16 {
        seen.extend(step(&mut node, 0, received(2, Message::Compared(vec![]))));
    }
    assert_eq!(seen, [missed(2, 3), missed(5, 5)]);
    assert_eq!(
        step(&mut node, 0, received(2, gossip(9, 3, 1))),
        [send(2, Message::Prune)]
    );
    // The window moves on: 7 to 1029 and 1031 did not come, and the first six are too old by now.
    step(&mut node, 0, received(2, gossip(9, 1030, 1)));
    let late = step(&mut node, 0, received(2, gossip(9, 1036, 1)));
    assert_eq!(late[0], missed(7, 12));
}

#[test]
fn numbers_out_of_all_bounds_do_nothing() {
    for number in [0, 1 << 63, u64::MAX] {
        let mut node = node();
        let pruned = [send(1, Message::Prune)];
        assert_eq!(
            step(&mut node, 0, received(1, gossip(9, number, 1))),
            pruned
        );
        let had = vec![Had {
            origin: id(9),
            highest: number,
            missing: vec![0, u64::MAX],
        }];
        assert_eq!(step(&mut node, 0, received(1, Message::Compared(had))), []);
        let told = Message::IHave(vec![(of(9, number), u16::MAX)]);
        assert_eq!(step(&mut node, 0, received(1, told)), []);
        assert_eq!(step(&mut node, 500, Input::Woken), []);
    }
    let mut node = node();
    let far = step(
        &mut node,
        0,
        received(1, gossip(9, (1 << 63) - 1, u16::MAX)),
    );
    assert!(
        matches!(far[0], Effect::Missed(_)) && far.len() == 4,
        "{far:?}"
    );
}

#[test]
fn figures_out_of_bounds_are_refused() {
    let check = |change: fn(&mut Config), error| {
        let mut config = Config::default();
        change(&mut config);
        assert_eq!(Plumtree::new(id(0), config, 1).err(), Some(error));
    };
    check(|c| c.graft_timeout = Duration::ZERO, ConfigError::Time);
    check(|c| c.compare_interval = Duration::ZERO, ConfigError::Time);
    check(
        |c| c.lazy_interval = Duration::from_secs(11),
        ConfigError::Time,
    );
    check(|c| c.threshold = Some(0), ConfigError::Threshold);
    check(|c| c.store_max = 0, ConfigError::Store);
    check(|c| c.store_bytes_max = 10, ConfigError::Store);
}
