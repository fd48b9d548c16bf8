//! Where and when is what the dead leave freed?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::prelude::*;
use foundation::promise;

#[derive(Message)]
#[message(local)]
struct Told;

/// Says when it is dropped, and whether that was in a process.
struct State {
    order: Arc<AtomicU64>,
    held: Vec<Vec<u8>>,
}

const DROPPED: u64 = 1;
const TOLD_BEFORE: u64 = 2;

impl Drop for State {
    fn drop(&mut self) {
        self.order.fetch_or(DROPPED, Ordering::SeqCst);
    }
}

/// Holds so much, says so, and waits for its end.
async fn holder(me: Process<Told>, order: Arc<AtomicU64>, blocks: usize, ready: ReplyTo<()>) {
    let state = State {
        order,
        held: vec![vec![0; 1000]; blocks],
    };
    ready.send(());
    me.node().sleep(secs(1000)).await;
    unreachable!("it is killed with {} blocks", state.held.len());
}

/// Links with a holder, and says whether its state was dropped when the exit came.
async fn ends(node: &Node, options: SpawnOptions, blocks: usize) -> u64 {
    let order = Arc::new(AtomicU64::new(0));
    let (theirs, seen) = (Arc::clone(&order), Arc::clone(&order));
    let watcher = move |mut me: Process<Told>| async move {
        me.trap_exit(true);
        let options = options.link();
        let (ready, loaded) = promise(&me.node());
        let body = move |me| holder(me, theirs, blocks, ready);
        let (holder, _) = me.spawn_with(&options, body).expect("there is room");
        loaded.await.expect("it says so");
        me.exit(holder.pid(), Reason::Kill);
        let exit = me.recv().await;
        assert!(matches!(exit, Mail::Exit(exit) if exit.from == holder.pid()));
        if seen.load(Ordering::SeqCst) & DROPPED == 0 {
            seen.fetch_or(TOLD_BEFORE, Ordering::SeqCst);
        }
    };
    let watcher = node.spawn_fn(watcher).expect("there is room");
    node.down(watcher.pid()).await;
    for _ in 0..1000 {
        if order.load(Ordering::SeqCst) & DROPPED != 0 {
            break;
        }
        node.sleep(foundation::ms(2)).await;
    }
    order.load(Ordering::SeqCst)
}

/// A small heap is gone when its end is told, and a large one that asks for it.
#[foundation::test]
async fn what_is_small_is_gone_before_the_news(node: Node) {
    assert_eq!(ends(&node, SpawnOptions::new(), 100).await, DROPPED);
    let first = SpawnOptions::new().release_first();
    assert_eq!(ends(&node, first, 4000).await, DROPPED);
}

/// A large heap is freed all the same, and nothing of it stays on any account.
#[foundation::test]
async fn what_is_large_is_freed_after_the_news(world: World) {
    let node = world.node();
    let seen = ends(&node, SpawnOptions::new(), 4000).await;
    assert_eq!(seen & DROPPED, DROPPED);
    let left = || node.memory().expect("this program counts").left;
    for _ in 0..1000 {
        if left() == 0 {
            break;
        }
        node.sleep(foundation::ms(2)).await;
    }
    assert_eq!(left(), 0);
}

/// Not before its end has been told; or it panics when it is dropped.
struct Slow(Vec<u8>, Arc<AtomicU64>);

impl Drop for Slow {
    fn drop(&mut self) {
        for _ in 0..100_000_000 {
            if self.1.load(Ordering::SeqCst) != 0 {
                self.1.store(2, Ordering::SeqCst);
                return;
            }
            std::hint::spin_loop();
        }
        panic!("the news waits for {} bytes", self.0.len());
    }
}

/// The news of a large heap does not wait until it is freed, and neither does the worker.
#[foundation::test(real, workers = 1)]
async fn the_news_does_not_wait_for_a_large_heap(node: Node) {
    let heard = Arc::new(AtomicU64::new(0));
    let (theirs, (ready, loaded)) = (Arc::clone(&heard), promise(&node));
    let large = node.spawn_fn(|me: Process<Told>| async move {
        let state = Slow(vec![0; 3 << 20], theirs);
        ready.send(());
        me.node().sleep(secs(1000)).await;
        unreachable!("it is killed with {} bytes", state.0.len());
    });
    let large = large.expect("there is room").pid();
    loaded.await.expect("it says so");
    let kill = async { node.exit(large, Reason::Kill) };
    let (down, ()) = futures::future::join(node.down(large), kill).await;
    assert_eq!(down.reason, Reason::Killed);
    heard.store(1, Ordering::SeqCst);
    for _ in 0..1000 {
        if heard.load(Ordering::SeqCst) == 2 {
            break;
        }
        node.sleep(foundation::ms(2)).await;
    }
    assert_eq!(heard.load(Ordering::SeqCst), 2);
}

/// Says whether it is dropped by a process.
struct Weight(std::sync::mpsc::Sender<bool>);

impl Drop for Weight {
    fn drop(&mut self) {
        self.0.send(foundation::me().is_some()).ok();
    }
}

fn dropped_by_a_process(told: &std::sync::mpsc::Receiver<bool>) -> bool {
    let patience = std::time::Duration::from_secs(60);
    told.recv_timeout(patience).expect("it is dropped")
}

/// What a process gives to the reaper is dropped there; in a simulation at once.
#[foundation::test]
async fn a_value_is_dropped_on_the_reaper(world: World) -> foundation::Result {
    let node = world.node();
    let (tell, told) = std::sync::mpsc::channel();
    node.spawn_fn(move |me: Process<Told>| async move { me.node().reap(Weight(tell)) })?;
    node.sleep(foundation::ms(1)).await;
    assert_eq!(dropped_by_a_process(&told), world.is_simulated());
    Ok(())
}

/// A large table is dropped there when its owner ends, a small one by its owner.
#[foundation::test]
async fn a_large_table_is_dropped_on_the_reaper(world: World) -> foundation::Result {
    let node = world.node();
    for (objects, large) in [(10, false), (5000, true)] {
        let (tell, told) = std::sync::mpsc::channel();
        let keeper = node.spawn_fn(move |me: Process<Told>| async move {
            let table = foundation::table::Table::<u32, Weight>::set(&me.node())
                .create()
                .expect("it is a process");
            for object in 0..objects {
                let weight = Weight(tell.clone());
                table.insert(object, weight).expect("there is room");
            }
        })?;
        node.down(keeper.pid()).await;
        let here = dropped_by_a_process(&told);
        assert_eq!(here, world.is_simulated() || !large, "{objects} objects");
    }
    Ok(())
}
