//! Spawning: options, and what a node refuses (B056-B058).
//!
//! Source     otp: erlang:spawn_opt/4

use foundation::prelude::*;
use foundation::{BadOption, NodeBuilder, Priority, SpawnError};

use crate::support::{Death, LONG, Note, Puppet, Shared, boom, run};

/// B056: an option that does not exist is refused, and nothing is spawned.
#[foundation::test]
async fn b056_an_unknown_option_is_refused(node: Node) {
    let before = node.stats().spawned;
    for text in ["swift", "priority=urgent", "link=yes", "priority", ""] {
        let options = SpawnOptions::new().with("monitor").expect("known");
        assert_eq!(options.with(text), Err(BadOption(text.into())));
    }
    let options = SpawnOptions::new()
        .with("link")
        .and_then(|options| options.with("priority=high"))
        .and_then(|options| options.with("name=n"))
        .expect("all known");
    let typed = SpawnOptions::new().link().priority(Priority::High);
    assert_eq!(options, typed.name("n"));
    assert_eq!(node.stats().spawned, before);
}

/// B057: with link and monitor, the end of a child is an EXIT and a DOWN.
#[foundation::test]
async fn b057_link_and_monitor_both_tell(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        me.trap_exit(true);
        let options = SpawnOptions::new().link().monitor();
        let spawned = me.spawn_with(&options, |_: Process<Note>| async { boom() });
        let (child, monitor) = spawned.expect("spawned");
        let (mut exits, mut downs) = (0, 0);
        for _ in 0..2 {
            match me.recv().await {
                Mail::Exit(exit) => {
                    assert_eq!((exit.from, exit.reason), (child.pid(), boom()));
                    exits += 1;
                }
                Mail::Down(down) => {
                    assert_eq!((Some(down.monitor), down.reason), (monitor, boom()));
                    downs += 1;
                }
                other => panic!("{other:?} came"),
            }
        }
        assert_eq!((exits, downs), (1, 1));
    })
    .await;
}

fn small(w: &World, limit: usize) -> Node {
    let builder: NodeBuilder = Node::builder().name("small").max_processes(limit);
    w.start_with(builder)
}

/// B058: at the limit a spawn is refused with `system_limit`; it works again after deaths.
#[foundation::test]
async fn b058_a_full_node_refuses_and_recovers(w: World) {
    let node = small(&w, 10);
    for _ in 0..3 {
        let all: Vec<_> = (0..10).map(|_| Puppet::start(&node)).collect();
        assert_eq!(node.stats().processes, 10);
        for _ in 0..20 {
            let refused = node.spawn_fn(|_: Process<Note>| async {});
            assert_eq!(refused.err(), Some(SpawnError::SystemLimit));
        }
        let refused = all[0].ask(|me| me.node().spawn_fn(|_: Process<Note>| async {}).err());
        assert_eq!(refused.await, Some(SpawnError::SystemLimit));
        for puppet in &all {
            assert!(puppet.is_alive(), "a refusal costs nobody");
            node.exit(puppet, Reason::Kill);
        }
        // The slot is free a little after the death is known.
        let until = node.now() + LONG;
        while node.stats().processes > 0 {
            assert!(node.now() < until, "the slots are not given back");
            node.sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

/// A spawn that fails leaves nothing: no process, no link, no monitor, no name.
#[foundation::test]
async fn a_failed_spawn_leaves_nothing(node: Node) {
    let (holder, p) = (Puppet::start(&node), Puppet::trapping(&node));
    node.register("n", &holder).expect("free");
    let ran = Shared::<bool>::default();
    let (seen, count) = (ran.clone(), node.stats().processes);
    let error = p
        .ask(move |me| {
            let options = SpawnOptions::new().link().monitor().name("n");
            let spawned = me.spawn_with(&options, move |_: Process<Note>| async move {
                seen.set(true);
            });
            spawned.err()
        })
        .await;
    assert_eq!(error, Some(SpawnError::NameTaken(holder.pid())));
    let info = p.info().await;
    assert_eq!((info.links, info.monitors), (vec![], vec![]));
    assert_eq!(p.log().await, []);
    assert_eq!(node.stats().processes, count);
    assert!(!ran.get());
}

/// A name given at the spawn is there before the process runs, and before others can see it.
#[foundation::test]
async fn a_name_of_a_spawn_is_there_from_the_first_instruction(node: Node) {
    let options = SpawnOptions::new().name("n");
    let found = Shared::default();
    let own = found.clone();
    let (child, _) = node
        .spawn_fn_with(&options, move |mut me: Process<Note>| async move {
            own.set(Some((
                me.pid(),
                me.node().whereis("n"),
                me.info().registered_name,
            )));
            me.recv().await;
        })
        .expect("free");
    assert_eq!(node.whereis("n"), Some(child.pid()));
    let death = Death::of(&node, &child).await;
    child.send(Note(0)).expect("local");
    assert_eq!(death.reason().await, Reason::Normal);
    let pid = child.pid();
    assert_eq!(found.get(), Some((pid, Some(pid), Some("n".to_owned()))));
}
