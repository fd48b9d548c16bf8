//! Who waits for each other, and in which calls?
//!
//! Role       Puts the circles of calls that a look has found into the protocol's values, with names.
//! Limit      [`CIRCLES_MAX`] circles, [`HOPS_MAX`] processes of each; the alarm names [`NAMED_MAX`].
//!            What is left out is counted.

use foundation_runtime::{CallStage, Deadlocks, Node, Wait};

use super::protocol::{Alarm, AlarmKind, Circle, Hop};

const CIRCLES_MAX: usize = 10;
const HOPS_MAX: usize = 40;
/// So many of a circle are named in its alarm.
const NAMED_MAX: usize = 8;

/// The circles that were found, as they are told.
pub(super) fn tell(node: &Node, found: &Deadlocks) -> Vec<Circle> {
    let shown = found.cycles.iter().take(CIRCLES_MAX);
    shown.map(|cycle| circle(node, cycle)).collect()
}

fn circle(node: &Node, cycle: &[Wait]) -> Circle {
    let hops = cycle.iter().take(HOPS_MAX).map(|wait| hop(node, wait));
    Circle {
        hops: hops.collect(),
        hidden: cycle.len().saturating_sub(HOPS_MAX) as u64,
    }
}

fn hop(node: &Node, wait: &Wait) -> Hop {
    let facts = node.facts(wait.caller);
    let name = facts.and_then(|facts| match facts.name {
        Some(name) => Some(name.to_string()),
        None => {
            let code = facts.code?;
            Some(code.trim_end_matches("::{{closure}}").to_owned())
        }
    });
    Hop {
        pid: wait.caller,
        name,
        message: wait.message.to_owned(),
        taken: wait.stage == CallStage::Taken,
    }
}

/// What an operator is told of a circle, whatever it looks at.
pub(super) fn alarm(circle: &Circle) -> Alarm {
    let named = Circle {
        hops: circle.hops.iter().take(NAMED_MAX).cloned().collect(),
        hidden: circle.hidden + circle.hops.len().saturating_sub(NAMED_MAX) as u64,
    };
    Alarm {
        kind: AlarmKind::Deadlock,
        pid: circle.hops.first().map(|hop| hop.pid),
        text: format!("wait for each other: {named}"),
    }
}
