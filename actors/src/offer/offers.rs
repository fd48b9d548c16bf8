//! What may other nodes start here?
//!
//! Role       The types that a node offers, and how each is started: a child of the tree that answers
//!            for them.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use foundation_runtime::{
    Codec, Me, Pid, Portable, Reason, ReplyTo, SpawnError, SpawnOptions, Tag, me,
};

use super::desk::{DESK, Desk};
use super::words::{NotSpawned, Wanted};
use crate::server::{Actor, Server, Spawned, Starter, Stop};
use crate::supervisor::machine::ChildSpec;
use crate::supervisor::{IntoChild, Recipe, child_with};

/// How many starts of one node may be under way at once, unless said otherwise.
pub const SPAWNS_MAX: usize = 1024;

/// How a type is started for another node.
pub(super) trait Offered: Send + Sync {
    /// What people read.
    fn name(&self) -> &'static str;

    /// Starts it, linked with the process that runs this code. What cannot be started is answered.
    fn start(&self, me: Me, wanted: Wanted, from: ReplyTo<Spawned>) -> Option<Pid>;
}

/// The types that other nodes may start on this one: nothing that is not in here. It is a child of
/// the tree of whoever offers them; a node of a cluster has its builder's `offer` for it.
///
/// ```
/// use std::time::Duration;
/// use foundation_actors::{NodeExt, Offers, RemoteSpawnError, Supervisor};
/// use foundation_macros::actor;
/// use foundation_runtime::{Loopback, Node};
///
/// struct Counter { n: i64 }
///
/// #[actor(crate = foundation_actors)]
/// impl Counter {
///     #[init] fn init(n: i64) -> Self { Self { n } }
///     #[call] fn get(&self) -> i64 { self.n }
/// }
///
/// struct Secretive;
///
/// #[actor(crate = foundation_actors)]
/// impl Secretive {
///     #[init] fn init(_n: i64) -> Self { Self }
/// }
///
/// let [a, b] = ["a", "b"].map(|name| Node::builder().name(name).start().expect("a thread"));
/// let _wire = Loopback::connect(&a, &b);
/// a.block_on(async {
///     let offers = Offers::new().offer::<Counter>();
///     Supervisor::one_for_one().child(offers).start(&b).await?;
///     let counter = a.remote("b").spawn::<Counter>(7).await?;
///     assert_eq!(counter.get().await?, 7);
///     assert_eq!(counter.pid().node(), b.id());
///     let refused = a.remote("b").spawn::<Secretive>(7).await;
///     assert!(matches!(refused, Err(RemoteSpawnError::NotOffered { .. })));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// })?;
/// # for node in [a, b] {
/// #     node.shutdown_blocking(Duration::from_secs(5))?;
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "what is offered is nothing until it is a supervisor's child"]
pub struct Offers {
    types: Vec<(Tag, Arc<dyn Offered>)>,
    most: usize,
}

impl Offers {
    /// Nothing, yet.
    pub fn new() -> Self {
        Self {
            types: Vec::new(),
            most: SPAWNS_MAX,
        }
    }

    /// Other nodes may start actors of this type, whose arguments can travel.
    pub fn offer<A: Actor<Args: Portable>>(mut self) -> Self {
        let tag = A::type_tag();
        if self.find(tag).is_none() {
            self.types.push((tag, Arc::new(OfferOf::<A>(PhantomData))));
        }
        self
    }

    /// How many starts of one node may be under way at once: [`SPAWNS_MAX`] unless set. Others are
    /// refused.
    pub fn spawns_max(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// Whether nothing is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn find(&self, actor: Tag) -> Option<&dyn Offered> {
        let mut types = self.types.iter();
        let (_, offered) = types.find(|(tag, _)| *tag == actor)?;
        Some(&**offered)
    }
}

impl Default for Offers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types.iter().map(|(_, offered)| offered.name());
        f.debug_list().entries(types).finish()
    }
}

impl IntoChild for Offers {
    fn into_child(self) -> ChildSpec<Recipe> {
        child_with::<Desk>(self).name(DESK).into_child()
    }
}

struct OfferOf<A>(PhantomData<fn() -> A>);

impl<A: Actor<Args: Portable>> Offered for OfferOf<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn start(&self, me: Me, wanted: Wanted, from: ReplyTo<Spawned>) -> Option<Pid> {
        let options = SpawnOptions::new()
            .kind(A::KIND)
            .mailbox_if_unset(A::MAILBOX);
        let options = match &wanted.name {
            Some(name) => options.link().name(&**name),
            None => options.link(),
        };
        // The child takes it from here; until then it can be answered from here as well.
        let place = Arc::new(Mutex::new(Some(from)));
        let childs = Arc::clone(&place);
        let body = Server::<A>::new_away(move |starter| {
            let from = childs.lock().unwrap_or_else(PoisonError::into_inner).take();
            begin::<A>(&wanted, from, starter)
        });
        match me.spawn_behaviour(&options, body) {
            Ok((pid, _)) => Some(pid),
            Err(error) => {
                let from = place.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(from) = from {
                    from.send(Err(refusal(error)));
                }
                None
            }
        }
    }
}

/// What the child does first, in its own process: it notes who waits, reads its arguments, and takes
/// the ends of the link and the monitor. So whoever waits learns of any end.
fn begin<A: Actor<Args: Portable>>(
    wanted: &Wanted,
    from: Option<ReplyTo<Spawned>>,
    starter: &mut Option<Starter>,
) -> Result<A::Args, Stop> {
    let me = me().expect("this is a process");
    let waiting = starter.insert(match from {
        Some(from) => Starter::away(from, me.pid()),
        None => Starter::new(None),
    });
    let args = Codec::<A::Args>::portable().decode(&wanted.args);
    let args = args.map_err(|error| {
        let why = error.to_string();
        waiting.refuse(NotSpawned::Arguments(why.clone()));
        Stop::Reason(Reason::shutdown_with(why))
    })?;
    if let Some(leader) = wanted.leader {
        me.set_group_leader(leader);
    }
    if let Some(monitor) = wanted.monitor {
        me.be_watched(monitor);
    }
    if let Some(link) = wanted.link {
        me.be_linked(link);
    }
    Ok(args)
}

fn refusal(error: SpawnError) -> NotSpawned {
    match error {
        SpawnError::NameTaken(pid) => NotSpawned::NameTaken(pid),
        error => NotSpawned::Refused(error.to_string()),
    }
}
