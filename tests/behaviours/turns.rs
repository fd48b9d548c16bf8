//! Does a timer wait for others' turns, when nobody is idle? And when nobody has room?

use foundation::prelude::*;
use foundation::promise;

#[derive(Message)]
#[message(local)]
struct Never;

/// So many turns, each as long as a slice may be: a fair scheduler hands over after a few.
const TURNS: u32 = 40;

/// A process that gives way again and again does not keep one from running whose timer has fired:
/// that would wait in the queue of all workers until this one has had 64 turns.
#[test]
fn a_timer_is_served_beside_one_that_only_gives_way() {
    let node = Node::builder().workers(1).start().expect("a node starts");
    let (reply, woken) = promise(&node);
    let (tell, told) = std::sync::mpsc::channel();
    let sleeper = move |me: Process<Never>| async move {
        reply.send(());
        me.node().sleep(foundation::ms(2)).await;
        tell.send(()).ok();
    };
    node.spawn_fn(sleeper).expect("there is room");
    node.block_on(woken).expect("it sleeps");
    let (reply, turns) = promise(&node);
    let busy = move |me: Process<Never>| async move {
        let mut turns = 0;
        while turns < TURNS && told.try_recv().is_err() {
            turns += 1;
            let start = me.node().now();
            while me.node().now().saturating_sub(start) < foundation::ms(4) {
                std::hint::spin_loop();
            }
            foundation::time::yield_now().await;
        }
        reply.send(turns);
    };
    node.spawn_fn(busy).expect("there is room");
    let turns = node.block_on(turns).expect("it counts");
    assert!(turns < TURNS, "it has not run in {turns} turns");
}

/// Timers wake more processes than fit into a worker's queue, while others fill it by giving way: all
/// of them go on.
#[test]
fn timers_are_served_when_there_is_room_for_nobody() {
    const PROCESSES: usize = 1500;
    let node = Node::builder().workers(1).start().expect("a node starts");
    let mut ends = Vec::new();
    for _ in 0..PROCESSES {
        let (reply, ended) = promise(&node);
        let body = move |me: Process<Never>| async move {
            for _ in 0..5 {
                me.node().sleep(foundation::ms(2)).await;
                for _ in 0..40 {
                    foundation::time::yield_now().await;
                }
            }
            reply.send(());
        };
        node.spawn_fn(body).expect("there is room");
        ends.push(ended.timeout(secs(60)));
    }
    node.block_on(async {
        for ended in ends {
            ended.await.expect("it goes on");
        }
    });
}

/// A bound ends what always gives way and never waits: also where time stands while anybody can run.
#[foundation::test(seeds = 5)]
async fn a_bound_ends_what_always_gives_way(node: Node) {
    let (reply, ended) = promise(&node);
    let body = move |me: Process<Never>| async move {
        let forever = async {
            loop {
                foundation::time::yield_now().await;
            }
        };
        let ended: Option<()> =
            foundation::time::timeout_on(&me.node(), foundation::ms(300), forever).await;
        reply.send(ended);
    };
    node.spawn_fn(body).expect("there is room");
    assert_eq!(ended.timeout(secs(60)).await, Ok(None));
}
