//! A connection in memory between two nodes of one program.
//!
//! Role       Shows that every operation is location-transparent: all that passes is encoded, and
//!            a cut ends links, monitors and calls with `noconnection`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Port;
use crate::Node;

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
    open: Arc<AtomicBool>,
}

struct End {
    to: Node,
    open: Arc<AtomicBool>,
}

impl Port for End {
    fn carry(&self, frame: Vec<u8>) -> bool {
        if !self.open.load(Ordering::Acquire) {
            return false;
        }
        if let Err(error) = self.to.core().receive(&self.to, &frame) {
            tracing::error!(target: "foundation::port", %error, "a frame could not be read");
        }
        true
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
        let open = Arc::new(AtomicBool::new(true));
        for (from, to) in [(a, b), (b, a)] {
            let port = End {
                to: to.clone(),
                open: Arc::clone(&open),
            };
            from.core()
                .connect(to.id(), to.core().name().clone(), Arc::new(port));
        }
        Self {
            a: a.clone(),
            b: b.clone(),
            open,
        }
    }

    /// Cuts the connection: both nodes lose the other.
    pub fn cut(&self) {
        self.open.store(false, Ordering::Release);
        self.a.core().disconnect(self.b.id());
        self.b.core().disconnect(self.a.id());
    }
}
