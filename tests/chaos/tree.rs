//! What does the tree look like?
//!
//! Role       A root, a group of each strategy with workers of every restart type and a nested
//!            group, and dynamic supervisors.

use foundation::prelude::*;
use foundation::{Child, Mailbox, Restart, SupervisorBuilder, WhenFull};

use crate::ledger::{Facts, Ledger};
use crate::worker::{Cfg, Worker};

/// How many restarts a group may have, and within which seconds.
pub(crate) const RESTARTS: u32 = 3;
pub(crate) const PERIOD: u64 = 2;

pub(crate) const ROOT: Name<Supervisor> = Name::new("root");
/// Groups by strategy, and the nested one of each.
pub(crate) const GROUPS: [&str; 6] = ["one", "all", "rest", "one-in", "all-in", "rest-in"];
pub(crate) const DYNAMICS: [(&str, Restart); 3] = [
    ("kept", Restart::Permanent),
    ("tried", Restart::Transient),
    ("passing", Restart::Temporary),
];
/// Ids and restart types of a group's workers, in the order of their start.
pub(crate) const WORKERS: [(&str, Restart); 4] = [
    ("first", Restart::Permanent),
    ("again", Restart::Transient),
    ("once", Restart::Temporary),
    ("last", Restart::Permanent),
];

pub(crate) fn group_name(group: &'static str) -> Name<Supervisor> {
    Name::new(group)
}

pub(crate) fn dynamic_name(name: &'static str) -> Name<Dynamic<Worker>> {
    Name::new(name)
}

/// Every kind of mailbox is somewhere in the tree.
fn mailbox(group: &str, id: &str) -> Mailbox {
    let nth = GROUPS.iter().position(|known| *known == group);
    let at = WORKERS.iter().position(|(known, _)| *known == id);
    let place = nth.unwrap_or_default() + at.unwrap_or_default();
    let when_full = match place % 5 {
        0 => WhenFull::Block,
        1 => WhenFull::Reject,
        2 => WhenFull::DropOldest,
        3 => WhenFull::DropNewest,
        _ => return Mailbox::unbounded(),
    };
    Mailbox::bounded(2 + place % 3, when_full)
}

pub(crate) fn worker(
    ledger: &Ledger,
    group: &'static str,
    id: &str,
    restart: Restart,
    traps: bool,
) -> Child<Worker> {
    let ledger = ledger.clone();
    let mailbox = mailbox(group, id);
    let facts = Facts {
        group,
        traps,
        mailbox,
    };
    let child = child_with::<Worker>(Cfg { facts, ledger }).mailbox(mailbox);
    let child = match id {
        "last" => child.name(Name::dynamic(format!("{group}/last"))),
        _ => child,
    };
    let child = child.id(id).shutdown(ms(50));
    match restart {
        Restart::Permanent => child.permanent(),
        Restart::Transient => child.transient(),
        Restart::Temporary => child.temporary(),
    }
}

fn group(ledger: &Ledger, group: &'static str, nth: usize) -> SupervisorBuilder {
    let strategy = match nth % 3 {
        0 => Supervisor::one_for_one(),
        1 => Supervisor::one_for_all(),
        _ => Supervisor::rest_for_one(),
    };
    let mut tree = strategy
        .intensity(RESTARTS, secs(PERIOD))
        .name(group_name(group));
    for (at, (id, restart)) in WORKERS.into_iter().enumerate() {
        tree = tree.child(worker(
            ledger,
            group,
            id,
            restart,
            (at + nth).is_multiple_of(2),
        ));
    }
    tree
}

/// What lives on another node.
pub(crate) const FAR: &str = "far";
/// How many workers do.
pub(crate) const FAR_WORKERS: usize = 4;

pub(crate) async fn far(ledger: &Ledger, node: &Node) {
    let far = Supervisor::dynamic::<Worker>()
        .restart(Restart::Permanent)
        .intensity(1_000_000, secs(1))
        .name(dynamic_name(FAR))
        .start(node)
        .await
        .expect("it starts");
    for nth in 0..FAR_WORKERS {
        let facts = Facts {
            group: FAR,
            traps: nth % 2 == 0,
            mailbox: Mailbox::unbounded(),
        };
        let ledger = ledger.clone();
        let started = far.start_child(Cfg { facts, ledger }).await;
        assert!(started.is_ok(), "{started:?}");
    }
}

/// The whole tree. Whatever happens below, the root goes on.
pub(crate) fn tree(ledger: &Ledger) -> SupervisorBuilder {
    let mut root = Supervisor::one_for_one()
        .intensity(1_000_000, secs(1))
        .name(ROOT);
    for nth in 0..3 {
        let nested = group(ledger, GROUPS[nth + 3], nth + 1);
        root = root.child(group(ledger, GROUPS[nth], nth).child(nested));
    }
    for (name, restart) in DYNAMICS {
        let dynamic = Supervisor::dynamic::<Worker>()
            .restart(restart)
            .intensity(RESTARTS, secs(PERIOD))
            .max_children(12)
            .name(dynamic_name(name));
        root = root.child(dynamic);
    }
    root
}
