//! In which order does a state machine handle what happens to it (B159, B161, B162, B163, B223)?
//!
//! Source     otp: gen_statem, "Event Handling", "Postponing Events", "State Enter Calls"

use foundation::prelude::*;

use crate::statem_support::{BotMsg, Busy, bot, bot_with, own, told};
use crate::support::{Death, Log};

#[foundation::test]
async fn b159_postponed_events_are_retried_before_newer_ones(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("e1".into()).unwrap();
    bot.say("in between".into()).unwrap();
    bot.later("e2".into()).unwrap();
    told(&bot, |_, cx| {
        cx.self_ref().say("newer".into()).unwrap();
        cx.goto(Busy { jobs: 1 });
    });
    // The job has run when the first is answered, and what it sent comes before the second.
    bot.mode().await.unwrap();
    assert_eq!(bot.mode().await.unwrap(), "Busy(Busy { jobs: 1 })");
    let happened = [
        "Idle: in between",
        "Busy: enter after Idle",
        "Busy: e1",
        "Busy: e2",
        "Busy: newer",
    ];
    assert_eq!(log.take(), happened);
}

/// What is handed back by a handler waits like what is declared to wait, and in the same queue.
#[foundation::test]
async fn a_handler_postpones_what_it_hands_back(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("e1".into()).unwrap();
    told(&bot, |_, cx| cx.postpone(own("e2")));
    bot.later("e3".into()).unwrap();
    told(&bot, |_, cx| cx.goto(Busy { jobs: 0 }));
    bot.mode().await.unwrap();
    let happened = ["Busy: enter after Idle", "Busy: e1", "Busy: e2", "Busy: e3"];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn what_is_postponed_again_waits_for_the_next_change(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("e1".into()).unwrap();
    // Retried first, it goes back to idling: the rest of the postponed ones wait again.
    told(&bot, |_, cx| {
        let back = |_: &mut _, cx: &mut In<_>| cx.goto(crate::statem_support::Idle);
        cx.next_event(BotMsg::Act(Box::new(back)));
        cx.goto(Busy { jobs: 0 });
    });
    bot.say("idles".into()).unwrap();
    told(&bot, |_, cx| cx.goto(Busy { jobs: 0 }));
    bot.mode().await.unwrap();
    let happened = [
        "Busy: enter after Idle",
        "Idle: enter after Busy",
        "Idle: idles",
        "Busy: enter after Idle",
        "Busy: e1",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn b161_inserted_events_come_before_external_ones(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.self_ref().say("external".into()).unwrap();
        cx.next_event(own("i1"));
        cx.next_event(own("i2"));
    });
    // The job has run when the first is answered, and what it sent comes before the second.
    bot.mode().await.unwrap();
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: i1", "Idle: i2", "Idle: external"]);
}

/// Erlang/OTP 25, run: at the start and when a state is repeated, the old state that `enter` is given
/// is the state itself, so that it cannot be told from a change to the same. Here it is none.
#[foundation::test]
async fn b162_a_state_is_entered_at_the_start_after_a_change_and_when_repeated(node: Node) {
    let log = Log::default();
    let bot = bot_with(&node, &log, |_| Ok(())).await.unwrap();
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: enter after none"]);
    told(&bot, |_, cx| cx.goto(Busy { jobs: 1 }));
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Busy: enter after Idle"]);
    // To keep the state is not to enter it, with a word and without, with new data or none.
    bot.say("kept".into()).unwrap();
    told(&bot, |_, cx| cx.goto(Busy { jobs: 2 }));
    assert_eq!(bot.jobs().await, Ok(2));
    assert_eq!(log.take(), ["Busy: kept"]);
    told(&bot, |_, cx| cx.repeat_state());
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Busy: enter after none"]);
}

/// What an enter handler may not do does not compile: `impossible.md`. To repeat the state in an
/// enter call keeps the old state of that call, as in OTP 25.
#[foundation::test]
async fn b163_an_enter_handler_may_keep_the_state_and_set_timeouts(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |bot, cx| {
        bot.on_enter = Some(Box::new(|bot, cx| {
            cx.state_timeout(ms(0), own("state"));
            cx.timeout("named", ms(5), own("named"));
            cx.event_timeout(ms(1), own("cancelled"));
            // Once more, and this time with nothing to do.
            bot.on_enter = Some(Box::new(|_, cx| cx.repeat_state()));
            cx.repeat_state();
        }));
        cx.goto(Busy { jobs: 1 });
    });
    node.sleep(ms(20)).await;
    bot.mode().await.unwrap();
    let happened = [
        "Busy: enter after Idle",
        "Busy: enter after Idle",
        "Busy: enter after Idle",
        "Busy: state",
        "Busy: named",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn b223_the_order_after_a_change(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("postponed 1".into()).unwrap();
    bot.later("postponed 2".into()).unwrap();
    told(&bot, |bot, cx| {
        cx.self_ref().say("external".into()).unwrap();
        cx.next_event(own("inserted 1"));
        cx.next_event(own("inserted 2"));
        cx.timeout("a", ms(0), own("zero 1"));
        bot.on_enter = Some(Box::new(|_, cx| cx.state_timeout(ms(0), own("zero 2"))));
        cx.goto(Busy { jobs: 1 });
    });
    // The job has run when the first is answered, and what it sent comes before the second.
    bot.mode().await.unwrap();
    bot.mode().await.unwrap();
    let happened = [
        "Busy: enter after Idle",
        "Busy: inserted 1",
        "Busy: inserted 2",
        "Busy: postponed 1",
        "Busy: postponed 2",
        "Busy: zero 1",
        "Busy: zero 2",
        "Busy: external",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn a_state_that_stays_retries_nothing(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("e".into()).unwrap();
    told(&bot, |_, cx| cx.repeat_state());
    told(&bot, |_, cx| cx.goto(crate::statem_support::Idle));
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: enter after none"]);
}

/// Init may do all that a handler may but change the state, and what it inserts comes first.
#[foundation::test]
async fn init_has_actions(node: Node) {
    let log = Log::default();
    let started = bot_with(&node, &log, |cx| {
        cx.self_ref().say("external".into()).unwrap();
        cx.next_event(own("inserted"));
        cx.state_timeout(ms(0), own("zero"));
        cx.timeout("soon", ms(5), own("soon"));
        Ok(())
    });
    let bot = started.await.unwrap();
    node.sleep(ms(20)).await;
    bot.mode().await.unwrap();
    let happened = [
        "Idle: enter after none",
        "Idle: inserted",
        "Idle: zero",
        "Idle: external",
        "Idle: soon",
    ];
    assert_eq!(log.take(), happened);
}

/// A state machine that never stops telling itself something neither starves others nor is out of
/// the reach of signals.
#[foundation::test]
async fn one_that_is_busy_with_itself_leaves_others_their_turn(node: Node) {
    fn again() -> BotMsg {
        BotMsg::Act(Box::new(|_, cx| cx.next_event(again())))
    }
    let log = Log::default();
    let (busy, other) = (bot(&node, &log).await, bot(&node, &log).await);
    told(&busy, |_, cx| cx.next_event(again()));
    for _ in 0..10 {
        other.mode().await.unwrap();
    }
    let death = Death::of(&node, &busy).await;
    node.exit(busy.pid(), Reason::Kill);
    assert_eq!(death.reason().await, Reason::Killed);
}
