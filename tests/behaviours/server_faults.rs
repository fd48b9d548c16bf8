//! Can two faults at once end more than one process?
//!
//! Source     otp: gen_server, terminate/2; double faults are Rust's own

use foundation::prelude::*;
use foundation::{promise, time};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom};

/// Panics when it is dropped, unless it was disarmed.
struct Bomb {
    armed: bool,
    log: Log,
}

impl Bomb {
    fn new(log: &Log) -> Self {
        let log = log.clone();
        Self { armed: true, log }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.armed {
            self.log.note("bomb");
            panic!("bomb");
        }
    }
}

/// A server that holds a bomb, and can be made to fail in every way.
struct Fuse {
    bomb: Option<Bomb>,
    log: Log,
    bad_end: bool,
    kept: Vec<ReplyTo<Bomb>>,
}

const FUSE: Name<Fuse> = Name::new("fuse");

#[actor]
impl Fuse {
    #[init]
    async fn init(log: Log, init: &'static str) -> Result<Self, Stop> {
        match init {
            "panics badly" => std::panic::panic_any(Bomb::new(&log)),
            "panics later" => {
                time::yield_now().await;
                std::panic::panic_any(Bomb::new(&log));
            }
            "stops" => {
                let _bomb = Bomb::new(&log);
                return Err(Stop::new(boom()));
            }
            "waits" => {
                let _bomb = Bomb::new(&log);
                std::future::pending::<()>().await;
            }
            _ => {}
        }
        Ok(Self {
            bomb: None,
            log,
            bad_end: false,
            kept: Vec::new(),
        })
    }

    #[cast(local)]
    fn arm(&mut self, bad_end: bool) {
        self.bomb = Some(Bomb::new(&self.log));
        self.bad_end = bad_end;
    }

    #[cast(local)]
    fn take(&mut self, mut bomb: Bomb) {
        bomb.armed = false;
    }

    #[call(local)]
    fn defuse(&mut self, mut bomb: Bomb) {
        bomb.armed = false;
    }

    /// Drops its argument, which panics.
    #[cast(local)]
    fn fumble(&mut self, _bomb: Bomb) {}

    #[cast]
    fn fall(&mut self) {
        panic!("fell");
    }

    /// Panics with a value whose drop panics.
    #[cast]
    fn fall_badly(&mut self) {
        std::panic::panic_any(Bomb::new(&self.log));
    }

    #[cast]
    async fn hold(&mut self) {
        let _bomb = Bomb::new(&self.log);
        self.log.note("holds");
        std::future::pending::<()>().await;
    }

    #[call(local)]
    fn keep(&mut self, from: ReplyTo<Bomb>) {
        self.kept.push(from);
    }

    #[call(local)]
    fn answer_all(&mut self) {
        for from in self.kept.drain(..) {
            from.send(Bomb::new(&self.log));
        }
    }

    #[call]
    fn sync(&self) {}

    #[terminate]
    fn bye(&mut self, why: &Reason) {
        self.log.note(format!("bye {why}"));
        assert!(!self.bad_end, "bad end");
    }
}

async fn fuse(node: &Node, log: &Log) -> Ref<Fuse> {
    let started = node.start::<Fuse>((log.clone(), "well")).await;
    started.expect("started")
}

/// The node is as it was: it starts a server, and both workers answer.
async fn assert_sound(node: &Node) {
    let log = Log::default();
    for _ in 0..4 {
        let server = fuse(node, &log).await;
        server.sync().await.expect("alive");
        assert_eq!(node.stop(&server, Reason::Normal, LONG).await, Ok(()));
    }
}

/// An init that fails, and whose panic's payload or locals panic when they are dropped: the start
/// fails, name and process are gone.
#[foundation::test]
async fn an_init_that_fails_twice(node: Node) {
    for init in ["panics badly", "panics later", "stops"] {
        let log = Log::default();
        let started = node.start::<Fuse>((log.clone(), init)).name(FUSE).await;
        assert_eq!(node.whereis("fuse"), None);
        assert_eq!(node.processes(), []);
        let Err(StartError::Failed(reason)) = started else {
            panic!("{init}: {started:?}")
        };
        assert!(matches!(reason, Reason::Crash(_)), "{reason}");
        assert_eq!(log.count("bomb"), 1);
    }
    let log = Log::default();
    let start = node.start::<Fuse>((log.clone(), "waits")).name(FUSE);
    assert_eq!(start.timeout(ms(10)).await, Err(StartError::Timeout));
    assert_eq!(log.count("bomb"), 1);
    assert_sound(&node).await;
}

/// A handler and then terminate panic: the server dies of the second.
#[foundation::test]
async fn a_handler_and_terminate_both_panic(node: Node) {
    let log = Log::default();
    let server = fuse(&node, &log).await;
    let death = Death::of(&node, &server).await;
    server.arm(true).expect("local");
    server.fall().expect("portable");
    assert_crash(&death.reason().await, "bad end");
    assert_eq!(log.count("bomb"), 1);
    assert_sound(&node).await;
}

/// The drop of the state panics: the exit reason is what it was, and whoever waits is told.
#[foundation::test]
async fn the_drop_of_the_state_panics(node: Node) {
    for way in ["stop", "panic", "kill", "badly"] {
        let log = Log::default();
        let server = fuse(&node, &log).await;
        node.register("fuse", &server).expect("free");
        let death = Death::of(&node, &server).await;
        server.arm(false).expect("local");
        let asked = server.clone();
        let asking = Task::spawn_nolink(&node, async move { asked.keep().await.map(drop) });
        let mut asking = asking.expect("spawned");
        assert!(asking.join(ms(5)).await.is_err());
        match way {
            "stop" => {
                let stopped = node.stop(&server, Reason::Normal, LONG).await;
                assert_eq!(stopped, Ok(()));
            }
            "panic" => server.fall().expect("portable"),
            "badly" => server.fall_badly().expect("portable"),
            _ => node.exit(&server, Reason::Kill),
        }
        let reason = death.reason().await;
        match way {
            "stop" => assert_eq!(reason, Reason::Normal),
            "kill" => assert_eq!(reason, Reason::Killed),
            "badly" => assert!(matches!(reason, Reason::Crash(_)), "{reason}"),
            _ => assert_crash(&reason, "fell"),
        }
        let answer = asking.join(LONG).await.expect("told");
        assert_eq!(answer, Err(CallError::Down(reason)));
        assert_eq!(node.whereis("fuse"), None);
        assert_eq!(log.count("bomb"), if way == "badly" { 2 } else { 1 });
    }
    assert_sound(&node).await;
}

/// The drop of a message panics: in a handler it ends the server; unread, at its death, nothing.
#[foundation::test]
async fn the_drop_of_a_message_panics(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = fuse(&node, &log).await;
    let death = Death::of(&node, &server).await;
    server.fumble(Bomb::new(&log)).expect("local");
    assert_crash(&death.reason().await, "bomb");
    // Unread ones.
    let server = fuse(&node, &log).await;
    let death = Death::of(&node, &server).await;
    server.hold().expect("portable");
    log.until(&w, "holds").await;
    log.take();
    for _ in 0..3 {
        server.take(Bomb::new(&log)).expect("local");
    }
    let asked = server.clone();
    let asking = Task::spawn_nolink(&node, async move { asked.sync().await });
    crate::support::until_queued(&w, &node, server.pid(), 4).await;
    node.exit(&server, boom());
    assert_eq!(death.reason().await, boom());
    // Behind them a caller waited.
    let mut asking = asking.expect("spawned");
    let answer = asking.join(LONG).await;
    assert_eq!(answer, Ok(Err(CallError::Down(boom()))));
    w.eventually(LONG, async || log.count("bomb") == 4).await;
    assert_sound(&node).await;
}

/// A future that panics, with a local whose drop panics when the rest of it is dropped.
#[foundation::test]
async fn a_waiting_handler_that_fails_twice(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = fuse(&node, &log).await;
    let death = Death::of(&node, &server).await;
    server.hold().expect("portable");
    log.until(&w, "holds").await;
    node.exit(&server, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Killed);
    assert_eq!(log.count("bomb"), 1);
    assert_sound(&node).await;
}

/// A late reply whose drop panics is dropped on arrival, and ends nobody: neither the process it
/// came to nor the server that sent it.
#[foundation::test]
async fn the_drop_of_a_late_reply_panics(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = fuse(&node, &log).await;
    for caller in ["alive", "dead", "outside", "still there"] {
        log.take();
        let asked = server.clone();
        let (reply, timed_out) = promise(&node);
        let work = async move |mut me: Process<Word>| {
            reply.send(asked.keep().timeout(ms(5)).await.map(drop));
            me.recv().await;
        };
        let process = node.spawn_fn(work).expect("spawned");
        let death = Death::of(&node, &process).await;
        let late = timed_out.timeout(LONG).await.expect("told");
        assert_eq!(late, Err(CallError::Timeout));
        let mut bombs = 1;
        match caller {
            "alive" => {}
            "dead" => node.exit(&process, Reason::Shutdown),
            "outside" => {
                bombs = 2;
                let late = server.keep().timeout(ms(5)).await.map(drop);
                assert_eq!(late, Err(CallError::Timeout));
            }
            _ => node.sleep(ms(1)).await,
        }
        server.answer_all().await.expect("alive");
        w.eventually(LONG, async || log.count("bomb") == bombs)
            .await;
        process.send(Word::Go).expect("local");
        let expected = match caller {
            "dead" => Reason::Shutdown,
            _ => Reason::Normal,
        };
        assert_eq!(death.reason().await, expected, "{caller}");
    }
    assert_sound(&node).await;
}

/// A request whose drop panics when it is refused: its caller is told all the same.
#[foundation::test]
async fn the_drop_of_a_refused_request_panics(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = fuse(&node, &log).await;
    server.hold().expect("portable");
    log.until(&w, "holds").await;
    log.take();
    let (asked, bomb) = (server.clone(), Bomb::new(&log));
    let asking = Task::spawn_nolink(&node, async move { asked.defuse(bomb).await });
    crate::support::until_queued(&w, &node, server.pid(), 1).await;
    node.exit(&server, boom());
    let mut asking = asking.expect("spawned");
    let answer = asking.join(LONG).await;
    assert_eq!(answer, Ok(Err(CallError::Down(boom()))));
    assert_eq!(log.count("bomb"), 2);
    // To somebody who is dead already, too.
    let answer = server.defuse(Bomb::new(&log)).await;
    assert_eq!(answer, Err(CallError::NoProc));
    server.take(Bomb::new(&log)).expect("a dead letter");
    w.eventually(LONG, async || log.count("bomb") == 4).await;
    assert_sound(&node).await;
}

/// A supervised child that fails in every way at once is restarted.
#[foundation::test]
async fn a_child_that_fails_twice_is_restarted(w: World) {
    let (node, log) = (w.node(), Log::default());
    let fuse = child_with::<Fuse>((log.clone(), "well")).name(FUSE);
    let tree = Supervisor::one_for_one().intensity(5, secs(5)).child(fuse);
    let tree = tree.start(&node).await.expect("started");
    for _ in 0..3 {
        let (before, server) = (node.at(FUSE).pid(), node.at(FUSE));
        server.arm(true).expect("local");
        server.fall_badly().expect("portable");
        w.eventually(LONG, async || {
            node.at(FUSE).find().is_some_and(|pid| pid != before)
        })
        .await;
    }
    node.at(FUSE).sync().await.expect("alive");
    crate::support::stop(&tree).await;
    assert_eq!(node.processes(), []);
}
