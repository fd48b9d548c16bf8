//! Who looks at the load of an ecosystem, and starts and ends workers?
//!
//! Role       A child beside the workers: at each look it asks its supervisor who there is, and the
//!            busy ones how much waits at them; what is to be done is decided by [`Looks`].
//! Limit      A worker that does not say within a quarter of the period how many messages wait counts
//!            as busy, with none.
//! Invariant  Only a worker that waited, with nothing in its mailbox, is ended. What the supervisor
//!            refuses is tried again at the next look.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use foundation_runtime::{CallError, Node, Pid, Process, time};

use super::SCALER;
use super::auto_scale::{AutoScale, Load, Looks, Step};
use crate::NodeExt as _;
use crate::nothing::Nothing;
use crate::server::Ref;
use crate::supervisor::{Child, ChildId, ChildState, Supervisor, child_fn};

pub(super) struct Scaler<W> {
    name: Arc<str>,
    scale: AutoScale,
    worker: Arc<dyn Fn(usize) -> Child<W> + Send + Sync>,
}

impl<W> Clone for Scaler<W> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            scale: self.scale,
            worker: Arc::clone(&self.worker),
        }
    }
}

/// One look.
struct Look {
    load: Load,
    /// A worker with nothing to do, the one started last.
    idle: Option<ChildId>,
    /// The names of all workers, whether they run or not.
    taken: Vec<ChildId>,
}

impl<W: 'static> Scaler<W> {
    pub(super) fn new(
        name: &str,
        scale: AutoScale,
        worker: impl Fn(usize) -> Child<W> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            scale,
            worker: Arc::new(worker),
        }
    }

    pub(super) fn child(self) -> Child<Nothing> {
        let id = format!("{}{SCALER}", self.name);
        child_fn(&id, move |me| self.clone().run(me))
    }

    async fn run(self, me: Process<Nothing>) {
        let node = me.node();
        let Some(supervisor) = me.supervisor() else {
            return;
        };
        let tree: Ref<Supervisor> = node.reference(supervisor);
        let mut looks = Looks::default();
        loop {
            time::sleep(self.scale.every).await;
            // A supervisor that is busy with restarts is asked again at the next look.
            let Ok(look) = self.look(&node, &tree).await else {
                continue;
            };
            let step = looks.decide(&self.scale, look.load);
            let _ = self.take(&tree, step, look).await;
        }
    }

    /// The name of the nth worker.
    fn id(&self, nth: usize) -> ChildId {
        ChildId::from(&*format!("{}/worker-{nth}", self.name))
    }

    async fn look(&self, node: &Node, tree: &Ref<Supervisor>) -> Result<Look, CallError> {
        let prefix = format!("{}/worker-", self.name);
        let children = tree.which_children().await?;
        let workers = children.into_iter().filter_map(|child| {
            let id = child.id.filter(|id| id.to_string().starts_with(&prefix))?;
            Some((id, child.state))
        });
        let (taken, states): (Vec<ChildId>, Vec<ChildState<Pid>>) = workers.unzip();
        let waiting = self.waiting(node, &states).await;
        let idle = waiting.iter().filter(|waits| **waits == Some(0)).count();
        let last = waiting.iter().rposition(|waits| *waits == Some(0));
        Ok(Look {
            load: Load {
                workers: taken.len(),
                messages: waiting.iter().flatten().sum(),
                idle,
            },
            idle: last.and_then(|at| taken.get(at).cloned()),
            taken,
        })
    }

    /// How many messages wait at each worker; `None` for one that does not say, or has none but is
    /// at work.
    async fn waiting(&self, node: &Node, states: &[ChildState<Pid>]) -> Vec<Option<usize>> {
        let mut waiting = vec![None; states.len()];
        let mut asked = Vec::new();
        for (nth, state) in states.iter().enumerate() {
            let ChildState::Running(pid) = state else {
                continue;
            };
            let Some(facts) = node.facts(*pid) else {
                continue;
            };
            waiting[nth] = facts.message_queue_len;
            if waiting[nth].is_none() {
                asked.push((nth, Box::pin(node.info(*pid, self.scale.every / 4))));
            }
        }
        poll_fn(|cx| {
            asked.retain_mut(|(nth, ask)| match ask.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(info) => {
                    let waits = info.ok().flatten().map(|info| info.message_queue_len);
                    waiting[*nth] = waits.filter(|waits| *waits > 0);
                    false
                }
            });
            if asked.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        waiting
    }

    async fn take(&self, tree: &Ref<Supervisor>, step: Step, look: Look) -> Result<(), CallError> {
        match step {
            Step::Stay => {}
            Step::Grow(more) => {
                let free = (0..).filter(|nth| !look.taken.contains(&self.id(*nth)));
                for nth in free.take(more) {
                    let child = (self.worker)(nth);
                    if tree.start_child(child).await?.is_err() {
                        break;
                    }
                }
            }
            Step::Shrink => {
                if let Some(id) = look.idle
                    && tree.terminate_child(id.clone()).await?.is_ok()
                {
                    let _ = tree.delete_child(id).await?;
                }
            }
        }
        Ok(())
    }
}
