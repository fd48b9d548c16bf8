//! How does a library above tell the groups of other nodes, and these of those?
//!
//! Role       The door for whoever carries groups between nodes: changes here come to one process, the
//!            feed, and what other nodes say goes into the scopes.
//! Limit      [`UNTAKEN_MAX`] memberships on their way to the feed: beyond, single changes are left
//!            out, and the feed is told to say everything anew.
//! Invariant  What the feed is told of one scope is in the order of its changes, a whole view among
//!            them: it has all changes that were told before it, and none that are told after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation_runtime::{Codec, Message, Node, NodeId, Pid, Tag};

use super::machine::{Change, Effect, Group, Input};
use super::scope::{Inner, Scope, Scopes};

/// How many memberships may be on their way to the feed.
pub const UNTAKEN_MAX: usize = 1 << 20;

/// What the feed is told, as a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlet {
    /// All nodes are to be told who joined or left here.
    Changed {
        /// Which scope, by name and number: a number is used once.
        scope: (Arc<str>, u64),
        /// What happened,
        change: Change,
        /// in which group,
        group: Group,
        /// to whom.
        pids: Vec<Pid>,
    },
    /// One node is to be told of all members of a scope here.
    Whole {
        /// Which node.
        to: NodeId,
        /// Which scope, by name and number.
        scope: (Arc<str>, u64),
        /// The groups with members here.
        groups: Vec<(Group, Vec<Pid>)>,
        /// By which round.
        round: u64,
    },
    /// One node has been told of all scopes, from [`Peering::tell_all`] on.
    Told {
        /// Which node.
        to: NodeId,
        /// By which round.
        round: u64,
    },
    /// There was no room for all changes: every node is to be told of everything.
    Overrun,
}

/// It never leaves its node.
impl Message for Outlet {
    const NAME: &'static str = "Outlet";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Outlet", "")
    }
}

/// Who is told of changes, and how much of that waits.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    to: Option<Pid>,
    /// Memberships on their way to it.
    untaken: usize,
    /// It has been told that something was left out, and does not know it yet.
    is_overrun: bool,
    /// The last round that the feed has begun.
    round: u64,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what is for other nodes. The scope's lock is held, so that it is in order.
    pub(super) fn pass(&self, node: &Node, scope: (&Arc<str>, u64), effect: Effect<Pid>) {
        let mut waiting = self.lock();
        let Some(to) = waiting.to.filter(|to| node.is_alive(*to)) else {
            return;
        };
        let scope = (Arc::clone(scope.0), scope.1);
        let (change, group, pids) = match effect {
            Effect::TellPeersJoined { group, pids } => (Change::Joined, group, pids),
            Effect::TellPeersLeft { group, pids } => (Change::Left, group, pids),
            Effect::Sync { to: peer, groups } => {
                let whole = Outlet::Whole {
                    to: peer,
                    scope,
                    groups,
                    round: waiting.round,
                };
                // To a feed that dies just now it does not matter: the next one begins anew.
                let _ = node.send(to, whole);
                return;
            }
            _ => return,
        };
        if waiting.is_overrun {
            return;
        }
        if UNTAKEN_MAX - waiting.untaken < pids.len() {
            waiting.is_overrun = true;
            let _ = node.send(to, Outlet::Overrun);
            return;
        }
        waiting.untaken += pids.len();
        let changed = Outlet::Changed {
            scope,
            change,
            group,
            pids,
        };
        let _ = node.send(to, changed);
    }
}

/// The scopes of a node, to whoever carries groups between nodes. A program has no use for it.
#[derive(Debug)]
pub struct Peering {
    node: Node,
    scopes: Arc<Scopes>,
}

impl Peering {
    /// From here on this process is the feed, instead of any other. What scopes know of other nodes
    /// is forgotten.
    #[must_use]
    pub fn begin(node: &Node, feed: Pid) -> Self {
        let scopes = node.shared::<Scopes>();
        *scopes.feed.lock() = Waiting {
            to: Some(feed),
            ..Waiting::default()
        };
        let peering = Self {
            node: node.clone(),
            scopes,
        };
        for scope in peering.scopes.open_now() {
            let peers = scope.write().peers();
            for peer in peers {
                peering.step(&scope, Input::PeerDown { node: peer });
            }
        }
        peering
    }

    /// The feed has taken a message: there is room again.
    pub fn taken(&self, outlet: &Outlet) {
        let mut waiting = self.scopes.feed.lock();
        match outlet {
            // One of a feed before this may come too late to count.
            Outlet::Changed { pids, .. } => {
                waiting.untaken = waiting.untaken.saturating_sub(pids.len());
            }
            // What is left out from here on is in what is told then.
            Outlet::Overrun => waiting.is_overrun = false,
            Outlet::Whole { .. } | Outlet::Told { .. } => {}
        }
    }

    /// Asks for everything that a node has to be told: one [`Outlet::Whole`] for each scope with members
    /// here, then [`Outlet::Told`].
    pub fn tell_all(&self, to: NodeId, round: u64) {
        self.scopes.feed.lock().round = round;
        for scope in self.scopes.open_now() {
            self.step(&scope, Input::PeerUp { node: to });
        }
        let feed = self.scopes.feed.lock().to;
        if let Some(feed) = feed {
            let _ = self.node.send(feed, Outlet::Told { to, round });
        }
    }

    /// Gives a scope what another node has said. It stays open as long as what is returned is kept.
    #[must_use]
    pub fn feed(&self, scope: &str, input: Input<Pid>) -> Scope {
        let scope = Scope::named(&self.node, scope);
        self.step(scope.inner(), input);
        scope
    }

    /// Whether anybody of another node is in the scope.
    #[must_use]
    pub fn has_members_of(&self, scope: &Scope, node: NodeId) -> bool {
        scope.read(|machine| machine.has_members_of(node))
    }

    fn step(&self, scope: &Inner, input: Input<Pid>) {
        let mut machine = scope.write();
        scope.step(&self.node, &mut machine, input);
    }
}
