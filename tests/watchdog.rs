//! Is a handler named that holds a worker, and nobody else?
//!
//! Role  Handlers that compute and that block, on real threads; many short ones that do neither.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foundation::Stuck;
use foundation::prelude::*;

struct Hog {
    handled: Arc<AtomicU32>,
}

#[actor]
impl Hog {
    /// Computes for so long.
    #[cast(local)]
    fn compute(&mut self, time: Duration, cx: &mut Cx<Self>) {
        let node = cx.node();
        let until = node.now() + time;
        while node.now() < until {
            std::hint::spin_loop();
        }
        self.handled.fetch_add(1, Ordering::AcqRel);
    }

    /// Blocks its thread for so long.
    #[cast(local)]
    fn block(&mut self, time: Duration) {
        let (_never, receiver) = std::sync::mpsc::channel::<()>();
        let _ = receiver.recv_timeout(time);
    }
}

/// How often a stuck thread is asked for its stack.
const ATTEMPTS: u32 = 10;

fn hog(node: &Node) -> (Ref<Hog>, Arc<AtomicU32>) {
    let handled = Arc::new(AtomicU32::new(0));
    let hog = Hog {
        handled: Arc::clone(&handled),
    };
    (node.spawn(hog).expect("spawned"), handled)
}

/// What the watchdog says of a process, once it says it.
async fn named(node: &Node, pid: Pid, returned: bool) -> Stuck {
    loop {
        let mut stuck = node.stuck().into_iter();
        if let Some(found) = stuck.find(|stuck| stuck.pid == pid && stuck.returned == returned) {
            return found;
        }
        node.sleep(ms(1)).await;
    }
}

#[test]
fn a_handler_that_does_not_come_back_is_named_while_it_runs() {
    let node = Node::builder().workers(1).start().expect("started");
    let (computes, _) = hog(&node);
    let (blocks, _) = hog(&node);
    node.register("slow", &blocks).expect("free");
    node.block_on(async {
        for (hog, method, name) in [
            (&computes, "Hog::compute", None),
            (&blocks, "Hog::block", Some("slow")),
        ] {
            let start = || match name {
                None => computes.compute(secs(2)).expect("local"),
                Some(_) => blocks.block(secs(2)).expect("local"),
            };
            start();
            let mut stuck = named(&node, hog.pid(), false).await;
            // A machine that does much else may not let the thread answer in time, and where code is
            // on its way into another library no stack can be seen.
            let handler = method.replace("Hog::", "watchdog::Hog::");
            for _ in 0..ATTEMPTS {
                let stack = stuck.stack.as_ref().map(ToString::to_string);
                let is_whole = stack.is_some_and(|stack| stack.contains(&handler));
                if is_whole || !cfg!(target_env = "gnu") {
                    break;
                }
                named(&node, hog.pid(), true).await;
                start();
                stuck = named(&node, hog.pid(), false).await;
            }
            assert_eq!((&*stuck.code, stuck.message), ("Hog", Some(method)));
            assert_eq!(stuck.name.as_deref(), name);
            assert!(stuck.held >= ms(10));
            #[cfg(all(target_os = "linux", target_env = "gnu"))]
            {
                let stack = stuck.stack.expect("the thread answers").to_string();
                assert!(stack.contains(&handler), "{stack}");
                assert!(
                    !stack.contains("foundation_runtime::scheduler::"),
                    "{stack}"
                );
            }
        }
        for hog in [&computes, &blocks] {
            named(&node, hog.pid(), true).await;
        }
    });
    node.shutdown_blocking(secs(20)).expect("stopped");
}

/// A thread that is asked where it is goes on as before, and is not asked when the node says so.
#[test]
fn a_stuck_thread_is_not_disturbed() {
    for stacks in [true, false] {
        let node = Node::builder().workers(1).stuck_stacks(stacks).start();
        let node = node.expect("started");
        let (done, woken) = foundation::promise(&node);
        let has_stack = stacks && cfg!(target_env = "gnu");
        let body = move |me: Process<Nothing>| async move {
            let begun = me.node().now();
            let (_never, receiver) = std::sync::mpsc::channel::<()>();
            let _ = receiver.recv_timeout(ms(300));
            done.send(me.node().now() - begun);
        };
        let process = node.spawn_fn(body).expect("spawned");
        node.block_on(async {
            let stuck = named(&node, process.pid(), false).await;
            // It may not answer in time; it never answers when it is not asked.
            assert!(has_stack || stuck.stack.is_none());
            let slept = woken.timeout(secs(20)).await.expect("it wakes");
            assert!(slept >= ms(300), "{slept:?}");
        });
        node.shutdown_blocking(secs(5)).expect("stopped");
    }
}

/// A slice of many handlers lasts long, and none of them is to blame; and before it is through, its
/// worker's other processes have had their turn.
#[test]
fn many_short_handlers_are_nobodys_fault_and_keep_nobody_waiting() {
    const MESSAGES: u32 = 500;
    let node = Node::builder().workers(1).start().expect("started");
    let (busy, handled) = hog(&node);
    let count = Arc::clone(&handled);
    let flood = move |me: Process<Nothing>| async move {
        // Both lie there when this one gives way.
        for _ in 0..MESSAGES {
            busy.compute(Duration::from_micros(400)).expect("local");
        }
        let seen = Task::spawn_nolink(&me.node(), async move { count.load(Ordering::Acquire) });
        seen.expect("spawned").await
    };
    let (reply, answer) = foundation::promise(&node);
    node.spawn_fn(move |me| async move { reply.send(flood(me).await) })
        .expect("spawned");
    let seen = node.block_on(answer.timeout(secs(60)));
    let seen = seen.expect("answered").expect("counted");
    assert!(seen < MESSAGES, "{seen} of {MESSAGES} came first");
    node.block_on(async {
        while handled.load(Ordering::Acquire) < MESSAGES {
            node.sleep(ms(1)).await;
        }
    });
    assert_eq!(node.stuck(), []);
    node.shutdown_blocking(secs(5)).expect("stopped");
}

/// Nobody writes to it.
#[derive(Debug, Message)]
#[message(local)]
enum Nothing {}
