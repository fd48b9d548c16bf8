//! How are many calls made at once (B157, B158)?
//!
//! Source     otp: gen_server:reqids_new/0, multi_call/4

use std::collections::HashMap;

use foundation::prelude::*;
use foundation::{Requests, multicall};

use crate::support::{LONG, Log, boom, inside};

#[derive(Default)]
struct Clerk {
    kept: HashMap<u32, ReplyTo<u32>>,
}

const CLERK: Name<Clerk> = Name::new("clerk");

#[actor]
impl Clerk {
    #[call]
    fn keep(&mut self, key: u32, from: ReplyTo<u32>) {
        self.kept.insert(key, from);
    }

    #[cast]
    fn release(&mut self, key: u32) {
        if let Some(from) = self.kept.remove(&key) {
            from.send(key * 10);
        }
    }

    #[call]
    fn square(&self, of: u32) -> u32 {
        of * of
    }

    #[cast]
    fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
    }
}

fn clerk(node: &Node) -> Ref<Clerk> {
    node.spawn(Clerk::default()).expect("spawned")
}

/// Adds five calls, and looks at the answers as they are let out.
async fn collect(one: Ref<Clerk>, two: Ref<Clerk>) {
    let mut all = Requests::new();
    for key in 0..4 {
        all.add(format!("label {key}"), one.keep(key));
    }
    all.add("doomed".to_owned(), two.keep(7).timeout(LONG));
    all.add("late".to_owned(), one.keep(9).timeout(ms(20)));
    assert_eq!(all.len(), 6);
    // They are sent with the first wait; the first to end is the one that is too late.
    let first = all.next().await;
    assert_eq!(first, Some(("late".to_owned(), Err(CallError::Timeout))));
    for key in [2, 0, 3] {
        one.release(key).expect("portable");
        let next = all.next().await;
        assert_eq!(next, Some((format!("label {key}"), Ok(key * 10))));
    }
    two.end(boom()).expect("portable");
    let down = all.next().await;
    assert_eq!(
        down,
        Some(("doomed".to_owned(), Err(CallError::Down(boom()))))
    );
    assert!(!all.is_empty());
    // A late answer of another reaches nobody.
    one.release(9).expect("portable");
    one.release(1).expect("portable");
    assert_eq!(all.next().await, Some(("label 1".to_owned(), Ok(10))));
    assert!(all.is_empty());
    assert_eq!(all.next().await, None);
}

/// B157: answers are matched to their labels in whatever order they come; a server that ends is an
/// error of its own request.
#[foundation::test]
async fn b157_answers_find_their_labels(node: Node) {
    collect(clerk(&node), clerk(&node)).await;
    let (one, two) = (clerk(&node), clerk(&node));
    inside(&node, async move |_| collect(one, two).await).await;
}

/// B158: the same call to a name on many nodes: the answers of those that live, and a list of the
/// others.
#[foundation::test]
async fn b158_multicall_lists_replies_and_bad_nodes(w: World) {
    let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| w.start(name));
    let wires = [&b, &c, &d, &e].map(|node| w.connect(&a, node));
    for node in [&b, &c, &d] {
        node.register("clerk", clerk(node)).expect("free");
    }
    let all = ["b", "c", "d", "e"].map(|name| a.remote(name));
    wires[2].cut();
    // `d` is cut off, nobody has the name on `e`, and `z` never was.
    let asked = all.into_iter().chain([a.remote("z")]);
    let answers = multicall(asked, CLERK, secs(2), |clerk| clerk.square(7)).await;
    let replies: Vec<_> = answers
        .replies
        .iter()
        .map(|(at, n)| (at.name(), *n))
        .collect();
    assert_eq!(replies, [("b", 49), ("c", 49)]);
    let failed = answers.failed.iter();
    let failed: Vec<_> = failed.map(|(at, why)| (at.name(), why.clone())).collect();
    let expected = [
        ("d", CallError::NoConnection),
        ("e", CallError::NoProc),
        ("z", CallError::NoConnection),
    ];
    assert_eq!(failed, expected);
}

/// otp: a multicall waits for its bound, not for ever.
#[foundation::test]
async fn a_multicall_is_bounded(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    b.register("clerk", clerk(&b)).expect("free");
    let answers = multicall([a.remote("b")], CLERK, ms(20), |clerk| clerk.keep(1)).await;
    assert!(answers.replies.is_empty());
    assert_eq!(answers.failed[0].1, CallError::Timeout);
}

/// otp: requests under way to a node that is lost end with noconnection; others go on.
#[foundation::test]
async fn requests_to_a_lost_node_end(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let wire = w.connect(&a, &b);
    let (near, far) = (clerk(&a), clerk(&b));
    b.register("clerk", &far).expect("free");
    let log = Log::default();
    let notes = log.clone();
    let asking = Task::spawn_nolink(&a, async move {
        let far = near.node().remote("b").at(CLERK);
        let mut all = Requests::new();
        all.add("far", far.keep(1));
        all.add("near", near.keep(2));
        all.add("first", far.square(3));
        assert_eq!(all.next().await, Some(("first", Ok(9))));
        notes.note("under way");
        let lost = Some(("far", Err(CallError::NoConnection)));
        assert_eq!(all.next().await, lost);
        near.release(2).expect("portable");
        assert_eq!(all.next().await, Some(("near", Ok(20))));
    });
    log.until(&w, "under way").await;
    wire.cut();
    let mut asking = asking.expect("spawned");
    assert_eq!(asking.join(LONG).await, Ok(()));
}
