//! Who answers for a node?
//!
//! Role       The process: echoes, tells who is connected, and lets an operator's questions be
//!            answered by processes of their own, so that it never waits itself.
//! Limit      [`ASKED_MAX`] questions of operators at once.

use std::sync::Arc;

use foundation_actors::{Name, Operable, Operated, Operation};
use foundation_macros::actor;
use foundation_runtime::{Node, Process, ReplyTo};

use super::{gather, words};
use crate::cluster::NodeClusterExt as _;
use crate::mesh::NodeEvent;

/// The name that an operator asks a cluster by: see [`Operable`].
pub const PART: &str = "foundation_cluster";
pub(super) const DESK: Name<Desk> = Name::new(PART);
/// How many questions of operators are answered at once; others are refused.
const ASKED_MAX: usize = 32;

/// What a desk has to know.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) node: Node,
    pub(crate) cluster: Arc<str>,
}

/// The process that answers.
pub(crate) struct Desk {
    plan: Plan,
    /// Held by whoever answers an operator.
    asked: Arc<()>,
}

#[actor(crate = foundation_actors, protocol(Operable))]
impl Desk {
    #[init]
    fn init(plan: Plan) -> Self {
        let asked = Arc::new(());
        Self { plan, asked }
    }

    /// Answers at once: how long that takes is what the caller wants to know.
    #[call]
    pub(crate) fn ping(&self) {}

    /// How often the overlay was switched here, and who ordered the last switch.
    #[call]
    pub(crate) async fn epoch(&self) -> Option<(u64, u64)> {
        let epoch = self.plan.node.cluster().epoch().await.ok()?;
        Some((epoch.number, epoch.by.0))
    }

    /// The names of the nodes that are connected to this one.
    #[call]
    pub(crate) async fn connected(&self) -> Vec<String> {
        gather::neighbours(&self.plan.node).await
    }
}

impl Operable for Desk {
    fn operate(&mut self, operation: Operation, from: ReplyTo<Operated>) {
        if ASKED_MAX < Arc::strong_count(&self.asked) {
            return from.send(Err("too many questions at once".to_owned()));
        }
        let question = match rmp_serde::from_slice::<words::Question>(&operation.question) {
            Ok(question) => question,
            Err(error) => return from.send(Err(format!("no question to a cluster: {error}"))),
        };
        if question.changes() && !operation.may_change {
            return from.send(Err("this node may only be looked at".to_owned()));
        }
        let (plan, place) = (self.plan.clone(), Arc::clone(&self.asked));
        let answering = async move |_: Process<NodeEvent>| {
            let answer = gather::answer(&plan, question).await;
            from.send(answer.and_then(|answer| {
                rmp_serde::to_vec_named(&answer).map_err(|error| error.to_string())
            }));
            drop(place);
        };
        // Where no process can be started, the question ends unanswered, and whoever asked is told.
        let _ = self.plan.node.spawn_fn(answering);
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(plan: Plan) -> foundation_actors::supervisor::Child<Desk> {
    foundation_actors::child_with::<Desk>(plan).name(DESK)
}
