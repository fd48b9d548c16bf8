//! The same program with Foundation around it.
//!
//! Role       The sessions are what they were. Who supervises them, and how they are found, is ours:
//!            a tree restarts them, and a name leads to whoever is there now.

use foundation::prelude::*;
use foundation::ractor::{Hosted, ractor_child};

use crate::session::{Session, SessionMsg};

pub(crate) const ANN: Name<Hosted<SessionMsg>> = Name::new("ann");
pub(crate) const BOB: Name<Hosted<SessionMsg>> = Name::new("bob");

pub(crate) async fn run(node: &Node) -> foundation::Result<Vec<u64>> {
    let tree = Supervisor::one_for_one()
        .child(ractor_child("ann", || (Session, ())).name(ANN))
        .child(ractor_child("bob", || (Session, ())).name(BOB))
        .start(node)
        .await?;
    let (ann, bob) = (node.at(ANN), node.at(BOB));
    ann.send(SessionMsg::Visit("/".into()))?;
    ann.send(SessionMsg::Visit("/news".into()))?;
    let first = bob.pid();
    bob.send(SessionMsg::Visit("nonsense".into()))?;
    node.down(first).await;
    while bob.find().is_none() {
        foundation::time::sleep(ms(1)).await;
    }
    bob.send(SessionMsg::Visit("/".into()))?;
    let counts = vec![
        ann.call(SessionMsg::Count).await?,
        bob.call(SessionMsg::Count).await?,
    ];
    node.stop(&tree, Reason::Shutdown, secs(5)).await?;
    Ok(counts)
}
