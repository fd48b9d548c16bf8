//! What do all connections of a node have in common?
//!
//! Role       Who the node is, what it proves, and where its connections come from.
//! Limit      [`HALF_OPEN_MAX`] handshakes of others at once; each is bounded in time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation_runtime::Node;

use super::failure::Failure;
use super::keeper::Keeper;
use super::round_trip::RoundTrip;
use super::ways::Ways;
use crate::handshake::{Handshake, Purpose, Refusal, Role, Who};
use crate::mesh::ConnectionId;
use crate::overlay::Epoch;
use crate::relay;
use crate::secret::Secret;
use crate::transport::{Stream, Transport};

/// How many nodes may be shaking hands with this one at once; others are turned away.
pub(crate) const HALF_OPEN_MAX: usize = 1024;

/// The node, as its connections see it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) node: Node,
    pub(crate) transport: Transport,
    pub(crate) cluster: Box<str>,
    pub(crate) own: Who,
    pub(crate) secret: Secret,
    pub(crate) keeper: Arc<Keeper>,
    /// Other nodes, whether they are connected or not.
    pub(crate) ways: Ways,
    /// How long members take to answer.
    pub(crate) round_trip: Arc<RoundTrip>,
    /// Which overlay there is: a mesh that begins anew goes on with it.
    pub(crate) epoch: Mutex<Epoch>,
    /// How long a dial and a handshake may take together.
    pub(crate) handshake_bound: Duration,
    pub(crate) next: AtomicU64,
    pub(crate) half_open: AtomicUsize,
}

impl Context {
    /// One end of a handshake, on a connection of which the transport says this.
    pub(crate) fn handshake(&self, role: Role, purpose: Purpose, binding: &[u8]) -> Handshake {
        Handshake::new(
            role,
            self.cluster.clone(),
            self.own.clone(),
            self.secret.clone(),
            self.node.random_bytes(),
            binding,
        )
        .purpose(purpose)
    }

    /// Which overlay there is.
    pub(crate) fn epoch(&self) -> Epoch {
        let epoch = self.epoch.lock();
        epoch.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The overlay is this from here on.
    pub(crate) fn enter(&self, epoch: Epoch) {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
    }

    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Opens a further connection of an association, the way that the first one goes.
    pub(super) async fn dial(&self, peer: &Who, is_through: bool) -> Result<Stream, Failure> {
        let dialled = match is_through {
            false => self.transport.dial(&self.node, &peer.address, false).await,
            true => {
                let opened = relay::of(&self.node).open(peer.clone()).await;
                let circuit = opened.map_err(|_| Refusal::Closed)?;
                self.transport.through(circuit).await
            }
        };
        Ok(dialled?)
    }

    /// A place among the handshakes of others, if there is one.
    pub(crate) fn half_open(self: &Arc<Self>) -> Option<HalfOpen> {
        let taken = self.half_open.fetch_add(1, Ordering::Relaxed);
        let place = HalfOpen(Arc::clone(self));
        (taken < HALF_OPEN_MAX).then_some(place)
    }
}

/// A place among the handshakes of others, for as long as it is there.
#[derive(Debug)]
pub(crate) struct HalfOpen(Arc<Context>);

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.0.half_open.fetch_sub(1, Ordering::Relaxed);
    }
}
