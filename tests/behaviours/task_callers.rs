//! Does a task know for whom it works?
//!
//! Source     elixir: Task, "Ancestor and Caller Tracking"; Task.Supervised, get_callers/1

use foundation::prelude::*;
use foundation::supervisor::Restart;
use foundation::{TaskSupervisor, promise};

use crate::support::{LONG, boom, inside};

/// However it is started: who started it, who asked for the work of that one, and so on, also where
/// a supervisor is its ancestor.
#[foundation::test]
async fn a_task_knows_its_callers(node: Node) {
    let tasks = TaskSupervisor::builder().start(&node).await;
    let tasks = tasks.expect("started");
    inside(&node, async move |me| {
        let (node, own) = (me.node(), me.pid());
        assert_eq!(me.callers(), []);
        let task = Task::spawn(&node, async { Task::callers() });
        assert_eq!(task.expect("spawned").await, Ok(vec![own]));
        let task = tasks.spawn(async { Task::callers() }).await;
        assert_eq!(task.expect("started").await, Ok(vec![own]));
        let task = tasks.spawn_nolink(async { Task::callers() }).await;
        assert_eq!(task.expect("started").await, Ok(vec![own]));
        let (reply, told) = promise(&node);
        let work = async move { reply.send(Task::callers()) };
        tasks.start_child(work).await.expect("started");
        assert_eq!(told.timeout(LONG).await, Ok(vec![own]));
        let each = async |_: u32| Task::callers();
        let all = tasks.stream([1, 2], each).to_vec().await;
        assert_eq!(all, [Ok(vec![own]), Ok(vec![own])]);
        let all = Task::stream(&node, [1], each).to_vec().await;
        assert_eq!(all, [Ok(vec![own])]);
        // A task of a task.
        let of = tasks.clone();
        let outer = tasks.spawn(async move {
            let inner = of.spawn(async { Task::callers() }).await;
            let outer = foundation::me().expect("a task is a process").pid();
            (outer, inner.expect("started").await.expect("it is done"))
        });
        let (outer, callers) = outer.await.expect("started").await.expect("it is done");
        assert_eq!(callers, [outer, own]);
    })
    .await;
    // Code outside any process is nobody.
    let task = Task::spawn(&node, async { Task::callers() });
    assert_eq!(task.expect("spawned").await, Ok(vec![]));
}

/// One that is restarted still works for who started it first.
#[foundation::test]
async fn a_task_that_begins_anew_has_the_same_callers(node: Node) {
    let tasks = TaskSupervisor::builder().start(&node).await;
    let tasks = tasks.expect("started");
    inside(&node, async move |mut me| {
        let address = me.address();
        let work = move || {
            let address = address.clone();
            async move {
                let callers = Task::callers();
                assert_eq!(callers, [address.pid()]);
                let _ = address.send(crate::support::Word::Go);
                foundation::exit(boom());
            }
        };
        let started = tasks.start_child_as(Restart::Transient, work).await;
        started.expect("started");
        for _ in 0..3 {
            assert!(matches!(me.recv().await, Mail::Msg(_)));
        }
    })
    .await;
}

/// At most eight, the nearest.
#[foundation::test]
async fn callers_are_bounded(node: Node) {
    fn nest(
        node: Node,
        depth: u32,
        mut above: Vec<Pid>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Vec<Pid>> + Send>> {
        Box::pin(async move {
            let own = foundation::me().expect("a process").pid();
            assert_eq!(Task::callers(), above[..above.len().min(8)]);
            above.insert(0, own);
            if depth == 0 {
                return Task::callers();
            }
            let task = Task::spawn(&node, nest(node.clone(), depth - 1, above));
            task.expect("spawned").await.expect("it is done")
        })
    }
    let task = Task::spawn(&node, nest(node.clone(), 12, Vec::new()));
    let callers = task.expect("spawned").await.expect("it is done");
    assert_eq!(callers.len(), 8);
}
