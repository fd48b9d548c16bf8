//! What does the cluster look like from here?
//!
//! Role       Asks the mesh of this node, and the desks of others, and puts together what they say.
//! Limit      Others are asked all at once, within one bound.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation_actors::{NodeExt as _, multicall};
use foundation_runtime::{CHANNELS, Node, NodeId};

use super::driver::{DESK, Plan};
use super::switch;
use super::words::{
    Acted, Answer, ChannelRow, Dialled, Member, Pong, Question, Status, Topology, Vertex,
};
use crate::channel::ChannelFigures;
use crate::cluster::{AskError, NodeClusterExt as _, SwitchError};
use crate::membership::{Record, State};
use crate::mesh::Peer;
use crate::overlay::Overlay;

/// A topology of more connections than this is told without naming each.
pub const EDGES_MAX: usize = 20_000;
/// The longest that other nodes are waited for.
pub(super) const BOUND_MAX: Duration = Duration::from_secs(55);

/// What answers an operator.
pub(super) async fn answer(plan: &Plan, question: Question) -> Result<Answer, String> {
    asked(plan, question)
        .await
        .map_err(|error| error.to_string())
}

async fn asked(plan: &Plan, question: Question) -> Result<Answer, SwitchError> {
    let (node, cluster) = (&plan.node, plan.node.cluster());
    Ok(match question {
        Question::Status => Answer::Status(status(plan).await?),
        Question::Members => Answer::Members(members(node).await?),
        Question::Channels => Answer::Channels(channels(node).await?),
        Question::Topology(bound) => Answer::Topology(topology(node, bound).await?),
        Question::Ping(name, bound) => Answer::Pinged(ping(node, name, bound).await?),
        Question::Leave(bound) => {
            cluster.leave(bound.min(BOUND_MAX)).await?;
            let untold = cluster.nodes().await?.len() as u64;
            Answer::Done(Acted::Left { untold })
        }
        Question::Evict(name) => {
            cluster.evict(&name).await?;
            Answer::Done(Acted::Evicted { name })
        }
        Question::Switch(wanted, bound) => Answer::Done(switch::order(node, wanted, bound).await?),
    })
}

async fn status(plan: &Plan) -> Result<Status, AskError> {
    let (node, cluster) = (&plan.node, plan.node.cluster());
    let (own, peers) = (cluster.own().await?, cluster.nodes().await?);
    let there: BTreeSet<&str> = peers.iter().map(|peer| &*peer.who.address).collect();
    let dialled = cluster.dialled().await?;
    let epoch = cluster.epoch().await?;
    let vain = dialled
        .iter()
        .filter(|(address, _)| !there.contains(&**address) && *address != own.address);
    Ok(Status {
        node: node.name().to_owned(),
        incarnation: own.incarnation,
        cluster: plan.cluster.to_string(),
        address: own.address.to_string(),
        overlay: epoch.overlay.to_string(),
        epoch: epoch.number,
        uptime: node.now(),
        connected: peers.len() as u64,
        dialled: vain
            .map(|(address, refusal)| Dialled {
                address: address.to_string(),
                refusal: refusal.map(|refusal| refusal.to_string()),
            })
            .collect(),
        queued_bytes: peers.iter().map(|peer| peer.queued as u64).sum(),
    })
}

async fn members(node: &Node) -> Result<Vec<Member>, AskError> {
    let cluster = node.cluster();
    let (known, peers) = (cluster.members().await?, cluster.nodes().await?);
    let is_through = |record: &Record| {
        let mut through = peers.iter().filter(|peer| peer.is_through);
        through.any(|peer| *peer.who.name == *record.name.as_str())
    };
    let is_peer = |record: &Record| {
        let id = NodeId::of(record.name.as_str(), record.incarnation);
        node.peer(record.name.as_str()) == Some(id)
    };
    let mut members: Vec<Member> = known
        .iter()
        .map(|record| Member {
            name: record.name.to_string(),
            incarnation: record.incarnation,
            address: record.address.as_str().to_owned(),
            status: match record.state {
                State::Alive if record.name.as_str() == node.name() => "here",
                State::Alive if is_through(record) => "relayed",
                State::Alive if is_peer(record) => "up",
                State::Alive => "unreached",
                State::Suspect => "suspect",
                State::Down => "down",
                State::Left => "left",
                State::Evicted => "evicted",
            }
            .to_owned(),
        })
        .collect();
    // Connected a moment ago: the membership has not heard of it.
    for peer in &peers {
        if !members.iter().any(|member| *member.name == *peer.who.name) {
            members.push(Member {
                name: peer.who.name.to_string(),
                incarnation: peer.who.incarnation,
                address: peer.who.address.to_string(),
                status: "up".to_owned(),
            });
        }
    }
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}

async fn channels(node: &Node) -> Result<Vec<ChannelRow>, AskError> {
    let peers = node.cluster().nodes().await?;
    let rows = peers.iter().flat_map(|peer| {
        let data = ChannelRow {
            peer: peer.who.name.to_string(),
            channel: CHANNELS[0].to_owned(),
            queued_bytes: peer.queued as u64,
            sent_frames: peer.sent,
            figures: None,
        };
        let more = peer.channels.iter().map(|of| row(peer, of));
        std::iter::once(data).chain(more)
    });
    Ok(rows.collect())
}

fn row(peer: &Peer, of: &ChannelFigures) -> ChannelRow {
    ChannelRow {
        peer: peer.who.name.to_string(),
        channel: of.channel.clone(),
        queued_bytes: of.queued_bytes,
        sent_frames: of.messages,
        figures: Some(of.clone()),
    }
}

/// The names of the nodes that the overlay keeps connected to this one.
pub(super) async fn neighbours(node: &Node) -> Vec<String> {
    let peers = node.cluster().nodes().await.unwrap_or_default();
    let kept = peers.into_iter().filter(|peer| peer.is_neighbour);
    kept.map(|peer| peer.who.name.into()).collect()
}

async fn ping(node: &Node, name: Option<String>, bound: Duration) -> Result<Vec<Pong>, AskError> {
    let names = match name {
        Some(name) if node.peer(&name).is_none() => return Err(AskError::NoNode(name.into())),
        Some(name) => vec![name],
        None => neighbours(node).await,
    };
    let bound = bound.min(BOUND_MAX);
    let until = node.now() + bound;
    let mut pongs = Vec::new();
    // One after the other: together they would wait for each other.
    for name in names {
        let begun = node.now();
        let left = until.saturating_sub(begun);
        let desk = node.remote(&name).at(DESK);
        let answer = desk.ping().timeout(left).await;
        let took = node.now().saturating_sub(begun);
        let round_trip = answer.map(|()| took).map_err(|error| error.to_string());
        pongs.push(Pong { name, round_trip });
    }
    Ok(pongs)
}

/// Which connections the overlay keeps, as the nodes say that this one reaches; those that do not
/// within `bound` are said to be unanswered.
///
/// # Errors
/// [`AskError`] when this node itself does not know.
pub async fn topology(node: &Node, bound: Duration) -> Result<Topology, AskError> {
    let overlay = node.cluster().epoch().await?.overlay;
    let all = node.peers();
    let remotes = all.iter().map(|(name, _)| node.remote(name));
    let bound = bound.min(BOUND_MAX);
    let told = multicall(remotes, DESK, bound, |desk| desk.connected()).await;
    let mut edges: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    for (remote, peers) in told.replies {
        edges.insert(remote.name().to_owned(), Some(peers.into_iter().collect()));
    }
    for (remote, _) in told.failed {
        edges.insert(remote.name().to_owned(), None);
    }
    let own = neighbours(node).await.into_iter().collect();
    edges.insert(node.name().to_owned(), Some(own));
    Ok(drawn(&overlay, &edges))
}

/// What the lists of connections come to.
fn drawn(overlay: &Overlay, edges: &BTreeMap<String, Option<BTreeSet<String>>>) -> Topology {
    let known: Vec<(&String, &BTreeSet<String>)> = edges
        .iter()
        .filter_map(|(name, peers)| peers.as_ref().map(|peers| (name, peers)))
        .collect();
    let (mut one_sided, mut missing) = (Vec::new(), 0);
    for (at, (one, its)) in known.iter().enumerate() {
        for (other, others) in &known[at + 1..] {
            match (its.contains(*other), others.contains(*one)) {
                (true, true) => {}
                (false, false) if *overlay == Overlay::FullMesh => missing += 1,
                (false, false) => {}
                (true, false) => one_sided.push(((*one).clone(), (*other).clone())),
                (false, true) => one_sided.push(((*other).clone(), (*one).clone())),
            }
        }
    }
    let total: usize = known.iter().map(|(_, peers)| peers.len()).sum();
    let vertex = |(name, peers): (&String, &Option<BTreeSet<String>>)| Vertex {
        name: name.clone(),
        answered: peers.is_some(),
        degree: peers.as_ref().map_or(0, |peers| peers.len() as u64),
        peers: match peers {
            Some(peers) if total <= EDGES_MAX => peers.iter().cloned().collect(),
            _ => Vec::new(),
        },
    };
    Topology {
        overlay: overlay.to_string(),
        nodes: edges.iter().map(vertex).collect(),
        one_sided,
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::hyparview;

    #[test]
    fn what_nodes_say_differently_is_told_apart_from_what_is_missing() {
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let rows = [
            ("a", list(&["b", "c"])),
            ("b", list(&["a"])),
            ("c", list(&[])),
            ("d", None),
        ];
        let edges = rows.map(|(name, peers)| (name.to_owned(), peers));
        let edges = edges.into_iter().collect();
        let few = Overlay::HyParView(hyparview::Config::default());
        assert_eq!(drawn(&few, &edges).missing, 0, "few are wanted");
        let topology = drawn(&Overlay::FullMesh, &edges);
        assert_eq!(topology.one_sided, [("a".to_owned(), "c".to_owned())]);
        assert_eq!(topology.missing, 1, "b and c; nothing is known of d");
        let seen: Vec<(bool, u64)> = topology
            .nodes
            .iter()
            .map(|node| (node.answered, node.degree))
            .collect();
        assert_eq!(seen, [(true, 2), (true, 1), (true, 0), (false, 0)]);
    }
}
