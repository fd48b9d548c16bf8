//! Names: one holder each, one name per process, free before anybody hears of a death (B049-B055).
//!
//! Source     otp: erlang:register/2

use std::time::Duration;

use foundation::RegisterError;
use foundation::prelude::*;

use crate::scene::Scene;
use crate::support::{LONG, Note, Puppet, Shared, boom, run, times};

/// B049: a name that is held cannot be taken; its holder keeps it.
#[foundation::test]
pub(crate) async fn b049_a_name_is_taken_once(s: Scene) {
    let (here, there) = s.nodes();
    let (p, q) = (Puppet::start(&there), Puppet::start(&there));
    there.register("n", &p).expect("free");
    let taken = Err(RegisterError::Taken(p.pid()));
    assert_eq!(there.register("n", &q), taken);
    assert_eq!(there.register("n", &p), taken);
    let found = here.whereis_at(there.id(), "n", LONG).await;
    assert_eq!(found, Ok(Some(p.pid())));
    assert_eq!(q.info().await.registered_name, None);
}

/// B050: a process has one name at most; after an unregister it may have another.
#[foundation::test]
async fn b050_a_process_has_one_name(node: Node) {
    let p = Puppet::start(&node);
    node.register("n", &p).expect("free");
    let error = node.register("m", &p);
    assert_eq!(error, Err(RegisterError::HasName("n".into())));
    assert_eq!(node.whereis("m"), None);
    node.unregister("n").expect("held");
    node.register("m", &p).expect("free");
    assert_eq!(p.info().await.registered_name.as_deref(), Some("m"));
    assert_eq!(node.whereis("n"), None);
}

/// B051: a dead process cannot be registered, nor one of another node.
#[foundation::test]
async fn b051_the_dead_have_no_name(w: World) {
    let node = w.node();
    let dead = Puppet::dead(&node).await;
    assert_eq!(node.register("n", &dead), Err(RegisterError::NoProc));
    let other = w.start("other");
    let far = Puppet::start(&other);
    assert_eq!(node.register("n", &far), Err(RegisterError::NoProc));
    assert_eq!(node.whereis("n"), None);
}

/// B052: `undefined` is no name, and neither are nothing and a whole page.
#[foundation::test]
async fn b052_undefined_is_no_name(node: Node) {
    let p = Puppet::start(&node);
    let (longest, longer) = ("n".repeat(1024), "n".repeat(1025));
    node.register(&longest, &p).expect("free");
    node.unregister(&longest).expect("held");
    for name in ["undefined", "", &longer] {
        let error = node.register(name, &p);
        assert_eq!(error, Err(RegisterError::BadName(name.into())));
        let options = SpawnOptions::new().name(name);
        let spawned = node.spawn_fn_with(&options, |_: Process<Note>| async {});
        assert_eq!(
            spawned.err(),
            Some(foundation::SpawnError::BadName(name.into()))
        );
    }
    assert_eq!(node.registered(), []);
}

/// B053: when the DOWN of its holder is there, the name is free; the same holds for an EXIT.
#[foundation::test]
pub(crate) async fn b053_a_name_is_free_before_the_down(s: Scene) {
    let (here, there) = s.nodes();
    let count = times(&s.world, 1000, 20);
    run(&here, move |mut me: Process<Note>| async move {
        me.trap_exit(true);
        let node = me.node();
        for round in 0..count {
            let options = SpawnOptions::new().name("n");
            let waits = |mut me: Process<Note>| async move {
                me.recv().await;
                boom()
            };
            let spawned = there.spawn_fn_with(&options, waits);
            let (child, _) = spawned.expect("the name is free again");
            match round % 2 {
                0 => drop(me.monitor(&child)),
                _ => me.link(&child).expect("alive"),
            }
            me.send(&child, Note(0)).expect("portable");
            match me.recv().await {
                Mail::Down(down) => assert_eq!(down.pid, Some(child.pid())),
                Mail::Exit(exit) => assert_eq!(exit.from, child.pid()),
                other => panic!("{other:?} came"),
            }
            let found = node.whereis_at(there.id(), "n", LONG).await;
            assert_eq!(found, Ok(None));
        }
    })
    .await;
}

/// Looks for a name when it is dropped, which a value of the dictionary is after the signals of a
/// death are sent; and holds the death up until somebody has heard of it.
struct Late {
    node: Node,
    heard: Shared<bool>,
    found: Shared<bool>,
    waits: bool,
}

impl Drop for Late {
    fn drop(&mut self) {
        while self.waits && !self.heard.get() {
            std::hint::spin_loop();
        }
        self.found.set(self.node.whereis("n").is_some());
    }
}

/// B053: also while the rest of the dying process is still there.
#[foundation::test]
pub(crate) async fn b053_a_name_is_free_while_its_process_is_torn_down(s: Scene) {
    let (here, there) = s.nodes();
    let waits = !s.world.is_simulated();
    let (heard, found) = (Shared::default(), Shared::default());
    let late = Late {
        node: there.clone(),
        heard: heard.clone(),
        found: found.clone(),
        waits,
    };
    run(&here, move |me: Process<Note>| async move {
        let options = SpawnOptions::new().name("n");
        let dies = |mut me: Process<Note>| async move {
            drop(me.put("late", late));
            me.recv().await;
            boom()
        };
        let (child, _) = there.spawn_fn_with(&options, dies).expect("spawned");
        let monitor = me.monitor(&child);
        me.send(&child, Note(0)).expect("portable");
        me.down(monitor).await;
        let free = there.whereis("n").is_none();
        heard.set(true);
        assert!(free, "the DOWN came before the name was free");
    })
    .await;
    assert!(!found.get());
}

/// B054: a name that nobody has cannot be given back.
#[foundation::test]
async fn b054_an_absent_name_cannot_be_released(node: Node) {
    assert_eq!(node.unregister("n"), Err(RegisterError::NotRegistered));
    let p = Puppet::start(&node);
    node.register("n", &p).expect("free");
    assert_eq!(node.unregister("n"), Ok(()));
    assert_eq!(node.unregister("n"), Err(RegisterError::NotRegistered));
}

/// B055: of a hundred that race for one name, exactly one wins, and it is the one that is found.
#[foundation::test]
async fn b055_one_racer_wins(w: World) {
    let node = w.node();
    for _ in 0..times(&w, 50, 2) {
        let (won, lost) = (Shared::<Vec<_>>::default(), Shared::<u64>::default());
        let racers: Vec<_> = (0..100)
            .map(|_| {
                let (won, lost) = (won.clone(), lost.clone());
                node.spawn_fn(move |mut me: Process<Note>| async move {
                    me.recv().await;
                    match me.register("n", me.pid()) {
                        Ok(()) => won.update(|won| won.push(me.pid())),
                        Err(RegisterError::Taken(_)) => lost.update(|lost| *lost += 1),
                        Err(error) => panic!("{error}"),
                    }
                    me.recv().await;
                })
                .expect("spawned")
            })
            .collect();
        for racer in &racers {
            racer.send(Note(0)).expect("local");
        }
        while won.get().len() as u64 + lost.get() < 100 {
            node.sleep(Duration::from_micros(100)).await;
        }
        assert_eq!((won.get().len(), lost.get()), (1, 99));
        assert_eq!(node.whereis("n"), Some(won.get()[0]));
        for racer in &racers {
            racer.send(Note(0)).expect("local");
            node.down(racer).await;
        }
        assert_eq!(node.whereis("n"), None);
    }
}
