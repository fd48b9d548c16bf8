//! What does a program send through to all nodes?
//!
//! Role       The port of the node `*`. Messages go to the process that broadcasts; there is nobody there to
//!            call, to link with or to monitor.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foundation_actors::NodeExt as _;
use foundation_runtime::{CallError, Carried, Freight, FreightKind, Node, NodeId, Pid, Port};

use super::driver::TREE;
use super::{HELD_BYTES, WAITING_BYTES_MAX};

/// The name of the node that stands for all.
pub(crate) const EVERYWHERE: &str = "*";

/// All nodes.
#[derive(Debug)]
pub(crate) struct Everywhere {
    node: Node,
    waiting: AtomicUsize,
    held: Mutex<BTreeSet<Pid>>,
}

impl Everywhere {
    /// From here on what is sent to `*` on this node is broadcast.
    pub(crate) fn begin(node: &Node) -> Arc<Self> {
        let everywhere = Arc::new(Self {
            node: node.clone(),
            waiting: AtomicUsize::new(0),
            held: Mutex::default(),
        });
        let id = NodeId::of(EVERYWHERE, node.incarnation());
        node.connect_hidden_port(id, EVERYWHERE, Arc::clone(&everywhere) as Arc<dyn Port>);
        everywhere
    }

    /// So many bytes wait no more. What came while the process began counts as gone already.
    pub(super) fn taken(&self, bytes: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(bytes));
        let (done, seen) = (Ordering::Relaxed, Ordering::Relaxed);
        let before = self.waiting.fetch_update(done, seen, less);
        let before = before.unwrap_or_else(|before| before);
        if before.saturating_sub(bytes) <= HELD_BYTES {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            for pid in std::mem::take(&mut *held) {
                self.node.release(pid);
            }
        }
    }

    /// A process that broadcasts has begun anew: what waited for the one before is gone.
    pub(super) fn begun(&self) {
        let waited = self.waiting.load(Ordering::Relaxed);
        self.taken(waited);
    }
}

impl Port for Everywhere {
    fn carry(&self, frame: Vec<u8>, freight: Freight) -> Carried {
        if let Some(request) = freight.request {
            let why = "all nodes together answer no call: `multicall` asks each";
            self.node
                .refuse_request(request, &CallError::Refused(why.into()));
            return Carried::Taken;
        }
        if freight.kind != FreightKind::Message {
            return Carried::Gone;
        }
        let bytes = frame.len();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before > 0 && WAITING_BYTES_MAX < before + bytes {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Carried::Full;
        }
        if self.node.at(TREE).broadcast(frame).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Carried::Gone;
        }
        match HELD_BYTES < before + bytes {
            true => Carried::Busy,
            false => Carried::Taken,
        }
    }

    fn wait(&self, pid: Pid, _: &Freight) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        HELD_BYTES < self.waiting.load(Ordering::Relaxed) && held.insert(pid)
    }

    fn close(&self, _: NodeId) {}
}
