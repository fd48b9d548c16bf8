//! Does what follows something come after it?
//!
//! Role       On each node a process that tells one node something and another one, after that, that it has; which
//!            tells the first, in causal order. Whoever hears the second before the first tells the [`Audit`].

use std::sync::Arc;

use foundation::prelude::*;

use super::audit::Audit;
use super::clerk::another;

/// The channel that rumours take. They wait longer than any run.
pub(super) const RUMOURS: &str = "rumours";

/// Hears rumours.
struct Gossip(Arc<Audit>);

const GOSSIP: Name<Gossip> = Name::new("gossip");

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
enum Tick {}

fn gossip_of(node: &Node, name: &str) -> Option<Ref<Gossip>> {
    let causal = SendOptions::channel(RUMOURS).causal();
    node.remote(name).at(GOSSIP).over(causal).ok()
}

#[actor]
impl Gossip {
    #[init]
    fn init(audit: Arc<Audit>) -> Self {
        Self(audit)
    }

    #[cast]
    fn first(&mut self, from: Pid, number: u64) {
        let mut books = self.0.books();
        if !books.heard.insert((from, number)) {
            let example = format!("{number} of {from}");
            books.broke("a message came before one that it follows", example);
        }
    }

    /// The first was told to that node.
    #[cast]
    fn told(&mut self, from: Pid, number: u64, whom: String, cx: &mut Cx<Self>) {
        if let Some(gossip) = gossip_of(&cx.node(), &whom) {
            let _ = gossip.second(from, number);
        }
    }

    #[cast]
    fn second(&mut self, from: Pid, number: u64) {
        // That the first never comes is no fault of the order.
        self.0.books().heard.insert((from, number));
    }
}

/// Starts both on a node among so many.
pub(super) async fn start(node: &Node, nodes: usize, audit: &Arc<Audit>) -> Result<(), String> {
    let gossip = node.start::<Gossip>(Arc::clone(audit)).name(GOSSIP);
    gossip.await.map_err(|error| format!("{error:?}"))?;
    let teller = node.spawn_fn(move |me: Process<Tick>| tell(me, nodes));
    teller.map(drop).map_err(|error| error.to_string())
}

async fn tell(me: Process<Tick>, nodes: usize) {
    let (node, mut number) = (me.node(), 0);
    loop {
        node.sleep(ms(100 + node.random() % 400)).await;
        let (one, other) = (another(&node, nodes), another(&node, nodes));
        if one == other {
            continue;
        }
        number += 1;
        let gossips = [&one, &other].map(|name| gossip_of(&node, name));
        let [Some(first), Some(second)] = gossips else {
            continue;
        };
        if first.first(me.pid(), number).is_ok() {
            let _ = second.told(me.pid(), number, one);
        }
    }
}
