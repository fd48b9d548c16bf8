//! Does it hold under weight?
//!
//! The ones marked `ignored` take minutes or gigabytes; they are the long suite:
//! `cargo test --release --test stress -- --ignored --test-threads=1`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use foundation::prelude::*;
use foundation::{Restart, time};

/// Counts itself while it is alive.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Leaf {
    _alive: Alive,
}

#[actor]
impl Leaf {
    #[init]
    fn init(alive: Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::AcqRel);
        Self {
            _alive: Alive(alive),
        }
    }

    #[cast(local)]
    fn work(&mut self) {}
}

#[derive(Message)]
#[message(local)]
struct Nothing;

fn node() -> Node {
    Node::builder().start().expect("a node starts")
}

/// What stands alone in the queue of a worker is left to that worker, but not for longer than one
/// handler may hold it.
#[test]
fn what_stands_alone_behind_a_long_handler_runs() {
    let node = Node::builder()
        .workers(2)
        .spare_workers(0)
        .watchdog(secs(3600))
        .start()
        .expect("a node starts");
    let (ran, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (running, seeing) = (Arc::clone(&ran), Arc::clone(&seen));
    let hold = move |me: Process<Nothing>| async move {
        let node = me.node();
        let count = Arc::clone(&running);
        let short = move |_: Process<Nothing>| async move {
            count.fetch_add(1, Ordering::AcqRel);
        };
        node.spawn_fn(short).expect("the node takes a process");
        let until = node.now() + secs(10);
        while running.load(Ordering::Acquire) == 0 && node.now() < until {
            std::hint::spin_loop();
        }
        seeing.fetch_add(1 + running.load(Ordering::Acquire), Ordering::AcqRel);
    };
    let holder = node.spawn_fn(hold).expect("the node takes a process");
    node.block_on(node.down(holder.pid()));
    assert_eq!(
        seen.load(Ordering::Acquire),
        2,
        "it ran before the other came back"
    );
}

/// Takes turns of a fifth of a millisecond until two have been seen in theirs at once.
async fn take_turns(node: Node, inside: Arc<AtomicUsize>, both: Arc<AtomicUsize>) {
    let until = node.now() + secs(20);
    while both.load(Ordering::Acquire) == 0 && node.now() < until {
        inside.fetch_add(1, Ordering::AcqRel);
        let turn = node.now() + ms(1) / 5;
        while node.now() < turn {
            if inside.load(Ordering::Acquire) == 2 {
                both.store(1, Ordering::Release);
            }
        }
        inside.fetch_sub(1, Ordering::AcqRel);
        time::yield_now().await;
    }
}

/// Two processes of one worker that always have something to do: the other worker takes one.
#[test]
fn two_that_take_turns_are_parted() {
    let node = Node::builder().workers(2).start().expect("a node starts");
    let (inside, both) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&both);
    let first = move |me: Process<Nothing>| async move {
        let (also_inside, also_both) = (Arc::clone(&inside), Arc::clone(&both));
        // Until the other worker, woken for this one, sleeps again.
        for _ in 0..50 {
            let turn = me.node().now() + ms(1) / 5;
            while me.node().now() < turn {}
            time::yield_now().await;
        }
        let second = move |me: Process<Nothing>| take_turns(me.node(), also_inside, also_both);
        me.node()
            .spawn_fn(second)
            .expect("the node takes a process");
        take_turns(me.node(), inside, both).await;
    };
    let first = node.spawn_fn(first).expect("the node takes a process");
    node.block_on(node.down(first.pid()));
    assert_eq!(seen.load(Ordering::Acquire), 1, "they never ran at once");
    node.shutdown_blocking(secs(20)).expect("nothing is left");
}

/// Starts so many children under one supervisor, and shuts the tree down in order.
fn tree_of(children: usize) {
    let node = node();
    let alive = Arc::new(AtomicUsize::new(0));
    node.block_on(async {
        let top = Supervisor::dynamic::<Leaf>()
            .restart(Restart::Temporary)
            .start(&node);
        let top = top.await.expect("it starts");
        let (counter, tree) = (Arc::clone(&alive), top.clone());
        let mut starter = Task::spawn_nolink(&node, async move {
            for _ in 0..children {
                let started = tree.start_child(Arc::clone(&counter)).await;
                started
                    .expect("an answer")
                    .expect("a child")
                    .expect("not ignored");
            }
        })
        .expect("a task starts");
        starter.join(secs(600)).await.expect("all children start");
        assert_eq!(alive.load(Ordering::Acquire), children);
        let counts = top.count_children().await.expect("an answer");
        assert_eq!((counts.active, counts.workers), (children, children));
        node.stop(&top, Reason::Shutdown, secs(300))
            .await
            .expect("it stops in order");
        assert_eq!(alive.load(Ordering::Acquire), 0, "a state was not dropped");
    });
    node.shutdown_blocking(secs(20)).expect("nothing is left");
}

#[test]
fn a_tree_of_twenty_thousand_is_shut_down() {
    tree_of(20_000);
}

#[test]
#[ignore = "a million processes: half a gigabyte"]
fn a_tree_of_a_million_is_shut_down() {
    tree_of(1_000_000);
}

struct Sink {
    seen: Arc<AtomicU64>,
}

#[actor]
impl Sink {
    #[cast]
    fn put(&mut self, value: u64) {
        self.seen.fetch_add(value, Ordering::Relaxed);
    }
}

struct Echo;

#[actor]
impl Echo {
    #[call]
    fn echo(&self, value: u64) -> u64 {
        value
    }
}

/// Four senders flood one process while another one answers calls all along.
fn flood(messages: u64) {
    let node = node();
    let seen = Arc::new(AtomicU64::new(0));
    node.block_on(async {
        let sink = node
            .spawn(Sink {
                seen: Arc::clone(&seen),
            })
            .expect("it starts");
        let echo = node.spawn(Echo).expect("it starts");
        for _ in 0..4 {
            let sink = sink.clone();
            let sender = async move {
                for at in 0..messages / 4 {
                    sink.put(1).expect("a local cast is taken");
                    if at % 256 == 0 {
                        foundation::time::yield_now().await;
                    }
                }
            };
            drop(Task::spawn_nolink(&node, sender).expect("it starts"));
        }
        let mut calls = 0_u64;
        while seen.load(Ordering::Relaxed) < messages {
            assert_eq!(echo.echo(calls).timeout(secs(30)).await, Ok(calls));
            calls += 1;
        }
        assert!(calls > 0);
    });
    node.shutdown_blocking(secs(60)).expect("nothing is left");
    assert_eq!(seen.load(Ordering::Relaxed), messages);
}

#[test]
fn a_flood_of_a_million_messages_delays_nobody_for_ever() {
    flood(1_000_000);
}

#[test]
#[ignore = "fifty million messages: gigabytes while they wait"]
fn a_flood_of_fifty_million_messages_delays_nobody_for_ever() {
    flood(50_000_000);
}

/// A process with a long mailbox is killed: the messages are refused, none is leaked.
#[test]
fn a_flooded_process_dies_with_its_mailbox() {
    let node = node();
    let alive = Arc::new(AtomicUsize::new(0));

    #[derive(Message)]
    #[message(local)]
    struct Weight(Alive);

    node.block_on(async {
        let hoarder = node.spawn_fn(|mut me: Process<Weight>| async move {
            me.receive(|mail| match mail {
                Mail::Exit(exit) => Ok(exit),
                other => Err(other),
            })
            .await;
        });
        let hoarder = hoarder.expect("it starts");
        for _ in 0..100_000 {
            alive.fetch_add(1, Ordering::AcqRel);
            hoarder
                .send(Weight(Alive(Arc::clone(&alive))))
                .expect("a local message is taken");
        }
        node.exit(&hoarder, Reason::Kill);
        let down = node.down(&hoarder).await;
        assert!(
            matches!(down.reason, Reason::Killed | Reason::NoProc),
            "{down:?}"
        );
        // The rest of a long mailbox is dropped on the reaper's thread.
        while alive.load(Ordering::Acquire) > 0 {
            node.sleep(ms(1)).await;
        }
    });
    node.shutdown_blocking(secs(20)).expect("nothing is left");
}

/// A hundred thousand linked processes fall with one.
#[test]
fn a_hundred_thousand_exits_at_once() {
    let node = node();
    let alive = Arc::new(AtomicUsize::new(0));

    #[derive(Message)]
    #[message(local)]
    enum Nothing {}

    node.block_on(async {
        let (count, hub_alive) = (100_000, Arc::clone(&alive));
        let (ready, hub_ready) = foundation::promise(&node);
        let hub = node.spawn_fn(move |mut me: Process<Nothing>| async move {
            for _ in 0..count {
                hub_alive.fetch_add(1, Ordering::AcqRel);
                let guard = Alive(Arc::clone(&hub_alive));
                let options = SpawnOptions::new().link();
                let child = move |mut me: Process<Nothing>| async move {
                    let _guard = guard;
                    me.recv().await;
                };
                me.spawn_with(&options, child).expect("it starts");
            }
            ready.send(());
            me.recv().await;
        });
        let hub = hub.expect("it starts");
        hub_ready.timeout(secs(60)).await.expect("all are there");
        node.exit(&hub, Reason::other("boom"));
        while alive.load(Ordering::Acquire) > 0 {
            node.sleep(ms(1)).await;
        }
    });
    node.shutdown_blocking(secs(20)).expect("nothing is left");
}
