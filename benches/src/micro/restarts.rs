//! What does a restart cost?
//!
//! Role       A supervised actor ends and comes back; its init tells the driver.
//! Owns       Nothing.
//! Invariant  Restarts are those of `Supervisor::one_for_one`, with a limit that is never met.

use std::time::{Duration, Instant};

use foundation::ProcessRef;
use foundation::prelude::*;

use crate::stage::inside;

#[derive(Message)]
#[message(local)]
struct Up(Ref<Worker>);

struct Worker;

#[actor]
impl Worker {
    #[init]
    fn init(driver: ProcessRef<Up>, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        driver.send(Up(cx.self_ref()))?;
        Ok(Self)
    }

    #[cast]
    fn exit(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }

    #[cast]
    fn fall(&mut self) {
        panic!("as told");
    }
}

async fn up(me: &mut Process<Up>) -> Ref<Worker> {
    loop {
        if let Mail::Msg(Up(worker)) = me.recv().await {
            return worker;
        }
    }
}

async fn restarts(
    mut me: Process<Up>,
    times: u64,
    end: impl Fn(&Ref<Worker>) -> Result<(), SendError>,
) -> Duration {
    let node = me.node();
    let started = Supervisor::one_for_one()
        .intensity(u32::MAX, secs(1))
        .child(child_with::<Worker>(me.address()))
        .start(&node)
        .await;
    let supervisor = started.expect("the supervisor starts");
    let mut worker = up(&mut me).await;
    let begin = Instant::now();
    for _ in 0..times {
        end(&worker).expect("a local cast is taken");
        worker = up(&mut me).await;
    }
    let took = begin.elapsed();
    let stopped = node.stop(&supervisor, Reason::Shutdown, secs(5)).await;
    stopped.expect("the supervisor stops");
    took
}

/// By an exit.
pub fn restart_exit(node: &Node, times: u64) -> Duration {
    inside(node, move |me| restarts(me, times, |worker| worker.exit()))
}

/// By a panic.
pub fn restart_panic(node: &Node, times: u64) -> Duration {
    inside(node, move |me| restarts(me, times, |worker| worker.fall()))
}
