//! What does a bound on the heap do (B060, B061)?
//!
//! Source     otp: erlang:process_flag/2, max_heap_size

use foundation::prelude::*;
use foundation::{MaxHeap, promise};

use crate::events;

pub(crate) const BOUND: usize = 100_000;

#[derive(Message)]
#[message(local)]
pub(crate) enum Told {
    Grow(usize),
    Shrink,
    Info(ReplyTo<(usize, u64)>),
    Bound(MaxHeap, ReplyTo<MaxHeap>),
}

/// Grows as it is told.
async fn grower(mut me: Process<Told>) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    while let Mail::Msg(told) = me.recv().await {
        match told {
            Told::Grow(bytes) => kept.push(vec![0; bytes]),
            Told::Shrink => kept.clear(),
            Told::Info(reply) => {
                let memory = me.info().memory.expect("this program counts");
                reply.send((kept.len(), memory));
            }
            Told::Bound(bound, reply) => reply.send(me.set_max_heap_size(bound)),
        }
    }
}

/// How it ends while `meanwhile` is done: it is watched from before.
pub(crate) async fn end_of<T>(node: &Node, pid: Pid, meanwhile: impl Future<Output = T>) -> Reason {
    let down = futures::future::join(node.down(pid), meanwhile).await.0;
    down.reason
}

fn start(node: &Node, bound: MaxHeap, code: &'static str) -> ProcessRef<Told> {
    start_with(node, &SpawnOptions::new().max_heap_size(bound).code(code))
}

pub(crate) fn start_with(node: &Node, options: &SpawnOptions) -> ProcessRef<Told> {
    let started = node.spawn_fn_with(options, grower);
    started.expect("there is room").0
}

pub(crate) async fn kept(node: &Node, of: &ProcessRef<Told>) -> (usize, u64) {
    let (reply, answer) = promise(node);
    of.send(Told::Info(reply)).expect("it is a local process");
    answer.await.expect("it is alive")
}

pub(crate) fn code(world: &World, simulated: &'static str, real: &'static str) -> &'static str {
    match world.is_simulated() {
        true => simulated,
        false => real,
    }
}

/// B060: a process that is only to be reported goes on, and one event says so.
#[foundation::test]
async fn b060_an_event_and_no_end(world: World) {
    let (node, code) = (world.node(), code(&world, "b060 simulated", "b060 real"));
    let before = events::about(code);
    let bound = MaxHeap::bytes(BOUND as u64).kill(false);
    let process = start(&node, bound, code);
    for _ in 0..10 {
        process
            .send(Told::Grow(BOUND))
            .expect("it is a local process");
    }
    let (count, memory) = kept(&node, &process).await;
    assert_eq!(count, 10);
    assert!(memory > 10 * BOUND as u64);
    assert_eq!(events::about(code) - before, 1);
    // Set again, it is told again.
    let (reply, old) = promise(&node);
    process
        .send(Told::Bound(bound, reply))
        .expect("it is a local process");
    assert_eq!(old.await, Ok(bound));
    kept(&node, &process).await;
    assert_eq!(events::about(code) - before, 2);
}

/// B061: no bound, no end.
#[foundation::test]
async fn b061_no_bound(world: World) {
    let node = world.node();
    let code = code(&world, "b061 simulated", "b061 real");
    let process = start(&node, MaxHeap::OFF, code);
    for _ in 0..10 {
        process
            .send(Told::Grow(BOUND))
            .expect("it is a local process");
    }
    assert_eq!(kept(&node, &process).await.0, 10);
    assert_eq!(events::about(code), 0);
}

/// Who holds more than it may dies `killed`; its neighbour does not notice.
#[foundation::test]
async fn a_process_that_passes_its_bound_is_killed(world: World) {
    let (node, code) = (
        world.node(),
        code(&world, "killed simulated", "killed real"),
    );
    let before = events::about(code);
    let process = start(&node, MaxHeap::bytes(BOUND as u64), code);
    let neighbour = start(&node, MaxHeap::bytes(BOUND as u64), "neighbour");
    process
        .send(Told::Grow(BOUND / 2))
        .expect("it is a local process");
    assert_eq!(kept(&node, &process).await.0, 1);
    let passes = async {
        for bytes in [BOUND, 1] {
            process
                .send(Told::Grow(bytes))
                .expect("it is a local process");
        }
    };
    assert_eq!(end_of(&node, process.pid(), passes).await, Reason::Killed);
    assert_eq!(events::about(code) - before, 1);
    neighbour
        .send(Told::Grow(1))
        .expect("it is a local process");
    assert_eq!(kept(&node, &neighbour).await.0, 1);
}

/// The bound is soft: what one handler takes between two yields it gets, and ends for it at the
/// next. It traps no exit of this kind, and its `terminate` does not run.
#[foundation::test]
async fn a_bound_acts_at_the_next_yield(node: Node) {
    let (reply, reached) = promise(&node);
    let options = SpawnOptions::new()
        .max_heap_size(MaxHeap::bytes(BOUND as u64))
        .trap_exit();
    let body = |me: Process<Told>| async move {
        let taken = vec![0_u8; 4 * BOUND];
        reply.send(me.info().memory.expect("this program counts"));
        me.node().sleep(foundation::ms(1)).await;
        unreachable!("it holds {} bytes, and has yielded", taken.len());
    };
    let (process, _) = node
        .spawn_fn_with::<Told, _, _>(&options, body)
        .expect("there is room");
    let monitor = node.down(process.pid());
    assert!(reached.await.expect("it got so far") > 4 * BOUND as u64);
    let reason = monitor.await.reason;
    assert!(
        matches!(reason, Reason::Killed | Reason::NoProc),
        "{reason}"
    );
}

/// What a process frees in time does not count.
#[foundation::test]
async fn a_bound_is_on_what_is_held(world: World) {
    let (node, code) = (world.node(), code(&world, "held simulated", "held real"));
    let body = |me: Process<Told>| async move {
        for _ in 0..100 {
            drop(std::hint::black_box(vec![0_u8; BOUND / 2]));
            me.node().sleep(foundation::ms(1)).await;
        }
    };
    let options = SpawnOptions::new()
        .max_heap_size(MaxHeap::bytes(BOUND as u64))
        .code(code);
    let (process, _) = node
        .spawn_fn_with::<Told, _, _>(&options, body)
        .expect("there is room");
    let reason = node.down(process.pid()).await.reason;
    assert!(
        matches!(reason, Reason::Normal | Reason::NoProc),
        "{reason}"
    );
    assert_eq!(events::about(code), 0);
}

/// The flag returns what it was, and a bound that is passed already acts at once.
#[foundation::test]
async fn the_flag_returns_the_bound_before(node: Node) {
    let process = start(&node, MaxHeap::OFF, "flagged");
    let set = |bound| {
        let (reply, old) = promise(&node);
        process
            .send(Told::Bound(bound, reply))
            .expect("it is a local process");
        old
    };
    let first = MaxHeap::bytes(10 * BOUND as u64).report(false);
    assert_eq!(set(first).await, Ok(MaxHeap::OFF));
    assert_eq!(set(first).await, Ok(first));
    let info = node
        .info(process.pid(), secs(10))
        .await
        .expect("it answers");
    assert_eq!(info.expect("it is alive").max_heap_size, first);
    process
        .send(Told::Grow(BOUND))
        .expect("it is a local process");
    let passes = async { set(MaxHeap::bytes(BOUND as u64).report(false)).await };
    assert_eq!(end_of(&node, process.pid(), passes).await, Reason::Killed);
}
