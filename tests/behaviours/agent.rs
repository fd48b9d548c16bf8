//! Is an agent read and changed as Elixir's is?
//!
//! Source     elixir: Agent

use std::sync::Arc;

use foundation::prelude::*;
use foundation::{Agent, StopError, sys};

use crate::support::{Death, LONG, Word, assert_crash, boom, inside, renewed, stop};

const COUNT: Name<Agent<u64>> = Name::new("count");

async fn agent(node: &Node, first: u64) -> Ref<Agent<u64>> {
    Agent::start(node, move || first).await.expect("started")
}

/// B213: to read and change at once is one step: of many that do it each sees another state, and one
/// caller's come in its order.
#[foundation::test]
async fn b213_get_and_update_is_one_step(node: Node) {
    let count = agent(&node, 0).await;
    let tasks = (0..10).map(|_| {
        let count = count.clone();
        let work = async move {
            let mut seen = Vec::new();
            for _ in 0..20 {
                let ticket = count.get_and_update(|count| {
                    *count += 1;
                    *count
                });
                seen.push(ticket.await.expect("answers"));
            }
            assert!(seen.is_sorted(), "out of order");
            seen
        };
        Task::spawn_nolink(&node, work).expect("spawned")
    });
    let tasks: Vec<_> = tasks.collect();
    let seen = Task::await_many(tasks, LONG).await.expect("all");
    let mut seen: Vec<u64> = seen.into_iter().flatten().collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(1..=200));
    // In the order of arrival, casts and calls alike.
    inside(&node, async move |_| {
        count.update(|count| *count = 0).await.expect("answers");
        for n in 1..=50 {
            count
                .cast(move |count| *count = *count * 2 % 1009 + n)
                .expect("local");
        }
        let expected = (1..=50).fold(0, |count, n| count * 2 % 1009 + n);
        assert_eq!(count.get(|count| *count).await, Ok(expected));
    })
    .await;
}

/// B214: a function that panics ends the agent, and its caller is told the panic, or dies of it.
#[foundation::test]
async fn b214_a_panic_ends_the_agent(node: Node) {
    type Way = fn(&Ref<Agent<u64>>) -> foundation::Call<()>;
    let ways: [Way; 3] = [
        |agent| agent.get(|_| panic!("bad function")),
        |agent| agent.update(|_| panic!("bad function")),
        |agent| agent.get_and_update(|_| panic!("bad function")),
    ];
    for way in ways {
        let count = agent(&node, 1).await;
        let death = Death::of(&node, &count).await;
        let Err(CallError::Down(reason)) = way(&count).await else {
            panic!("it answered")
        };
        assert_crash(&reason, "bad function");
        assert_crash(&death.reason().await, "bad function");
        assert_eq!(count.get(|count| *count).await, Err(CallError::NoProc));
        assert_eq!(count.cast(|_| ()), Ok(()));
    }
    // As in Elixir.
    let count = agent(&node, 1).await;
    let caller = Task::<()>::spawn_nolink(&node, async move {
        count.get(|_| panic!("bad function")).or_exit().await
    });
    let Err(TaskError::Exited(reason)) = caller.expect("spawned").await else {
        panic!("it lives")
    };
    assert_crash(&reason, "bad function");
    // A cast ends it as well, and those who wait are told.
    let count = agent(&node, 1).await;
    count.cast(|_| panic!("bad cast")).expect("local");
    match count.get(|count| *count).await {
        Err(CallError::Down(reason)) => assert_crash(&reason, "bad cast"),
        other => assert_eq!(other, Err(CallError::NoProc)),
    }
}

/// An agent has a name, and starts once under it; an init that panics starts nothing.
#[foundation::test]
async fn an_agent_starts_as_an_actor_does(node: Node) {
    let first = Agent::start(&node, || 1_u64).name(COUNT).await;
    let first = first.expect("started");
    let second = Agent::start(&node, || 2_u64).name(COUNT).await;
    assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
    assert_eq!(node.at(COUNT).get(|count| *count).await, Ok(1));
    assert_eq!(first.stop(LONG).await, Ok(()));
    assert_eq!(first.stop(LONG).await, Err(StopError::NoProc));
    assert_eq!(node.at(COUNT).stop(LONG).await, Err(StopError::NoProc));
    assert_eq!(
        node.at(COUNT).get(|count| *count).await,
        Err(CallError::NoProc)
    );
    let bad = Agent::<u64>::start(&node, || panic!("no state")).name(COUNT);
    let Err(StartError::Failed(reason)) = bad.await else {
        panic!("it started")
    };
    assert_crash(&reason, "no state");
    assert_eq!(node.whereis("count"), None);
    // Stopped for another reason, and its state is dropped.
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    let holder = Agent::start(&node, move || kept).await.expect("started");
    assert_eq!(node.stop(&holder, boom(), LONG).await, Ok(()));
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Under a supervisor it is restarted with a new state. Linked, it falls with its starter.
#[foundation::test]
async fn an_agent_lives_in_a_tree(w: World) {
    let node = w.node();
    let tree = Supervisor::one_for_one().child(Agent::child(|| 7_u64).name(COUNT));
    let tree = tree.start(&node).await.expect("started");
    let at = node.at(COUNT);
    assert_eq!(at.update(|count| *count = 8).await, Ok(()));
    let before = at.pid();
    at.cast(|_| panic!("crash")).expect("local");
    renewed(&w, &tree, "count", before).await;
    assert_eq!(at.get(|count| *count).await, Ok(7));
    stop(&tree).await;
    let (reply, started) = foundation::promise(&node);
    let starter = async move |me: Process<Word>| {
        let linked = Agent::start(&me.node(), || 1_u64).link().await;
        reply.send(linked.expect("started"));
        std::future::pending::<()>().await;
    };
    let starter = node.spawn_fn(starter).expect("spawned");
    let linked = started.timeout(LONG).await.expect("started");
    let death = Death::of(&node, &linked).await;
    node.exit(&starter, boom());
    assert_eq!(death.reason().await, boom());
}

/// An agent on another node refuses functions, at the sender.
#[foundation::test]
async fn functions_do_not_travel(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _link = w.connect(&a, &b);
    let there = Agent::start(&b, || 1_u64)
        .name(COUNT)
        .await
        .expect("started");
    for count in [
        a.reference::<Agent<u64>>(there.pid()),
        a.remote("b").at(COUNT),
    ] {
        let refused = count.get(|count| *count).await;
        assert!(
            matches!(refused, Err(CallError::NotPortable(_))),
            "{refused:?}"
        );
        let refused = count.update(|count| *count = 2).await;
        assert!(
            matches!(refused, Err(CallError::NotPortable(_))),
            "{refused:?}"
        );
        let refused = count.cast(|count| *count = 2);
        assert!(
            matches!(refused, Err(SendError::NotPortable(_))),
            "{refused:?}"
        );
        // To stop it is no function.
    }
    assert_eq!(there.get(|count| *count).await, Ok(1));
    assert_eq!(a.remote("b").at(COUNT).stop(LONG).await, Ok(()));
}

/// A caller that gives up disturbs nobody; a flood is worked off in order; it is seen into.
#[foundation::test]
async fn an_agent_is_a_process_like_others(w: World) {
    let node = w.node();
    let count = agent(&node, 0).await;
    sys::suspend(&count).await.expect("suspended");
    let late = count.update(|count| *count += 1).timeout(ms(5)).await;
    assert_eq!(late, Err(CallError::Timeout));
    for _ in 0..5000 {
        count.cast(|count| *count += 1).expect("local");
    }
    sys::resume(&count).await.expect("resumed");
    let all = count.get(|count| *count).timeout(LONG).await;
    assert_eq!(all, Ok(5001));
    // A call of itself would never end.
    let (of, own) = (count.clone(), node.clone());
    let waits = count.get_and_update(move |_| {
        let call = of.get(|count| *count).into_future();
        futures::FutureExt::now_or_never(call).map(|outcome| (own.name().to_owned(), outcome))
    });
    let outcome = waits.await.expect("answers").expect("at once");
    assert_eq!(outcome.1, Err(CallError::CallingSelf));
}
