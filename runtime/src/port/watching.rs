//! Who is told when another node comes or goes?
//!
//! Role       Processes that watch all nodes, or one by its name, and what they are told.
//! Invariant  A node's coming is told before anything that it sends, its going after all of that,
//!            and after the exits and DOWNs that it leads to.
//! Limit      One entry per process and what it watches; asking again only counts.
//! Source     otp: net_kernel:monitor_nodes/1, erlang:monitor_node/2

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::envelope::{Codec, Signal, Tag};
use crate::node::Core;
use crate::process::HAS_PEERS;
use crate::{Me, Message, Node, NodeId, Pid};

/// A node has come, or gone: the message for whoever watches it by [`Me::monitor_nodes`] or
/// [`Me::monitor_node`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeChange {
    /// The node is connected: what it sends comes after this.
    Up {
        /// Which one: the node of all its pids.
        node: NodeId,
        /// Its name.
        name: Arc<str>,
    },
    /// The node is lost: nothing of it comes after this, nor does an exit or a DOWN by its loss.
    Down {
        /// Which one; of one that was not connected when it was to be watched, what
        /// [`NodeId::unconnected`] makes of the name.
        node: NodeId,
        /// Its name.
        name: Arc<str>,
    },
}

impl Message for NodeChange {
    const NAME: &'static str = "NodeChange";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "NodeChange", "")
    }
}

/// Who watches nodes, and how often.
#[derive(Default)]
pub(super) struct Watching(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    all: BTreeMap<Pid, u32>,
    /// By the node's name.
    one: BTreeMap<Arc<str>, BTreeMap<Pid, u32>>,
}

impl Watching {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Connects while nobody begins or ends to watch, and tells whoever does.
    pub(super) fn connect_watched(&self, node: NodeId, name: &Arc<str>, connect: impl FnOnce()) {
        let tables = self.ports().watching.lock();
        connect();
        let name = Arc::clone(name);
        let change = NodeChange::Up { node, name };
        for (pid, times) in &tables.all {
            self.tell_change(*pid, node, change.clone(), *times);
        }
    }

    /// Tells whoever watches that a node is lost. Its connection is gone already, and whoever had
    /// to do with it knows.
    pub(super) fn tell_loss(&self, node: NodeId, name: &Arc<str>) {
        let mut tables = self.ports().watching.lock();
        let one = tables.one.remove(name).unwrap_or_default();
        let change = NodeChange::Down {
            node,
            name: Arc::clone(name),
        };
        for (pid, times) in tables.all.iter().chain(&one) {
            self.tell_change(*pid, node, change.clone(), *times);
        }
    }

    fn tell_change(&self, pid: Pid, node: NodeId, change: NodeChange, times: u32) {
        self.send_signal(
            pid,
            Signal::NodeChanged {
                node,
                change,
                times,
            },
        );
    }

    /// Forgets whom a process watched that has ended.
    pub(super) fn forget_watcher(&self, pid: Pid) {
        let mut tables = self.ports().watching.lock();
        tables.all.remove(&pid);
        tables.one.retain(|_, watchers| {
            watchers.remove(&pid);
            !watchers.is_empty()
        });
    }
}

impl Node {
    /// The nodes that are connected, by name. Read by a process that
    /// [watches all](crate::Me::monitor_nodes) already, it leaves out none that the process is not told
    /// of, and may have some that it is.
    ///
    /// ```
    /// use foundation_runtime::{Loopback, Node};
    /// let [a, b] = ["a", "b"].map(|name| Node::builder().name(name).start().expect("a thread"));
    /// let wire = Loopback::connect(&a, &b);
    /// assert_eq!(a.peers(), [("b".into(), b.id())]);
    /// wire.cut();
    /// assert!(a.peers().is_empty());
    /// # for node in [a, b] {
    /// #     node.shutdown_blocking(std::time::Duration::from_secs(5))?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn peers(&self) -> Vec<(Arc<str>, NodeId)> {
        self.core().connected()
    }
}

impl Me {
    /// Has a [`NodeChange`] sent to this process whenever a node is connected or lost. Who is
    /// connected already is not told of. Asked for twice, each comes twice, as in OTP.
    ///
    /// ```
    /// use foundation_runtime::{Loopback, Mail, Node, NodeChange, Process};
    /// let [a, b] = ["a", "b"].map(|name| Node::builder().name(name).start().expect("a thread"));
    /// let (ready, watches) = foundation_runtime::promise(&a);
    /// let watcher = a.spawn_fn(move |mut me: Process<NodeChange>| async move {
    ///     me.monitor_nodes();
    ///     ready.send(());
    ///     let Mail::Msg(NodeChange::Up { name, .. }) = me.recv().await else {
    ///         panic!("a node has come")
    ///     };
    ///     assert_eq!(&*name, "b");
    ///     assert!(matches!(me.recv().await, Mail::Msg(NodeChange::Down { .. })));
    /// })?;
    /// a.block_on(watches)?;
    /// Loopback::connect(&a, &b).cut();
    /// a.block_on(a.down(&watcher));
    /// # for node in [a, b] {
    /// #     node.shutdown_blocking(std::time::Duration::from_secs(5))?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn monitor_nodes(self) {
        let running = self.running();
        running.block().set_flag(HAS_PEERS);
        let mut tables = running.core().ports().watching.lock();
        *tables.all.entry(self.pid()).or_default() += 1;
    }

    /// Ends what [`Me::monitor_nodes`] began, however often: whether there was anything. What was
    /// told already stays in the queue.
    pub fn demonitor_nodes(self) -> bool {
        let core = self.running().core();
        let mut tables = core.ports().watching.lock();
        tables.all.remove(&self.pid()).is_some()
    }

    /// Has one [`NodeChange::Down`] sent to this process when the node of this name is lost, or at
    /// once if it is not connected. Asked for twice, it comes twice.
    pub fn monitor_node(self, name: &str) {
        let (running, pid) = (self.running(), self.pid());
        running.block().set_flag(HAS_PEERS);
        let core = running.core();
        let mut tables = core.ports().watching.lock();
        let name: Arc<str> = name.into();
        if core.find_node(&name).is_some() {
            let watchers = tables.one.entry(name).or_default();
            *watchers.entry(pid).or_default() += 1;
            return;
        }
        let node = NodeId::unconnected(&name);
        core.tell_change(pid, node, NodeChange::Down { node, name }, 1);
    }

    /// Takes one [`Me::monitor_node`] back: whether there was one.
    pub fn demonitor_node(self, name: &str) -> bool {
        let (core, pid) = (self.running().core(), self.pid());
        let mut tables = core.ports().watching.lock();
        let Some(watchers) = tables.one.get_mut(name) else {
            return false;
        };
        let Some(times) = watchers.get_mut(&pid) else {
            return false;
        };
        *times -= 1;
        if *times == 0 {
            watchers.remove(&pid);
        }
        true
    }
}
