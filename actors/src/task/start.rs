//! A start that can be called off.
//!
//! Role       Asks a supervisor for a task. Whoever stops waiting for the answer gets no task: one
//!            that is not started yet will not be, one that is is killed.
//! Invariant  A linked task does nothing before its owner is linked with it.
//! Source     elixir: Task.Supervised

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation_runtime::{
    CallError, Mail, Me, Node, Pid, Process, ProcessKind, Reason, SpawnOptions, me, promise,
};

use super::error::TaskStartError;
use super::handle::{Go, Task, callers, for_callers, perform};
use super::supervised::TaskSupervisor;
use crate::server::{Address, BoxFuture, StartError};
use crate::supervisor::Recipe;
use crate::supervisor::machine::{Answer, Ask, Restart};

/// What a task does.
enum Body {
    /// Once: it has no second start.
    Once(Option<Work>),
    /// As often as it is started.
    Again(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>),
}

type Work = Box<dyn FnOnce(Process<Go>) -> BoxFuture<'static, ()> + Send>;

/// How far a start has come.
struct Stage {
    /// `None` when it was called off.
    body: Option<Body>,
    started: Option<Pid>,
}

/// A start that others hold, too: the supervisor that is asked for it.
#[derive(Clone)]
struct Start(Arc<Mutex<Stage>>);

impl Start {
    fn new(body: Body) -> Self {
        let (body, started) = (Some(body), None);
        Self(Arc::new(Mutex::new(Stage { body, started })))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recipe of its process.
    fn recipe(&self) -> Recipe {
        let start = self.clone();
        Recipe::new(move |node, options, _| {
            let start = start.clone();
            Box::pin(async move { start.perform(&node, options) })
        })
    }

    fn perform(&self, node: &Node, options: SpawnOptions) -> Result<Pid, StartError> {
        let mut stage = self.stage();
        // One that was called off is forgotten by its supervisor, also where it would be restarted.
        let work: Work = match stage.body.as_mut().ok_or(StartError::Ignore)? {
            Body::Once(work) => work.take().ok_or(StartError::Ignore)?,
            Body::Again(work) => {
                let work = Arc::clone(work);
                Box::new(move |_| Box::pin(async move { work().await }))
            }
        };
        let options = options.code("Task").kind(ProcessKind::Task);
        let (process, _) = node.spawn_fn_with(&options, work)?;
        stage.started = Some(process.pid());
        Ok(process.pid())
    }

    fn call_off(&self, node: &Node) {
        let (body, started) = {
            let mut stage = self.stage();
            (stage.body.take(), stage.started)
        };
        drop(body);
        if let Some(pid) = started {
            node.exit(pid, Reason::Kill);
        }
    }
}

/// Calls the start off unless it was seen through.
struct Guard<'a> {
    start: &'a Start,
    node: &'a Node,
    done: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.start.call_off(self.node);
        }
    }
}

/// Starts `work` under a supervisor, linked with the process that runs this code if it is wanted.
pub(super) async fn start_task<T, F>(
    supervisor: Address<TaskSupervisor>,
    work: F,
    link: bool,
) -> Result<Task<T>, TaskStartError>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let node = supervisor.node().clone();
    let owner = me().filter(|me| link && me.node() == node);
    let (reply, answer) = promise::<T>(&node);
    let (waits_for, callers) = (owner.map(Me::pid), callers());
    let body = move |mut me: Process<Go>| async move {
        if let Some(owner) = waits_for {
            await_owner(&mut me, owner).await;
        }
        perform(reply, callers, work).await;
    };
    let work = Body::Once(Some(Box::new(|me| Box::pin(body(me)))));
    let pid = start_body(&supervisor, Restart::Temporary, work, |pid| {
        if let Some(me) = owner {
            // One that was ended meanwhile has told its reason to whoever awaits it.
            let _ = me.link(pid);
            let _ = node.send(pid, Go);
        }
    })
    .await?;
    Ok(Task::of(&node, pid, owner.is_some(), answer))
}

/// Starts `work` under a supervisor, for its own sake.
pub(super) async fn start_child(
    supervisor: &Address<TaskSupervisor>,
    work: impl Future<Output = ()> + Send + 'static,
) -> Result<Pid, TaskStartError> {
    let work = for_callers(callers(), work);
    let work = Body::Once(Some(Box::new(|_| Box::pin(work))));
    start_body(supervisor, Restart::Temporary, work, |_| ()).await
}

/// The same for one that is restarted so.
pub(super) async fn start_child_as<Fut>(
    supervisor: &Address<TaskSupervisor>,
    restart: Restart,
    work: impl Fn() -> Fut + Send + Sync + 'static,
) -> Result<Pid, TaskStartError>
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let callers = callers();
    let work = Body::Again(Arc::new(move || {
        Box::pin(for_callers(callers.clone(), work()))
    }));
    start_body(supervisor, restart, work, |_| ()).await
}

async fn start_body(
    supervisor: &Address<TaskSupervisor>,
    restart: Restart,
    body: Body,
    started: impl FnOnce(Pid),
) -> Result<Pid, TaskStartError> {
    let node = supervisor.node();
    let start = Start::new(body);
    let mut guard = Guard {
        start: &start,
        node,
        done: false,
    };
    let ask = Ask::StartChildAs(restart, start.recipe());
    let answer = supervisor.ask(ask).await;
    match answer.map_err(TaskStartError::Supervisor)? {
        Answer::Started(Ok(Some(pid))) => {
            guard.done = true;
            started(pid);
            Ok(pid)
        }
        Answer::Started(Err(error)) => Err(error.into()),
        // Only if nobody waits for it any more.
        _ => Err(TaskStartError::Supervisor(CallError::NoReply)),
    }
}

/// Waits until the owner has linked itself with this task; one that ends before ends the task.
async fn await_owner(me: &mut Process<Go>, owner: Pid) {
    let monitor = me.monitor(owner);
    let linked = me.receive(|mail| match mail {
        Mail::Msg(Go) => Ok(true),
        Mail::Down(down) if down.monitor == monitor => Ok(false),
        other => Err(other),
    });
    if !linked.await {
        foundation_runtime::exit(Reason::shutdown_with("its owner ended"));
    }
    me.demonitor_flush(monitor);
}
