//! What does it mean that an application has ended?
//!
//! Role       One process per node that watches the top supervisors of all that run, and acts when one
//!            ends that nobody has stopped: by its start type. It is there while one runs.
//! Source     otp: application_controller; application:start/2

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_runtime::{
    Codec, Down, Mail, Message, MonitorRef, Node, Pid, Process, ProcessRef, Reason, SpawnError,
    SpawnOptions, Tag,
};

use super::plan::AppName;
use super::set::{Applications, StartType};

/// How long each of the others may take to stop when one has ended that they cannot do without.
const STOP_BOUND: Duration = Duration::from_secs(10);

/// An application that runs.
pub(super) struct Watch {
    pub(super) name: AppName,
    pub(super) top: Pid,
    pub(super) start: StartType,
}

impl Message for Watch {
    const NAME: &'static str = "Applications::watch";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Applications", "watch")
    }
}

/// Starts the controller of a node.
pub(super) fn start(node: &Node) -> Result<ProcessRef<Watch>, SpawnError> {
    let options = SpawnOptions::new().code("foundation::application::Controller");
    let started = node.spawn_fn_with(&options, run);
    started.map(|(controller, _)| controller)
}

async fn run(mut me: Process<Watch>) {
    let mut watched: BTreeMap<MonitorRef, Watch> = BTreeMap::new();
    loop {
        match me.recv().await {
            Mail::Msg(watch) => {
                let monitor = me.monitor(watch.top);
                watched.insert(monitor, watch);
            }
            Mail::Down(Down {
                monitor, reason, ..
            }) => {
                if let Some(watch) = watched.remove(&monitor) {
                    ended(&me.node(), &watch, &reason).await;
                }
                if watched.is_empty() && Applications::of(&me.node()).is_idle(me.pid()) {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// An application has ended: nothing to do if somebody stopped it.
async fn ended(node: &Node, watch: &Watch, reason: &Reason) {
    let (set, Watch { name, top, start }) = (Applications::of(node), watch);
    if !set.has_ended(name, *top) {
        return;
    }
    let fatal = is_fatal(*start, reason);
    tracing::error!(target: "foundation::application", %name, %reason, fatal, "an application has ended");
    if fatal {
        // What does not stop in time is killed, and the node fails all the same.
        let _ = set.stop_all(STOP_BOUND).await;
        node.fail(&format!("application `{name}` ended: {reason}"));
    }
}

/// Whether the node does without an application of this start type that ended so.
fn is_fatal(start: StartType, reason: &Reason) -> bool {
    match start {
        StartType::Permanent => true,
        StartType::Transient => *reason != Reason::Normal,
        StartType::Temporary => false,
    }
}
