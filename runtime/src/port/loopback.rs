//! A connection in memory between two nodes of one program.
//!
//! Role       Shows that every operation is location-transparent: all that passes is encoded, and
//!            a cut ends links, monitors and calls with `noconnection`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Brought, Carried, Freight, Port};
use crate::{Node, NodeId, Pid};

/// Two nodes that see each other, until [`Loopback::cut`].
///
/// ```
/// use foundation_runtime::{Loopback, Node};
/// let a = Node::builder().name("a").start()?;
/// let b = Node::builder().name("b").start()?;
/// assert!(a.peer("b").is_none());
/// let wire = Loopback::connect(&a, &b);
/// assert_eq!(a.peer("b"), Some(b.id()));
/// wire.cut();
/// assert!(a.peer("b").is_none());
/// # a.shutdown_blocking(std::time::Duration::from_secs(5))?;
/// # b.shutdown_blocking(std::time::Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Loopback {
    a: Node,
    b: Node,
    wire: Arc<Wire>,
}

#[derive(Debug)]
struct Wire {
    open: AtomicBool,
    /// Frames that are being delivered: a cut waits for them, so that none comes after it.
    carried: AtomicUsize,
}

struct End {
    from: NodeId,
    to: Node,
    wire: Arc<Wire>,
}

impl Port for End {
    fn carry(&self, frame: Vec<u8>, what: Freight) -> Carried {
        // SeqCst, here and in `cut`: either the cut sees this frame, or we see the cut.
        self.wire.carried.fetch_add(1, Ordering::SeqCst);
        if !self.wire.open.load(Ordering::SeqCst) {
            self.wire.carried.fetch_sub(1, Ordering::SeqCst);
            return Carried::Gone;
        }
        // Of a loopback the channels have the same places at both ends.
        let brought = Brought {
            channel: what.course.channel,
            causal: what.course.causal,
            kept: None,
        };
        let received = self.to.core().receive(&self.to, self.from, brought, &frame);
        if let Err(error) = received {
            tracing::error!(target: "foundation::port", %error, "a frame could not be read");
        }
        self.wire.carried.fetch_sub(1, Ordering::SeqCst);
        Carried::Taken
    }

    fn wait(&self, _: Pid, _: &Freight) -> bool {
        // It is never busy.
        false
    }

    fn close(&self, node: NodeId) {
        self.wire.close();
        self.to.core().disconnect(node);
    }
}

impl Wire {
    /// No frame passes any more, and none that has begun is still on its way.
    fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        while self.carried.load(Ordering::SeqCst) > 0 {
            std::hint::spin_loop();
        }
    }
}

impl Loopback {
    /// Connects two nodes.
    ///
    /// # Panics
    /// When both are the same node.
    #[must_use]
    pub fn connect(a: &Node, b: &Node) -> Self {
        assert!(a.id() != b.id(), "a node was connected to itself");
        let wire = Arc::new(Wire {
            open: AtomicBool::new(true),
            carried: AtomicUsize::new(0),
        });
        for (from, to) in [(a, b), (b, a)] {
            let port = End {
                from: from.id(),
                to: to.clone(),
                wire: Arc::clone(&wire),
            };
            from.core()
                .connect(to.id(), to.core().name().clone(), Arc::new(port));
        }
        Self {
            a: a.clone(),
            b: b.clone(),
            wire,
        }
    }

    /// Cuts the connection: both nodes lose the other.
    pub fn cut(&self) {
        self.wire.close();
        self.a.core().disconnect(self.b.id());
        self.b.core().disconnect(self.a.id());
    }
}
