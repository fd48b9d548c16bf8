//! How does a program's tree start and stop as one thing?
//!
//! Source     otp: application; otp

use foundation::prelude::*;
use foundation::{Application, ApplicationError, Term, child_fn};

use crate::support::{Cfg, LONG, Log, Word, boom, kid, kid_of};

const TOP: Name<Supervisor> = Name::new("top");

fn tree(log: &Log) -> foundation::SupervisorBuilder {
    Supervisor::one_for_one()
        .child(kid(log, "a"))
        .child(kid(log, "b"))
        .name(TOP)
}

fn application(log: &Log, tree: foundation::SupervisorBuilder) -> Application {
    let (before, after) = (log.clone(), log.clone());
    Application::new("shop", tree)
        .prep_stop(move |node| before.note(format!("prep, top: {}", node.whereis("top").is_some())))
        .on_stop(move |node| after.note(format!("stopped, top: {}", node.whereis("top").is_some())))
}

/// otp: a start waits for the whole tree; a stop runs prep_stop, stops the tree in reverse
/// order, and runs the stop hook when nothing of it is left.
#[foundation::test]
async fn an_application_starts_and_stops_in_order(node: Node) {
    let log = Log::default();
    let shop = application(&log, tree(&log)).start(&node).await;
    let shop = shop.expect("started");
    assert_eq!(shop.name(), "shop");
    assert_eq!(log.take(), ["init a", "ready a", "init b", "ready b"]);
    let kid = kid_of(shop.supervisor(), "a").await;
    assert_eq!(kid.title().await, Ok("a".to_owned()));
    assert_eq!(shop.stop(LONG).await, Ok(()));
    let order = [
        "prep, top: true",
        "stop b: shutdown",
        "gone b",
        "stop a: shutdown",
        "gone a",
        "stopped, top: false",
    ];
    assert_eq!(log.take(), order);
    assert_eq!(node.processes(), []);
}

/// otp: a start that fails leaves nothing, and runs no hook.
#[foundation::test]
async fn a_failed_start_leaves_nothing(node: Node) {
    let log = Log::default();
    let failing = Cfg::new(&log, "c").starts(|_| Err(Stop::new(boom())));
    let tree = tree(&log).child(failing.child());
    let error = application(&log, tree).start(&node).await;
    assert_eq!(node.whereis("top"), None);
    assert_eq!(node.processes(), []);
    let reason = Reason::shutdown_with(Term::tuple([
        Term::atom("failed_to_start_child"),
        Term::from("c"),
        Term::atom("boom"),
    ]));
    let expected = ApplicationError::Start("shop".into(), StartError::Failed(reason));
    assert_eq!(error.expect_err("c fails"), expected);
    assert_eq!(
        log.take()[5..],
        ["stop b: shutdown", "gone b", "stop a: shutdown", "gone a"]
    );
}

/// otp: the end of the top supervisor by itself is told; a stop after it runs the hooks.
#[foundation::test]
async fn an_application_that_ends_by_itself(node: Node) {
    let log = Log::default();
    let tree = tree(&log).intensity(0, secs(5));
    let shop = application(&log, tree).start(&node).await;
    let shop = shop.expect("started");
    let kid = kid_of(shop.supervisor(), "a").await;
    let end = async {
        let mut ended = std::pin::pin!(shop.ended());
        // The wait begins before the end does.
        assert!(futures::poll!(ended.as_mut()).is_pending());
        kid.crash().expect("portable");
        ended.await
    };
    assert_eq!(end.await, Reason::Shutdown);
    log.take();
    assert_eq!(shop.stop(LONG).await, Ok(()));
    assert_eq!(log.take(), ["prep, top: false", "stopped, top: false"]);
}

/// otp: a tree that does not stop in time is killed; the stop says so and runs its hook.
#[foundation::test]
async fn a_tree_that_does_not_stop_is_killed(w: World) {
    let (node, log) = (w.node(), Log::default());
    let notes = log.clone();
    let deaf = move |mut me: Process<Word>| {
        let notes = notes.clone();
        async move {
            me.trap_exit(true);
            notes.note("deaf");
            loop {
                me.recv().await;
            }
        }
    };
    let tree = Supervisor::one_for_one()
        .child(child_fn("deaf", deaf).shutdown_infinity())
        .name(TOP);
    let shop = application(&log, tree).start(&node).await;
    let shop = shop.expect("started");
    log.until(&w, "deaf").await;
    log.take();
    let killed = shop.stop(ms(20)).await;
    assert_eq!(killed, Err(ApplicationError::Killed("shop".into())));
    assert_eq!(log.take(), ["prep, top: true", "stopped, top: false"]);
    assert_eq!(node.processes(), []);
}
