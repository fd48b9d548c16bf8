//! When does a state machine take the items of a stream, and when does it drop the stream?
//!
//! Source     API P2: streams attached to a server; otp: gen_statem, "Event Handling"

use std::sync::Arc;
use std::task::Poll;

use foundation::prelude::*;
use foundation::statem::Enter;
use futures::Stream;

use crate::statem_support::{Bot, BotMsg, Busy, Idle, bot, bot_with, own, told};
use crate::support::{LONG, Log};

/// Words, each as an event that waits while the bot idles.
fn words<const N: usize>(words: [&'static str; N]) -> impl Stream<Item = String> + Send {
    futures::stream::iter(words.map(str::to_owned))
}

/// A stream that never has an item, and whoever holds it.
fn silent() -> (Arc<()>, impl Stream<Item = String> + Send) {
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let stream = futures::stream::poll_fn(move |_| {
        let _held = &inside;
        Poll::Pending
    });
    (held, stream)
}

/// An item is an event from outside: it may be postponed, and comes after what waits inside.
#[foundation::test]
async fn items_are_events_from_outside(w: World) {
    let (node, log) = (w.node(), Log::default());
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        cx.attach(words(["one", "two"]), BotMsg::Later);
        cx.next_event(own("inserted"));
        cx.timeout("a", ms(0), own("zero"));
    });
    log.until(&w, "Idle: zero").await;
    // Both are taken, and wait for another state.
    told(&bot, |_, cx| cx.goto(Busy { jobs: 0 }));
    log.until(&w, "Busy: two").await;
    let happened = [
        "Idle: inserted",
        "Idle: zero",
        "Busy: enter after Idle",
        "Busy: one",
        "Busy: two",
    ];
    assert_eq!(log.take(), happened);
}

/// One at a time: the next item is taken when the one before is handled, with all that followed.
#[foundation::test]
async fn an_item_waits_for_what_the_one_before_has_caused(w: World) {
    let (node, log) = (w.node(), Log::default());
    let bot = bot(&node, &log).await;
    let items = futures::stream::iter(0..3_u32);
    told(&bot, move |_, cx| {
        cx.attach(items, |n| {
            BotMsg::Act(Box::new(move |_, cx| {
                cx.next_event(own(&format!("{n} caused this")));
                cx.state_timeout(ms(0), own(&format!("{n} is over")));
                match n {
                    1 => cx.goto(Idle),
                    _ => cx.goto(Busy { jobs: n }),
                }
            }))
        });
    });
    log.until(&w, "Busy: 2 is over").await;
    let happened = [
        "Busy: enter after Idle",
        "Busy: 0 caused this",
        "Busy: 0 is over",
        "Idle: enter after Busy",
        "Idle: 1 caused this",
        "Idle: 1 is over",
        "Busy: enter after Idle",
        "Busy: 2 caused this",
        "Busy: 2 is over",
    ];
    assert_eq!(log.take(), happened);
}

/// In init and in an enter handler, too. A change of the state leaves a stream where it is, and the
/// end of the state machine drops it, however it ends.
#[foundation::test]
async fn a_stream_lives_as_long_as_the_state_machine(w: World) {
    for way in ["stop", "panic", "kill"] {
        let (node, log) = (w.node(), Log::default());
        let (from_init, first) = silent();
        let (from_enter, second) = silent();
        let start = bot_with(&node, &log, |cx| {
            cx.attach(words(["early"]), BotMsg::Say);
            cx.attach(first, BotMsg::Say);
            Ok(())
        });
        let bot = start.await.unwrap();
        log.until(&w, "Idle: early").await;
        told(&bot, |bot, cx| {
            let job = |_: &mut Bot, cx: &mut In<Bot, Enter>| {
                cx.attach(words(["entered"]), BotMsg::Say);
                cx.attach(second, BotMsg::Say);
            };
            bot.on_enter = Some(Box::new(job));
            cx.goto(Busy { jobs: 0 });
        });
        log.until(&w, "Busy: entered").await;
        told(&bot, |_, cx| cx.goto(Idle));
        bot.mode().await.unwrap();
        for held in [&from_init, &from_enter] {
            assert_eq!(Arc::strong_count(held), 2, "{way}");
        }
        match way {
            "stop" => told(&bot, |_, cx| cx.stop(Reason::Normal)),
            "panic" => told(&bot, |_, _| panic!("as told")),
            _ => node.exit(&bot, Reason::Kill),
        }
        node.down(&bot).await;
        for held in [&from_init, &from_enter] {
            w.eventually(LONG, async || Arc::strong_count(held) == 1)
                .await;
        }
    }
}

/// A stream that a handler attaches as it stops is dropped unread; one whose items are always there
/// does not keep messages out.
#[foundation::test]
async fn streams_hold_nobody_up(w: World) {
    let (node, log) = (w.node(), Log::default());
    let bot = bot(&node, &log).await;
    told(&bot, |_, cx| {
        let endless = futures::stream::repeat("again".to_owned());
        cx.attach(endless, BotMsg::Say);
    });
    for _ in 0..10 {
        bot.mode().timeout(LONG).await.unwrap();
    }
    log.until(&w, "Idle: again").await;
    let (held, unread) = silent();
    told(&bot, |_, cx| {
        cx.attach(unread, BotMsg::Say);
        cx.stop(Reason::Normal);
    });
    node.down(&bot).await;
    w.eventually(LONG, async || Arc::strong_count(&held) == 1)
        .await;
}

/// An item cancels the event timeout, as any event.
#[foundation::test]
async fn an_item_cancels_the_event_timeout(w: World) {
    let (node, log) = (w.node(), Log::default());
    let bot = bot(&node, &log).await;
    let item = futures::stream::once(foundation::time::sleep(ms(10)));
    told(&bot, |_, cx| {
        cx.attach(item, |()| own("item"));
        cx.event_timeout(ms(50), own("silence"));
    });
    log.until(&w, "Idle: item").await;
    node.sleep(ms(100)).await;
    bot.mode().await.unwrap();
    assert_eq!(log.take(), ["Idle: item"]);
}
