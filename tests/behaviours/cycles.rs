//! Are processes that wait for each other found, and nobody else?
//!
//! Role  Cycles of calls: reported when the last call is made, and found in a node that lives.

use foundation::prelude::*;
use foundation::{CallStage, Deadlocks, Wait};

use crate::support::LONG;

/// Calls whom it is told to, and so on.
struct Link;

#[actor]
impl Link {
    /// Calls the first of them, who calls the next.
    #[call]
    async fn along(&mut self, mut way: Vec<Ref<Link>>, bound: u64) -> Result<u32, CallError> {
        if way.is_empty() {
            return Ok(0);
        }
        let next = way.remove(0);
        let further = next.along(way, bound).timeout(ms(bound)).await??;
        Ok(further + 1)
    }

    /// Answers when it is asked to.
    #[call]
    fn later(&mut self, reply: ReplyTo<u32>, cx: &mut Cx<Self>) {
        cx.put("reply", reply);
    }
}

fn links<const N: usize>(node: &Node) -> [Ref<Link>; N] {
    std::array::from_fn(|_| node.spawn(Link).expect("spawned"))
}

/// Who is in the cycles.
fn members(found: &Deadlocks) -> Vec<Vec<Pid>> {
    let cycles = found.cycles.iter();
    let callers = |cycle: &Vec<Wait>| cycle.iter().map(|wait| wait.caller).collect();
    cycles.map(callers).collect()
}

/// Has the first call along the others, and waits for whatever comes of it.
fn go(
    node: &Node,
    links: &[&Ref<Link>],
    bound: u64,
) -> Task<Result<Result<u32, CallError>, CallError>> {
    let first = links[0].clone();
    let way = links[1..].iter().map(|link| (*link).clone()).collect();
    let calls = async move { first.along(way, bound).timeout(LONG).await };
    Task::spawn_nolink(node, calls).expect("spawned")
}

/// Waits until a look finds this many waits.
async fn found(w: &World, node: &Node, waits: usize) -> Deadlocks {
    w.eventually(LONG, async || node.deadlocks().waits.len() == waits)
        .await;
    node.deadlocks()
}

#[foundation::test]
async fn a_cycle_is_reported_when_it_closes_and_found_while_it_lasts(w: World) {
    let node = w.node();
    let mut told = node.call_cycles(4);
    let [a, b, c] = links(&node);
    node.register("first", a.pid()).expect("free");
    let mut calls = go(&node, &[&a, &b, &c, &a], 2_000);
    let seen = found(&w, &node, 4).await;
    assert!(seen.complete);
    let mut circle = [a.pid(), b.pid(), c.pid()];
    let smallest = circle.iter().min().copied().expect("three");
    while circle[0] != smallest {
        circle.rotate_left(1);
    }
    assert_eq!(members(&seen), [circle.to_vec()]);
    for (at, wait) in seen.cycles[0].iter().enumerate() {
        assert_eq!(wait.server, circle[(at + 1) % 3]);
        assert_eq!(wait.message, "Link::along");
    }
    let of = |caller: &Ref<Link>, server: &Ref<Link>| {
        let mut waits = seen.waits.iter();
        let wait = waits.find(|wait| (wait.caller, wait.server) == (caller.pid(), server.pid()));
        wait.map(|wait| wait.stage)
    };
    assert_eq!(of(&a, &b), Some(CallStage::Taken));
    assert_eq!(of(&b, &c), Some(CallStage::Taken));
    assert_eq!(of(&c, &a), Some(CallStage::Queued));
    assert_eq!(of(&b, &a), None);
    if cfg!(debug_assertions) {
        let cycle = told.next().await;
        assert_eq!(cycle.processes, circle);
        let text = cycle.to_string();
        assert!(text.contains(&format!("`first` {}", a.pid())), "{text}");
        assert_eq!(text.matches(" -(Link::along)-> ").count(), 3, "{text}");
        assert_eq!(
            text.matches("`first`").count(),
            if circle[0] == a.pid() { 2 } else { 1 }
        );
    }
    // The call is made all the same, and ends by its bound.
    let outcome = calls.join(LONG).await.expect("in time");
    assert!(
        matches!(outcome, Ok(Err(CallError::Timeout))),
        "{outcome:?}"
    );
    let after = found(&w, &node, 0).await;
    assert!(after.cycles.is_empty());
    assert_eq!(told.try_next(), None, "it is told once");
}

#[foundation::test]
async fn chains_and_answers_that_come_later_are_no_cycle(w: World) {
    let node = w.node();
    let mut told = node.call_cycles(4);
    let [a, b, c] = links(&node);
    let waits = c.clone();
    let ask = async move { waits.later().timeout(ms(500)).await };
    let mut asking = Task::spawn_nolink(&node, ask).expect("spawned");
    let seen = found(&w, &node, 1).await;
    assert_eq!(seen.waits[0].stage, CallStage::Taken);
    assert_eq!(seen.waits[0].message, "Link::later");
    assert_eq!(seen.waits[0].server, c.pid());
    // It has kept the reply, and serves others.
    let mut chain = go(&node, &[&a, &b, &c], 2_000);
    assert_eq!(chain.join(LONG).await.expect("in time"), Ok(Ok(2)));
    assert!(node.deadlocks().cycles.is_empty());
    assert_eq!(
        asking.join(LONG).await.expect("in time"),
        Err(CallError::Timeout)
    );
    assert_eq!(told.try_next(), None);
}

/// Two circles at once, and who only waits for one is in none.
#[foundation::test]
async fn two_circles_are_two(w: World) {
    let node = w.node();
    let [a, b, c, d, e] = links(&node);
    let mut one = go(&node, &[&a, &b, &a], 2_000);
    let mut two = go(&node, &[&c, &d, &c], 2_000);
    found(&w, &node, 6).await;
    let mut behind = go(&node, &[&e, &a], 3_000);
    let seen = found(&w, &node, 8).await;
    let mut members: Vec<Pid> = members(&seen).concat();
    members.sort_unstable();
    let mut expected = [a.pid(), b.pid(), c.pid(), d.pid()];
    expected.sort_unstable();
    assert_eq!((seen.cycles.len(), members), (2, expected.to_vec()));
    for task in [&mut one, &mut two, &mut behind] {
        let _ = task.join(LONG).await.expect("in time");
    }
    assert!(node.deadlocks().cycles.is_empty());
}
