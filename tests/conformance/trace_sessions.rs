//! Who is traced, for how long, and what when there is too much?
//!
//! Source     otp: erlang:trace/3, trace flags; trace:session_create/3 (otp 27)

use foundation::prelude::*;
use foundation::{ProcessKind, Trace, TraceError, Traced};

use crate::support::{LONG, Note, Puppet};
use crate::trace_events::{Adder, Silent, idle, inside, next};

fn started(what: &Traced) -> bool {
    matches!(what, Traced::Started { .. })
}

/// New processes, by pattern: of a type, of a kind, of a parent, by name; now or later.
#[foundation::test]
async fn processes_are_chosen(node: Node) {
    let old = node.spawn(Silent).expect("spawned");
    idle(&node, &old).await;
    let mut new = node
        .trace(Trace::new().new_processes().spawns())
        .expect("room");
    let mut code = node
        .trace(Trace::new().code("Silent").calls())
        .expect("room");
    let mut kind = node
        .trace(Trace::new().kind(ProcessKind::Server).exits())
        .expect("room");
    let mut named = node
        .trace(Trace::new().name_prefix("s-").names())
        .expect("room");
    let young = node.spawn(Silent).expect("spawned");
    let adder = node.spawn(Adder::default()).expect("spawned");
    for server in [&old, &young] {
        assert_eq!(server.tell("x".into()).await, Ok(1));
    }
    assert_eq!(adder.add(1, Secret::new(1)).await, Ok(1));
    let told = next(&mut new, 2).await;
    let pids: Vec<_> = told.iter().map(|(pid, _)| *pid).collect();
    assert_eq!(pids, [young.pid(), adder.pid()]);
    assert!(told.iter().all(|(_, what)| started(what)));
    let told = next(&mut code, 2).await;
    assert_eq!([told[0].0, told[1].0], [old.pid(), young.pid()]);
    node.register("other", &adder).expect("free");
    node.register("s-1", &old).expect("free");
    let told = next(&mut named, 1).await;
    assert_eq!(
        told,
        [(old.pid(), Traced::Registered { name: "s-1".into() })]
    );
    for pid in [adder.pid(), old.pid()] {
        node.exit(pid, Reason::Kill);
        node.down(pid).await;
    }
    let told = next(&mut kind, 2).await;
    assert_eq!([told[0].0, told[1].0], [adder.pid(), old.pid()]);
    let told = next(&mut named, 1).await;
    assert_eq!(told[0].1, Traced::Unregistered { name: "s-1".into() });
    for events in [&mut new, &mut code, &mut kind, &mut named] {
        assert_eq!((events.try_next(), events.lost()), (None, 0));
    }
}

/// The children of a process, and with `set_on_spawn` their children.
#[foundation::test]
async fn children_are_chosen(node: Node) {
    let (p, other) = (Puppet::start(&node), Puppet::start(&node));
    idle(&node, &p).await;
    let mut children = node
        .trace(Trace::new().children_of(p.pid()).exits())
        .expect("room");
    let traced = Trace::new().process(p.pid()).spawns().set_on_spawn();
    let mut family = node.trace(traced).expect("room");
    let grandchild = async |me: Process<Note>| {
        let body = async |_: Process<Note>| {};
        let options = SpawnOptions::new().code("grandchild");
        me.spawn_with(&options, body).expect("spawned").0.pid()
    };
    let spawn = move |me: &Me| {
        let body = async move |me: Process<Note>| {
            grandchild(me).await;
        };
        let options = SpawnOptions::new().code("child");
        me.spawn_with(&options, body).expect("spawned").0.pid()
    };
    let child = p.ask(move |me| spawn(me)).await;
    let stranger = other.ask(move |me| spawn(me)).await;
    node.down(child).await;
    node.down(stranger).await;
    let told = next(&mut children, 1).await;
    assert_eq!((told[0].0, children.try_next()), (child, None));
    let told = next(&mut family, 4).await;
    let codes: Vec<_> = told
        .iter()
        .map(|(_, what)| match what {
            Traced::Spawned { code, .. } => format!("spawned {code}"),
            Traced::Started { code, .. } => format!("started {code}"),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        codes,
        [
            "spawned child",
            "started child",
            "spawned grandchild",
            "started grandchild"
        ]
    );
}

/// A trace ends with its stream, rests when it is told to, and goes on with those there are.
#[foundation::test]
async fn a_trace_is_switched_on_and_off(node: Node) {
    let silent = node.spawn(Silent).expect("spawned");
    idle(&node, &silent).await;
    let mut events = node.trace(Trace::new().all().calls()).expect("room");
    assert_eq!(silent.tell("1".into()).await, Ok(1));
    assert_eq!(next(&mut events, 1).await.len(), 1);
    events.pause();
    assert_eq!(silent.tell("2".into()).await, Ok(1));
    let later = node.spawn(Silent).expect("spawned");
    assert_eq!(later.tell("3".into()).await, Ok(1));
    assert_eq!(events.try_next(), None);
    idle(&node, &later).await;
    events.resume();
    assert_eq!(later.tell("4".into()).await, Ok(1));
    assert_eq!(next(&mut events, 1).await[0].0, later.pid());
    drop(events);
    assert_eq!(silent.tell("5".into()).await, Ok(1));
    // Sixteen at a time; what has ended makes room.
    let trace = || Trace::new().all().exits();
    let mut all: Vec<_> = (0..16)
        .map(|_| node.trace(trace()).expect("room"))
        .collect();
    assert_eq!(node.trace(trace()).map(|_| ()), Err(TraceError::TooMany));
    all.pop();
    all.push(node.trace(trace()).expect("room"));
    node.exit(later.pid(), Reason::Kill);
    node.down(&later).await;
    for events in &mut all {
        assert_eq!(next(events, 1).await[0].0, later.pid());
    }
}

/// A subscriber that ends takes its trace with it; it does not trace itself.
#[foundation::test]
async fn a_trace_ends_with_its_subscriber(node: Node) {
    let silent = node.spawn(Silent).expect("spawned");
    idle(&node, &silent).await;
    let subscriber = inside(&node, {
        let silent = silent.clone();
        async move |me| {
            let mut events = me
                .node()
                .trace(Trace::new().all().everything())
                .expect("room");
            assert_eq!(silent.tell("1".into()).await, Ok(1));
            let told = next(&mut events, 3).await;
            assert!(told.iter().all(|(pid, _)| *pid == silent.pid()), "{told:?}");
            me.pid()
        }
    })
    .await;
    node.down(subscriber).await;
    let trace = || Trace::new().all().exits();
    let all: Vec<_> = (0..16).map(|_| node.trace(trace())).collect();
    assert!(all.iter().all(Result::is_ok), "its session is free");
}

/// A flood: the buffer stays bounded, what is lost is counted where it is missing.
#[foundation::test]
async fn a_flood_is_bounded(node: Node) {
    let silent = node.spawn(Silent).expect("spawned");
    idle(&node, &silent).await;
    let trace = Trace::new().process(&silent).calls();
    let mut events = node.trace(trace.clone().capacity(10)).expect("room");
    let mut slow = node.trace(trace.rate(5)).expect("room");
    for _ in 0..100 {
        assert_eq!(silent.tell("x".into()).await, Ok(1));
    }
    assert_eq!(events.lost(), 90);
    assert!(slow.lost() >= 80, "{}", slow.lost());
    let told = next(&mut events, 11).await;
    assert_eq!(told[10].1, Traced::Lost { count: 90 });
    assert_eq!(silent.tell("x".into()).await, Ok(1));
    assert!(matches!(
        next(&mut events, 1).await[0].1,
        Traced::Called { .. }
    ));
    let told = next(&mut slow, 5).await;
    assert!(
        told.iter()
            .all(|(_, what)| matches!(what, Traced::Called { .. }))
    );
}

/// A trace that could tell nothing is refused, and says why.
#[foundation::test]
async fn a_trace_of_nothing_is_refused(node: Node) {
    let all = || Trace::new().all().everything();
    for (trace, error) in [
        (Trace::new().everything(), TraceError::Nobody),
        (Trace::new().all(), TraceError::Nothing),
        (all().capacity(0), TraceError::NoRoom),
        (all().rate(0), TraceError::NoRoom),
    ] {
        assert_eq!(node.trace(trace).map(|_| ()), Err(error), "{error}");
    }
    let dead = Puppet::dead(&node).await;
    let mut events = node
        .trace(Trace::new().process(dead.pid()).everything())
        .expect("room");
    assert_eq!(events.try_next(), None);
}

/// What is traced goes on as it would: nothing is lost, order is kept, the end is the same.
#[foundation::test]
async fn the_traced_do_not_notice(node: Node) {
    let events = node.trace(Trace::new().all().everything().set_on_spawn().capacity(8));
    let last = node.spawn(Adder::default()).expect("spawned");
    for nth in 1..50 {
        assert_eq!(last.add(1, Secret::new(1)).await, Ok(nth));
    }
    assert_eq!(node.stop(&last, Reason::Normal, LONG).await, Ok(()));
    assert!(events.expect("room").lost() > 0);
}
