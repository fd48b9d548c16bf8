//! How does one supervisor have a child for each part of the work?
//!
//! Role       A static tree of n children of one kind, each from a recipe with its number.
//! Limit      [`PARTITIONS_MAX`] partitions; none, or more, are refused when it starts.
//! Source     elixir: PartitionSupervisor

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use foundation_runtime::{Me, Node, Reason};

use super::builder::{StartTree, Supervisor, start_tree};
use super::child::{Child, IntoChild, Recipe};
use super::driver::Plan;
use super::machine::{ChildId, ChildKind, ChildSpec, Flags};
use super::routing::{PartitionsClient, Route, Table};
use crate::registry::{PARTITIONS_MAX, Registry, hash_of};
use crate::server::{Addressed, Name, Ref, StartError};

/// What names and references of a partitioned supervisor are of: its children, and the keys that
/// lead to one of them.
pub struct Partitions<A, K: ?Sized = str>(PhantomData<(fn() -> A, fn(&K))>);

impl<A: Addressed, K: Hash + ?Sized + 'static> Addressed for Partitions<A, K> {
    type Client = PartitionsClient<A, K>;
}

impl<A, K: ?Sized> fmt::Debug for Partitions<A, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Partitions")
    }
}

type Make<A> = Arc<dyn Fn(usize) -> Child<A> + Send + Sync>;

/// A partitioned supervisor that is being put together: as many partitions as the node has workers,
/// and one restart in five seconds, unless set.
#[must_use = "a supervisor is started by `start`, or as a child of another"]
pub struct PartitionedBuilder<A, K: ?Sized = str> {
    flags: Flags,
    name: Box<str>,
    partitions: Option<usize>,
    make: Make<A>,
    route: Route<K>,
}

impl Supervisor {
    /// A supervisor with a child for each part of the work, to whom keys lead: equal keys to the
    /// same child. `make` gives the recipe of the child with this number. The children are found
    /// by the supervisor's name, so it has to have one.
    pub fn partitioned<A, K>(
        name: Name<Partitions<A, K>>,
        make: impl Fn(usize) -> Child<A> + Send + Sync + 'static,
    ) -> PartitionedBuilder<A, K>
    where
        A: Addressed,
        K: Hash + ?Sized + 'static,
    {
        PartitionedBuilder {
            flags: Flags::default(),
            name: name.as_str().into(),
            partitions: None,
            make: Arc::new(make),
            route: Arc::new(|key, partitions| hash_of(key) as usize % partitions),
        }
    }
}

impl<A: Addressed, K: Hash + ?Sized + 'static> PartitionedBuilder<A, K> {
    /// How many children there are: one for each worker of the node unless set.
    pub fn partitions(mut self, count: usize) -> Self {
        self.partitions = Some(count);
        self
    }

    /// Which of so many partitions a key leads to: by its hash unless set. It runs where
    /// [`PartitionsClient::partition`] is called.
    pub fn route(mut self, route: impl Fn(&K, usize) -> usize + Send + Sync + 'static) -> Self {
        self.route = Arc::new(route);
        self
    }

    /// Gives up when there are more than `restarts` within `period`, which is in whole seconds.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = restarts;
        self.flags.period = period;
        self
    }

    /// Starts it and its children, and waits until the last one's init is done.
    pub fn start(self, node: &Node) -> StartTree<Partitions<A, K>> {
        let name = Some(self.name.clone());
        StartTree::new(node, name, self.recipe())
    }

    /// The supervisor as a child, for those that are not to be permanent or not to have all the
    /// time they need to shut down.
    pub fn nested(self) -> Child<Partitions<A, K>> {
        let name = self.name.clone();
        let recipe = self.recipe().named(Some(name.clone()));
        Child::new(&name, recipe, ChildKind::Supervisor)
    }

    fn recipe(self) -> Recipe {
        let Self {
            flags,
            partitions,
            make,
            route,
            ..
        } = self;
        Recipe::new(move |node, options, timeout| {
            let count = partitions.unwrap_or_else(|| node.workers());
            let (make, route) = (Arc::clone(&make), Arc::clone(&route));
            Box::pin(async move {
                if !(1..=PARTITIONS_MAX).contains(&count) {
                    let why = format!(
                        "a supervisor has 1 to {PARTITIONS_MAX} partitions, and not {count}"
                    );
                    return Err(StartError::Failed(Reason::other(why)));
                }
                let holders = Registry::<usize>::unique(&node);
                let children = (0..count).map(|number| child(&holders, &make, number));
                let plan = Plan::Static(flags, children.collect());
                let table = Table::new(count, route, holders);
                let code = "Supervisor::partitioned";
                let begin = move |me: Me| table.publish(me);
                start_tree(node, options, timeout, code, plan, begin).await
            })
        })
    }
}

/// The recipe of one partition, who is found by its number.
fn child<A>(holders: &Registry<usize>, make: &Make<A>, number: usize) -> ChildSpec<Recipe> {
    let id = ChildId::new(&number.to_string());
    make(number).id(id).via(holders.via(number, ())).into_spec()
}

impl<A: Addressed, K: Hash + ?Sized + 'static> IntoChild for PartitionedBuilder<A, K> {
    fn into_child(self) -> ChildSpec<Recipe> {
        self.nested().into_child()
    }
}

impl<A, K: ?Sized> fmt::Debug for PartitionedBuilder<A, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionedBuilder")
            .field("name", &self.name)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// Leads to whoever has this number now.
pub(super) fn holder<A: Addressed>(holders: &Registry<usize>, number: usize) -> Ref<A> {
    holders.at(number)
}
