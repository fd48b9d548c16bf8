//! Does what a test starts end with it, in order?

use std::sync::{Arc, Mutex};

use foundation::prelude::*;
use foundation::testkit::{
    Probe, StartSupervisedError, StopSupervisedError, Test, assert_receive, refute_receive, scoped,
};

use super::{Word, failure_of};

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, what: impl Into<String>) {
    log.lock().expect("short").push(what.into());
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().expect("short"))
}

#[derive(Clone)]
struct Cfg(&'static str, Log);

struct Worker(Cfg);

#[actor]
impl Worker {
    #[init]
    fn init(cfg: Cfg, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        cx.trap_exit(true);
        if cfg.0 == "ignored" {
            return Err(Stop::Ignore);
        }
        note(&cfg.1, format!("init {}", cfg.0));
        Ok(Self(cfg))
    }

    #[call]
    fn title(&self) -> String {
        self.0.0.to_owned()
    }

    #[cast]
    fn crash(&mut self) {
        panic!("as told");
    }

    #[terminate]
    fn bye(&mut self, why: &Reason) {
        note(&self.0.1, format!("{} ends: {why}", self.0.0));
    }
}

async fn three(t: &Test, log: &Log) -> Vec<Ref<Worker>> {
    let mut all = Vec::new();
    for title in ["a", "b", "c"] {
        let child = child_with::<Worker>(Cfg(title, Arc::clone(log))).id(title);
        all.push(t.start_supervised(child).await.expect("started"));
    }
    all
}

#[foundation::test]
async fn the_test_owns_what_it_starts(t: Test) {
    let log = Log::default();
    let workers = three(&t, &log).await;
    assert_eq!(workers[1].title().await.as_deref(), Ok("b"));
    assert_eq!(t.stop_supervised("b").await, Ok(()));
    assert!(!workers[1].is_alive());
    assert_eq!(
        t.stop_supervised("b").await,
        Err(StopSupervisedError::NotFound)
    );
    taken(&log);
    t.finish().await;
    assert_eq!(taken(&log), ["c ends: shutdown", "a ends: shutdown"]);
    assert_eq!(t.node().processes(), []);
}

/// Left to itself, the test is finished after its body.
#[foundation::test]
async fn a_test_is_finished_with_its_body(w: World, t: Test) {
    let log = Log::default();
    let _workers = three(&t, &log).await;
    w.at_end({
        // What is registered last is done first, and the test was before us.
        let log = Arc::clone(&log);
        move || async move { assert_eq!(taken(&log).len(), 3) }
    });
}

#[foundation::test]
async fn a_child_is_restarted_as_it_says(w: World, t: Test) {
    let log = Log::default();
    let cfg = |title| Cfg(title, Arc::clone(&log));
    let permanent = t.start_supervised(child_with::<Worker>(cfg("p")).id("p"));
    let permanent = permanent.await.expect("started");
    let temporary = t.start_supervised(child_with::<Worker>(cfg("t")).id("t").temporary());
    let temporary = temporary.await.expect("started");
    permanent.crash().expect("portable");
    temporary.crash().expect("portable");
    w.eventually(secs(9), async || {
        let log = log.lock().expect("short");
        log.iter().filter(|line| *line == "init p").count() == 2
    })
    .await;
    w.eventually(secs(9), async || !temporary.is_alive()).await;
    assert_eq!(
        t.stop_supervised("t").await,
        Err(StopSupervisedError::NotFound)
    );
}

#[foundation::test]
async fn what_does_not_start_says_so(t: Test) {
    let log = Log::default();
    let cfg = |title| Cfg(title, Arc::clone(&log));
    let ignored = t.start_supervised(child_with::<Worker>(cfg("ignored")));
    assert_eq!(ignored.await.err(), Some(StartSupervisedError::Ignored));
    let first = t.start_supervised(child_with::<Worker>(cfg("a")));
    first.await.expect("started");
    let second = t.start_supervised(child_with::<Worker>(cfg("b"))).await;
    assert!(matches!(second, Err(StartSupervisedError::Child(_))));
}

#[foundation::test]
async fn trees_and_plain_processes_are_supervised_too(t: Test) -> foundation::Result {
    let log = Log::default();
    let tree = Supervisor::one_for_one()
        .child(child_with::<Worker>(Cfg("a", Arc::clone(&log))))
        .name(Name::new("tree"));
    let tree = t.start_supervised(tree).await?;
    assert_eq!(tree.count_children().await?.active, 1);
    let plain = t.start_supervised_fn("plain", |mut me: Process<Word>| async move {
        me.recv().await;
    });
    let plain = plain.await?;
    assert!(t.node().is_alive(plain));
    t.stop_supervised("plain").await?;
    assert!(!t.node().is_alive(plain));
    t.stop_supervised("tree").await?;
    assert_eq!(taken(&log), ["init a", "a ends: shutdown"]);
    Ok(())
}

// ---- the program of the book's page ----

#[derive(Clone)]
struct To(ProcessRef<Heard>);

#[derive(Debug, Message)]
#[message(local)]
enum Heard {
    Bell(u32),
    Alarm,
}

struct Clock {
    to: ProcessRef<Heard>,
    rung: u32,
}

#[actor]
impl Clock {
    #[init]
    fn init(to: To) -> Self {
        let To(to) = to;
        Self { to, rung: 0 }
    }

    #[cast]
    fn ring(&mut self) {
        self.rung += 1;
        let heard = match self.rung {
            0..100 => Heard::Bell(self.rung),
            _ => Heard::Alarm,
        };
        let _ = self.to.send(heard);
    }
}

#[foundation::test]
async fn it_rings(t: Test) -> foundation::Result {
    let probe = Probe::<Heard>::start(t.node())?;
    let clock = child_with::<Clock>(To(probe.address()));
    let clock = t.start_supervised(clock).await?;
    clock.ring()?;
    clock.ring()?;
    assert_receive!(probe, Heard::Bell(n) if n > 1, within: secs(9));
    refute_receive!(probe, Heard::Alarm);
    Ok(())
}

#[test]
fn who_is_restarted_too_often_fails_the_test() {
    let failure = failure_of(|world| async move {
        let t = <Test as foundation::TestInput>::from_world(&world);
        t.start_supervised_fn("mad", |_: Process<Word>| async { panic!("again") })
            .await
            .expect("started");
        world.sleep(secs(10)).await;
        t.finish().await;
    });
    let failure = failure.expect("it fails");
    assert!(failure.contains("restarted too often"), "{failure}");
}

/// In a test of tokio's, on a node that others use too.
#[tokio::test]
async fn a_plain_test_owns_what_it_starts() {
    let node = Node::builder().start().expect("started");
    let other = node.spawn_fn(|mut me: Process<Word>| async move {
        me.recv().await;
    });
    let other = other.expect("spawned");
    let log = Log::default();
    let title = scoped(&node, async |t| {
        let workers = three(&t, &log).await;
        workers[2].title().await.expect("alive")
    })
    .await;
    assert_eq!(title, "c");
    let ends = ["c ends: shutdown", "b ends: shutdown", "a ends: shutdown"];
    assert_eq!(taken(&log)[3..], ends);
    assert_eq!(node.processes(), [other.pid()]);

    // It also ends them when the test fails.
    let failing = node.spawn_fn({
        let (node, log) = (node.clone(), Arc::clone(&log));
        move |_: Process<Word>| async move {
            scoped(&node, async |t| {
                three(&t, &log).await;
                panic!("the test fails");
            })
            .await
        }
    });
    let failing = failing.expect("spawned");
    node.down(&failing).await;
    assert_eq!(taken(&log).len(), 6);
    assert_eq!(node.processes(), [other.pid()]);
    node.shutdown(secs(5)).await.expect("in order");
}
