//! Who hears of whom in a walk?
//!
//! Role       A membership that is always right, for machines that have none.

use std::collections::BTreeSet;

use foundation_cluster::mesh::{Input, Loss};

use super::wires::Model;

/// In place of a membership: whoever is connected to somebody hears of all.
pub(crate) fn pass(model: &mut Model, told: &mut Told, millis: u64) {
    let count = model.names.len();
    for _ in 0..millis / 500 {
        model.pass(500);
        for node in 0..count {
            let is_there = model.machines[node].peers().next().is_some();
            for other in (0..count).filter(|other| is_there && *other != node) {
                let who = model.who(other);
                if told.insert((model.who(node).incarnation, node, who.incarnation, other)) {
                    model.step(node, Input::Member(who));
                }
            }
        }
        model.perform();
    }
}

/// Which start of which node has been told of which start of which other one.
pub(crate) type Told = BTreeSet<(u64, usize, u64, usize)>;

/// Everybody hears that this start of a node is no more.
pub(crate) fn lost(model: &mut Model, gone: usize) {
    let (who, count) = (model.who(gone), model.names.len());
    model.restart(gone);
    for node in (0..count).filter(|node| *node != gone) {
        let lost = Input::Lost(who.name.clone(), who.incarnation, Loss::Failed);
        model.step(node, lost);
    }
}
