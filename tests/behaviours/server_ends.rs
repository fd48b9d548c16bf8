//! How does a server end, and when does its terminate run (B151-B156)?
//!
//! Source     otp: gen_server:stop/3, "terminate/2"

use foundation::prelude::*;
use foundation::{StopError, promise, time};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside};

/// What the terminate of a `Mortal` does after it has noted its reason.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Return,
    /// What a throw is in OTP.
    EarlyReturn,
    Panic,
    PanicLater,
    Exit,
    Wait,
}

struct Mortal {
    log: Log,
    last: Last,
}

#[actor]
impl Mortal {
    #[init]
    fn init(log: Log, last: Last, traps: bool, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(traps);
        Self { log, last }
    }

    #[call]
    fn stop_with(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
        cx.stop(Reason::other("the first one counts"));
        cx.continue_with(MortalMsg::Never);
    }

    #[call]
    async fn stop_later(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        time::yield_now().await;
        cx.stop(reason);
        time::yield_now().await;
        self.log.note("handler done");
    }

    #[cast]
    fn fall(&mut self) {
        panic!("fell");
    }

    #[cast]
    async fn fall_later(&mut self) {
        time::yield_now().await;
        panic!("fell later");
    }

    #[cast]
    fn leave(&mut self) {
        foundation::exit(Reason::other("left"));
    }

    #[call]
    fn sync(&self) {}

    #[continue_with]
    fn never(&mut self) {
        self.log.note("continued after a stop");
    }

    #[exit]
    fn ended(&mut self, exit: Exit) {
        self.log.note(format!("exit {}", exit.reason));
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason) {
        self.log.note(format!("bye {why}"));
        match self.last {
            Last::Return => {}
            Last::EarlyReturn => return,
            Last::Panic => panic!("bad end"),
            Last::PanicLater => {
                time::yield_now().await;
                panic!("bad end");
            }
            Last::Exit => foundation::exit(Reason::other("own")),
            Last::Wait => std::future::pending().await,
        }
        self.log.note("done");
    }
}

async fn mortal(node: &Node, log: &Log, last: Last, traps: bool) -> Ref<Mortal> {
    let started = node.start::<Mortal>((log.clone(), last, traps)).await;
    started.expect("started")
}

/// B151: a stop asked for by a handler runs terminate once, after the handler, and then the server
/// exits with the reason.
#[foundation::test]
async fn b151_stop_runs_terminate_once(node: Node) {
    for traps in [true, false] {
        let log = Log::default();
        let server = mortal(&node, &log, Last::Return, traps).await;
        let death = Death::of(&node, &server).await;
        // The handler that stops still answers.
        assert_eq!(server.stop_with(boom()).await, Ok(()));
        assert_eq!(death.reason().await, boom());
        assert_eq!(log.take(), ["bye boom", "done"]);
    }
    let log = Log::default();
    let server = mortal(&node, &log, Last::Return, false).await;
    let death = Death::of(&node, &server).await;
    assert_eq!(server.stop_later(Reason::Normal).await, Ok(()));
    assert_eq!(death.reason().await, Reason::Normal);
    assert_eq!(log.take(), ["handler done", "bye normal", "done"]);
}

/// A process that starts a linked server, hands it out, and ends when told.
async fn under_a_parent(node: &Node, log: &Log, traps: bool) -> (Ref<Mortal>, impl Fn(Reason)) {
    let (reply, started) = promise(node);
    let args = (log.clone(), Last::Return, traps);
    let parent = async move |mut me: Process<Word>| {
        let server = me.node().start::<Mortal>(args).link().await;
        reply.send(server.expect("started"));
        match me.recv().await {
            Mail::Msg(Word::End(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let parent = node.spawn_fn(parent).expect("spawned");
    let server = started.timeout(LONG).await.expect("started");
    (server, move |reason| {
        parent.send(Word::End(reason)).expect("local");
    })
}

/// B152: a trapping server whose parent exits runs terminate and exits with that reason, even
/// `normal`.
#[foundation::test]
async fn b152_the_exit_of_the_parent_always_terminates(node: Node) {
    for reason in [boom(), Reason::Normal, Reason::Shutdown] {
        let log = Log::default();
        let (server, end) = under_a_parent(&node, &log, true).await;
        let death = Death::of(&node, &server).await;
        end(reason.clone());
        assert_eq!(death.reason().await, reason);
        assert_eq!(log.take(), [format!("bye {reason}"), "done".to_owned()]);
    }
}

/// otp: a server that does not trap has no last word when its parent exits, and takes no
/// notice of `normal`.
#[foundation::test]
async fn a_server_that_does_not_trap_dies_of_its_parent_without_a_word(node: Node) {
    let log = Log::default();
    let (server, end) = under_a_parent(&node, &log, false).await;
    let death = Death::of(&node, &server).await;
    end(Reason::Shutdown);
    assert_eq!(death.reason().await, Reason::Shutdown);
    let (server, end) = under_a_parent(&node, &log, false).await;
    let pid = server.pid();
    end(Reason::Normal);
    server.sync().await.expect("alive");
    assert!(node.is_alive(pid));
    assert_eq!(log.take(), [""; 0]);
}

/// B153: a trapping server whose link to another breaks hears of it in its exit handler, and lives.
#[foundation::test]
async fn b153_the_exit_of_another_is_handled(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = mortal(&node, &log, Last::Return, true).await;
    let target = server.pid();
    let other = async move |me: Process<Word>| {
        me.link(target).expect("alive");
        boom()
    };
    node.spawn_fn(other).expect("spawned");
    log.until(&w, "exit boom").await;
    server.sync().await.expect("alive");
    // An exit signal that somebody sends is heard in the same way.
    inside(&node, async move |me| me.exit(target, Reason::Shutdown)).await;
    log.until(&w, "exit shutdown").await;
    server.sync().await.expect("alive");
    assert_eq!(log.take(), ["exit boom", "exit shutdown"]);
}

/// B154: a server that is killed, trapping or not, has no last word.
#[foundation::test]
async fn b154_kill_runs_no_terminate(node: Node) {
    for traps in [true, false] {
        let log = Log::default();
        let server = mortal(&node, &log, Last::Return, traps).await;
        let death = Death::of(&node, &server).await;
        node.exit(&server, Reason::Kill);
        assert_eq!(death.reason().await, Reason::Killed);
        assert_eq!(log.take(), [""; 0]);
    }
}

/// B155: stop returns when the server is dead; a server that was dead is noproc.
#[foundation::test]
async fn b155_stop_returns_after_the_end(node: Node) {
    let log = Log::default();
    let server = mortal(&node, &log, Last::Return, false).await;
    let stopped = node.stop(&server, Reason::Normal, LONG).await;
    assert_eq!(stopped, Ok(()));
    assert!(!server.is_alive());
    assert_eq!(log.take(), ["bye normal", "done"]);
    let again = node.stop(&server, Reason::Normal, LONG).await;
    assert_eq!(again, Err(StopError::NoProc));
    let nobody = node.at(Name::<Mortal>::new("nobody"));
    let never = node.stop(&nobody, Reason::Normal, LONG).await;
    assert_eq!(never, Err(StopError::NoProc));
}

/// otp: stop says so when the server ended otherwise, or does not end in time.
#[foundation::test]
async fn stop_tells_another_end_and_a_timeout(node: Node) {
    let log = Log::default();
    let exits = mortal(&node, &log, Last::Exit, false).await;
    let stopped = node.stop(&exits, Reason::Normal, LONG).await;
    assert_eq!(stopped, Err(StopError::Exited(Reason::other("own"))));
    let waits = mortal(&node, &log, Last::Wait, false).await;
    let stopped = node.stop(&waits, Reason::Normal, ms(20)).await;
    assert_eq!(stopped, Err(StopError::Timeout));
    assert!(waits.is_alive());
}

/// B156: a terminate that panics ends the server with the panic, one that exits with that reason,
/// and one that returns early is done: the reason of the stop stands.
#[foundation::test]
async fn b156_a_terminate_that_ends_badly(node: Node) {
    let early = [Last::Return, Last::EarlyReturn];
    for last in [Last::Panic, Last::PanicLater, Last::Exit]
        .into_iter()
        .chain(early)
    {
        let log = Log::default();
        let server = mortal(&node, &log, last, false).await;
        let death = Death::of(&node, &server).await;
        server.stop_with(boom()).await.expect("alive");
        let reason = death.reason().await;
        match last {
            Last::Panic | Last::PanicLater => assert_crash(&reason, "bad end"),
            Last::Exit => assert_eq!(reason, Reason::other("own")),
            _ => assert_eq!(reason, boom()),
        }
        assert_eq!(log.count("bye boom"), 1);
    }
}

/// otp: a panic of a handler runs terminate with the crash, and then the server dies of it;
/// so does an exit from within.
#[foundation::test]
async fn a_crash_runs_terminate(node: Node) {
    for way in ["now", "later", "exit"] {
        let log = Log::default();
        let server = mortal(&node, &log, Last::Return, false).await;
        let death = Death::of(&node, &server).await;
        match way {
            "now" => server.fall(),
            "later" => server.fall_later(),
            _ => server.leave(),
        }
        .expect("portable");
        let reason = death.reason().await;
        match way {
            "now" => assert_crash(&reason, "fell"),
            "later" => assert_crash(&reason, "fell later"),
            _ => assert_eq!(reason, Reason::other("left")),
        }
        assert_eq!(log.take(), [format!("bye {reason}"), "done".to_owned()]);
    }
}

/// otp: a signal that ends a server which does not trap gives it no last word, not even
/// while a handler or its terminate waits.
#[foundation::test]
async fn a_signal_ends_a_server_that_waits(w: World) {
    let (node, log) = (w.node(), Log::default());
    let server = mortal(&node, &log, Last::Wait, false).await;
    let death = Death::of(&node, &server).await;
    server.stop_with(Reason::Normal).await.expect("alive");
    log.until(&w, "bye normal").await;
    assert!(server.is_alive());
    node.exit(&server, boom());
    assert_eq!(death.reason().await, boom());
    assert_eq!(log.take(), ["bye normal"]);
}

/// otp: messages that a server leaves unread are refused with its reason or dead letters.
#[foundation::test]
async fn what_a_server_leaves_unread_is_refused(node: Node) {
    let log = Log::default();
    let server = mortal(&node, &log, Last::Return, false).await;
    let (address, count) = (server.clone(), 5);
    inside(&node, async move |_| {
        let mut all = foundation::Requests::new();
        for n in 0..=count {
            let call = match n {
                0 => address.stop_with(boom()),
                _ => address.sync(),
            };
            all.add(n, call);
        }
        while let Some((n, answer)) = all.next().await {
            match n {
                0 => assert_eq!(answer, Ok(())),
                // One that comes after the end finds nobody.
                _ => assert!(
                    answer == Err(CallError::Down(boom())) || answer == Err(CallError::NoProc),
                    "{answer:?}"
                ),
            }
        }
    })
    .await;
    assert_eq!(log.take(), ["bye boom", "done"]);
}
