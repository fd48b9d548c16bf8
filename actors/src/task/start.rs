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
use super::handle::{Go, Task, perform};
use super::supervised::TaskSupervisor;
use crate::server::{Address, BoxFuture, StartError};
use crate::supervisor::Recipe;
use crate::supervisor::machine::{Answer, Ask};

type Body = Box<dyn FnOnce(Process<Go>) -> BoxFuture<'static, ()> + Send>;

/// How far a start has come.
enum Stage {
    Waiting(Body),
    Started(Pid),
    CalledOff,
}

/// A start that others hold, too: the supervisor that is asked for it.
#[derive(Clone)]
struct Start(Arc<Mutex<Stage>>);

impl Start {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Stage::Waiting(body))))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recipe: it is used once.
    fn recipe(&self) -> Recipe {
        let start = self.clone();
        Recipe::new(move |node, options, _| {
            let start = start.clone();
            Box::pin(async move { start.perform(&node, options) })
        })
    }

    fn perform(&self, node: &Node, options: SpawnOptions) -> Result<Pid, StartError> {
        let mut stage = self.stage();
        match std::mem::replace(&mut *stage, Stage::CalledOff) {
            Stage::Waiting(body) => {
                let (process, _) =
                    node.spawn_fn_with(&options.code("Task").kind(ProcessKind::Task), body)?;
                *stage = Stage::Started(process.pid());
                Ok(process.pid())
            }
            // Only a supervisor of something else starts it again.
            Stage::Started(_) | Stage::CalledOff => Err(StartError::Ignore),
        }
    }

    fn call_off(&self, node: &Node) {
        let stage = std::mem::replace(&mut *self.stage(), Stage::CalledOff);
        if let Stage::Started(pid) = stage {
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
    let waits_for = owner.map(Me::pid);
    let body = move |mut me: Process<Go>| async move {
        if let Some(owner) = waits_for {
            await_owner(&mut me, owner).await;
        }
        perform(reply, work).await;
    };
    let pid = start_body(&supervisor, Box::new(|me| Box::pin(body(me))), |pid| {
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
    start_body(supervisor, Box::new(|_| Box::pin(work)), |_| ()).await
}

async fn start_body(
    supervisor: &Address<TaskSupervisor>,
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
    let answer = supervisor.ask(Ask::StartChild(start.recipe())).await;
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
