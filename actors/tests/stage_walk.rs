//! Does a stage keep its books, whatever comes?
//!
//! Role       Seeded walks beside a model that knows what each subscriber asked for, and in which
//!            order items arrived.

use std::collections::{BTreeMap, VecDeque};

use foundation_actors::stage::dispatch::{
    Dispatcher, Effect, Input, Limits, Overflow, Policy, PushToken, SubscriberId,
};
use foundation_runtime::Rng;

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

/// What a careful bookkeeper knows of a stage.
#[derive(Default)]
struct Model {
    /// Who subscribed: partition, and what is asked for.
    members: BTreeMap<u64, (usize, usize)>,
    /// Items that are in the stage, by partition, oldest first.
    inside: Vec<VecDeque<u32>>,
    /// What each member of a broadcast has not seen of what is inside.
    produced: u32,
    requested: usize,
    waiting: BTreeMap<u64, Vec<u32>>,
    done: bool,
    finished: bool,
}

/// One seeded life of a stage.
fn walk(seed: u64, policy: &'static str) {
    let mut rng = Rng::new(seed);
    let parts = if policy == "partition" { 3 } else { 1 };
    let mut stage = match policy {
        "broadcast" => broadcast(),
        "partition" => partition(parts),
        "queue" => demand(false),
        _ => demand(true),
    };
    let mut model = Model {
        inside: vec![VecDeque::new(); parts],
        ..Model::default()
    };
    let (mut next, mut done) = (0, false);
    for step in 0..400 {
        let Some(input) = draw(&mut rng, &mut model, policy, &mut next, step) else {
            continue;
        };
        done |= matches!(input, Input::Done);
        let mut effects = Vec::new();
        stage.step(input, &mut effects);
        for effect in effects {
            observe(&mut model, policy, done, effect, seed);
        }
        settled(&model, policy, done, &stage, seed);
        if model.finished {
            return;
        }
    }
}

/// What happens next, if that is possible now; noted in the model.
fn draw(
    rng: &mut Rng,
    model: &mut Model,
    policy: &str,
    next: &mut u64,
    step: usize,
) -> Option<Input<u32>> {
    let parts = model.inside.len();
    let known: Vec<u64> = model.members.keys().copied().collect();
    let pick = |rng: &mut Rng| known.get(rng.below(known.len().max(1))).copied();
    Some(match rng.below(12) {
        0 => {
            *next += 1;
            let part = rng.below(parts);
            let free = parts == 1 || !model.members.values().any(|one| one.0 == part);
            if free && model.members.len() < SMALL.subscribers {
                model.members.insert(*next, (part, 0));
            }
            match parts {
                1 => join(*next),
                _ => join_part(*next, part),
            }
        }
        1 => match pick(rng) {
            Some(one) => {
                model.members.remove(&one);
                Input::Cancelled { id: id(one) }
            }
            None => return None,
        },
        2..7 => match pick(rng) {
            Some(one) if model.members[&one].1 == 0 => {
                let asked = 1 + rng.below(5);
                model.members.get_mut(&one).expect("it was picked").1 = asked;
                ask(one, asked)
            }
            _ => return None,
        },
        7..11 if 0 < model.requested && !model.done => {
            let count = 1 + rng.below(model.requested);
            model.requested = 0;
            let items: Vec<u32> = (0..count).map(|_| fresh(model)).collect();
            for item in &items {
                model.inside[*item as usize % parts].push_back(*item);
            }
            made(&items)
        }
        7..11 if policy == "queue" && !model.done => {
            *next += 1;
            let items: Vec<u32> = (0..=rng.below(3)).map(|_| fresh(model)).collect();
            model.waiting.insert(*next, items.clone());
            push(*next, &items)
        }
        11 if 300 < step && !model.done => {
            model.done = true;
            Input::Done
        }
        _ => return None,
    })
}

fn fresh(model: &mut Model) -> u32 {
    model.produced += 1;
    model.produced
}

/// Holds one effect against the model.
fn observe(model: &mut Model, policy: &str, done: bool, effect: Effect<u32>, seed: u64) {
    match effect {
        Effect::Accepted { id, outcome } => {
            let known = model.members.contains_key(&id.0);
            assert_eq!(outcome.is_ok(), known, "seed {seed}: {id:?} {outcome:?}");
        }
        Effect::Deliver { id, items, last } => {
            let member = model.members.get_mut(&id.0);
            let (part, asked) = member.expect("a stranger was delivered to");
            assert!(0 < *asked, "seed {seed}: {id:?} had not asked");
            assert!(
                items.len() <= *asked,
                "seed {seed}: {id:?} got more than it asked for"
            );
            *asked = 0;
            let part = *part;
            if last {
                assert!(items.is_empty() && done, "seed {seed}");
                model.members.remove(&id.0);
                return;
            }
            if policy == "broadcast" {
                // The whole batch is told to one after the other; the first takes it out.
                let inside = &mut model.inside[0];
                if inside.front() == items.first() {
                    let out: Vec<u32> = inside.drain(..items.len()).collect();
                    assert_eq!(out, items, "seed {seed}");
                    model.waiting.insert(0, items);
                } else {
                    assert_eq!(model.waiting.get(&0), Some(&items), "seed {seed}");
                }
                return;
            }
            for item in items {
                let oldest = model.inside[part].pop_front();
                assert_eq!(oldest, Some(item), "seed {seed}: out of order");
            }
        }
        Effect::Produce { demand } => {
            assert_eq!(model.requested, 0, "seed {seed}: two productions at once");
            assert!(!done, "seed {seed}: a source that is done was asked");
            let asked = model.members.values().map(|one| one.1);
            let (sum, least) = (asked.clone().sum::<usize>(), asked.min().unwrap_or(0));
            let most = if policy == "broadcast" { least } else { sum };
            assert!(
                0 < demand && demand <= most,
                "seed {seed}: {demand} of {most}"
            );
            model.requested = demand;
        }
        Effect::Pushed { token, refused } => {
            let items = model
                .waiting
                .remove(&token.0)
                .expect("a push is answered once");
            match refused {
                Some(back) => assert_eq!(back, items, "seed {seed}"),
                None => model.inside[0].extend(items),
            }
        }
        Effect::Dropped { .. } => panic!("seed {seed}: nothing is dropped while pushes wait"),
        Effect::Finished => {
            let drained = model.inside.iter().all(VecDeque::is_empty);
            assert!(done && drained && model.members.is_empty(), "seed {seed}");
            model.finished = true;
        }
    }
}

/// After each step: nobody waits for what is there, and what stands matches the model.
fn settled(model: &Model, policy: &str, done: bool, stage: &Stage, seed: u64) {
    let standing = stage.standing();
    let inside: usize = model.inside.iter().map(VecDeque::len).sum();
    assert_eq!(standing.buffered, inside, "seed {seed}");
    assert_eq!(standing.subscribers, model.members.len(), "seed {seed}");
    let asked: usize = model.members.values().map(|one| one.1).sum();
    assert_eq!(standing.demand, asked, "seed {seed}");
    let starved = match policy {
        "queue" => false,
        "broadcast" => {
            let least = model.members.values().map(|one| one.1).min();
            least.is_some_and(|least| 0 < least) && model.requested == 0
        }
        "partition" => {
            let room = inside < SMALL.buffer;
            room && 0 < asked && model.requested == 0
        }
        _ => 0 < asked && model.requested == 0,
    };
    assert!(done || !starved, "seed {seed}: demand that nobody meets");
}

#[test]
fn walks_keep_the_books() {
    for policy in ["demand", "queue", "broadcast", "partition"] {
        for seed in 0..500 {
            walk(seed, policy);
        }
    }
}
