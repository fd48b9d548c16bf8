//! When is who asked for addresses, and what becomes of the answers?
//!
//! Role       The machine of discovery by tables and seeded walks; and whole nodes that find each other
//!            by names of a simulated network.
//! Sabotages  Seen red: see the comment above each test.

use std::collections::BTreeSet;
use std::time::Duration;

use foundation_cluster::discovery::{
    Answer, BadDiscovery, DiscoveryConfig, Effect, Failure, Finder, Input, Machine, Multicast, Way,
};
use foundation_cluster::transport::simulated::SimName;
use foundation_cluster::{
    Builder, Effects, Machine as _, NodeClusterExt, NodeEvent, SimNetwork, StartError, Tick,
};
use foundation_runtime::{Mail, Node, Process, Rng, World};

const BEAT: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

fn step(machine: &mut Machine, millis: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(at(millis), input, &mut effects);
    machine.check();
    effects.drain().collect()
}

fn machine(ways: &[Way]) -> Machine {
    let own: Box<str> = "own:1".into();
    Machine::new(DiscoveryConfig::default(), [own], ways, Tick::ZERO, 7)
}

fn answer(addresses: &[&str], ttl: u64) -> Result<Answer, Failure> {
    Ok(Answer {
        addresses: addresses.iter().map(|address| (*address).into()).collect(),
        ttl: Duration::from_secs(ttl),
    })
}

fn candidate(address: &str) -> Effect {
    Effect::Candidate(address.into())
}

fn gone(address: &str) -> Effect {
    Effect::Gone(address.into())
}

fn wait(machine: &Machine, now: u64) -> u128 {
    let next = machine.next().expect("it has a finder");
    // Timers have no parts of a millisecond here: rounded up, it is due.
    next.since(at(now)).as_nanos().div_ceil(1_000_000)
}

/// Red when `found` is merged without a count, when the own address is kept, when what is missing in
/// an answer is not lost, or when a failure clears what was found.
#[test]
fn what_is_found_is_merged() {
    let mut it = machine(&[Way::Asked, Way::Asked]);
    let asked = step(&mut it, 0, Input::Woken);
    assert_eq!(asked, [Effect::Ask(0, 1), Effect::Ask(1, 2)]);
    let rows = [
        (
            0,
            1,
            answer(&["a:1", "own:1", "b:1", "a:1"], 10),
            vec![candidate("a:1"), candidate("b:1")],
        ),
        (1, 2, answer(&["b:1", "c:1"], 10), vec![candidate("c:1")]),
        // Nobody has asked.
        (0, 1, answer(&["z:1"], 10), vec![]),
        (0, 9, answer(&["z:1"], 10), vec![]),
        (7, 1, answer(&["z:1"], 10), vec![]),
    ];
    for (finder, number, answer, expected) in rows {
        let input = Input::Answered(finder, number, answer);
        assert_eq!(step(&mut it, 1, input), expected);
    }
    assert_eq!(
        step(&mut it, 20_000, Input::Woken),
        [Effect::Ask(0, 3), Effect::Ask(1, 4)]
    );
    let rows = [
        // The other one still finds `b:1`.
        (
            0,
            3,
            answer(&["d:1"], 10),
            vec![gone("a:1"), candidate("d:1")],
        ),
        (
            1,
            4,
            Err(Failure::Refused(2)),
            vec![Effect::Fails(1, Some(Failure::Refused(2)))],
        ),
    ];
    for (finder, number, answer, expected) in rows {
        let input = Input::Answered(finder, number, answer);
        assert_eq!(step(&mut it, 20_001, input), expected);
    }
    assert_eq!(it.candidates().collect::<Vec<_>>(), ["b:1", "c:1", "d:1"]);
    assert_eq!(it.found(1).collect::<Vec<_>>(), ["b:1", "c:1"]);
    assert_eq!(it.failure(1), Some(&Failure::Refused(2)));
}

/// Red when the time to live is not clamped, or not looked at; when the pause does not grow, or has no
/// end; when an answer that names nobody waits for its time to live.
#[test]
fn when_it_is_asked_again() {
    let mut number = 0;
    let mut ask = |result: Result<Answer, Failure>, ways: &mut Machine, now: u64| {
        number += 1;
        assert_eq!(step(ways, now, Input::Woken), [Effect::Ask(0, number)]);
        step(ways, now, Input::Answered(0, number, result));
        wait(ways, now) as u64
    };
    let mut it = machine(&[Way::Asked]);
    let mut now = 0;
    for (ttl, least, most) in [
        (20, 20_000, 22_000),
        (0, 5_000, 5_500),
        (86_400, 60_000, 66_000),
    ] {
        let waits = ask(answer(&["a:1"], ttl), &mut it, now);
        assert!((least..=most).contains(&waits), "{ttl} s: {waits} ms");
        now += waits;
    }
    for (least, most) in [(250, 500), (500, 1000), (1000, 2000), (2000, 4000)] {
        let waits = ask(Err(Failure::Silent), &mut it, now);
        assert!((least..=most).contains(&waits), "{waits} ms");
        now += waits;
    }
    for _ in 0..10 {
        now += ask(Err(Failure::Silent), &mut it, now);
    }
    let waits = ask(Err(Failure::Silent), &mut it, now);
    assert!((15_000..=30_000).contains(&waits), "{waits} ms");
    now += waits;
    // Whoever was found makes it quick again.
    now += ask(answer(&["a:1"], 5), &mut it, now);
    let waits = ask(answer(&[], 3600), &mut it, now);
    assert!((250..=500).contains(&waits), "{waits} ms");
}

/// Red when a question without an answer has no bound, or its late answer counts; and when the same
/// reason is told twice.
#[test]
fn a_question_that_nobody_answers_ends() {
    let mut it = machine(&[Way::Asked]);
    assert_eq!(step(&mut it, 0, Input::Woken), [Effect::Ask(0, 1)]);
    assert_eq!(step(&mut it, 4_999, Input::Woken), []);
    assert_eq!(wait(&it, 4_999), 1);
    let silent = Some(Failure::Silent);
    assert_eq!(
        step(&mut it, 5_000, Input::Woken),
        [Effect::Fails(0, silent)]
    );
    assert_eq!(
        step(&mut it, 5_001, Input::Answered(0, 1, answer(&["a:1"], 9))),
        []
    );
    assert_eq!(step(&mut it, 6_000, Input::Woken), [Effect::Ask(0, 2)]);
    assert_eq!(step(&mut it, 11_000, Input::Woken), []);
    assert_eq!(step(&mut it, 13_000, Input::Woken), [Effect::Ask(0, 3)]);
    let found = step(&mut it, 13_001, Input::Answered(0, 3, answer(&["a:1"], 9)));
    assert_eq!(found, [candidate("a:1"), Effect::Fails(0, None)]);
}

/// Red when who falls silent stays (the test does not end), when beats stop, or when an own beat is a candidate.
#[test]
fn who_is_heard_no_more_is_gone() {
    let mut it = machine(&[Way::Heard { beat: BEAT }]);
    assert_eq!(step(&mut it, 0, Input::Woken), [Effect::Beat(0)]);
    assert_eq!(step(&mut it, 10, Input::Heard(0, "own:1".into())), []);
    assert_eq!(
        step(&mut it, 10, Input::Heard(0, "a:1".into())),
        [candidate("a:1")]
    );
    assert_eq!(step(&mut it, 3_000, Input::Heard(0, "a:1".into())), []);
    let mut beats = 0;
    let mut now = 0;
    loop {
        now += wait(&it, now) as u64;
        let effects = step(&mut it, now, Input::Woken);
        beats += effects
            .iter()
            .filter(|effect| **effect == Effect::Beat(0))
            .count();
        if effects.contains(&gone("a:1")) {
            break;
        }
        assert!(now < 20_000, "it is kept for ever");
    }
    assert!((8_000..8_100).contains(&now), "{now}");
    assert!((6..=12).contains(&beats), "{beats} beats in 8 s");
    let deaf = Failure::System("no route".into());
    let says = step(&mut it, now, Input::Deaf(0, Some(deaf.clone())));
    assert_eq!(says, [Effect::Fails(0, Some(deaf.clone()))]);
    assert_eq!(step(&mut it, now, Input::Deaf(0, Some(deaf))), []);
    assert_eq!(
        step(&mut it, now, Input::Deaf(0, None)),
        [Effect::Fails(0, None)]
    );
}

/// Red when either limit is not looked at.
#[test]
fn there_is_a_limit() {
    let config = DiscoveryConfig {
        results_max: 3,
        candidates_max: 5,
        ..DiscoveryConfig::default()
    };
    let ways = [Way::Asked, Way::Asked];
    let mut it = Machine::new(config, [], &ways, Tick::ZERO, 7);
    step(&mut it, 0, Input::Woken);
    step(
        &mut it,
        1,
        Input::Answered(0, 1, answer(&["a:1", "b:1", "c:1", "d:1"], 9)),
    );
    assert_eq!((it.candidates().count(), it.dropped()), (3, 1));
    step(
        &mut it,
        1,
        Input::Answered(1, 2, answer(&["e:1", "f:1", "g:1"], 9)),
    );
    assert_eq!((it.candidates().count(), it.dropped()), (5, 2));
}

/// Whatever happens: what was told is what is found, and something is always to be done.
#[test]
fn a_walk() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let ways = [Way::Asked, Way::Heard { beat: BEAT }, Way::Asked];
        let mut it = machine(&ways);
        let (mut told, mut open) = (BTreeSet::new(), Vec::new());
        let mut now = 0;
        for _ in 0..400 {
            let some = |rng: &mut Rng| -> Box<str> { format!("{}:1", rng.below(6)).into() };
            let input = match rng.below(6) {
                0 if !open.is_empty() => {
                    let at = rng.below(open.len());
                    let (finder, number): (usize, u64) = match rng.below(4) {
                        0 => open[at], // It may come a second time.
                        _ => open.swap_remove(at),
                    };
                    let many = rng.below(4);
                    let addresses = (0..many).map(|_| some(&mut rng)).collect();
                    let ttl = Duration::from_secs(rng.below(100) as u64);
                    let result = match rng.below(3) {
                        0 => Err(Failure::Garbage),
                        _ => Ok(Answer { addresses, ttl }),
                    };
                    Input::Answered(finder, number, result)
                }
                1 => Input::Heard(rng.below(4), some(&mut rng)),
                2 => Input::Deaf(1, (rng.below(2) == 0).then_some(Failure::Silent)),
                _ => {
                    now += rng.below(3_000) as u64;
                    Input::Woken
                }
            };
            for effect in step(&mut it, now, input) {
                match effect {
                    Effect::Ask(finder, number) => open.push((finder, number)),
                    Effect::Candidate(address) => assert!(told.insert(address), "seed {seed}"),
                    Effect::Gone(address) => assert!(told.remove(&address), "seed {seed}"),
                    Effect::Beat(finder) => assert_eq!(finder, 1, "seed {seed}"),
                    Effect::Fails(..) => {}
                }
            }
            let candidates: BTreeSet<Box<str>> = it.candidates().map(Into::into).collect();
            assert_eq!(candidates, told, "seed {seed}");
            assert!(it.next().is_some(), "seed {seed}: it sleeps for ever");
        }
    }
}

fn plan(name: &str) -> Builder {
    let finder = Finder::hosts("nodes.example", 7000);
    Builder::new(Node::builder().name(name)).find(finder)
}

fn says(addresses: &[&str]) -> SimName {
    let addresses = addresses.iter().map(|address| (*address).into()).collect();
    SimName::At(addresses, Duration::from_secs(5))
}

async fn together(world: &World, nodes: &[&Node], seconds: u64) {
    for a in nodes {
        for b in nodes.iter().filter(|b| b.id() != a.id()) {
            let both = async || a.peer(b.name()) == Some(b.id());
            world.eventually(Duration::from_secs(seconds), both).await;
        }
    }
}

/// Nodes that know nothing but a name find each other, and a new one; who disappears from the name is
/// no longer dialled and stays connected; a name server that fails takes nobody away. Red when what
/// is gone is dialled on, when a failure forgets, or when the name is asked only once.
#[test]
fn nodes_find_each_other_by_a_name() {
    for seed in 0..20 {
        let run = || {
            World::simulate(seed, |world| async move {
                let network = SimNetwork::new(&world);
                let start = async |name: &str| {
                    plan(name)
                        .start_in(&world, &network)
                        .await
                        .expect("it starts")
                };
                network.set_name("nodes.example", SimName::Silent);
                let (a, b) = (start("a").await, start("b").await);
                world.sleep(Duration::from_secs(12)).await;
                assert_eq!(a.peer("b"), None);
                let failure = a.cluster().finders().await.expect("it has")[0]
                    .failure
                    .clone();
                assert_eq!(failure, Some(Failure::Silent));
                network.set_name("nodes.example", says(&["a:7000", "b:7000"]));
                together(&world, &[&a, &b], 45).await;
                let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
                let watcher = a.spawn_fn(async move |mut me: Process<NodeEvent>| {
                    while let Mail::Msg(event) = me.recv().await {
                        told.send(event).expect("the test listens");
                    }
                });
                let watcher = watcher.expect("there is room").pid();
                a.cluster().watch(watcher).await.expect("there is room");
                let c = start("c").await;
                network.set_name("nodes.example", says(&["a:7000", "c:7000", "d:7000"]));
                together(&world, &[&a, &b, &c], 20).await;
                let dialled = async || {
                    let dialled = a.cluster().dialled().await.expect("it has a cluster");
                    dialled.iter().any(|(address, _)| **address == *"d:7000")
                };
                world.eventually(Duration::from_secs(20), dialled).await;
                network.set_name("nodes.example", says(&["z:7000"]));
                world
                    .eventually(Duration::from_secs(20), async || !dialled().await)
                    .await;
                network.set_name("nodes.example", SimName::Fails(Failure::Refused(2)));
                world.sleep(Duration::from_secs(30)).await;
                together(&world, &[&a, &b, &c], 0).await;
                let finders = a.cluster().finders().await.expect("it has a cluster");
                assert_eq!(news.try_recv(), Ok(NodeEvent::Up("c".into())));
                assert!(news.try_recv().is_err(), "somebody was lost meanwhile");
                assert_eq!(finders[0].found, ["z:7000".into()]);
                assert_eq!(finders[0].failure, Some(Failure::Refused(2)));
            })
        };
        let (_, first) = run().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        if seed % 10 == 0 {
            let (_, again) = run().expect("it did end");
            assert_eq!(
                first.trace_hash, again.trace_hash,
                "seed {seed} is not the same twice"
            );
        }
    }
}

/// What finds crashes, and begins anew: what it had found and is found no more is not dialled for ever.
/// Red when a new one does not say that all is forgotten.
#[test]
fn a_crash_of_what_finds_heals() {
    for seed in 0..5 {
        World::simulate(seed, |world| async move {
            let network = SimNetwork::new(&world);
            network.set_name("nodes.example", says(&["z:7000"]));
            let a = plan("a")
                .start_in(&world, &network)
                .await
                .expect("it starts");
            let dialled = async || {
                let dialled = a.cluster().dialled().await.expect("it has a cluster");
                dialled.iter().any(|(address, _)| **address == *"z:7000")
            };
            world.eventually(Duration::from_secs(5), dialled).await;
            network.set_name("nodes.example", says(&["b:7000"]));
            let process = a.whereis("foundation_discovery").expect("it runs");
            a.exit(process, foundation_runtime::Reason::Kill);
            world
                .eventually(Duration::from_secs(20), async || !dialled().await)
                .await;
            let b = plan("b")
                .start_in(&world, &network)
                .await
                .expect("it starts");
            together(&world, &[&a, &b], 20).await;
        })
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

/// A world has no multicast.
#[test]
fn a_world_has_no_multicast() {
    World::simulate(1, |world| async move {
        let network = SimNetwork::new(&world);
        let builder = Builder::new(Node::builder().name("a"));
        let builder = builder.find(Finder::multicast(Multicast::default()));
        let error = builder
            .start_in(&world, &network)
            .await
            .expect_err("it has none");
        assert!(
            matches!(error, StartError::Discovery(BadDiscovery::NotSimulated)),
            "{error}"
        );
    })
    .expect("it ends");
}
