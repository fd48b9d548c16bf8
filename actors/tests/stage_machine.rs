//! Does a stage share its items out as asked?
//!
//! Role       A table of scenes: inputs, each with what must follow from it.

use foundation_actors::stage::dispatch::{
    Dispatcher, Effect, Input, Limits, Overflow, Policy, PushToken, SubscribeError, SubscriberId,
};

type Stage = Dispatcher<u32>;

const SMALL: Limits = Limits {
    buffer: 4,
    pushers: 2,
    subscribers: 3,
};

fn demand(pulls: bool) -> Stage {
    Dispatcher::new(Policy::Demand, SMALL, Overflow::Wait, pulls)
}

fn broadcast() -> Stage {
    Dispatcher::new(Policy::Broadcast(|item| *item), SMALL, Overflow::Wait, true)
}

fn partition(parts: usize) -> Stage {
    let key = Box::new(|item: &u32| u64::from(*item));
    Dispatcher::new(Policy::Partition(parts, key), SMALL, Overflow::Wait, true)
}

fn id(number: u64) -> SubscriberId {
    SubscriberId(number)
}

fn join(number: u64) -> Input<u32> {
    Input::Subscribed {
        id: id(number),
        partition: None,
        selector: None,
    }
}

fn join_part(number: u64, part: usize) -> Input<u32> {
    Input::Subscribed {
        id: id(number),
        partition: Some(part),
        selector: None,
    }
}

fn ask(number: u64, demand: usize) -> Input<u32> {
    let id = id(number);
    Input::Asked { id, demand }
}

fn made(items: &[u32]) -> Input<u32> {
    let items = items.to_vec();
    Input::Arrived { items }
}

fn push(token: u64, items: &[u32]) -> Input<u32> {
    let (token, items) = (PushToken(token), items.to_vec());
    Input::Pushed { token, items }
}

fn joined(number: u64) -> Effect<u32> {
    let (id, outcome) = (id(number), Ok(()));
    Effect::Accepted { id, outcome }
}

fn refused(number: u64, error: SubscribeError) -> Effect<u32> {
    let (id, outcome) = (id(number), Err(error));
    Effect::Accepted { id, outcome }
}

fn deliver(number: u64, items: &[u32]) -> Effect<u32> {
    let (id, items, last) = (id(number), items.to_vec(), false);
    Effect::Deliver { id, items, last }
}

fn last(number: u64) -> Effect<u32> {
    let (id, items, last) = (id(number), Vec::new(), true);
    Effect::Deliver { id, items, last }
}

fn produce(demand: usize) -> Effect<u32> {
    Effect::Produce { demand }
}

fn taken(token: u64) -> Effect<u32> {
    let (token, refused) = (PushToken(token), None);
    Effect::Pushed { token, refused }
}

fn back(token: u64, items: &[u32]) -> Effect<u32> {
    let (token, refused) = (PushToken(token), Some(items.to_vec()));
    Effect::Pushed { token, refused }
}

/// Feeds the inputs one after the other, each with what must follow from it.
#[track_caller]
fn check<const N: usize>(mut stage: Stage, scene: [(Input<u32>, &[Effect<u32>]); N]) {
    for (at, (input, expected)) in scene.into_iter().enumerate() {
        let mut effects = Vec::new();
        stage.step(input, &mut effects);
        assert_eq!(effects, expected, "after input {at}");
    }
}

#[test]
fn the_source_is_asked_for_what_subscribers_ask() {
    check(
        demand(true),
        [
            (join(1), &[joined(1)]),
            (ask(1, 3), &[produce(3)]),
            (join(2), &[joined(2)]),
            // One production at a time.
            (ask(2, 5), &[]),
            // Who asked for most is served first, and what is missing is asked for again.
            (made(&[1, 2, 3]), &[deliver(2, &[1, 2, 3]), produce(3)]),
            (made(&[4]), &[deliver(1, &[4])]),
        ],
    );
}

#[test]
fn of_equal_asks_the_one_served_longest_ago_is_first() {
    check(
        demand(true),
        [
            (join(1), &[joined(1)]),
            (join(2), &[joined(2)]),
            (ask(1, 2), &[produce(2)]),
            (ask(2, 2), &[]),
            (made(&[1]), &[deliver(1, &[1]), produce(2)]),
            (ask(1, 2), &[]),
            (made(&[2]), &[deliver(2, &[2]), produce(2)]),
        ],
    );
}

#[test]
fn what_was_asked_for_by_one_who_left_is_kept() {
    check(
        demand(true),
        [
            (join(1), &[joined(1)]),
            (ask(1, 3), &[produce(3)]),
            (Input::Cancelled { id: id(1) }, &[]),
            (made(&[1, 2, 3]), &[]),
            (join(2), &[joined(2)]),
            (ask(2, 2), &[deliver(2, &[1, 2])]),
            (ask(2, 2), &[deliver(2, &[3])]),
            // One who has left is told that nothing will follow.
            (ask(1, 2), &[last(1)]),
        ],
    );
}

#[test]
fn pushes_wait_for_room_and_too_many_are_refused() {
    check(
        demand(false),
        [
            (push(1, &[1, 2, 3]), &[taken(1)]),
            (push(2, &[4, 5]), &[]),
            (push(3, &[6]), &[]),
            (push(4, &[7]), &[back(4, &[7])]),
            (join(1), &[joined(1)]),
            // What waits is taken in order as room is made.
            (ask(1, 2), &[deliver(1, &[1, 2]), taken(2), taken(3)]),
            (ask(1, 9), &[deliver(1, &[3, 4, 5, 6])]),
            // More than all the room there is, when nothing else waits.
            (push(5, &[1, 2, 3, 4, 5, 6]), &[taken(5)]),
        ],
    );
}

#[test]
fn a_full_stage_drops_the_newest_or_the_oldest() {
    let scene = |overflow, kept: &[u32]| {
        check(
            Dispatcher::new(Policy::Demand, SMALL, overflow, false),
            [
                (push(1, &[1, 2, 3]), &[taken(1)]),
                (
                    push(2, &[4, 5, 6]),
                    &[Effect::Dropped { count: 2 }, taken(2)],
                ),
                (join(1), &[joined(1)]),
                (ask(1, 9), &[deliver(1, kept)]),
            ],
        );
    };
    scene(Overflow::KeepFirst, &[1, 2, 3, 4]);
    scene(Overflow::KeepLast, &[3, 4, 5, 6]);
}

#[test]
fn a_broadcast_is_as_fast_as_its_slowest() {
    check(
        broadcast(),
        [
            (join(1), &[joined(1)]),
            (join(2), &[joined(2)]),
            (ask(1, 3), &[]),
            (ask(2, 2), &[produce(2)]),
            (made(&[1, 2]), &[deliver(1, &[1, 2]), deliver(2, &[1, 2])]),
            (ask(2, 1), &[]),
            // Without the slow one, the other goes on.
            (ask(1, 1), &[produce(1)]),
            (Input::Cancelled { id: id(2) }, &[]),
            (made(&[3]), &[deliver(1, &[3])]),
        ],
    );
}

#[test]
fn a_selector_lets_through_what_is_wanted() {
    let even = Input::Subscribed {
        id: id(1),
        partition: None,
        selector: Some(Box::new(|item| item % 2 == 0)),
    };
    check(
        broadcast(),
        [
            (even, &[joined(1)]),
            (ask(1, 2), &[produce(2)]),
            // Nothing for it: its ask stays open, and more is made.
            (made(&[1, 3]), &[produce(2)]),
            (made(&[4, 5]), &[deliver(1, &[4])]),
        ],
    );
}

#[test]
fn a_partition_gets_its_own() {
    check(
        partition(2),
        [
            (join(1), &[refused(1, SubscribeError::NoPartition(2))]),
            (join_part(1, 0), &[joined(1)]),
            (
                join_part(2, 0),
                &[refused(2, SubscribeError::PartitionTaken(0))],
            ),
            (
                join_part(2, 2),
                &[refused(2, SubscribeError::NoSuchPartition(2, 2))],
            ),
            (ask(1, 4), &[produce(4)]),
            // Half of it is for nobody yet: it waits, and the source is asked for what there is room.
            (made(&[0, 1, 2, 3]), &[deliver(1, &[0, 2])]),
            (ask(1, 4), &[produce(2)]),
            (made(&[5, 7]), &[]),
            // The room is full of the other partition's items: the source rests.
            (join_part(2, 1), &[joined(2)]),
            (ask(2, 1), &[deliver(2, &[1]), produce(1)]),
        ],
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    check(
        demand(true),
        [
            (
                join_part(1, 0),
                &[refused(1, SubscribeError::NotPartitioned)],
            ),
            (
                Input::Subscribed {
                    id: id(1),
                    partition: None,
                    selector: Some(Box::new(|_| true)),
                },
                &[refused(1, SubscribeError::NoSelection)],
            ),
            (join(1), &[joined(1)]),
            (join(2), &[joined(2)]),
            (join(3), &[joined(3)]),
            (join(4), &[refused(4, SubscribeError::TooMany(3))]),
        ],
    );
}

#[test]
fn the_end_is_told_when_all_is_delivered() {
    check(
        demand(true),
        [
            (join(1), &[joined(1)]),
            (join(2), &[joined(2)]),
            (ask(1, 3), &[produce(3)]),
            (Input::Cancelled { id: id(1) }, &[]),
            (made(&[1, 2, 3]), &[]),
            (Input::Done, &[]),
            (ask(2, 2), &[deliver(2, &[1, 2])]),
            (ask(2, 2), &[deliver(2, &[3])]),
            (ask(2, 2), &[last(2), Effect::Finished]),
        ],
    );
    check(demand(false), [(Input::Done, &[Effect::Finished])]);
    check(
        demand(false),
        [
            (push(1, &[1]), &[taken(1)]),
            (Input::Done, &[]),
            (push(2, &[2]), &[back(2, &[2])]),
            (join(1), &[joined(1)]),
            (ask(1, 1), &[deliver(1, &[1])]),
            (ask(1, 1), &[last(1), Effect::Finished]),
        ],
    );
}

#[test]
#[should_panic(expected = "made 2 items, and was asked for 1")]
fn a_producer_that_makes_too_much_is_stopped() {
    let mut stage = demand(true);
    for input in [join(1), ask(1, 1), made(&[1, 2])] {
        stage.step(input, &mut Vec::new());
    }
}

#[test]
#[should_panic(expected = "made no item")]
fn a_producer_that_makes_nothing_is_stopped() {
    let mut stage = demand(true);
    for input in [join(1), ask(1, 1), made(&[])] {
        stage.step(input, &mut Vec::new());
    }
}
