//! Do processes of one heap group live under one bound, and are they freed together?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::heap::HeapGroup;
use foundation::prelude::*;
use foundation::{Ecosystem, MaxHeap, MemoryStrategy, SpawnError, Supervision, Workers, promise};

use crate::events;
use crate::limit::{BOUND, Told, code, end_of, kept, start_with};

const MEMBERS: usize = 4;
const LONG: std::time::Duration = secs(20);

fn members(node: &Node, group: &HeapGroup) -> Vec<ProcessRef<Told>> {
    let options = SpawnOptions::new().heap_group(group);
    let start = |_| start_with(node, &options);
    (0..MEMBERS).map(start).collect()
}

fn tell(process: &ProcessRef<Told>, told: Told) {
    process.send(told).expect("it is a local process");
}

/// No member passes the bound by itself; together they do, and all of them end.
#[foundation::test]
async fn together_they_hold_too_much_and_all_are_killed(world: World) {
    let (node, name) = (world.node(), code(&world, "all simulated", "all real"));
    let before = events::about(name);
    let group = HeapGroup::new(&node, name, MaxHeap::bytes(BOUND as u64));
    let all = members(&node, &group);
    let neighbour = start_with(&node, &SpawnOptions::new());
    for process in &all {
        tell(process, Told::Grow(BOUND / MEMBERS / 2));
        assert_eq!(kept(&node, process).await.0, 1);
    }
    let info = group.info();
    assert_eq!(info.members, MEMBERS);
    let memory = info.memory.expect("this program counts");
    assert!(
        (BOUND as u64 / 2..BOUND as u64).contains(&memory),
        "{info:?}"
    );
    assert_eq!(events::about(name) - before, 0);
    let grow = async {
        for process in &all {
            tell(process, Told::Grow(BOUND / MEMBERS));
        }
    };
    let ends = all.iter().map(|process| node.down(process.pid()));
    let (downs, ()) = futures::future::join(futures::future::join_all(ends), grow).await;
    for down in downs {
        assert_eq!(down.reason, Reason::Killed);
    }
    assert_eq!(events::about(name) - before, 1);
    world
        .eventually(LONG, async || group.info().members == 0)
        .await;
    assert_eq!(group.info().memory, Some(0));
    assert_eq!(kept(&node, &neighbour).await.0, 0);
}

/// What members free again makes room for others, also for what was counted long ago.
#[foundation::test]
async fn what_one_frees_another_may_have(world: World) {
    let (node, name) = (world.node(), code(&world, "room simulated", "room real"));
    let group = HeapGroup::new(&node, name, MaxHeap::bytes(BOUND as u64));
    let all = members(&node, &group);
    for _ in 0..10 {
        for process in &all {
            tell(process, Told::Grow(BOUND / 2));
            assert_eq!(kept(&node, process).await.0, 1);
            tell(process, Told::Shrink);
            assert_eq!(kept(&node, process).await.0, 0);
        }
    }
    assert_eq!(events::about(name), 0);
    assert_eq!(group.kill(), MEMBERS);
}

/// In a walk of growing and shrinking members, old ones and new ones, the bound acts when it is
/// passed, and only then. What may be missed is what each member has since it was counted, where
/// there is next to no room.
#[foundation::test(seeds = 50)]
async fn a_walk_passes_the_bound_when_it_says_so(world: World) {
    const ALL: u64 = 2_000_000;
    let (node, name) = (world.node(), code(&world, "the walk", "the real walk"));
    let bound = MaxHeap::bytes(ALL).kill(false);
    let group = HeapGroup::new(&node, name, bound);
    let options = SpawnOptions::new().heap_group(&group);
    let mut all = Vec::new();
    let mut told = 0;
    let draw = |below: u64| world.random() % below;
    for step in 0..300 {
        if all.len() < 20 && draw(10) == 0 || all.is_empty() {
            all.push(start_with(&node, &options));
        }
        let one = &all[draw(all.len() as u64) as usize];
        let before = events::about(name);
        match draw(8) {
            0 => tell(one, Told::Shrink),
            _ => tell(one, Told::Grow(1 + draw(120_000) as usize)),
        }
        kept(&node, one).await;
        let memory = group.info().memory.expect("this program counts");
        let says = events::about(name) - before;
        let slack = all.len() as u64 * (16 << 10);
        match says {
            0 => assert!(
                memory <= ALL + slack,
                "step {step}: {memory}, and nobody says so"
            ),
            1 => assert!(
                memory > ALL,
                "step {step}: {memory}, and it is said to be too much"
            ),
            more => panic!("step {step}: told {more} times"),
        }
        if says == 1 {
            told += 1;
            all.iter().for_each(|process| tell(process, Told::Shrink));
            for process in &all {
                kept(&node, process).await;
            }
            group.set_max_heap_size(bound);
        }
    }
    assert!(told > 1, "{told}");
}

/// A group that is only to be reported is reported once, until its bound is set again; members have
/// their own bounds beside.
#[foundation::test]
async fn a_report_and_bounds_of_their_own(world: World) {
    let (node, name) = (world.node(), code(&world, "told simulated", "told real"));
    let group = HeapGroup::new(&node, name, MaxHeap::OFF);
    let own = code(&world, "own simulated", "own real");
    let before = (events::about(name), events::about(own));
    let told = || {
        (
            events::about(name) - before.0,
            events::about(own) - before.1,
        )
    };
    let bound = MaxHeap::bytes(BOUND as u64).kill(false);
    let options = SpawnOptions::new().heap_group(&group).code(own);
    let bounded = start_with(&node, &options.max_heap_size(bound));
    let other = start_with(&node, &SpawnOptions::new().heap_group(&group));
    assert_eq!(group.set_max_heap_size(bound), MaxHeap::OFF);
    for _ in 0..5 {
        tell(&other, Told::Grow(BOUND));
    }
    kept(&node, &other).await;
    assert_eq!(told(), (1, 0));
    for _ in 0..5 {
        tell(&bounded, Told::Grow(BOUND));
    }
    kept(&node, &bounded).await;
    assert_eq!(told(), (1, 1));
    // Set again, both are told again: the group's at once.
    assert_eq!(group.set_max_heap_size(bound), bound);
    assert_eq!(told(), (2, 1));
    let (reply, old) = promise(&node);
    tell(&bounded, Told::Bound(bound, reply));
    assert_eq!(old.await, Ok(bound));
    kept(&node, &bounded).await;
    assert_eq!(told(), (2, 2));
    // And one that kills, of a member or of all.
    let killing = MaxHeap::bytes(BOUND as u64);
    let (reply, _old) = promise(&node);
    let passes = async { tell(&bounded, Told::Bound(killing, reply)) };
    assert_eq!(end_of(&node, bounded.pid(), passes).await, Reason::Killed);
    assert_eq!(kept(&node, &other).await.0, 5);
    let passes = async { group.set_max_heap_size(killing) };
    assert_eq!(end_of(&node, other.pid(), passes).await, Reason::Killed);
}

/// Says that it is dropped, and whether that was in a process.
struct Weight {
    dropped: Arc<AtomicUsize>,
    in_process: Arc<AtomicUsize>,
}

impl Drop for Weight {
    fn drop(&mut self) {
        if foundation::me().is_some() {
            self.in_process.fetch_add(1, Ordering::SeqCst);
        }
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// What small members leave is freed, on no scheduler unless that was asked for.
#[foundation::test]
async fn what_they_leave_is_freed_elsewhere(world: World) {
    let node = world.node();
    let group = HeapGroup::new(&node, "freed", MaxHeap::OFF);
    // A simulation has one thread.
    let elsewhere = if world.is_simulated() { 10 } else { 0 };
    let rows = [
        (SpawnOptions::new(), 10),
        (SpawnOptions::new().heap_group(&group), elsewhere),
        (SpawnOptions::new().heap_group(&group).release_first(), 10),
        (SpawnOptions::new().release_last(), elsewhere),
    ];
    for (options, expected) in rows {
        let (dropped, in_process) = (Arc::default(), Arc::default());
        let mut pids = Vec::new();
        for _ in 0..10 {
            let weight = Weight {
                dropped: Arc::clone(&dropped),
                in_process: Arc::clone(&in_process),
            };
            let (ready, loaded) = promise(&node);
            let body = |mut me: Process<Told>| async move {
                let _weight = weight;
                ready.send(());
                me.recv().await;
            };
            let (process, _) = node.spawn_fn_with(&options, body).expect("there is room");
            loaded.await.expect("it says so");
            pids.push(process.pid());
        }
        pids.iter().for_each(|pid| node.exit(*pid, Reason::Kill));
        world
            .eventually(LONG, async || dropped.load(Ordering::SeqCst) == 10)
            .await;
        assert_eq!(in_process.load(Ordering::SeqCst), expected, "{options:?}");
    }
    world
        .eventually(LONG, async || {
            node.memory().is_some_and(|memory| memory.left == 0)
        })
        .await;
}

/// Who was refused is no member, nor who has ended; a group is of one node.
#[foundation::test]
async fn members_are_those_that_live(world: World) {
    let node = world.node();
    let group = HeapGroup::new(&node, "few", MaxHeap::OFF);
    let options = SpawnOptions::new().heap_group(&group);
    let first = start_with(&node, &options.clone().name("first"));
    let taken = node.spawn_fn_with::<Told, _, _>(&options.clone().name("first"), |_| async {});
    assert_eq!(taken.map(|_| ()), Err(SpawnError::NameTaken(first.pid())));
    assert_eq!(group.members(), [first.pid()]);
    let end = async { node.exit(first.pid(), Reason::Kill) };
    assert_eq!(end_of(&node, first.pid(), end).await, Reason::Killed);
    world
        .eventually(LONG, async || group.members().is_empty())
        .await;
    assert_eq!(group.kill(), 0);
    let other = Node::builder().start().expect("a node starts");
    let refused = other.spawn_fn_with::<Told, _, _>(&options, |_| async {});
    let error = refused.map(|_| ()).expect_err("another node's");
    assert_eq!(error, SpawnError::OtherNodesGroup("few".into()));
    assert_eq!(
        error.to_string(),
        "the heap group `few` is of another node: make one of this node"
    );
}

#[derive(Default)]
struct Hoard(Vec<Vec<u8>>);

#[actor]
impl Hoard {
    #[call]
    fn grow(&mut self, bytes: usize) -> usize {
        self.0.push(vec![0; bytes]);
        self.0.len()
    }
}

/// An ecosystem with one heap dies as one process would, and who supervises it starts all again.
#[foundation::test]
async fn an_ecosystem_dies_as_one(world: World) {
    let node = world.node();
    let shared = MemoryStrategy::SharedHeap(MaxHeap::bytes(10 * BOUND as u64));
    let shop = Ecosystem::new("shop", child(Hoard::default), |_| child(Hoard::default))
        .workers(Workers::Count(3))
        .supervision(Supervision::OneForOne)
        .memory_strategy(shared)
        .start(&node)
        .await
        .expect("started");
    let group = shop.heap_group().expect("it shares one").clone();
    assert_eq!(group.members().len(), 5, "the supervisor is one of them");
    let workers = shop.workers().await.expect("it lives");
    for worker in &workers {
        let hoard: Ref<Hoard> = node.reference(*worker);
        assert_eq!(hoard.grow(3 * BOUND).await, Ok(1));
    }
    let health = shop.health().await.expect("it lives");
    assert!(health.is_healthy(), "{health:?}");
    assert!(health.memory.expect("this program counts") > 9 * BOUND as u64);
    let supervisor = shop.supervisor().pid();
    let first: Ref<Hoard> = node.reference(workers[0]);
    let passes = async { first.grow(2 * BOUND).await };
    assert_eq!(end_of(&node, supervisor, passes).await, Reason::Killed);
    world
        .eventually(LONG, async || group.members().is_empty())
        .await;
    assert_eq!(node.whereis("shop"), None);
    assert!(shop.health().await.is_err(), "it has ended");
}
