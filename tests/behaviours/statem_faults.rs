//! What ends a state machine badly: its last word, or more than it may have of its own?
//!
//! Source     otp: gen_statem, Module:terminate/3. The bounds are of this library.

use foundation::prelude::*;
use foundation::statem::Ending;
use foundation::statem::machine::{QUEUED_MAX, TIMEOUTS_MAX};
use foundation::{StopError, TimeoutName, sys};

use crate::statem_support::{Bot, BotMsg, Busy, bot, told};
use crate::support::{Death, LONG, Log, assert_crash, boom};

/// How the last word of a [`Doomed`] goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Panic,
    PanicLater,
    Exit,
    Word,
}

#[states]
enum Life {
    Young,
    Old { years: u32 },
}

struct Doomed {
    log: Log,
    last: Last,
}

#[statem(Life)]
impl Doomed {
    #[init]
    fn init(log: Log, last: Last) -> (Self, Life) {
        (Self { log, last }, Young.into())
    }

    /// Grows old.
    #[cast]
    fn age(&mut self, years: u32, cx: &mut In<Self>) {
        cx.goto(Old { years });
    }

    /// Nobody is that old here.
    #[call(postpone in Young | Old)]
    fn wisdom(&self) -> u32 {
        unreachable!("it is postponed everywhere")
    }

    /// Ends in order.
    #[cast]
    fn end(&mut self, reason: Reason, cx: &mut In<Self>) {
        // What is asked for beside is not done: no state is changed by the last handler.
        cx.goto(Young);
        cx.stop(reason);
    }

    #[cast]
    fn fall(&mut self) {
        panic!("fell");
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason, life: &Life, _cx: &mut In<Self, Ending>) {
        let age = match life {
            Life::Young => 0,
            Life::Old(old) => old.years,
        };
        self.log.note(format!("bye {why} at {age}"));
        match self.last {
            Last::Panic => panic!("bad end"),
            Last::PanicLater => {
                foundation::time::yield_now().await;
                panic!("bad end")
            }
            Last::Exit => foundation::exit(Reason::other("own")),
            Last::Word => {}
        }
    }
}

async fn doomed(node: &Node, log: &Log, last: Last) -> Ref<Doomed> {
    let start = node.start::<Doomed>((log.clone(), last));
    let doomed = start.await.expect("it starts");
    doomed.age(80).expect("portable");
    doomed
}

/// As for a server (B156): it dies of what its last word dies of. That is said once, in the state
/// that it is in, and its name is free afterwards.
#[foundation::test]
async fn a_terminate_that_ends_badly(node: Node) {
    for last in [Last::Panic, Last::PanicLater, Last::Exit, Last::Word] {
        for way in ["stop", "asked", "panic"] {
            let log = Log::default();
            let doomed = doomed(&node, &log, last).await;
            node.register("doomed", &doomed).expect("free");
            let death = Death::of(&node, &doomed).await;
            match way {
                "stop" => drop(sys::terminate(&doomed, boom()).await),
                "asked" => doomed.end(boom()).expect("portable"),
                _ => doomed.fall().expect("portable"),
            }
            let reason = death.reason().await;
            match last {
                Last::Panic | Last::PanicLater => assert_crash(&reason, "bad end"),
                Last::Exit => assert_eq!(reason, Reason::other("own")),
                Last::Word if way == "panic" => assert_crash(&reason, "fell"),
                Last::Word => assert_eq!(reason, boom()),
            }
            let said = log.take();
            assert_eq!(said.len(), 1, "{last:?}, {way}: {said:?}");
            assert!(said[0].ends_with(" at 80"), "{said:?}");
            assert_eq!(node.whereis("doomed"), None, "{last:?}, {way}");
        }
    }
}

/// Who waits for what is postponed, and who asked for the end, are told the reason that counts.
#[foundation::test]
async fn those_who_wait_are_told_of_the_bad_end(node: Node) {
    let log = Log::default();
    let doomed = doomed(&node, &log, Last::PanicLater).await;
    let asked = doomed.clone();
    let asking = Task::spawn_nolink(&node, async move { asked.wisdom().timeout(LONG).await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(5)).await.is_err());
    match node.stop(&doomed, Reason::Normal, LONG).await {
        Err(StopError::Exited(reason)) => assert_crash(&reason, "bad end"),
        other => panic!("no bad end: {other:?}"),
    }
    match asking.join(LONG).await {
        Ok(Err(CallError::Down(reason))) => assert_crash(&reason, "bad end"),
        other => panic!("no bad end: {other:?}"),
    }
}

/// Gives a state machine so many timeouts at once, or events.
fn overload(bot: &Ref<Bot>, with: &'static str, count: usize) {
    const MANY: TimeoutName = TimeoutName::new("many");
    told(bot, move |_, cx| {
        cx.goto(Busy { jobs: 1 });
        for n in 0..count as u64 {
            let nothing = BotMsg::Act(Box::new(|_, _| {}));
            match with {
                "timeouts" => cx.timeout(MANY.of(n), secs(3600), nothing),
                _ => cx.next_event(nothing),
            }
        }
    });
}

/// One timeout too many, one event of its own too many: a mistake of the program, of which it dies
/// with a last word in the state that it changed to. The bounds themselves are met in the machine's
/// own test.
#[foundation::test(seeds = 1)]
async fn more_of_its_own_than_it_may_have_ends_it(node: Node) {
    let says = |max, what: &str| format!("a state machine has at most {max} {what}");
    for (with, max, text) in [
        ("timeouts", TIMEOUTS_MAX, "timeouts at once"),
        ("events", QUEUED_MAX, "events of its own to handle"),
    ] {
        let log = Log::default();
        let bot = bot(&node, &log).await;
        let death = Death::of(&node, &bot).await;
        overload(&bot, with, max + 1);
        assert_crash(&death.reason().await, &says(max, text));
        let said = log.take();
        assert_eq!(said[0], "Busy: enter after Idle", "{with}");
        assert!(said[1].starts_with("Busy: bye "), "{with}: {said:?}");
        assert_eq!(said.len(), 2, "{with}: {said:?}");
    }
}
