//! Do applications that need each other start and stop in order?
//!
//! Source     otp: application

use foundation::prelude::*;
use foundation::{Application, ApplicationError, Applications, LoadError, StartType, time};

use crate::support::{Cfg, LONG, Log, boom, kid};

fn app(log: &Log, name: &'static str, needs: &[&'static str]) -> Application {
    let notes = log.clone();
    Application::new(name, Supervisor::one_for_one().child(kid(log, name)))
        .depends_on(needs.iter().copied())
        .on_stop(move |_| notes.note(format!("{name} stopped")))
}

fn names(apps: &Applications) -> Vec<String> {
    apps.which_applications()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// otp: `{error, {not_started, Dep}}`; ensure_all_started starts what is needed, in order; all stop
/// in the reverse one.
#[foundation::test]
async fn dependencies_start_first(w: World) {
    let node = w.node();
    let (log, apps) = (Log::default(), Applications::of(&node));
    for (name, needs) in [
        ("shop", &["db", "cache"][..]),
        ("db", &[]),
        ("cache", &["db"]),
    ] {
        assert_eq!(apps.load(app(&log, name, needs)), Ok(()));
    }
    let again = apps.load(app(&log, "db", &[]));
    assert_eq!(again, Err(LoadError::AlreadyLoaded("db".into())));
    let missing = Err(ApplicationError::NotStarted("db".into()));
    assert_eq!(apps.start("shop").await, missing);
    assert_eq!(
        apps.start("nobody").await,
        Err(ApplicationError::NotLoaded("nobody".into()))
    );
    assert_eq!(apps.stop("db", LONG).await, missing, "it does not run");
    let started = apps
        .ensure_all_started("shop")
        .await
        .expect("all are there");
    assert_eq!(started.join(" "), "db cache shop");
    assert_eq!(names(&apps), ["db", "cache", "shop"]);
    assert_eq!(
        apps.start("db").await,
        Err(ApplicationError::AlreadyStarted("db".into()))
    );
    assert_eq!(apps.ensure_all_started("shop").await, Ok(vec![]));
    log.take();
    assert_eq!(apps.stop_all(LONG).await, Ok(()));
    let stops: Vec<String> = log
        .take()
        .into_iter()
        .filter(|line| line.ends_with("stopped"))
        .collect();
    assert_eq!(stops, ["shop stopped", "cache stopped", "db stopped"]);
    assert_eq!(names(&apps), [""; 0]);
    // Who watches them goes when there is nothing to watch.
    w.eventually(LONG, async || node.processes().is_empty())
        .await;
    apps.start("db").await.expect("it starts again");
    apps.stop("db", LONG).await.expect("and stops");
}

/// otp: when one does not start, those that were started for it are stopped again.
#[foundation::test]
async fn what_was_started_for_nothing_is_stopped(node: Node) {
    let (log, apps) = (Log::default(), Applications::of(&node));
    let bad = Cfg::new(&log, "bad").starts(|_| Err(Stop::new(boom())));
    let bad = Application::new("bad", Supervisor::one_for_one().child(bad.child()));
    apps.load(bad.depends_on(["b"])).expect("new");
    apps.load(app(&log, "a", &[])).expect("new");
    apps.load(app(&log, "b", &["a", "kept"])).expect("new");
    apps.load(app(&log, "kept", &[])).expect("new");
    apps.start("kept").await.expect("it starts");
    let failed = apps.ensure_all_started("bad").await;
    assert!(matches!(&failed, Err(ApplicationError::Start(name, _)) if &**name == "bad"));
    let stops: Vec<String> = log
        .take()
        .into_iter()
        .filter(|line| line.ends_with("stopped"))
        .collect();
    assert_eq!(stops, ["b stopped", "a stopped"]);
    assert_eq!(names(&apps), ["kept"], "it ran before");
    apps.stop_all(LONG).await.expect("it stops");
}

/// Applications that need each other are refused, and named; so is one that is not loaded.
#[foundation::test]
async fn cycles_are_named(node: Node) {
    let (log, apps) = (Log::default(), Applications::of(&node));
    for (name, need) in [("a", "b"), ("b", "c"), ("c", "b"), ("d", "nobody")] {
        apps.load(app(&log, name, &[need])).expect("new");
    }
    let cycle = ApplicationError::Cycle(vec!["b".into(), "c".into()]);
    assert_eq!(apps.ensure_all_started("a").await, Err(cycle.clone()));
    assert_eq!(cycle.to_string(), "applications need each other: b, c");
    let missing = ApplicationError::NotLoaded("nobody".into());
    assert_eq!(apps.ensure_all_started("d").await, Err(missing));
    assert!(log.all().is_empty() && node.processes().is_empty());
}

/// An application whose tree has ended runs no more, and can be started again.
#[foundation::test]
async fn an_application_that_has_ended(w: World) {
    let (node, log) = (w.node(), Log::default());
    let apps = Applications::of(&node);
    apps.load(app(&log, "a", &[])).expect("new");
    apps.start("a").await.expect("it starts");
    for pid in node.processes() {
        node.exit(pid, Reason::Kill);
    }
    w.eventually(LONG, async || node.processes().is_empty())
        .await;
    assert_eq!(names(&apps), Vec::<String>::new());
    apps.start("a").await.expect("again");
    assert_eq!(names(&apps), ["a"]);
    apps.stop_all(LONG).await.expect("it stops");
}

/// otp: what is set at run time goes before the configuration, and that before the defaults.
#[foundation::test(seeds = 2)]
async fn the_environment_has_layers(node: Node) {
    let (log, apps) = (Log::default(), Applications::of(&node));
    apps.put_env("shop", "early", 1_u8).expect("room");
    let shop = app(&log, "shop", &[])
        .env("port", 80_u16)
        .env("early", 0_u8);
    apps.load(shop).expect("new");
    let port = || apps.get_env::<u16>("shop", "port").map(|port| *port);
    assert_eq!(
        (port(), apps.get_env::<u8>("shop", "early").as_deref()),
        (Some(80), Some(&1))
    );
    apps.put_env("shop", "port", 82_u16).expect("room");
    apps.configure("shop", "port", 81_u16).expect("room");
    assert_eq!(port(), Some(82));
    assert_eq!(apps.get_env::<u32>("shop", "port"), None, "of another type");
    assert_eq!(
        (
            apps.get_env::<u16>("shop", "host"),
            apps.get_env::<u16>("db", "port")
        ),
        (None, None)
    );
}

/// Loads three, and starts them: the first and the last as temporary ones, "db" as it is said.
async fn three(node: &Node, log: &Log, start: StartType) -> Applications {
    let apps = Applications::of(node);
    for (name, needs) in [("log", &[][..]), ("db", &["log"]), ("shop", &["db"])] {
        assert_eq!(apps.load(app(log, name, needs)), Ok(()));
    }
    assert_eq!(apps.start("log").await, Ok(()));
    assert_eq!(apps.start_as("db", start).await, Ok(()));
    assert_eq!(apps.start("shop").await, Ok(()));
    log.take();
    apps
}

/// Ends the tree of "db" as nobody of the applications would.
async fn end_db(node: &Node, reason: Reason) {
    let top = Applications::of(node).supervisor("db");
    let top = top.expect("it runs");
    node.stop(&top, reason, LONG).await.ok();
}

fn stops(log: &Log) -> Vec<String> {
    let notes = log.take().into_iter();
    notes.filter(|note| note.ends_with(" stopped")).collect()
}

/// The end of "db" takes the others with it, latest first, and the node has failed.
async fn ends_all(node: Node, start: StartType, reason: Reason) {
    let log = Log::default();
    let apps = three(&node, &log, start).await;
    let failed = time::timeout_on(&node, LONG, node.failed());
    let (why, ()) = futures::future::join(failed, end_db(&node, reason)).await;
    let why = why.expect("the node has failed");
    assert!(why.contains("`db` ended"), "{why}");
    assert_eq!(stops(&log), ["shop stopped", "log stopped"]);
    assert_eq!(names(&apps), [""; 0]);
}

/// otp: application:start/2: one of these takes the others and the node with it.
#[foundation::test]
async fn the_end_of_a_permanent_one_ends_all(node: Node) {
    ends_all(node, StartType::Permanent, Reason::other("boom")).await;
}

#[foundation::test]
async fn even_a_normal_end_of_a_permanent_one_ends_all(node: Node) {
    ends_all(node, StartType::Permanent, Reason::Normal).await;
}

#[foundation::test]
async fn an_abnormal_end_of_a_transient_one_ends_all(node: Node) {
    ends_all(node, StartType::Transient, Reason::Shutdown).await;
}

/// The end of "db" is reported: the others run on, and it can be started again.
async fn is_its_own(w: World, start: StartType, reason: Reason) {
    let (log, node) = (Log::default(), w.node());
    let apps = three(&node, &log, start).await;
    end_db(&node, reason).await;
    w.eventually(LONG, async || names(&apps) == ["log", "shop"])
        .await;
    assert_eq!(apps.start_as("db", start).await, Ok(()));
    assert_eq!(apps.stop_all(LONG).await, Ok(()));
    // Who watches them has done with all that has ended when it goes.
    w.eventually(LONG, async || node.processes().is_empty())
        .await;
    assert_eq!(stops(&log), ["db stopped", "shop stopped", "log stopped"]);
    let failed = time::timeout_on(&node, ms(1), node.failed()).await;
    assert_eq!(failed, None);
}

/// otp: these are reported, and no others are terminated.
#[foundation::test]
async fn the_end_of_a_temporary_one_is_its_own(w: World) {
    is_its_own(w, StartType::Temporary, Reason::other("boom")).await;
}

#[foundation::test]
async fn a_normal_end_of_a_transient_one_is_its_own(w: World) {
    is_its_own(w, StartType::Transient, Reason::Normal).await;
}

/// otp: init:stop/0: applications are taken down in the reverse order of their start.
#[foundation::test]
async fn a_shutdown_stops_applications_in_order(w: World) {
    let (log, node) = (Log::default(), w.node());
    three(&node, &log, StartType::Permanent).await;
    assert_eq!(node.shutdown(LONG).await, Ok(()));
    assert_eq!(stops(&log), ["shop stopped", "db stopped", "log stopped"]);
}

/// otp: `catch Mod:stop(State)`.
#[foundation::test]
async fn a_hook_that_panics_stops_nothing(w: World) {
    let (log, node) = (Log::default(), w.node());
    let apps = Applications::of(&node);
    let panics = Application::new("rude", Supervisor::one_for_one().child(kid(&log, "rude")))
        .prep_stop(|_| panic!("before"))
        .on_stop(|_| panic!("after"));
    apps.load(panics).expect("it is new");
    apps.start("rude").await.expect("it starts");
    assert_eq!(apps.stop("rude", LONG).await, Ok(()));
    assert_eq!(names(&apps), [""; 0]);
    assert_eq!(apps.start("rude").await, Ok(()), "and again");
    apps.stop_all(LONG).await.expect("it stops");
}
