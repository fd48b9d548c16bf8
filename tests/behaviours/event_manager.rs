//! Does an event manager live as a process among others?
//!
//! Role       Its start, its end, its place in a tree, its name; limits, and handlers that fail.
//! Source     otp: gen_event

use std::sync::{Arc, Mutex};

use foundation::prelude::*;
use foundation::{
    AddHandlerError, EventCx, EventHandler, EventManager, HandlerId, RemoveHandlerError, sys,
};

use crate::event_rows::{OTHER, Other, Tick, failing, id, noter, say, with_noters, words};
use crate::support::{LONG, Log, Word, assert_crash, boom, inside, renewed, stop};

const BUS: Name<EventManager<Tick>> = Name::new("bus");

/// Under a supervisor it is restarted with the handlers of its recipe, and is found by its name.
#[foundation::test]
async fn a_manager_lives_in_a_tree(w: World) {
    let node = w.node();
    let log = Log::default();
    let notes = log.clone();
    let bus = EventManager::builder()
        .name(BUS)
        .handler(&id("first"), move || noter(&notes, "first"));
    let tree = Supervisor::one_for_one().child(bus).start(&node).await;
    let tree = tree.expect("started");
    let at = node.at(BUS);
    assert_eq!(at.add_handler(&OTHER, Other(None)).await, Ok(Ok(())));
    assert_eq!(words(&at).await, ["other", "first"]);
    let before = at.pid();
    node.exit(before, Reason::Kill);
    renewed(&w, &tree, "bus", before).await;
    assert_eq!(words(&at).await, ["first"]);
    log.take();
    at.sync_notify(say("1")).await.expect("answers");
    stop(&tree).await;
    assert_eq!(log.take(), ["first 1", "first Stopping(Shutdown)"]);
    // Nobody has the name: an event is a dead letter, a call an error.
    assert_eq!(at.notify(say("2")), Ok(()));
    assert_eq!(at.sync_notify(say("2")).await, Err(CallError::NoProc));
    assert_eq!(at.which_handlers().await, Err(CallError::NoProc));
}

/// A name that is taken, and a handler that cannot be added, fail the start and leave nothing.
#[foundation::test]
async fn a_start_that_fails_leaves_nothing(node: Node) {
    let log = Log::default();
    let first = EventManager::builder().name(BUS).start(&node).await;
    let first = first.expect("started");
    let second = EventManager::builder().name(BUS).start(&node).await;
    assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
    node.stop(&first, Reason::Normal, LONG)
        .await
        .expect("stopped");
    for (fails, is_panic) in [("init", false), ("panic in init", true)] {
        let notes = log.clone();
        let good = log.clone();
        let start = EventManager::builder()
            .name(BUS)
            .handler(&id("good"), move || noter(&good, "good"))
            .handler(&id("bad"), move || failing(&notes, "bad", fails))
            .start(&node);
        let Err(StartError::Failed(reason)) = start.await else {
            panic!("it started")
        };
        match is_panic {
            true => assert_crash(&reason, "no init"),
            false => assert_eq!(reason, boom()),
        }
        assert_eq!(node.whereis("bus"), None);
        let lines = log.take();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].starts_with("good Stopping"), "{lines:?}");
    }
    let twice = EventManager::<Tick>::builder()
        .handler(&OTHER, || Other(None))
        .handler(&OTHER, || Other(None))
        .start(&node);
    assert!(matches!(twice.await, Err(StartError::Failed(_))));
}

/// A handler whose init fails or panics is not added, and says why; one that is there is not
/// replaced; the limit holds.
#[foundation::test]
async fn bad_handlers_are_refused(node: Node) {
    let log = Log::default();
    let bus = EventManager::<Tick>::builder()
        .max_handlers(2)
        .start(&node)
        .await;
    let bus = bus.expect("started");
    let add = |word, fails| bus.add_handler(&id(word), failing(&log, word, fails));
    assert_eq!(
        add("a", "init").await,
        Ok(Err(AddHandlerError::Failed(boom())))
    );
    let Ok(Err(AddHandlerError::Failed(reason))) = add("a", "panic in init").await else {
        panic!("it was added")
    };
    assert_crash(&reason, "no init");
    assert_eq!(add("a", "remove in init").await, Ok(Ok(())));
    assert!(words(&bus).await.is_empty());
    assert_eq!(add("a", "").await, Ok(Ok(())));
    assert_eq!(add("a", "").await, Ok(Err(AddHandlerError::AlreadyPresent)));
    assert_eq!(add("b", "").await, Ok(Ok(())));
    assert_eq!(add("c", "").await, Ok(Err(AddHandlerError::TooMany)));
    // A swap does not need room.
    let swap = |_| Other(None);
    assert_eq!(bus.swap_handler(&id("a"), &OTHER, swap).await, Ok(Ok(())));
    assert_eq!(
        bus.swap_handler(&id("a"), &id("d"), |_: Option<_>| noter(
            &Log::default(),
            "d"
        ))
        .await,
        Ok(Err(AddHandlerError::TooMany))
    );
    assert_eq!(words(&bus).await, ["other", "b"]);
    let none = EventManager::<Tick>::builder()
        .max_handlers(0)
        .start(&node)
        .await;
    let none = none.expect("started");
    let added = none.add_handler(&OTHER, Other(None)).await;
    assert_eq!(added, Ok(Err(AddHandlerError::TooMany)));
}

/// Panics at the end, in terminate and in the destructor, end nothing else.
#[foundation::test]
async fn a_handler_that_fails_at_its_end_is_gone_all_the_same(node: Node) {
    let log = Log::default();
    let bus = with_noters(&node, &log, &["a"]).await;
    for fails in ["terminate", "drop"] {
        for way in 0..3 {
            let bad = failing(&log, "bad", fails);
            assert_eq!(bus.add_handler(&id("bad"), bad).await, Ok(Ok(())));
            match way {
                0 if fails == "terminate" => {
                    let gone = bus.delete_handler(&id("bad")).await.expect("answers");
                    let Some(RemoveHandlerError::Failed(reason)) = gone.err() else {
                        panic!("it came back")
                    };
                    assert_crash(&reason, "no end");
                }
                1 => bus.notify(Tick::Crash("bad".to_owned())).expect("local"),
                _ => bus.notify(Tick::Remove("bad".to_owned())).expect("local"),
            }
            assert_eq!(words(&bus).await, ["a"]);
        }
    }
    let bad = failing(&log, "bad", "terminate");
    assert_eq!(bus.add_handler(&id("bad"), bad).await, Ok(Ok(())));
    log.take();
    node.stop(&bus, Reason::Normal, LONG)
        .await
        .expect("stopped");
    assert_eq!(log.take(), ["bad Stopping(Normal)", "a Stopping(Normal)"]);
}

/// Its parent's end is its own; a stranger's exit signal is not.
#[foundation::test]
async fn a_manager_ends_with_its_parent(w: World) {
    let node = w.node();
    let log = Log::default();
    let (notes, kept) = (log.clone(), Arc::new(Mutex::new(None)));
    let keep = Arc::clone(&kept);
    let parent = async move |mut me: Process<Word>| {
        let start = EventManager::<Tick>::builder()
            .handler(&id("a"), move || noter(&notes, "a"))
            .start(&me.node())
            .link();
        let bus = start.await.expect("started");
        *keep.lock().expect("short") = Some(bus);
        me.recv().await;
    };
    let parent = node.spawn_fn(parent).expect("spawned");
    let is_there = async || kept.lock().expect("short").is_some();
    w.eventually(LONG, is_there).await;
    let bus = kept.lock().expect("short").clone().expect("there");
    log.take();
    let stranger = bus.clone();
    inside(&node, async move |me| me.exit(&stranger, boom())).await;
    bus.sync_notify(say("1")).await.expect("lives");
    node.exit(&parent, boom());
    assert!(
        matches!(node.down(&bus).await.reason, reason if reason == boom() || reason == Reason::NoProc)
    );
    assert_eq!(
        log.take(),
        ["a 1".to_owned(), format!("a Stopping({:?})", boom())]
    );
}

/// Events that are portable reach a manager on another node; handlers, which are not, are refused at
/// the sender.
#[foundation::test]
async fn a_manager_on_another_node_takes_events(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _link = w.connect(&a, &b);
    let log = Log::default();
    let notes = log.clone();
    let there = EventManager::builder()
        .name(BUS)
        .handler(&id("a"), move || noter(&notes, "a"))
        .start(&b)
        .await
        .expect("started");
    log.take();
    for bus in [a.reference(there.pid()), a.remote("b").at(BUS)] {
        bus.notify(say("1")).expect("portable");
        bus.sync_notify(say("2")).await.expect("answers");
        assert_eq!(log.take(), ["a 1", "a 2"]);
        let refused = bus.add_handler(&OTHER, Other(None)).await;
        assert!(
            matches!(refused, Err(CallError::NotPortable(_))),
            "{refused:?}"
        );
        let refused = bus.which_handlers().await;
        assert!(
            matches!(refused, Err(CallError::NotPortable(_))),
            "{refused:?}"
        );
    }
}

/// Keeps a large value until it hibernates, and asks its manager to.
struct Sleeper(Log);

impl EventHandler<Tick> for Sleeper {
    fn handle_event(&mut self, _: &Tick, cx: &mut EventCx<Tick>) {
        cx.hibernate();
        self.0.note("sleeps");
    }
}

/// A handler may have its manager hibernate; it wakes with the next event. It may monitor, and all
/// handlers are told of the end.
#[foundation::test]
async fn a_handler_uses_its_manager_as_a_process(w: World) {
    let node = w.node();
    let log = Log::default();
    let bus = with_noters(&node, &log, &["a", "b"]).await;
    let sleeper = HandlerId::<Sleeper>::default();
    let added = bus.add_handler(&sleeper, Sleeper(log.clone())).await;
    assert_eq!(added, Ok(Ok(())));
    bus.sync_notify(say("1")).await.expect("answers");
    bus.sync_notify(say("2")).await.expect("answers");
    let lines = ["sleeps", "b 1", "a 1", "sleeps", "b 2", "a 2"];
    assert_eq!(log.take(), lines);
    let watched = node.spawn_fn(async |mut me: Process<Word>| drop(me.recv().await));
    let watched = watched.expect("spawned");
    let watch = crate::event_rows::Watch(watched.pid());
    assert_eq!(bus.call(&id("a"), watch).await, Ok(Ok(())));
    watched.send(Word::Go).expect("local");
    log.until(&w, "a down normal").await;
    assert_eq!(log.take(), ["b down normal", "a down normal"]);
}

/// A flood of events, and a handler that crashes in the middle of it: each event is seen once by
/// each handler that is there.
#[foundation::test]
async fn a_flood_is_handled_in_order(node: Node) {
    let log = Log::default();
    let bus = with_noters(&node, &log, &["a", "b"]).await;
    for n in 0..2000 {
        bus.notify(Tick::Say(n.to_string())).expect("local");
        if n == 1000 {
            bus.notify(Tick::Crash("b".to_owned())).expect("local");
        }
    }
    bus.sync_notify(say("end"))
        .timeout(LONG)
        .await
        .expect("answers");
    let lines = log.take();
    let of = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!((of("a "), of("b ")), (2001, 1002));
}

/// A manager is seen into and suspended as any behaviour: what comes meanwhile waits.
#[foundation::test]
async fn a_manager_answers_the_system(node: Node) {
    let log = Log::default();
    let bus = with_noters(&node, &log, &["a", "b"]).await;
    let shown = sys::show_state(&bus)
        .await
        .expect("answers")
        .expect("shown");
    let handler = std::any::type_name::<crate::event_rows::Noter>();
    let expected = format!("{handler} \"b\": noter b, {handler} \"a\": noter a");
    assert_eq!(shown, expected);
    sys::suspend(&bus).await.expect("suspended");
    bus.notify(say("1")).expect("local");
    let asked = bus.which_handlers().timeout(ms(5)).await;
    assert_eq!(asked, Err(CallError::Timeout));
    assert!(log.all().is_empty());
    sys::resume(&bus).await.expect("resumed");
    bus.sync_notify(say("2")).await.expect("answers");
    assert_eq!(log.take(), ["b 1", "a 1", "b 2", "a 2"]);
    sys::suspend(&bus).await.expect("suspended");
    node.stop(&bus, Reason::Shutdown, LONG)
        .await
        .expect("stopped");
    assert_eq!(log.take(), ["b Stopping(Shutdown)", "a Stopping(Shutdown)"]);
}
