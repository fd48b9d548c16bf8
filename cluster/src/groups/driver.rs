//! Who tells other nodes of the groups of this one, and these of theirs?
//!
//! Role       The process that owns the machine: what it says leaves in the order in which it is said,
//!            as everything between two processes does.
//! Limit      What changes here while it is busy: `UNTAKEN_MAX` of `foundation_actors::pg::seam`. It is
//!            held itself while a connection has no room, and what finds none is said again later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use foundation_actors::pg::machine as scope;
use foundation_actors::pg::seam::{Outlet, Peering};
use foundation_actors::{Cx, Name, NodeExt as _, Scope};
use foundation_macros::actor;
use foundation_runtime::{Down, Info, Node, NodeChange, NodeId, Pid, Reason, SendError, me};

use super::machine::{Effect, Exchange, Input};
use super::word::Word;
use crate::machine::{Effects, Machine as _, Tick};

const GROUPS: Name<Groups> = Name::new("foundation_groups");
/// After so long it is tried again to say what found no room.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What an exchange starts from.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    node: Node,
    /// It seeks nobody before it has something to say.
    is_shy: bool,
    has_begun: Arc<AtomicBool>,
}

/// The process that owns the machine.
pub(crate) struct Groups {
    machine: Exchange<Pid>,
    node: Node,
    peering: Peering,
    /// The names of the nodes that are connected.
    names: BTreeMap<NodeId, Arc<str>>,
    /// The scopes with members elsewhere, and where.
    held: BTreeMap<Arc<str>, (Scope, BTreeSet<NodeId>)>,
    /// Who is not told what the machine has said before it knows that there is no room.
    full: BTreeSet<Pid>,
}

#[actor(crate = foundation_actors)]
impl Groups {
    #[init]
    fn init(plan: Plan, cx: &mut Cx<Self>) -> Self {
        let exchange = Exchange::new(cx.pid());
        let node = plan.node;
        let mut groups = Self {
            // One that had begun before may have had something to say.
            machine: match plan.is_shy && !plan.has_begun.swap(true, Ordering::Relaxed) {
                true => exchange.shy(),
                false => exchange,
            },
            peering: Peering::begin(&node, cx.pid()),
            names: BTreeMap::new(),
            held: BTreeMap::new(),
            full: BTreeSet::new(),
            node,
        };
        if let Some(me) = me() {
            me.monitor_nodes();
        }
        for (name, node) in groups.node.peers() {
            groups.up(node, name, cx);
        }
        groups
    }

    /// Another node says something.
    #[cast]
    fn heard(&mut self, word: Word<Pid>, cx: &mut Cx<Self>) {
        self.step(Input::Heard(word), cx);
    }

    #[cast(local)]
    fn retry(&mut self, cx: &mut Cx<Self>) {
        self.step(Input::Retry, cx);
    }

    #[info]
    fn told(&mut self, info: Info, cx: &mut Cx<Self>) {
        let info = match info.take::<Outlet>() {
            Ok(outlet) => {
                self.peering.taken(&outlet);
                return self.step(outlet.into(), cx);
            }
            Err(other) => other,
        };
        match info.take::<NodeChange>() {
            Ok(NodeChange::Up { node, name }) => self.up(node, name, cx),
            Ok(NodeChange::Down { node, .. }) => {
                self.names.remove(&node);
                self.step(Input::Down(node), cx);
            }
            Err(_) => {}
        }
    }

    #[down]
    fn ended(&mut self, down: Down, cx: &mut Cx<Self>) {
        // With its node it is gone for everybody, and that is told, too.
        if let Some(pid) = down.pid.filter(|_| down.reason != Reason::NoConnection) {
            self.step(Input::Ended(pid), cx);
        }
    }
}

impl From<Outlet> for Input<Pid> {
    fn from(outlet: Outlet) -> Self {
        match outlet {
            Outlet::Changed {
                scope,
                change,
                group,
                pids,
            } => Self::Changed {
                scope,
                change,
                group,
                pids,
            },
            Outlet::Whole {
                to,
                scope,
                groups,
                round,
            } => Self::Whole {
                to,
                scope,
                groups,
                round,
            },
            Outlet::Told { to, round } => Self::Told { to, round },
            Outlet::Overrun => Self::Overrun,
        }
    }
}

impl Groups {
    fn up(&mut self, node: NodeId, name: Arc<str>, cx: &mut Cx<Self>) {
        self.names.insert(node, name);
        self.step(Input::Up(node), cx);
    }

    fn step(&mut self, input: Input<Pid>, cx: &mut Cx<Self>) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            if let Input::Unsaid(to) = &input {
                self.full.remove(to);
            }
            let mut effects = Effects::new();
            let now = Tick::ZERO + self.node.now();
            self.machine.step(now, input, &mut effects);
            self.machine.check();
            for effect in effects.drain() {
                inputs.extend(self.perform(effect, cx));
            }
        }
    }

    /// Does what the machine asks for, and says what came of it.
    fn perform(&mut self, effect: Effect<Pid>, cx: &mut Cx<Self>) -> Option<Input<Pid>> {
        match effect {
            Effect::Seek(node, word) => {
                // Where nobody hears it, whoever starts there later seeks this one.
                if let Some(name) = self.names.get(&node) {
                    let _ = self.node.remote(name).at(GROUPS).heard(word);
                }
            }
            Effect::Say(to, _) if self.full.contains(&to) => {}
            Effect::Say(to, word) => match self.node.reference::<Self>(to).heard(word) {
                Ok(()) => {}
                Err(SendError::Full) => {
                    self.full.insert(to);
                    return Some(Input::Unsaid(to));
                }
                Err(error) => tracing::error!(
                    target: "foundation::cluster",
                    %to, %error,
                    "a node cannot be told of a group"
                ),
            },
            Effect::Watch(pid) => {
                if let Some(me) = me() {
                    me.monitor(pid);
                }
            }
            Effect::TellAll(node, round) => self.peering.tell_all(node, round),
            Effect::Feed(node, name, input) => {
                let is_leave = matches!(input, scope::Input::PeerLeft { .. });
                let scope = self.peering.feed(&name, input);
                let is_empty = is_leave && !self.peering.has_members_of(&scope, node);
                let held = self.held.entry(Arc::clone(&name));
                held.or_insert_with(|| (scope, BTreeSet::new()))
                    .1
                    .insert(node);
                return is_empty.then_some(Input::Emptied(node, name));
            }
            Effect::Release(node, name) => {
                if let Some((_, nodes)) = self.held.get_mut(&name) {
                    nodes.remove(&node);
                    if nodes.is_empty() {
                        self.held.remove(&name);
                    }
                }
            }
            Effect::RetryLater => {
                cx.msg_after(RETRY_PAUSE, GroupsMsg::Retry);
            }
            Effect::Beyond(node, scope) => tracing::error!(
                target: "foundation::cluster",
                node = self.names.get(&node).map(|name| &**name), %scope,
                "a node has members in more scopes than are taken"
            ),
        }
        None
    }
}

/// The child of the cluster's tree.
pub(crate) fn child(node: Node, is_shy: bool) -> foundation_actors::supervisor::Child<Groups> {
    let has_begun = Arc::default();
    let plan = Plan {
        node,
        is_shy,
        has_begun,
    };
    foundation_actors::child_with::<Groups>(plan).name(GROUPS)
}
