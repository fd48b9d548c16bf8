//! How do others speak to the mesh?
//!
//! Role       Its name, and what connections say to it. Each waits for an answer, so that none can
//!            flood it; what another node says waits for a place, see [`Handed`](crate::connection::Handed).

use std::sync::Arc;

use foundation_actors::{NodeExt, Ref};
use foundation_runtime::Node;

use super::driver::{MESH, Mesh};
use super::{ConnectionId, Loss};
use crate::connection::Association;
use crate::handshake::{Refusal, Role, Who};

/// The mesh of one node.
#[derive(Clone, Debug)]
pub(crate) struct MeshRef(Ref<Mesh>);

impl MeshRef {
    /// The mesh of this node.
    pub(crate) fn of(node: &Node) -> Self {
        Self(node.at(MESH))
    }

    pub(crate) fn mesh(&self) -> &Ref<Mesh> {
        &self.0
    }

    pub(crate) async fn proved(
        &self,
        id: ConnectionId,
        who: Who,
        role: Role,
    ) -> Result<(), Refusal> {
        let answer = self.0.proved(id, who, role).await;
        answer.unwrap_or(Err(Refusal::Leaving))
    }

    // The mesh that does not answer has ended, and takes its connections along.
    pub(crate) async fn up(&self, id: ConnectionId, started: Arc<Association>) {
        let _ = self.0.up(id, started).await;
    }

    pub(crate) async fn association(&self, who: Who, link: u64) -> Option<Arc<Association>> {
        self.0.association(who, link).await.ok().flatten()
    }

    pub(crate) async fn may_part(&self, id: ConnectionId) -> bool {
        self.0.may_part(id).await.unwrap_or(false)
    }

    pub(crate) async fn kept(&self, id: ConnectionId) {
        let _ = self.0.kept(id).await;
    }

    /// The last that a connection says.
    pub(crate) fn gone(&self, id: ConnectionId, loss: Loss) {
        let _ = self.0.gone(id, loss);
    }

    /// The last that a connection says that never stood.
    pub(crate) fn undialled(&self, id: ConnectionId, refusal: Refusal) {
        let _ = self.0.undialled(id, refusal);
    }
}
