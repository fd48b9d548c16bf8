//! Do global names, locks, and groups over nodes keep OTP's rules (B184, B186, B187, B189)?
//!
//! Role       The same bodies on one node and on two or three, over a network in memory.
//! Source     otp: global, pg

use foundation::Scope;
use foundation::cluster::GlobalError;
use foundation::prelude::*;

use crate::support::{LONG, Word};

fn idle(node: &Node) -> Pid {
    let body = |mut me: Process<Word>| async move {
        loop {
            me.recv().await;
        }
    };
    node.spawn_fn(body).expect("spawned").pid()
}

/// B184: a node is lost, and all of its members are gone; those of others stay.
#[foundation::test(seeds = 5)]
async fn b184_a_lost_node_takes_its_members_along(w: World) {
    let [a, b, c] = w.nodes(["a", "b", "c"], async |_| {}).await;
    let pids = [idle(&a), idle(&b), idle(&b), idle(&c)];
    for (node, pid) in [&a, &b, &b, &c].into_iter().zip(pids) {
        Scope::of(node).join("g", pid).expect("alive");
    }
    let sees = |of: &Node| Scope::of(of).get_members("g").len();
    for node in [&a, &b, &c] {
        w.eventually(LONG, async || sees(node) == 4).await;
    }
    b.cluster().leave(LONG).await.expect("it can");
    for (node, left) in [(&a, 2), (&c, 2), (&b, 2)] {
        // Of two members of a node that is lost nobody sees one alone.
        w.eventually(LONG, async || {
            let seen = Scope::of(node).get_members("g");
            let of_b = seen.iter().filter(|pid| pid.node() == b.id()).count();
            assert_ne!(of_b, 1, "they go together");
            seen.len() == left
        })
        .await;
    }
    assert_eq!(Scope::of(&b).get_members("g"), pids[1..3]);
}

/// B186: when a registration has returned, the name leads to the same process on all nodes.
async fn b186(nodes: &[&Node]) {
    let (here, there) = (nodes[0], nodes[nodes.len() - 1]);
    let (one, two) = (idle(here), idle(there));
    assert_eq!(here.global().register("x", one).await, Ok(()));
    for node in nodes {
        assert_eq!(node.global().whereis("x"), Some(one));
    }
    let taken = there.global().register("x", two).await;
    assert_eq!(taken, Err(GlobalError::AlreadyRegistered(one)));
    assert_eq!(there.global().re_register("x", two).await, Ok(()));
    for node in nodes {
        assert_eq!(node.global().whereis("x"), Some(two));
    }
    assert_eq!(here.global().unregister("x", LONG).await, Ok(()));
    for node in nodes {
        assert_eq!(node.global().whereis("x"), None);
    }
}

/// B187: the holder dies, and has the name nowhere.
async fn b187(w: &World, nodes: &[&Node]) {
    let holder = idle(nodes[0]);
    assert_eq!(nodes[0].global().register("x", holder).await, Ok(()));
    nodes[0].exit(holder, Reason::Kill);
    nodes[0].down(holder).await;
    assert_eq!(nodes[0].global().whereis("x"), None);
    for node in nodes {
        w.eventually(LONG, async || node.global().whereis("x").is_none())
            .await;
    }
}

/// B189: a lock that a dead process held is granted.
async fn b189(nodes: &[&Node]) {
    let (here, there) = (nodes[0], nodes[nodes.len() - 1]);
    let (one, two) = (idle(here), idle(there));
    assert_eq!(here.global().set_lock("l", one).await, Ok(()));
    let held = there.global().set_lock("l", two).tries(2).await;
    assert_eq!(held, Err(GlobalError::TimedOut));
    here.exit(one, Reason::Kill);
    assert_eq!(
        there.global().set_lock("l", two).timeout(LONG).await,
        Ok(())
    );
    assert_eq!(there.global().del_lock("l", two).await, Ok(()));
}

#[foundation::test(seeds = 5)]
async fn b186_b187_b189_on_one_node(w: World) {
    let [a] = w.nodes(["a"], async |_| {}).await;
    b186(&[&a]).await;
    b187(&w, &[&a]).await;
    b189(&[&a]).await;
}

#[foundation::test(seeds = 5)]
async fn b186_a_name_is_known_everywhere_at_once(w: World) {
    let [a, b] = w.nodes(["a", "b"], async |_| {}).await;
    b186(&[&a, &b]).await;
    b186(&[&b, &a]).await;
}

#[foundation::test(seeds = 5)]
async fn b187_a_dead_holder_has_the_name_nowhere(w: World) {
    let [a, b, c] = w.nodes(["a", "b", "c"], async |_| {}).await;
    b187(&w, &[&b, &a, &c]).await;
}

#[foundation::test(seeds = 5)]
async fn b189_a_lock_of_a_dead_process_is_granted(w: World) {
    let [a, b] = w.nodes(["a", "b"], async |_| {}).await;
    b189(&[&a, &b]).await;
    b189(&[&b, &a]).await;
}
