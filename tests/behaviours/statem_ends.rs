//! How does a state machine start and end, and what becomes of who waits (B168, B169, B170)?
//!
//! Source     otp: gen_statem, Module:init/1, Module:terminate/3, stop_and_reply, hibernate

use foundation::prelude::*;
use foundation::{StartError, Term};

use crate::statem_support::{Bot, BotMsg, Busy, Mode, Over, bot, bot_with, own, told};
use crate::support::{Death, LONG, Log, assert_crash, boom, inside, renewed};

#[foundation::test]
async fn b168_a_reply_is_delivered_before_the_end(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    let death = Death::of(&node, &bot).await;
    assert_eq!(bot.quit(7).await, Ok(7));
    assert_eq!(death.reason().await, Reason::Normal);
    assert_eq!(log.take(), ["Idle: bye normal"]);
}

#[foundation::test]
async fn b169_a_hibernated_state_machine_handles_the_next_event_with_its_data(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("postponed".into()).unwrap();
    told(&bot, |_, cx| {
        cx.hibernate();
        cx.timeout("a", ms(20), own("timeout"));
    });
    node.sleep(ms(50)).await;
    told(&bot, |_, cx| {
        cx.goto(Busy { jobs: 3 });
        cx.hibernate();
    });
    assert_eq!(bot.mode().await.unwrap(), "Busy(Busy { jobs: 3 })");
    let happened = ["Idle: timeout", "Busy: enter after Idle", "Busy: postponed"];
    assert_eq!(log.take(), happened);
}

/// In Rust a handler returns what it says it does; what it may still get wrong is the next state,
/// where the state that it is in is not known to rustc.
#[foundation::test]
async fn b170_a_transition_that_is_not_declared_ends_it(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    let death = Death::of(&node, &bot).await;
    told(&bot, |_, cx| cx.goto(Over));
    told(&bot, |_, cx| cx.goto(Mode::Busy(Busy { jobs: 1 })));
    let next = Term::tuple(["next_state", "Over", "Busy"].map(Term::atom));
    let bad = Term::atom("bad_return_from_state_function");
    assert_eq!(
        death.reason().await,
        Reason::other(Term::tuple([bad, next]))
    );
    // It ends in the state that it was in.
    let end = log.take().pop().unwrap();
    assert!(end.starts_with("Over: bye "), "{end}");
}

/// Nothing else that the handler asked for is done.
#[foundation::test]
async fn to_stop_is_the_last_word(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    let death = Death::of(&node, &bot).await;
    told(&bot, |_, cx| {
        cx.goto(Busy { jobs: 1 });
        cx.next_event(own("inserted"));
        cx.timeout("a", ms(0), own("zero"));
        cx.stop(boom());
        cx.stop(Reason::Normal);
    });
    assert_eq!(death.reason().await, boom());
    assert_eq!(log.take(), ["Idle: bye boom"]);
}

/// Whoever waits for the answer to what is postponed gets the reason.
#[foundation::test]
async fn the_callers_of_postponed_calls_are_told_of_the_end(node: Node) {
    for way in ["stop", "crash", "kill"] {
        let log = Log::default();
        let bot = bot(&node, &log).await;
        let other = bot.clone();
        let caller = inside(&node, async move |_| {
            let waiting = other.answer("e".into());
            let end = async {
                other.mode().await.unwrap();
                match way {
                    "stop" => told(&other, |_, cx| cx.stop(boom())),
                    "crash" => told(&other, |_, _| panic!("as told")),
                    _ => other.node().exit(other.pid(), Reason::Kill),
                }
            };
            let mut waiting = std::pin::pin!(waiting.into_future());
            let mut end = std::pin::pin!(end);
            // The call is sent first, and awaited while the other goes on.
            let mut ended = false;
            std::future::poll_fn(|cx| {
                use std::future::Future as _;
                let answer = waiting.as_mut().poll(cx);
                if answer.is_pending() && !ended {
                    ended = end.as_mut().poll(cx).is_ready();
                }
                answer
            })
            .await
        });
        match (way, caller.await) {
            ("stop", Err(CallError::Down(reason))) => assert_eq!(reason, boom()),
            ("crash", Err(CallError::Down(reason))) => assert_crash(&reason, "as told"),
            ("kill", Err(CallError::Down(reason))) => assert_eq!(reason, Reason::Killed),
            (_, other) => panic!("{way}: {other:?}"),
        }
    }
}

#[foundation::test]
async fn a_start_fails_as_that_of_a_server(node: Node) {
    const NAME: Name<Bot> = Name::new("bot");
    for way in ["stop", "ignore", "panic"] {
        let log = Log::default();
        let job = Box::new(move |_: &mut In<_, _>| match way {
            "stop" => Err(Stop::new(boom())),
            "ignore" => Err(Stop::Ignore),
            _ => panic!("no start"),
        });
        match node.start::<Bot>((log.clone(), job)).name(NAME).await {
            Err(StartError::Failed(reason)) if way == "stop" => assert_eq!(reason, boom()),
            Err(StartError::Ignore) => assert_eq!(way, "ignore"),
            Err(StartError::Failed(reason)) => assert_crash(&reason, "no start"),
            other => panic!("{way}: {other:?}"),
        }
        assert_eq!(node.whereis("bot"), None, "{way}");
        assert_eq!(log.take(), Vec::<String>::new(), "{way}");
    }
    let log = Log::default();
    let start = || node.start::<Bot>((log.clone(), Box::new(|_: &mut In<_, _>| Ok(()))));
    let first = start().name(NAME).await.unwrap();
    let second = start().name(NAME).await;
    assert_eq!(second, Err(StartError::AlreadyStarted(first.pid())));
    // The start is over before the first state is entered: what happens there is no start's matter.
    node.exit(first.pid(), Reason::Kill);
    node.down(&first).await;
}

#[foundation::test]
async fn the_end_of_the_parent_is_its_end_when_it_traps_exits(node: Node) {
    let log = Log::default();
    let of_child = log.clone();
    let started = inside(&node, async move |me| {
        let job = Box::new(|cx: &mut In<_, _>| {
            cx.trap_exit(true);
            Ok(())
        });
        let bot = me
            .node()
            .start::<Bot>((of_child, job))
            .link()
            .await
            .unwrap();
        bot.mode().await.unwrap();
        bot
    })
    .await;
    node.down(&started).await;
    assert_eq!(log.take(), ["Idle: enter after none", "Idle: bye normal"]);
}

#[foundation::test]
async fn exits_downs_and_other_messages_are_events(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    let victim = bot_with(&node, &Log::default(), |_| Ok(())).await.unwrap();
    let target = victim.pid();
    told(&bot, move |_, cx| {
        cx.trap_exit(true);
        cx.monitor(target);
        cx.link(target).unwrap();
    });
    bot.mode().await.unwrap();
    told(&victim, |_, cx| cx.stop(boom()));
    node.down(&victim).await;
    node.sleep(ms(5)).await;
    bot.mode().await.unwrap();
    let mut happened = log.take();
    happened.sort();
    assert_eq!(happened, ["Idle: down boom", "Idle: exit boom"]);
    let _ = node.send(bot.pid(), crate::support::Word::Go);
    bot.mode().await.unwrap();
    let info = log.take().pop().unwrap();
    assert!(info.starts_with("Idle: info "), "{info}");
}

/// A panic ends it wherever it happens, with the last word in the state that it is in.
#[foundation::test]
async fn a_panic_ends_it_in_every_position(node: Node) {
    for place in [
        "event",
        "enter",
        "timeout",
        "inserted",
        "postponed",
        "later",
    ] {
        let log = Log::default();
        let bot = bot(&node, &log).await;
        let death = Death::of(&node, &bot).await;
        let fall = || BotMsg::Act(Box::new(|_, _| panic!("fell")));
        match place {
            "event" => told(&bot, |_, _| panic!("fell")),
            "enter" => told(&bot, |bot, cx| {
                bot.on_enter = Some(Box::new(|_, _| panic!("fell")));
                cx.goto(Busy { jobs: 0 });
            }),
            "timeout" => told(&bot, move |_, cx| cx.state_timeout(ms(1), fall())),
            "inserted" => told(&bot, move |_, cx| cx.next_event(fall())),
            "postponed" => told(&bot, move |_, cx| {
                cx.postpone(fall());
                cx.goto(Busy { jobs: 0 });
            }),
            _ => bot.fall_later().unwrap(),
        }
        assert_crash(&death.reason().await, "fell");
        let state = match place {
            "enter" | "postponed" => "Busy",
            _ => "Idle",
        };
        let end = log.take().pop().unwrap();
        assert!(end.starts_with(&format!("{state}: bye ")), "{place}: {end}");
    }
}

#[foundation::test]
async fn a_supervisor_starts_it_again_in_its_first_state(w: World) {
    const NAME: Name<Lamp> = Name::new("lamp");
    let node = w.node();
    let tree = Supervisor::one_for_one()
        .intensity(10, secs(5))
        .child(child(|| Lamp).name(NAME))
        .child(child_with::<Lit>(3).id("lit"))
        .start(&node)
        .await
        .unwrap();
    let lamp = node.at(NAME);
    assert!(!lamp.is_on().await.unwrap());
    lamp.press().unwrap();
    assert!(lamp.is_on().await.unwrap());
    let old = lamp.pid();
    node.exit(old, Reason::Kill);
    renewed(&w, &tree, "lamp", old).await;
    assert!(!lamp.is_on().await.unwrap());
    let lit = crate::support::pid_of(&tree, "lit").await;
    let lit: Ref<Lit> = node.reference(lit);
    assert_eq!(lit.level().await, Ok(3));
    crate::support::stop(&tree).await;
    // Without init, the states have a first one.
    let lamp = node.spawn(Lamp).unwrap();
    assert!(!lamp.is_on().await.unwrap());
    node.stop(&lamp, Reason::Normal, LONG).await.unwrap();
}

#[states]
#[derive(Default)]
enum Light {
    #[default]
    Off,
    On,
}

struct Lamp;

#[statem(Light)]
impl Lamp {
    #[cast(in Off)]
    fn press(&mut self, cx: &mut In<Self, Off>) {
        cx.goto(On);
    }

    #[on(press, in On)]
    fn press_again(&mut self, cx: &mut In<Self, On>) {
        cx.goto(Off);
    }

    #[call]
    fn is_on(&self, light: &Light) -> bool {
        matches!(light, Light::On)
    }
}

#[states]
enum Level {
    Some { high: u32 },
}

struct Lit;

#[statem(Level)]
impl Lit {
    #[init]
    async fn init(high: u32) -> (Self, Level) {
        foundation::time::yield_now().await;
        (Self, Some { high }.into())
    }

    #[call(in Some)]
    fn level(&self, level: &Some) -> u32 {
        level.high
    }
}
