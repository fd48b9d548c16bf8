//! Does a node end its trees in order, whoever started them?
//!
//! Source     otp: init:stop/0; application_controller

use foundation::prelude::*;
use foundation::{SupervisorBuilder, me};

use crate::support::{Cfg, LONG, Log, Word, kid};

fn tree(log: &Log) -> SupervisorBuilder {
    let inner = Supervisor::one_for_one()
        .child(kid(log, "b"))
        .child(kid(log, "c"));
    Supervisor::one_for_one().child(kid(log, "a")).child(inner)
}

const IN_ORDER: [&str; 6] = [
    "stop c: shutdown",
    "gone c",
    "stop b: shutdown",
    "gone b",
    "stop a: shutdown",
    "gone a",
];

/// Ends the node, and checks that its tree went in order and without waiting for anything.
async fn ends_in_order(w: &World, node: &Node, log: &Log) {
    log.take();
    let before = node.now();
    assert_eq!(node.shutdown(LONG).await, Ok(()));
    let took = node.now() - before;
    assert_eq!(log.take(), IN_ORDER);
    let bound = if w.is_simulated() { ms(1) } else { secs(10) };
    assert!(took < bound, "{took:?} of {LONG:?}");
    assert_eq!(node.processes(), []);
}

/// A tree that was started from outside any process.
#[foundation::test(seeds = 10)]
async fn a_tree_started_from_outside_ends_in_order(w: World) {
    let (node, log) = (w.node(), Log::default());
    tree(&log).start(&node).await.expect("started");
    ends_in_order(&w, &node, &log).await;
}

/// Trees whose starter has ended: nobody is left who would ask them to end, but the node.
#[foundation::test(seeds = 10)]
async fn a_tree_whose_starter_has_ended_ends_in_order(w: World) {
    let (node, log) = (w.node(), Log::default());
    let (tree, own) = (tree(&log), node.clone());
    let start = async move { tree.start(&own).await.map(|tree| tree.pid()) };
    let mut task = Task::spawn_nolink(&node, start).expect("spawned");
    let pid = task.join(LONG).await.expect("done").expect("started");
    node.down(task.pid()).await;
    assert!(node.is_alive(pid));
    ends_in_order(&w, &node, &log).await;
}

/// A tree whose starter lives until the node ends, and is not linked with it.
#[foundation::test(seeds = 10)]
async fn a_tree_whose_starter_ends_with_the_node_ends_in_order(w: World) {
    let (node, log) = (w.node(), Log::default());
    let (tree, notes) = (tree(&log), log.clone());
    let starter = async move |me: Process<Word>| {
        tree.start(&me.node()).await.expect("started");
        notes.note("idle");
        std::future::pending::<()>().await;
    };
    node.spawn_fn(starter).expect("spawned");
    log.until(&w, "idle").await;
    ends_in_order(&w, &node, &log).await;
}

/// A server that traps exits and was started by a process that has ended hears of the end.
#[foundation::test(seeds = 10)]
async fn a_server_whose_starter_has_ended_terminates(node: Node) {
    let log = Log::default();
    let (cfg, own) = (Cfg::new(&log, "a"), node.clone());
    let start = async move { own.start::<crate::support::Kid>(cfg).await.map(drop) };
    let mut task = Task::spawn_nolink(&node, start).expect("spawned");
    task.join(LONG).await.expect("done").expect("started");
    node.down(task.pid()).await;
    log.take();
    assert_eq!(node.shutdown(LONG).await, Ok(()));
    assert_eq!(log.take(), ["stop a: shutdown", "gone a"]);
}

/// While the trees end in order a process may still start another; when everybody is asked, who
/// does not listen starts nothing again.
#[foundation::test(simulated, seeds = 10)]
async fn nothing_is_started_again_when_the_time_is_up(w: World) {
    let node = w.node();
    /// Starts a helper when it is told to end.
    struct Helped(Log);

    #[actor]
    impl Helped {
        #[init]
        fn init(log: Log, cx: &mut Cx<Self>) -> Self {
            cx.trap_exit(true);
            Self(log)
        }

        #[terminate]
        async fn bye(&mut self) {
            let node = me().expect("a process").node();
            let help = Task::spawn_nolink(&node, async {});
            self.0.note(format!("helped: {}", help.is_ok()));
        }
    }

    let log = Log::default();
    let helped = child_with::<Helped>(log.clone());
    let tree = Supervisor::one_for_one().child(helped).start(&node);
    tree.await.expect("started");
    // It does not listen, and starts again what ends.
    let notes = log.clone();
    let stubborn = async move |mut me: Process<Word>| {
        me.trap_exit(true);
        let options = SpawnOptions::new().link();
        loop {
            let idle = |_: Process<Word>| std::future::pending::<()>();
            let helper = me.node().spawn_fn_with(&options, idle);
            notes.note(format!("started: {}", helper.is_ok()));
            loop {
                match me.recv().await {
                    Mail::Exit(exit) if Some(exit.from) != me.supervisor() => break,
                    _ => {}
                }
            }
        }
    };
    node.spawn_fn(stubborn).expect("spawned");
    log.until(&w, "started: true").await;
    assert_eq!(node.shutdown(secs(10)).await, Ok(()));
    let expected = ["started: true", "helped: true", "started: false"];
    assert_eq!(log.take(), expected);
}
