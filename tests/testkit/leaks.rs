//! Is whatever a test leaves behind named?

use foundation::prelude::*;
use foundation::testkit::{Leak, Survey, Test, scoped};

use super::{Word, failure_of};

#[derive(Message)]
#[message(local)]
struct Watch(Pid);

async fn idle(mut me: Process<Word>) {
    me.recv().await;
}

/// What is left of this body on its node.
fn left(body: impl AsyncFn(&Node) + Clone) -> String {
    let failure = failure_of(|world| {
        let body = body.clone();
        async move {
            body(&world.node()).await;
            world.check_leaks(ms(10)).await;
        }
    });
    let failure = failure.expect("something is left");
    let (_, list) = failure
        .split_once("left on node `main` at the end of the test:\n")
        .unwrap_or_else(|| panic!("{failure}"));
    list.to_owned()
}

#[test]
fn a_process_is_named_with_its_ancestors() {
    let list = left(async |node: &Node| {
        let parent = node.spawn_fn_with(
            &SpawnOptions::new().name("parent"),
            |mut me: Process<Word>| async move {
                me.spawn_with(&SpawnOptions::new(), idle).expect("spawned");
                me.recv().await;
            },
        );
        parent.expect("spawned");
    });
    assert_eq!(
        list,
        "  process `parent` (testkit::leaks::a_process_is_named_with_its_ancestors) <0.1>, started \
         by the test or code outside any process\n  process testkit::leaks::idle <1.1>, started by \
         `parent` (testkit::leaks::a_process_is_named_with_its_ancestors) <0.1>"
    );
}

#[test]
fn an_orphan_says_that_its_parent_has_ended() {
    let list = left(async |node: &Node| {
        let parent = node.spawn_fn(|me: Process<Word>| async move {
            me.spawn_with(&SpawnOptions::new(), idle).expect("spawned");
        });
        node.down(&parent.expect("spawned")).await;
    });
    assert_eq!(
        list,
        "  process testkit::leaks::idle <1.1>, started by <0.1> (ended)"
    );
}

/// A timer outlives whoever set it, when it is for another.
#[test]
fn a_timer_is_named_by_what_it_brings() {
    let list = left(async |node: &Node| {
        let setter = node.spawn_fn(|me: Process<Word>| async move {
            me.send_after_named(secs(60), "somebody", Word::Failed);
        });
        node.down(&setter.expect("spawned")).await;
    });
    assert_eq!(list, "  timer of `Word` to `somebody`, due in 59.99s");
}

#[test]
fn many_are_counted() {
    let list = left(async |node: &Node| {
        for _ in 0..50 {
            node.spawn_fn(idle).expect("spawned");
        }
    });
    assert_eq!(list.lines().count(), 21, "{list}");
    assert!(list.ends_with("and 30 more"), "{list}");
}

/// What goes by itself within the bound is not left.
#[foundation::test(leak_check)]
async fn what_ends_in_time_is_not_left(node: Node) {
    let short = node.spawn_fn(|me: Process<Word>| async move {
        me.node().sleep(ms(5)).await;
    });
    short.expect("spawned");
}

#[test]
fn a_test_fails_by_what_it_leaves_unless_it_may() {
    let run = |may: bool| {
        failure_of(move |world| async move {
            let t = <Test as foundation::TestInput>::from_world(&world);
            t.node().spawn_fn(idle).expect("spawned");
            if may {
                t.allow_leaks();
            }
            t.finish().await;
        })
    };
    assert_eq!(run(true), None);
    assert!(run(false).expect("left").contains("testkit::leaks::idle"));
}

/// On a node that others use, only what is new is left: names and monitors of those that were there
/// before as well.
#[tokio::test]
async fn only_what_is_new_is_left() {
    let node = Node::builder().start().expect("started");
    let watching = |mut me: Process<Watch>| async move {
        while let Mail::Msg(Watch(target)) = me.recv().await {
            me.monitor(target);
        }
    };
    let old = node.spawn_fn(watching).expect("spawned");
    let other = node.spawn_fn(idle).expect("spawned");
    let before = Survey::of(&node).await;
    assert!(before.leaks(&node, ms(0)).await.is_empty());
    node.register("old", &old).expect("free");
    old.send(Watch(other.pid())).expect("local");
    let new = node.spawn_fn(idle).expect("spawned");
    let leaks = before.leaks(&node, ms(0)).await.0;
    assert_eq!(leaks.len(), 3, "{leaks:?}");
    assert!(matches!(&leaks[0], Leak::Process { pid, .. } if *pid == new.pid()));
    assert!(matches!(&leaks[1], Leak::Name { name, .. } if &**name == "old"));
    let (watcher, target) = (old.pid(), other.pid());
    assert_eq!(leaks[2], Leak::Monitor { watcher, target });
    assert!(leaks[2].to_string().starts_with("monitor of"));
    // A wait from outside is one, too.
    let survey = Survey::of(&node).await;
    {
        let mut down = std::pin::pin!(node.down(&other));
        assert!(futures::poll!(down.as_mut()).is_pending());
        let leaks = survey.leaks(&node, ms(0)).await.0;
        assert_eq!(leaks, [Leak::Waits(1)]);
    }
    assert!(survey.leaks(&node, ms(0)).await.is_empty());
    scoped(&node, async |_| ()).await;
    node.shutdown(secs(5)).await.expect("in order");
}
