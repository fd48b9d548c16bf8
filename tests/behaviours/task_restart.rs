//! Which tasks of a supervisor begin anew, and when does it give up?
//!
//! Source     elixir: Task.Supervisor.start_child/3, "restart"; start_link/1, "max_restarts"

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::prelude::*;
use foundation::supervisor::Restart;
use foundation::{TaskStartError, TaskSupervisor, time};

use crate::support::{Death, LONG, Log, boom};

async fn supervisor(node: &Node) -> Ref<TaskSupervisor> {
    let started = TaskSupervisor::builder().start(node).await;
    started.expect("started")
}

/// Ends so on the nth start, counted from one, and then waits for ever.
fn ends(
    log: &Log,
    reasons: Vec<Reason>,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static {
    let (log, starts) = (log.clone(), Arc::new(AtomicUsize::new(0)));
    move || {
        let nth = starts.fetch_add(1, Ordering::SeqCst);
        let (log, reason) = (log.clone(), reasons.get(nth).cloned());
        Box::pin(async move {
            log.note(format!("start {}", nth + 1));
            match reason {
                Some(Reason::Normal) => {}
                Some(reason) => foundation::exit(reason),
                None => std::future::pending().await,
            }
        })
    }
}

/// Temporary ones never, transient ones after a crash, permanent ones always; anew each time, and in
/// a process of their own.
#[foundation::test]
async fn a_task_is_restarted_as_its_start_says(w: World) {
    let node = w.node();
    for (restart, reasons, starts) in [
        (Restart::Temporary, vec![boom()], 1),
        (Restart::Transient, vec![boom(), boom(), Reason::Normal], 3),
        (Restart::Transient, vec![Reason::Shutdown], 1),
        (Restart::Transient, vec![Reason::shutdown_with("done")], 1),
        (
            Restart::Permanent,
            vec![Reason::Normal, boom(), Reason::Shutdown],
            4,
        ),
    ] {
        let (tasks, log) = (supervisor(&node).await, Log::default());
        let first = tasks.start_child_as(restart, ends(&log, reasons)).await;
        let first = first.expect("started");
        log.until(&w, &format!("start {starts}")).await;
        let runs_on = restart == Restart::Permanent;
        w.eventually(LONG, async || {
            let children = tasks.children().await.expect("it answers");
            match &children[..] {
                [] => !runs_on,
                [only] => runs_on && *only != first,
                _ => false,
            }
        })
        .await;
        assert_eq!(log.all().len(), starts, "{restart:?}: {:?}", log.all());
        let stopped = node.stop(&tasks, Reason::Shutdown, LONG).await;
        assert_eq!(stopped, Ok(()));
    }
}

/// Others are not concerned, but by a supervisor that gives up: after the fourth crash within five
/// seconds, unless it is told otherwise.
#[foundation::test]
async fn too_many_restarts_end_the_supervisor(w: World) {
    let node = w.node();
    for (bound, starts) in [(None, 4), (Some(1), 2), (Some(0), 1)] {
        let mut builder = TaskSupervisor::builder();
        if let Some(bound) = bound {
            builder = builder.intensity(bound, secs(5));
        }
        let tasks = builder.start(&node).await.expect("started");
        let bystander = tasks.start_child(std::future::pending()).await;
        let bystander = Death::of(&node, bystander.expect("started")).await;
        let death = Death::of(&node, &tasks).await;
        let log = Log::default();
        let falls = ends(&log, vec![boom(); 10]);
        tasks
            .start_child_as(Restart::Transient, falls)
            .await
            .expect("started");
        assert_eq!(death.reason().await, Reason::Shutdown);
        assert_eq!(bystander.reason().await, Reason::Shutdown);
        assert_eq!(log.all().len(), starts);
    }
}

/// One that is stopped by request is not restarted, and one that is refused does not run.
#[foundation::test]
async fn a_task_that_is_terminated_is_not_restarted(w: World) {
    let node = w.node();
    let tasks = TaskSupervisor::builder().max_children(1).start(&node).await;
    let (tasks, log) = (tasks.expect("started"), Log::default());
    let waits = tasks.start_child_as(Restart::Permanent, ends(&log, vec![]));
    let waits = waits.await.expect("started");
    log.until(&w, "start 1").await;
    let refused = tasks.start_child_as(Restart::Permanent, ends(&log, vec![]));
    assert_eq!(refused.await, Err(TaskStartError::MaxChildren));
    assert_eq!(tasks.terminate_child(waits).await, Ok(Ok(())));
    assert_eq!(tasks.children().await, Ok(vec![]));
    assert_eq!(log.take(), ["start 1"]);
}

/// A start that nobody waits for any more ends what it started, also where that is permanent.
#[foundation::test]
async fn a_start_that_is_called_off_is_not_restarted(w: World) {
    let node = w.node();
    let tasks = TaskSupervisor::builder()
        .intensity(1000, secs(1))
        .start(&node);
    let tasks = tasks.await.expect("started");
    for round in 0..20 {
        let log = Log::default();
        let start = tasks.start_child_as(Restart::Permanent, ends(&log, vec![]));
        let mut start = Box::pin(start);
        if let std::task::Poll::Ready(pid) = futures::poll!(start.as_mut()) {
            let ended = tasks.terminate_child(pid.expect("started")).await;
            assert_eq!(ended, Ok(Ok(())));
            continue;
        }
        if w.random().is_multiple_of(2) {
            time::yield_now().await;
            node.sleep(std::time::Duration::from_micros(round * 3))
                .await;
        }
        drop(start);
    }
    w.eventually(LONG, async || tasks.children().await == Ok(vec![]))
        .await;
}
