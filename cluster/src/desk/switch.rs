//! How is another overlay ordered, and who has it?
//!
//! Role       Orders it here, and asks the desks of all members whether they have it, until they do.
//! Limit      They are asked for as long as the operator waits.

use std::time::Duration;

use foundation_actors::{NodeExt as _, multicall};
use foundation_runtime::Node;

use super::driver::DESK;
use super::gather::BOUND_MAX;
use super::words::{Acted, Wanted};
use crate::cluster::{NodeClusterExt as _, SwitchError};
use crate::overlay::{Mark, Overlay, PeerId, client_server, hyparview};

/// How often those that do not have it yet are asked again.
const ASK_PAUSE: Duration = Duration::from_millis(200);

impl Wanted {
    fn overlay(self) -> Overlay {
        match self {
            Self::FullMesh => Overlay::FullMesh,
            Self::HyParView(active) => {
                let default = hyparview::Config::default();
                let active = active.and_then(|active| usize::try_from(active).ok());
                let active_max = active.unwrap_or(default.active_max);
                Overlay::HyParView(hyparview::Config {
                    active_max,
                    shuffle_active: default.shuffle_active.min(active_max),
                    ..default
                })
            }
            Self::ClientServer(names) => Overlay::ClientServer(client_server::Config::new(names)),
        }
    }
}

/// Orders it; who has it within this time.
pub(super) async fn order(
    node: &Node,
    wanted: Wanted,
    bound: Duration,
) -> Result<Acted, SwitchError> {
    let until = node.now() + bound.min(BOUND_MAX);
    let epoch = node.cluster().switch(wanted.overlay()).await?;
    let mark = epoch.mark();
    let mut agreed = 0;
    let mut pending: Vec<String> = node
        .peers()
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect();
    loop {
        let left = until.saturating_sub(node.now());
        let remotes = pending.iter().map(|name| node.remote(name));
        let told = multicall(remotes, DESK, left, |desk| desk.epoch()).await;
        let has_it = |told: Option<(u64, u64)>| {
            told.is_some_and(|(number, by)| mark <= Mark(number, PeerId(by)))
        };
        let before = pending.len();
        for (remote, theirs) in told.replies {
            if has_it(theirs) {
                pending.retain(|name| *name != remote.name());
            }
        }
        agreed += (before - pending.len()) as u64;
        if pending.is_empty() || until <= node.now() + ASK_PAUSE {
            break;
        }
        node.sleep(ASK_PAUSE).await;
    }
    Ok(Acted::Switched {
        overlay: epoch.overlay.to_string(),
        epoch: epoch.number,
        agreed,
        pending,
    })
}
