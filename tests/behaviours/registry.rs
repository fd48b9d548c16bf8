//! Does a registry keep Elixir's rules (B198-B202), and what do its keys add to a tree?
//!
//! Source     elixir: Registry

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Wake};

use foundation::prelude::*;
use foundation::{
    Duplicate, Held, HoldError, META_MAX, MetaError, PARTITIONS_MAX, Registry, RegistryError,
    RegistryEvent, RegistryOptionError, TaskError, child_fn,
};

use crate::support::{Cfg, Kid, LONG, Log, Word, inside, kid, renewed, stop};

type Names = Registry<String, u32>;
type Topics = Registry<&'static str, u32, Duplicate>;

/// A process that waits until it is told to end.
fn idle(node: &Node) -> ProcessRef<Word> {
    let body = |mut me: Process<Word>| async move {
        loop {
            if let Mail::Msg(Word::End(reason)) = me.recv().await {
                return reason;
            }
        }
    };
    node.spawn_fn(body).expect("spawned")
}

async fn kill(node: &Node, pid: impl Into<Pid>) {
    let pid = pid.into();
    node.exit(pid, Reason::Kill);
    node.down(pid).await;
}

fn key(text: &str) -> String {
    text.to_owned()
}

/// B198: a unique key that is held is refused, and the error names the holder.
#[foundation::test]
async fn b198_a_unique_key_has_one_holder(node: Node) {
    let names = Names::unique(&node);
    let (a, b) = (idle(&node), idle(&node));
    assert_eq!(names.register(key("k"), &a, 1), Ok(()));
    let taken = Err(RegistryError::AlreadyRegistered(a.pid()));
    assert_eq!(names.register(key("k"), &b, 2), taken);
    assert_eq!(names.register(key("k"), &a, 3), taken, "its own, too");
    let holder = names.lookup("k").expect("held");
    assert_eq!((holder.pid, *holder.value), (a.pid(), 1));
    assert_eq!(names.unregister("k", &b), 0, "it is not b's to give up");
    assert_eq!(names.unregister("k", &a), 1);
    assert_eq!(names.register(key("k"), &b, 2), Ok(()));
    assert_eq!(names.whereis("k"), Some(b.pid()));
}

/// B198, with many at once: exactly one wins.
#[foundation::test]
async fn of_many_racers_for_a_key_one_wins(w: World) {
    let (node, log) = (w.node(), Log::default());
    let names = Registry::<u8, usize>::builder()
        .partitions(4)
        .unique(&node)
        .expect("made");
    for number in 0..100 {
        let (names, log) = (names.clone(), log.clone());
        let racer = move |mut me: Process<Word>| async move {
            match names.register(7, me.pid(), number) {
                Ok(()) => log.note("won"),
                Err(RegistryError::AlreadyRegistered(_)) => log.note("lost"),
                Err(error) => panic!("{error}"),
            }
            me.recv().await;
        };
        node.spawn_fn(racer).expect("spawned");
    }
    w.eventually(LONG, async || log.all().len() == 100).await;
    assert_eq!((log.count("won"), names.count()), (1, 1));
}

/// B199: whoever is told of a holder's death finds the key free, and the dead pid nowhere. (elixir:
/// a lookup may name the dead pid for a moment; here it does not once the death has been told.)
#[foundation::test]
async fn b199_the_keys_of_the_dead_are_free(node: Node) {
    let names = Names::builder().partitions(3).unique(&node).expect("made");
    let topics = Topics::duplicate(&node);
    for round in 0..4 {
        let holder = idle(&node);
        for name in ["a", "b", "c"] {
            assert_eq!(names.register(key(name), &holder, round), Ok(()));
            assert_eq!(topics.register("t", &holder, round), Ok(()));
        }
        let (other, names_too) = (holder.clone(), names.clone());
        let by_link = inside(&node, move |mut me: Process<Word>| async move {
            me.trap_exit(true);
            me.link(&other).expect("alive");
            other.send(Word::End(Reason::Kill)).expect("local");
            let exit = me.receive(|mail| match mail {
                Mail::Exit(exit) => Ok(exit.from),
                other => Err(other),
            });
            let gone = exit.await;
            assert_eq!(
                (names_too.lookup("a"), names_too.keys(gone)),
                (None, vec![])
            );
            names_too.register(key("a"), me.pid(), round)
        });
        assert_eq!(
            by_link.await,
            Ok(()),
            "and free again by the helper's own death"
        );
        assert_eq!((topics.lookup("t"), topics.count()), (vec![], 0));
        assert_eq!(names.count(), 0);
    }
    let holder = idle(&node);
    names.register(key("a"), &holder, 1).expect("free");
    let other = idle(&node);
    kill(&node, &holder).await;
    assert_eq!(
        names.register(key("a"), &other, 1),
        Ok(()),
        "at once after DOWN"
    );
}

/// Notes that it was woken.
struct Told(Log);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.note("told");
    }
}

/// A table that notes what it is to release.
struct Table(Log);

impl Held for Table {
    fn release(&self, _: Pid) {
        self.0.note("released");
    }
}

/// B199, the order itself: what is held is released before the first signal leaves. A panic in a
/// release is caught, and keeps no other from its own.
#[foundation::test]
async fn what_is_held_is_released_before_anybody_is_told(w: World) {
    struct Careless;
    impl Held for Careless {
        fn release(&self, _: Pid) {
            panic!("as told");
        }
    }
    let (node, log) = (w.node(), Log::default());
    let (first, second): (Arc<dyn Held>, Arc<dyn Held>) =
        (Arc::new(Careless), Arc::new(Table(log.clone())));
    let holder = idle(&node);
    for held in [&first, &second, &second] {
        assert_eq!(node.hold(&holder, held), Ok(()));
    }
    {
        let waker = Arc::new(Told(log.clone())).into();
        let mut down = std::pin::pin!(node.down(&holder));
        let polled = down.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending(), "it watches");
        node.exit(&holder, Reason::Kill);
        log.until(&w, "told").await;
    }
    assert_eq!(log.take(), ["released", "told"]);
    assert_eq!(node.hold(&holder, &second), Err(HoldError::NoProc));
    let other = idle(&node);
    node.hold(&other, &second).expect("alive");
    node.let_go(&other, &second);
    kill(&node, &other).await;
    assert!(log.take().is_empty(), "let go is let go");
}

/// B199: a call that fails with the server's death finds its key free, too.
#[foundation::test]
async fn a_failed_call_finds_the_key_free(node: Node) {
    let log = Log::default();
    let names = Names::unique(&node);
    for _ in 0..3 {
        let kid = node
            .start::<Kid>(Cfg::new(&log, "kid"))
            .via(names.via(key("kid"), 0));
        let kid = kid.await.expect("the key is free");
        let panics = kid.perform(Box::new(|_| panic!("as told")));
        assert!(matches!(panics.await, Err(CallError::Down(_))));
        assert_eq!(names.whereis("kid"), None);
    }
}

/// B200: dispatch hands out every entry, one partition after the other or all at once.
#[foundation::test]
async fn b200_dispatch_reaches_everybody(w: World) {
    let node = w.node();
    for partitions in [1, 4] {
        let topics = Registry::<&'static str, u32>::builder()
            .partitions(partitions)
            .duplicate(&node)
            .expect("made");
        let log = Log::default();
        let all: Vec<_> = (0..20).map(|_| idle(&node)).collect();
        for (number, process) in (0_u32..).zip(&all) {
            topics.register("even", process, number * 2).expect("alive");
            topics.register("even", process, number * 2).expect("twice");
            topics
                .register("odd", process, number * 2 + 1)
                .expect("alive");
        }
        let mut serial = Vec::new();
        topics.dispatch(&"even", |holders| {
            serial.extend(holders.iter().map(|holder| (*holder.value, holder.pid)));
        });
        serial.sort_unstable();
        let expected = all.iter().zip(0_u32..);
        let expected = expected.flat_map(|(process, number)| [(number * 2, process.pid()); 2]);
        assert_eq!(serial, expected.collect::<Vec<_>>());
        let notes = log.clone();
        let each = move |holders: &[foundation::Registration<u32>]| {
            holders.iter().for_each(|holder| notes.note(*holder.value));
        };
        assert_eq!(topics.dispatch_parallel(&"odd", each).await, Ok(()));
        let mut parallel: Vec<u32> = log
            .take()
            .iter()
            .map(|n| n.parse().expect("a number"))
            .collect();
        parallel.sort_unstable();
        assert_eq!(
            parallel,
            (0..20).map(|number| number * 2 + 1).collect::<Vec<_>>()
        );
        assert_eq!(
            topics.dispatch_parallel(&"none", |_| unreachable!()).await,
            Ok(())
        );
        let failed = topics
            .dispatch_parallel(&"odd", |_| panic!("as told"))
            .await;
        assert!(matches!(failed, Err(TaskError::Exited(Reason::Crash(_)))));
        assert_eq!(topics.count(), 60, "a panic loses nothing");
        for process in &all {
            kill(&node, process).await;
        }
    }
}

/// B201: listeners are told of explicit calls, and not of a holder's death.
#[foundation::test]
async fn b201_listeners_hear_of_explicit_calls(node: Node) {
    let log = Log::default();
    let notes = log.clone();
    let names = Names::builder()
        .listener(move |event| {
            notes.note(match event {
                RegistryEvent::Registered { key, value, .. } => format!("+{key}={value}"),
                RegistryEvent::Unregistered { key, .. } => format!("-{key}"),
            })
        })
        .listener(|_| panic!("a listener of the careless kind"))
        .unique(&node)
        .expect("made");
    let (a, b) = (idle(&node), idle(&node));
    names
        .register(key("x"), &a, 1)
        .expect("a panicking listener harms nobody");
    names.register(key("y"), &a, 2).expect("free");
    let _ = names.register(key("x"), &b, 3).expect_err("held");
    assert_eq!(names.unregister("x", &b), 0);
    assert_eq!(names.unregister("x", &a), 1);
    kill(&node, &a).await;
    assert_eq!(names.count(), 0, "y went with a");
    assert_eq!(log.take(), ["+x=1", "+y=2", "-x"]);
}

/// B201: a plain process listens by messages.
#[foundation::test]
async fn a_process_that_listens(node: Node) {
    let names = inside(&node, |me: Process<Word>| async move {
        let (node, pid) = (me.node(), me.pid());
        let to = node.clone();
        let names = Names::builder()
            .listener(move |event| to.send(pid, event).expect("local"))
            .unique(&node)
            .expect("made");
        names.register(key("x"), pid, 4).expect("free");
        let mut me = me;
        match me.recv().await {
            Mail::Info(info) => match info.take::<RegistryEvent<String, u32>>() {
                Ok(RegistryEvent::Registered { value, .. }) => *value,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(names.await, 4);
}

/// B202: a process that has given up all its keys has nothing to do with the registry any more.
/// (elixir: the registry's link to it is removed; here there never is one.)
#[foundation::test]
async fn b202_nothing_is_left_of_keys_given_up(node: Node) {
    let names = Names::builder().partitions(2).unique(&node).expect("made");
    let a = idle(&node);
    for round in 0..3 {
        for name in ["x", "y", "z"] {
            names.register(key(name), &a, round).expect("free");
        }
        let keys: Vec<String> = names.keys(&a).iter().map(|key| (**key).clone()).collect();
        assert_eq!(keys, ["x", "y", "z"], "in the order of registration");
        for name in ["z", "x", "y"] {
            assert_eq!(names.unregister(name, &a), 1);
        }
        assert_eq!((names.keys(&a), names.count()), (vec![], 0));
        let info = node.info(&a, LONG).await.expect("answered").expect("alive");
        assert_eq!(info.links, []);
    }
    names.register(key("x"), &a, 9).expect("free");
    drop(names);
    let info = node.info(&a, LONG).await.expect("answered");
    assert!(info.is_some(), "a registry that goes takes nobody with it");
    kill(&node, &a).await;
}

/// elixir: values are of a registration: one process may have a duplicate key several times.
#[foundation::test]
async fn duplicate_keys_with_values(node: Node) {
    let topics = Registry::<&'static str, u32>::builder()
        .partitions(2)
        .duplicate(&node)
        .expect("made");
    let (a, b) = (idle(&node), idle(&node));
    for (process, value) in [(&a, 1), (&b, 2), (&a, 3), (&b, 4), (&a, 3)] {
        topics.register("t", process, value).expect("alive");
    }
    let values = |found: Vec<foundation::Registration<u32>>| -> Vec<u32> {
        found.iter().map(|holder| *holder.value).collect()
    };
    assert_eq!(values(topics.lookup(&"t")), [1, 2, 3, 4, 3]);
    assert_eq!(values(topics.matching(&"t", |value| *value == 3)), [3, 3]);
    assert_eq!(topics.count_match(&"t", |value| value % 2 == 0), 2);
    assert_eq!(
        topics
            .values(&"t", &a)
            .iter()
            .map(|value| **value)
            .sum::<u32>(),
        7
    );
    assert_eq!(topics.unregister_match(&"t", &a, |value| *value == 3), 2);
    assert_eq!(values(topics.lookup(&"t")), [1, 2, 4]);
    let all = topics.select(|topic, pid, value| Some((*topic, pid, *value)));
    assert_eq!(
        all,
        [("t", a.pid(), 1), ("t", b.pid(), 2), ("t", b.pid(), 4)]
    );
    assert_eq!(topics.count_select(|_, pid, _| pid == b.pid()), 2);
    assert_eq!(topics.unregister(&"t", &b), 2);
    assert_eq!(topics.unregister(&"t", &b), 0);
}

/// elixir: update_value changes what the holder itself has registered; a panic in it loses nothing.
#[foundation::test]
async fn a_value_is_updated_by_its_holder(node: Node) {
    let names = Names::unique(&node);
    let (a, b) = (idle(&node), idle(&node));
    names.register(key("n"), &a, 1).expect("free");
    let (new, old) = names
        .update_value("n", &a, |value| value + 1)
        .expect("a has it");
    assert_eq!((*new, *old), (2, 1));
    assert_eq!(names.update_value("n", &b, |value| value + 1), None);
    let update = || names.update_value("n", &a, |_| panic!("as told"));
    let panicked = catch_unwind(AssertUnwindSafe(update)).expect_err("it panics");
    let _ = foundation::reason_of_panic(panicked);
    let again = names.update_value("n", &a, |value| {
        // It runs outside the lock: the registry may be asked.
        assert_eq!(names.whereis("n"), Some(a.pid()));
        value * 10
    });
    assert_eq!(*again.expect("a has it").0, 20);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        names.select(|_, _, _| -> Option<()> { panic!("as told") })
    }));
    let _ = foundation::reason_of_panic(panicked.expect_err("it panics"));
    assert_eq!(*names.lookup("n").expect("still there").value, 20);
}

/// What is refused: the dead, those of other nodes, what is too much, and options without sense.
#[foundation::test]
async fn what_a_registry_refuses(w: World) {
    let (node, other) = (w.node(), w.start("other"));
    let names = Names::builder().limit(2).unique(&node).expect("made");
    let (a, far) = (idle(&node), idle(&other));
    let dead = idle(&node).pid();
    kill(&node, dead).await;
    assert_eq!(
        names.register(key("x"), dead, 0),
        Err(RegistryError::NoProc)
    );
    let nobody = Pid::nobody(node.id());
    assert_eq!(
        names.register(key("x"), nobody, 0),
        Err(RegistryError::NoProc)
    );
    assert_eq!(
        names.register(key("x"), &far, 0),
        Err(RegistryError::OtherNode)
    );
    assert_eq!(names.register(key("x"), &a, 0), Ok(()));
    assert_eq!(names.register(key("y"), &a, 0), Ok(()));
    assert_eq!(names.register(key("z"), &a, 0), Err(RegistryError::Full(2)));
    let full = node.spawn_fn_with(
        &SpawnOptions::new().via(names.via(key("z"), 0)),
        |_: Process<Word>| async {},
    );
    assert_eq!(full.err(), Some(foundation::SpawnError::RegistryFull(2)));
    assert_eq!(names.unregister("y", &a), 1);
    assert_eq!(
        names.register(key("z"), &a, 0),
        Ok(()),
        "there is room again"
    );
    let foreign = SpawnOptions::new().via(names.via(key("w"), 0));
    let foreign = other.spawn_fn_with(&foreign, |_: Process<Word>| async {});
    assert!(matches!(
        foreign.err(),
        Some(foundation::SpawnError::BadName(_))
    ));
    let bad = RegistryOptionError::BadPartitions;
    assert_eq!(
        Names::builder().partitions(0).unique(&node).err(),
        Some(bad(0))
    );
    let many = PARTITIONS_MAX + 1;
    assert_eq!(
        Names::builder().partitions(many).unique(&node).err(),
        Some(bad(many))
    );
    let no_room = Some(RegistryOptionError::NoRoom);
    assert_eq!(Names::builder().limit(0).unique(&node).err(), no_room);
}

/// elixir: metadata is of the registry; here it is bounded.
#[foundation::test(seeds = 2)]
async fn metadata_of_a_registry(node: Node) {
    let names = Names::unique(&node);
    assert_eq!(names.meta::<u8>("color"), None);
    names.put_meta("color", 7_u8).expect("room");
    names.put_meta("color", 8_u8).expect("room");
    assert_eq!(names.meta::<u8>("color").as_deref(), Some(&8));
    assert_eq!(names.meta::<u16>("color"), None, "of another type");
    for number in 1..META_MAX {
        names.put_meta(&number.to_string(), ()).expect("room");
    }
    assert_eq!(names.put_meta("one more", ()), Err(MetaError));
    assert_eq!(names.put_meta("color", 9_u8), Ok(()), "no new name");
    assert_eq!(
        (names.delete_meta("color"), names.delete_meta("color")),
        (true, false)
    );
    assert_eq!(names.put_meta("one more", ()), Ok(()));
}

/// elixir: `:via`. A key is an address that survives restarts, and what a start is refused by.
#[foundation::test]
async fn a_child_under_a_key(w: World) {
    let (node, log) = (w.node(), Log::default());
    let names = Names::unique(&node);
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a").via(names.via(key("a"), 5)))
        .child(
            child_fn("plain", |mut me: Process<Word>| async move {
                loop {
                    me.recv().await;
                }
            })
            .via(names.via(key("plain"), 6)),
        );
    let tree = tree.start(&node).await.expect("started");
    let kid = names.at::<Kid>(key("a"));
    assert_eq!(kid.title().await, Ok("a".to_owned()));
    assert_eq!(*names.lookup("a").expect("held").value, 5);
    assert_eq!(names.send("plain", Word::Go), Ok(()));
    let again = node
        .start::<Kid>(Cfg::new(&log, "b"))
        .via(names.via(key("a"), 0))
        .await;
    assert_eq!(again.err(), Some(StartError::AlreadyStarted(kid.pid())));
    let old = kid.pid();
    kid.crash().expect("by key");
    let new = renewed(&w, &tree, "a", old).await;
    assert_eq!((kid.find(), names.whereis("a")), (Some(new), Some(new)));
    assert_eq!(kid.title().await, Ok("a".to_owned()));
    assert_eq!(*names.lookup("a").expect("held").value, 5, "with its value");
    stop(&tree).await;
    assert_eq!(
        (kid.find(), kid.is_alive(), names.count()),
        (None, false, 0)
    );
    assert_eq!(kid.title().await, Err(CallError::NoProc));
    assert_eq!(kid.crash(), Ok(()), "a dead letter, as by a name");
    assert!(matches!(
        names.send("plain", Word::Go),
        Err(SendError::NoName(_))
    ));
    assert_eq!(Pid::from(&kid), Pid::nobody(node.id()));
}

/// elixir: children of a dynamic supervisor, each under a key of its own.
#[foundation::test]
async fn dynamic_children_under_keys(w: World) {
    let (node, log) = (w.node(), Log::default());
    let names = Registry::<u32>::unique(&node);
    let kids = Supervisor::dynamic::<Kid>()
        .intensity(9, secs(5))
        .start(&node)
        .via(Names::unique(&node).via(key("kids"), 0));
    let kids = kids.await.expect("started");
    for number in [1, 2] {
        let started = kids
            .start_child_via(names.via(number, ()), Cfg::new(&log, "k"))
            .await;
        assert!(started.expect("answers").expect("starts").is_some());
    }
    let twice = kids
        .start_child_via(names.via(1, ()), Cfg::new(&log, "k"))
        .await;
    assert!(twice.expect("answers").is_err(), "one holder");
    let one = names.at::<Kid>(1);
    let old = one.pid();
    one.end(Reason::other("boom")).expect("by key");
    w.eventually(LONG, async || one.find().is_some_and(|pid| pid != old))
        .await;
    assert_eq!(one.title().await, Ok("k".to_owned()));
    assert_eq!(
        node.stop(&names.at::<Kid>(2), Reason::Normal, LONG).await,
        Ok(())
    );
    assert_eq!(node.stop(&kids, Reason::Shutdown, LONG).await, Ok(()));
    assert_eq!(names.count(), 0);
}

/// Refs by key: equal by registry and key, shown, and refused by serde with the reason.
#[foundation::test(seeds = 2)]
async fn references_by_key(node: Node) {
    let (names, others) = (Names::unique(&node), Names::unique(&node));
    let at = |names: &Names, name: &str| names.at::<Kid>(key(name));
    assert_eq!(at(&names, "a"), at(&names, "a"));
    assert_ne!(at(&names, "a"), at(&names, "b"));
    assert_ne!(at(&names, "a"), at(&others, "a"));
    assert!(format!("{:?}", at(&names, "a")).contains("registry by String"));
    let refused = serde_json::to_string(&at(&names, "a")).expect_err("it stays");
    assert!(refused.to_string().contains("send the pid"), "{refused}");
}

/// A failed spawn under a name and a key leaves neither behind.
#[foundation::test]
async fn a_failed_spawn_leaves_no_key(node: Node) {
    let names = Names::unique(&node);
    let a = idle(&node);
    names.register(key("k"), &a, 0).expect("free");
    let body = |_: Process<Word>| async {};
    let both = SpawnOptions::new().name("n").via(names.via(key("k"), 0));
    let refused = node.spawn_fn_with(&both, body).err();
    assert_eq!(refused, Some(foundation::SpawnError::NameTaken(a.pid())));
    assert_eq!((node.whereis("n"), names.count()), (None, 1));
}

/// A walk beside a model: whatever is done, both tables say the same.
#[foundation::test]
async fn a_registry_walk(w: World) {
    let node = w.node();
    let topics = Registry::<u64, u64>::builder().partitions(3);
    let topics = topics.duplicate(&node).expect("made");
    let mut model: BTreeMap<u64, (u64, Pid, u64)> = BTreeMap::new();
    let mut alive: Vec<ProcessRef<Word>> = (0..5).map(|_| idle(&node)).collect();
    let mut number = 0;
    for _ in 0..300 {
        let (dice, key, at) = (w.random() % 10, w.random() % 4, w.random() as usize % 5);
        let pid = alive[at].pid();
        match dice {
            0..6 => {
                number += 1;
                topics.register(key, pid, number).expect("alive");
                model.insert(number, (key, pid, number));
            }
            6..9 => {
                let before = model.len();
                model.retain(|_, (k, p, _)| (*k, *p) != (key, pid));
                assert_eq!(topics.unregister(&key, pid), before - model.len());
            }
            _ => {
                kill(&node, pid).await;
                model.retain(|_, (_, p, _)| *p != pid);
                alive[at] = idle(&node);
            }
        }
        let all = topics.select(|key, pid, value| Some((*key, pid, *value)));
        assert_eq!(all, model.values().copied().collect::<Vec<_>>());
        assert_eq!(topics.count(), model.len());
        let own = model
            .values()
            .filter(|(_, p, _)| *p == pid)
            .map(|(key, _, _)| *key);
        let keys: Vec<u64> = topics.keys(pid).iter().map(|key| **key).collect();
        assert_eq!(keys, own.collect::<Vec<_>>());
    }
}
