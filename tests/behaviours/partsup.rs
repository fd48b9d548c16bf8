//! Does a partitioned supervisor lead equal keys to the same child (B196, B197)?
//!
//! Source     elixir: PartitionSupervisor

use foundation::prelude::*;
use foundation::{PARTITIONS_MAX, Partitions};

use crate::support::{Cfg, Kid, LONG, Log};

const KIDS: Name<Partitions<Kid>> = Name::new("kids");
const NAMES: [&str; 4] = ["k0", "k1", "k2", "k3"];

fn kids(log: &Log) -> foundation::PartitionedBuilder<Kid> {
    let log = log.clone();
    let kid = move |number: usize| Cfg::new(&log, NAMES[number % 4]).child();
    Supervisor::partitioned(KIDS, kid)
        .partitions(4)
        .intensity(9, secs(5))
}

/// B196: a key leads to one partition, also when its child was restarted; other keys elsewhere.
#[foundation::test]
async fn b196_equal_keys_lead_to_the_same_partition(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = kids(&log).start(&node).await.expect("started");
    let parts = node.at(KIDS);
    assert_eq!(parts.partitions(), Ok(4));
    let mut used = std::collections::BTreeSet::new();
    for number in 0..100 {
        let key = format!("key {number}");
        let (once, twice) = (parts.partition(&key), tree.partition(&key));
        let (once, twice) = (once.expect("it runs"), twice.expect("it runs"));
        assert_eq!(once, twice);
        used.insert(once.pid());
    }
    assert_eq!(used.len(), 4, "a hundred keys reach all");
    let kid = parts.partition("alice").expect("it runs");
    let (title, old) = (kid.title().await, kid.pid());
    kid.crash().expect("portable");
    w.eventually(LONG, async || kid.find().is_some_and(|pid| pid != old))
        .await;
    assert_eq!(
        kid.title().await,
        title,
        "another process with the same part"
    );
    assert_eq!(parts.partition("alice").expect("it runs"), kid);
    for (number, name) in NAMES.iter().enumerate() {
        let kid = parts.partition_at(number).expect("it runs").expect("there");
        assert_eq!(kid.title().await.as_deref(), Ok(*name));
    }
    assert_eq!(parts.partition_at(4), Ok(None));
    let children = parts.which_children().await.expect("answers");
    let ids: Vec<String> = children
        .into_iter()
        .filter_map(|child| child.id)
        .map(|id| id.to_string())
        .collect();
    assert_eq!(ids, ["0", "1", "2", "3"]);
    assert_eq!(parts.count_children().await.expect("answers").active, 4);
    assert_eq!(node.stop(&tree, Reason::Shutdown, LONG).await, Ok(()));
    assert_eq!(parts.partition("alice").err(), Some(CallError::NoProc));
    assert_eq!((kid.find(), node.processes()), (None, vec![]));
}

/// B197: none, or too many, partitions are refused, and nothing runs. (No name does not compile.)
#[foundation::test]
async fn b197_bad_partitions_are_refused(node: Node) {
    let log = Log::default();
    for count in [0, PARTITIONS_MAX + 1] {
        let refused = kids(&log).partitions(count).start(&node).await;
        let Err(StartError::Failed(reason)) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            reason.to_string().contains(&format!("and not {count}")),
            "{reason}"
        );
    }
    assert_eq!(
        (log.all().len(), node.processes(), node.whereis("kids")),
        (0, vec![], None)
    );
    let tree = Supervisor::one_for_one()
        .child(kids(&log).partitions(0))
        .start(&node)
        .await;
    assert!(matches!(tree, Err(StartError::Failed(_))), "nor as a child");
}

/// elixir: as many as there are schedulers unless set; a route of one's own; under a tree, whose
/// restart of it is seen by name.
#[foundation::test]
async fn partitions_under_a_tree(w: World) {
    const BY_NUMBER: Name<Partitions<Kid, u64>> = Name::new("by number");
    let (node, log) = (w.node(), Log::default());
    let notes = log.clone();
    let kid = move |number: usize| Cfg::new(&notes, NAMES[number % 4]).child();
    let parts = Supervisor::partitioned(BY_NUMBER, kid).route(|key, count| *key as usize % count);
    let tree = Supervisor::one_for_one()
        .child(parts)
        .start(&node)
        .await
        .expect("started");
    let parts = node.at(BY_NUMBER);
    let count = parts.partitions().expect("it runs");
    assert_eq!(count, node.workers());
    let last = parts
        .partition(&(count as u64 * 7 + count as u64 - 1))
        .expect("it runs");
    assert_eq!(last.title().await.as_deref(), Ok(NAMES[(count - 1) % 4]));
    // Another type of keys is another supervisor, which does not run.
    assert_eq!(
        node.at(Name::<Partitions<Kid>>::new("by number"))
            .partitions(),
        Err(CallError::NoProc)
    );
    let old = parts.pid();
    node.exit(old, Reason::Kill);
    w.eventually(LONG, async || {
        parts.find().is_some_and(|pid| pid != old) && parts.partition(&0).is_ok()
    })
    .await;
    w.eventually(LONG, async || {
        parts.partition(&0).is_ok_and(|kid| kid.find().is_some())
    })
    .await;
    crate::support::stop(&tree).await;
    assert_eq!(node.processes(), []);
}
