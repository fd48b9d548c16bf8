//! Can a node be looked at without asking its processes?
//!
//! Role       Facts, snapshots, load: nobody is sent anything, woken or stopped.
//! Source     otp: erlang:processes/0, observer, etop; erlang:statistics(scheduler_wall_time)

use foundation::prelude::*;
use foundation::{Activity, By, ProcessKind, Query, Sampler, sys};

use crate::support::{LONG, Log, Word, inside, kid, kid_of, pid_of, stop, until_queued};

#[derive(Default)]
struct Busy {
    handled: u64,
}

#[actor]
impl Busy {
    #[cast]
    fn work(&mut self) {
        self.handled += 1;
    }

    #[call]
    fn done(&self) -> u64 {
        self.handled
    }
}

/// What is known of a process that waits, without asking it.
#[foundation::test]
async fn a_waiting_process_is_seen(w: World) {
    let node = w.node();
    let busy = node.spawn(Busy::default()).expect("spawned");
    node.register("busy", &busy).expect("free");
    for _ in 0..10 {
        busy.work().expect("local");
    }
    assert_eq!(busy.done().await, Ok(10));
    w.eventually(LONG, async || {
        node.facts(&busy)
            .is_some_and(|facts| facts.activity == Activity::Waiting)
    })
    .await;
    let facts = node.facts(&busy).expect("alive");
    assert_eq!(
        (facts.pid, facts.name.as_deref()),
        (busy.pid(), Some("busy"))
    );
    assert_eq!(
        (facts.code, facts.kind),
        (Some("Busy"), ProcessKind::Server)
    );
    assert_eq!((facts.reductions, facts.message_queue_len), (11, Some(0)));
    assert_eq!((facts.parent, facts.links), (None, Some(0)));
    assert_eq!((facts.priority, facts.trap_exit), (Priority::Normal, false));
    assert_eq!(sys::suspend(&busy).await, Ok(()));
    busy.work().expect("local");
    until_queued(&w, &node, busy.pid(), 1).await;
    w.eventually(LONG, async || {
        node.facts(&busy)
            .is_some_and(|facts| facts.message_queue_len == Some(1))
    })
    .await;
    assert_eq!(sys::terminate(&busy, Reason::Normal).await, Ok(()));
    assert_eq!(node.facts(&busy), None);
}

/// A tree is drawn from parents and kinds.
#[foundation::test]
async fn a_tree_is_seen(node: Node) {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .child(Supervisor::one_for_all().child(kid(&log, "b")).id("inner"))
        .start(&node)
        .await
        .expect("started");
    let supervisors = node.snapshot(&Query::new().kind(ProcessKind::Supervisor));
    let (outer, inner) = (tree.pid(), pid_of(&tree, "inner").await);
    let mut found: Vec<_> = supervisors
        .processes
        .iter()
        .map(|facts| facts.pid)
        .collect();
    found.sort();
    let mut expected = vec![outer, inner];
    expected.sort();
    assert_eq!(found, expected);
    let children = node.snapshot(&Query::new().children_of(outer));
    let mut found: Vec<_> = children.processes.iter().map(|facts| facts.pid).collect();
    found.sort();
    let mut expected = vec![kid_of(&tree, "a").await.pid(), inner];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        node.snapshot(&Query::new().children_of(inner))
            .processes
            .len(),
        1
    );
    let roots = node.snapshot(&Query::new().roots()).processes;
    assert_eq!(
        roots.iter().map(|facts| facts.pid).collect::<Vec<_>>(),
        [outer]
    );
    stop(&tree).await;
}

/// Pages cover everybody once; the largest come first; names and codes choose.
#[foundation::test]
async fn a_snapshot_shows_what_was_asked_for(w: World) {
    let node = w.node();
    let mut all = Vec::new();
    for nth in 0..10 {
        let busy = node.spawn(Busy::default()).expect("spawned");
        for _ in 0..nth {
            busy.work().expect("local");
        }
        assert_eq!(busy.done().await, Ok(nth));
        node.register(&format!("busy-{nth}"), &busy).expect("free");
        all.push(busy);
    }
    let (mut seen, mut query) = (Vec::new(), Query::new().limit(3));
    loop {
        let page = node.snapshot(&query);
        assert!(page.processes.len() <= 3 && page.matched == page.processes.len());
        seen.extend(page.processes.iter().map(|facts| facts.pid));
        match page.next {
            Some(last) => query = query.after(last),
            None => break,
        }
    }
    let mut expected: Vec<_> = all.iter().map(Ref::pid).collect();
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
    let top = node.snapshot(&Query::new().top(2, By::Reductions));
    let reductions: Vec<_> = top.processes.iter().map(|facts| facts.reductions).collect();
    assert_eq!((reductions, top.matched), (vec![10, 9], 10));
    let named = node.snapshot(&Query::new().name_prefix("busy-7"));
    assert_eq!(named.processes.len(), 1);
    w.eventually(LONG, async || {
        let by_code = node.snapshot(&Query::new().code("Busy"));
        by_code.processes.len() == 10
    })
    .await;
    assert!(
        node.snapshot(&Query::new().code("Other"))
            .processes
            .is_empty()
    );
    assert!(node.snapshot(&Query::new().limit(0)).processes.is_empty());
}

/// The longest mailboxes come first; who has worked since the last look.
#[foundation::test]
async fn the_longest_and_the_busiest_come_first(w: World) {
    let node = w.node();
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(node.spawn(Busy::default()).expect("spawned"));
    }
    for busy in &all[4..6] {
        assert_eq!(sys::suspend(busy).await, Ok(()));
        busy.work().expect("local");
    }
    all[5].work().expect("local");
    until_queued(&w, &node, all[5].pid(), 2).await;
    until_queued(&w, &node, all[4].pid(), 1).await;
    w.eventually(LONG, async || {
        let longest = node.snapshot(&Query::new().top(2, By::Messages)).processes;
        let lengths: Vec<_> = longest
            .iter()
            .map(|facts| facts.message_queue_len)
            .collect();
        lengths == [Some(2), Some(1)]
    })
    .await;
    // Who has worked since.
    let mut sampler = Sampler::new();
    let _ = node.snapshot_since(&mut sampler, &Query::new());
    assert_eq!(all[1].done().await, Ok(0));
    let recent = node.snapshot_since(&mut sampler, &Query::new().limit(1));
    assert_eq!(recent.processes[0].pid, all[1].pid());
    let late = node.spawn(Busy::default()).expect("spawned");
    for _ in 0..3 {
        assert_eq!(late.done().await, Ok(0));
    }
    let recent = node.snapshot_since(&mut sampler, &Query::new().limit(1));
    assert_eq!(recent.processes[0].pid, late.pid());
}

/// Whoever looks sees itself run, and disturbs nobody: what is sent meanwhile arrives.
#[foundation::test]
async fn to_look_disturbs_nobody(node: Node) {
    let busy = node.spawn(Busy::default()).expect("spawned");
    let target = busy.clone();
    let looks = node.clone();
    inside(&node, async move |me: Process<Word>| {
        let own = looks.facts(me.pid()).expect("alive");
        assert_eq!(own.activity, Activity::Running);
        for _ in 0..200 {
            target.work().expect("local");
            let _ = looks.snapshot(&Query::new().top(5, By::Messages));
        }
    })
    .await;
    assert_eq!(busy.done().await, Ok(200));
}

/// The schedulers' time is worked or slept, and what they did is counted.
#[foundation::test]
async fn the_load_is_seen(w: World) {
    let node = w.node();
    let before = node.load();
    let busy = node.spawn(Busy::default()).expect("spawned");
    for _ in 0..100 {
        busy.work().expect("local");
        assert!(busy.done().await.is_ok());
    }
    let after = node.load();
    assert!(!after.schedulers.is_empty());
    let polls =
        |load: &foundation::Load| -> u64 { load.schedulers.iter().map(|one| one.polls).sum() };
    assert!(polls(&after) > polls(&before));
    for one in &after.schedulers {
        assert!(one.busy + one.idle <= after.at + ms(1));
    }
    for share in after.utilisation_since(&before).into_iter().flatten() {
        assert!((0.0..=1.0).contains(&share), "{share}");
    }
}
