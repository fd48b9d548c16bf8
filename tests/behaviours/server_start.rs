//! How does a server start (B137-B141)?
//!
//! Source     otp: gen_server:start_link/4, start/4

use foundation::prelude::*;
use foundation::time;

use crate::support::{Cfg, Death, Kid, LONG, Log, Word, assert_crash, boom, inside};

const KID: Name<Kid> = Name::new("kid");

/// B137: a start returns after init, however slow that is.
#[foundation::test]
async fn b137_start_returns_after_init(node: Node) {
    struct Slow;

    #[actor]
    impl Slow {
        #[init]
        async fn init(log: Log) -> Self {
            log.note("begun");
            time::sleep(ms(30)).await;
            log.note("done");
            Self
        }
    }

    let log = Log::default();
    let slow = node.start::<Slow>(log.clone()).await.expect("started");
    assert_eq!(log.take(), ["begun", "done"]);
    assert!(slow.is_alive());
    // Linked, too.
    let notes = log.clone();
    inside(&node, async move |me| {
        let slow = me.node().start::<Slow>(notes.clone()).link().await;
        assert_eq!(notes.take(), ["begun", "done"]);
        assert!(me.is_linked(slow.expect("started")));
    })
    .await;
}

/// B138: an init that panics fails the start with the panic; process and name are gone by then, and
/// a starter that is not linked is not hit.
#[foundation::test]
async fn b138_a_crash_in_init_fails_the_start_and_frees_the_name(node: Node) {
    let log = Log::default();
    let panics = || Cfg::new(&log, "a").starts(|_| panic!("no file"));
    let error = node.start::<Kid>(panics()).name(KID).await;
    assert_eq!(node.whereis("kid"), None);
    assert_eq!(node.processes(), []);
    let StartError::Failed(reason) = error.expect_err("it panics") else {
        panic!("another error")
    };
    assert_crash(&reason, "no file");
    let args = panics();
    inside(&node, async move |me| {
        let error = me.node().start::<Kid>(args).name(KID).await;
        assert!(matches!(error, Err(StartError::Failed(Reason::Crash(_)))));
        assert_eq!(me.node().whereis("kid"), None);
    })
    .await;
    // No terminate for a server that never was; and the name can be had at once.
    assert_eq!(log.take(), ["init a", "init a"]);
    let fine = node.start::<Kid>(Cfg::new(&log, "b")).name(KID).await;
    assert_eq!(node.at(KID).title().await, Ok("b".to_owned()));
    assert_eq!(node.at(KID).find(), Some(fine.expect("started").pid()));
}

/// B139: a taken name fails the start with the pid that has it; nothing is started.
#[foundation::test]
async fn b139_a_taken_name_is_already_started(node: Node) {
    let log = Log::default();
    let first = node.start::<Kid>(Cfg::new(&log, "a")).name(KID).await;
    let first = first.expect("started");
    let second = node.start::<Kid>(Cfg::new(&log, "b")).name(KID).await;
    assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
    assert_eq!(log.count("init b"), 0);
    assert_eq!(node.processes(), [first.pid()]);
    // A linked starter that traps gets no exit either.
    let (args, holder) = (Cfg::new(&log, "c"), first.pid());
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let third = me.node().start::<Kid>(args).name(KID).link().await;
        assert_eq!(third, Err(StartError::AlreadyStarted(holder)));
        assert!(
            me.receive(Ok::<Mail<Word>, _>)
                .timeout(ms(0))
                .await
                .is_err()
        );
    })
    .await;
    assert_eq!(node.at(KID).title().await, Ok("a".to_owned()));
}

/// B141: an init that says ignore is no failure: there is no process, and the name is free.
#[foundation::test]
async fn b141_ignore_leaves_no_process_and_no_name(node: Node) {
    let log = Log::default();
    let ignores = || Cfg::new(&log, "a").starts(|_| Err(Stop::Ignore));
    let ignored = node.start::<Kid>(ignores()).name(KID).await;
    assert_eq!(node.whereis("kid"), None);
    assert_eq!(node.processes(), []);
    assert_eq!(ignored, Err(StartError::Ignore));
    // A linked starter that traps gets the exit `normal`.
    let args = ignores();
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let ignored = me.node().start::<Kid>(args).name(KID).link().await;
        assert_eq!(ignored, Err(StartError::Ignore));
        match me.recv().await {
            Mail::Exit(exit) => assert_eq!(exit.reason, Reason::Normal),
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(log.take(), ["init a", "init a"]);
}

/// otp: a trapping, linked starter gets the exit of a failed init as well as the error; one
/// that does not trap dies of it.
#[foundation::test]
async fn a_linked_starter_gets_the_exit_too(node: Node) {
    let log = Log::default();
    let failing = || Cfg::new(&log, "a").starts(|_| Err(Stop::new(boom())));
    let args = failing();
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let failed = me.node().start::<Kid>(args).link().await;
        assert_eq!(failed, Err(StartError::Failed(boom())));
        match me.recv().await {
            Mail::Exit(exit) => assert_eq!(exit.reason, boom()),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let args = failing();
    let starter = async move |mut me: Process<Word>| {
        me.recv().await;
        let _ = me.node().start::<Kid>(args).link().await;
        std::future::pending::<()>().await;
    };
    let starter = node.spawn_fn(starter).expect("spawned");
    let death = Death::of(&node, &starter).await;
    starter.send(Word::Go).expect("local");
    assert_eq!(death.reason().await, boom());
}

/// otp: after a start timeout the child is dead, its name free, and no exit is left.
#[foundation::test]
async fn a_start_timeout_kills_the_child_and_leaves_no_exit(node: Node) {
    struct Endless;

    #[actor]
    impl Endless {
        #[init]
        async fn init(cx: &mut Cx<Self>) -> Self {
            cx.trap_exit(true);
            std::future::pending().await
        }
    }

    const ENDLESS: Name<Endless> = Name::new("endless");
    let late = node
        .start::<Endless>(())
        .name(ENDLESS)
        .timeout(ms(20))
        .await;
    assert_eq!(late, Err(StartError::Timeout));
    assert_eq!(node.whereis("endless"), None);
    assert_eq!(node.processes(), []);
    for traps in [true, false] {
        inside(&node, async move |mut me| {
            me.trap_exit(traps);
            let start = me.node().start::<Endless>(()).name(ENDLESS).link();
            assert_eq!(start.timeout(ms(20)).await, Err(StartError::Timeout));
            assert_eq!(me.node().whereis("endless"), None);
            assert_eq!(me.node().processes(), [me.pid()]);
            let mail = me.receive(Ok::<Mail<Word>, _>).timeout(ms(10)).await;
            assert!(mail.is_err(), "{mail:?}");
        })
        .await;
    }
}

/// otp: the name is registered before init runs, and messages that come meanwhile wait.
#[foundation::test]
async fn the_name_is_registered_before_init(w: World) {
    struct Early {
        seen: Option<Pid>,
        n: u32,
    }

    const EARLY: Name<Early> = Name::new("early");

    #[actor]
    impl Early {
        #[init]
        async fn init(log: Log, cx: &mut Cx<Self>) -> Self {
            let seen = cx.node().whereis("early");
            log.note("in init");
            while log.count("go on") == 0 {
                time::sleep(ms(1)).await;
            }
            Self { seen, n: 0 }
        }

        #[cast]
        fn add(&mut self) {
            self.n += 1;
        }

        #[call]
        fn seen(&self) -> (Option<Pid>, u32) {
            (self.seen, self.n)
        }
    }

    let (node, log) = (w.node(), Log::default());
    let (other, notes) = (node.clone(), log.clone());
    let starting = Task::spawn_nolink(&node, async move {
        let started = other.start::<Early>(notes).name(EARLY).await;
        started.expect("started").pid()
    });
    log.until(&w, "in init").await;
    node.at(EARLY).add().expect("portable");
    node.at(EARLY).add().expect("portable");
    log.note("go on");
    let mut starting = starting.expect("spawned");
    let pid = starting.join(LONG).await.expect("done");
    assert_eq!(node.at(EARLY).seen().await, Ok((Some(pid), 2)));
}

/// otp: an exit signal that hits a server in its init fails the start with that reason.
#[foundation::test]
async fn a_server_that_is_killed_in_init_fails_its_start(w: World) {
    let (node, log) = (w.node(), Log::default());
    struct Waits;

    #[actor]
    impl Waits {
        #[init]
        async fn init(log: Log) -> Self {
            log.note("in init");
            std::future::pending().await
        }
    }

    const WAITS: Name<Waits> = Name::new("waits");
    let (other, notes) = (node.clone(), log.clone());
    let starting = Task::spawn_nolink(&node, async move {
        other.start::<Waits>(notes).name(WAITS).await.map(drop)
    });
    log.until(&w, "in init").await;
    node.exit(node.at(WAITS), boom());
    let mut starting = starting.expect("spawned");
    let failed = starting.join(LONG).await.expect("done");
    assert_eq!(failed, Err(StartError::Failed(boom())));
    assert_eq!(node.whereis("waits"), None);
}

/// otp: `cx.stop` in init lets the server start, and then ends it in order.
#[foundation::test]
async fn a_stop_asked_for_in_init_comes_after_the_start(node: Node) {
    struct Short(Log);

    #[actor]
    impl Short {
        #[init]
        fn init(log: Log, cx: &mut Cx<Self>) -> Self {
            cx.stop(boom());
            Self(log)
        }

        #[terminate]
        fn bye(&mut self, why: &Reason) {
            self.0.note(why);
        }
    }

    let log = Log::default();
    let notes = log.clone();
    inside(&node, async move |mut me| {
        me.trap_exit(true);
        let short = me.node().start::<Short>(notes).link().await;
        let short = short.expect("started").pid();
        match me.recv().await {
            Mail::Exit(exit) => assert_eq!((exit.from, exit.reason), (short, boom())),
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(log.take(), ["boom"]);
}

/// A name that nobody has is nobody where a pid is wanted: as a process that is dead.
#[foundation::test]
async fn a_name_that_nobody_has_is_as_a_dead_process(node: Node) {
    const NOBODY: Name<crate::support::Kid> = Name::new("nobody");
    let nobody = node.at(NOBODY);
    assert_eq!(nobody.find(), None);
    assert!(!nobody.is_alive() && !node.is_alive(&nobody));
    node.exit(&nobody, Reason::Kill);
    assert_eq!(node.down(&nobody).await.reason, Reason::NoProc);
    assert_eq!(node.info(&nobody, LONG).await, Ok(None));
    assert_eq!(node.send(&nobody, Word::Go), Ok(()));
    assert_eq!(Pid::from(&nobody).to_string(), "<nobody>");
    assert!(node.register("else", &nobody).is_err());
    inside(&node, async move |mut me| {
        let nobody = me.node().at(NOBODY);
        assert_eq!(me.link(&nobody), Err(foundation::LinkError::NoProc));
        let monitor = me.monitor(&nobody);
        assert_eq!(me.down(monitor).await.reason, Reason::NoProc);
        me.unlink(&nobody);
        me.trap_exit(true);
        me.link(&nobody).expect("trapping");
        assert!(matches!(me.recv().await, Mail::Exit(exit) if exit.reason == Reason::NoProc));
    })
    .await;
}
