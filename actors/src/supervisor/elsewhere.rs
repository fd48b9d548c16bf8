//! How does a supervisor start a child on another node?
//!
//! Role       The recipe of an actor that one of several nodes runs: each start takes the first of them
//!            that is connected and starts it.
//! Invariant  The child is linked with its supervisor over the nodes, ends with it, and obeys its exit as
//!            it does that of a parent at home.

use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{Node, Pid, Portable, Reason, SpawnOptions};

use super::child::{Child, Recipe, StartChild};
use super::machine::ChildKind;
use crate::offer::RemoteSpawnError;
use crate::server::{Actor, BoxFuture, NodeExt, StartError};

/// A child that runs on another node, whose `#[init]` gets a clone of `args` at each start. Each start takes
/// the first of `nodes` that is connected and offers the type (`offer` of its cluster's builder); the node of the
/// supervisor may be one of them.
///
/// When its node is lost the child has ended with [`Reason::NoConnection`], and is restarted as its restart says: on
/// the next node that is there. Where there is none the start fails, which counts as any failed restart does.
/// Of what a child can be set to, `mailbox`, `via` and `options` are refused at its start: they are its node's.
///
/// ```
/// use foundation_actors::{ChildState, NodeExt, Offers, Supervisor, child_at};
/// use foundation_macros::actor;
/// use foundation_runtime::World;
///
/// struct Worker(u32);
///
/// #[actor(crate = foundation_actors)]
/// impl Worker {
///     #[init]
///     fn init(size: u32) -> Self { Self(size) }
///     #[call]
///     fn size(&self) -> u32 { self.0 }
/// }
///
/// World::simulate(1, |world| async move {
///     let node = world.node();
///     let offers = Supervisor::one_for_one().child(Offers::new().offer::<Worker>());
///     offers.start(&node).await.unwrap();
///
///     // `elsewhere` is not there; `main` is this node.
///     let worker = child_at::<Worker>(["elsewhere", "main"], 64).id("worker");
///     let tree = Supervisor::one_for_one().child(worker).start(&node).await.unwrap();
///     let children = tree.which_children().await.unwrap();
///     let ChildState::Running(pid) = children[0].state else { panic!("it runs") };
///     assert_eq!(node.reference::<Worker>(pid).size().await, Ok(64));
/// }).unwrap();
/// ```
pub fn child_at<A: Actor<Args: Portable + Clone + Sync>>(
    nodes: impl IntoIterator<Item = impl Into<Box<str>>>,
    args: A::Args,
) -> Child<A> {
    let nodes = nodes.into_iter().map(Into::into).collect();
    let recipe = Recipe::of(Elsewhere::<A> { nodes, args });
    Child::new(A::NAME, recipe, ChildKind::Worker)
}

struct Elsewhere<A: Actor> {
    nodes: Box<[Box<str>]>,
    args: A::Args,
}

impl<A: Actor<Args: Portable + Clone + Sync>> StartChild for Elsewhere<A> {
    fn start(
        self: Arc<Self>,
        node: Node,
        options: SpawnOptions,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Pid, StartError>> {
        Box::pin(async move {
            if !options.is_plain() {
                let why = "a child on another node takes no mailbox, no `via` and no options";
                return Err(StartError::Failed(Reason::other(why)));
            }
            let name = options.asked_name().map(Box::from);
            let until = node.now().saturating_add(timeout);
            let mut failed = StartError::Failed(Reason::other("a child on no node"));
            for at in &self.nodes {
                let start = node.remote(at).spawn_link::<A>(self.args.clone());
                let left = until.saturating_sub(node.now());
                match start.named(name.clone()).timeout(left).await {
                    Ok(child) => return Ok(child.pid()),
                    Err(error) => {
                        let goes_on = is_of_the_node(&error);
                        failed = told(error);
                        if !goes_on {
                            break;
                        }
                    }
                }
            }
            Err(failed)
        })
    }
}

/// Might another node start it?
fn is_of_the_node(error: &RemoteSpawnError) -> bool {
    match error {
        RemoteSpawnError::NoNode(_)
        | RemoteSpawnError::NotOffered { .. }
        | RemoteSpawnError::Busy(_)
        | RemoteSpawnError::Refused(_)
        | RemoteSpawnError::NoConnection => true,
        RemoteSpawnError::Arguments(_)
        | RemoteSpawnError::Ignore
        | RemoteSpawnError::Failed(_)
        | RemoteSpawnError::NameTaken(_)
        | RemoteSpawnError::Timeout
        | RemoteSpawnError::NoProcess => false,
    }
}

fn told(error: RemoteSpawnError) -> StartError {
    match error {
        RemoteSpawnError::Ignore => StartError::Ignore,
        RemoteSpawnError::Timeout => StartError::Timeout,
        RemoteSpawnError::NameTaken(pid) => StartError::AlreadyStarted(pid),
        other => StartError::Failed(other.into_reason()),
    }
}
