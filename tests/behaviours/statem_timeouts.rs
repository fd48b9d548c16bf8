//! When do the timeouts of a state machine come, and when not (B165, B167)?
//!
//! Source     otp: gen_statem, "Time-Outs", timeout_action()

use std::time::Duration;

use foundation::TimeoutName;
use foundation::prelude::*;

use crate::statem_support::{Busy, bot, own, told};
use crate::support::Log;

#[foundation::test]
async fn b165_any_event_cancels_the_event_timeout(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| cx.event_timeout(ms(10), own("silence")));
    bot.mode().await.unwrap();
    node.sleep(ms(30)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), Vec::<String>::new());
    told(&bot, |_, cx| cx.event_timeout(ms(10), own("silence")));
    node.sleep(ms(30)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: silence"]);
    // An event of its own is one; a message that is no method, too.
    told(&bot, |_, cx| {
        cx.event_timeout(ms(10), own("silence"));
        cx.next_event(own("inserted"));
    });
    node.sleep(ms(30)).await;
    assert_eq!(log.take(), ["Idle: inserted"]);
}

#[foundation::test]
async fn a_change_of_the_state_cancels_the_state_timeout(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| cx.state_timeout(ms(10), own("too long")));
    told(&bot, |_, cx| cx.goto(Busy { jobs: 0 }));
    node.sleep(ms(30)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Busy: enter after Idle"]);
    // Events and repeated entries do not; the one that is set by the handler that changes the state
    // is that of the new one.
    told(&bot, |_, cx| {
        cx.state_timeout(ms(10), own("too long"));
        cx.goto(crate::statem_support::Idle);
    });
    told(&bot, |_, cx| cx.repeat_state());
    node.sleep(ms(30)).await;
    bot.mode().await.unwrap();
    let happened = [
        "Idle: enter after Busy",
        "Idle: enter after none",
        "Idle: too long",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn b167_an_update_changes_the_event_and_not_the_time(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.timeout("a", ms(40), own("old"));
        cx.timeout("mark", ms(50), own("mark"));
        cx.state_timeout(ms(45), own("old"));
    });
    node.sleep(ms(20)).await;
    told(&bot, |_, cx| {
        cx.update_timeout("a", own("new"));
        cx.update_state_timeout(own("new state"));
    });
    node.sleep(ms(60)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: new", "Idle: new state", "Idle: mark"]);
    // What does not run is over now.
    told(&bot, |_, cx| cx.update_timeout("a", own("at once")));
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: at once"]);
}

#[foundation::test]
async fn named_timeouts_run_beside_each_other_until_they_are_cancelled(node: Node) {
    const JOB: TimeoutName = TimeoutName::new("job");
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.timeout(JOB.of(1), ms(10), own("job 1"));
        cx.timeout(JOB.of(2), ms(20), own("job 2"));
        cx.timeout(JOB.of(3), ms(30), own("job 3"));
        cx.timeout(JOB, ms(40), own("job"));
        cx.timeout("other", ms(40), own("never"));
        // Of several for one name, the last counts.
        cx.timeout("other", ms(60), own("other"));
    });
    told(&bot, |_, cx| {
        cx.cancel_timeout(JOB.of(2));
        cx.cancel_timeout("nobody");
        // Afresh.
        cx.timeout(JOB.of(3), ms(50), own("job 3 again"));
        cx.goto(Busy { jobs: 0 });
    });
    node.sleep(ms(120)).await;
    bot.mode().await.unwrap();
    let happened = [
        "Busy: enter after Idle",
        "Busy: job 1",
        "Busy: job",
        "Busy: job 3 again",
        "Busy: other",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn timeouts_of_no_time_come_after_what_waits_inside(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.self_ref().say("external".into()).unwrap();
        // Dropped: an inserted event comes before it.
        cx.event_timeout(ms(0), own("dropped"));
        cx.timeout("a", ms(0), own("a"));
        cx.state_timeout(ms(0), own("state"));
        cx.next_event(own("inserted"));
    });
    bot.mode().await.unwrap();
    bot.mode().await.unwrap();
    let happened = ["Idle: inserted", "Idle: a", "Idle: state", "Idle: external"];
    assert_eq!(log.take(), happened);
    told(&bot, |_, cx| {
        cx.self_ref().say("external".into()).unwrap();
        cx.event_timeout(ms(0), own("silence"));
    });
    bot.mode().await.unwrap();
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: silence", "Idle: external"]);
}

/// Its message lies in the mailbox already: it is not delivered all the same.
#[foundation::test]
async fn a_timeout_that_fires_while_it_is_cancelled_does_not_come(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.timeout("a", ms(5), own("cancelled"));
        cx.timeout("b", ms(5), own("old"));
        cx.state_timeout(ms(5), own("of the state before"));
        cx.event_timeout(ms(5), own("cancelled by the event"));
    });
    // It handles this while the timers fire.
    bot.nap(ms(20), true).await.unwrap();
    bot.mode().await.unwrap();
    node.sleep(ms(30)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Busy: enter after Idle", "Busy: new"]);
}

#[foundation::test]
async fn absurd_times_are_only_long(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.timeout("a", Duration::MAX, own("never"));
        cx.state_timeout(Duration::MAX, own("never"));
        cx.timeout("soon", ms(5), own("soon"));
    });
    node.sleep(ms(20)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: soon"]);
    told(&bot, |_, cx| {
        cx.update_timeout("a", own("still never"));
        cx.cancel_state_timeout();
    });
    told(&bot, |_, cx| cx.timeout("a", ms(5), own("now")));
    node.sleep(ms(20)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: now"]);
}
