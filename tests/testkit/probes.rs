//! Do probes get everything, and the macros take what matches?

use foundation::prelude::*;
use foundation::testkit::{
    Probe, assert_receive, assert_received, refute_receive, refute_received,
};
use foundation::time;

use super::{Word, failure_of};

#[derive(Default)]
struct Counter;

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, by: u32) {
        let _ = by;
    }

    #[call]
    fn get(&self) -> u32 {
        0
    }
}

/// A message that another type's probe may be sent.
#[derive(Debug, Message)]
#[message(local)]
struct Other(u32);

/// It has no `Debug`.
#[derive(Message)]
#[message(local)]
struct Mute(u32);

#[foundation::test(leak_check)]
async fn what_matches_is_taken_and_the_rest_stays(node: Node) -> foundation::Result {
    let probe = Probe::<Word>::start(&node)?;
    let address = probe.address();
    let sender = node.spawn_fn(move |_: Process<Word>| async move {
        for id in 0..10 {
            address.send(Word::Done(id, "x")).expect("local");
        }
        time::sleep(ms(20)).await;
        address.send(Word::Done(10, "late")).expect("local");
    })?;
    assert_receive!(probe, Word::Done(id, _) if id == 7);
    let text = assert_receive!(probe, Word::Done(10, text) => text, within: secs(9));
    assert_eq!(text, "late");
    // What did not match is there, in its order.
    let rest = [0, 1, 2, 3, 4, 5, 6, 8, 9];
    for expected in rest {
        let id = assert_received!(probe, Word::Done(id, _) => id);
        assert_eq!(id, expected);
    }
    refute_received!(probe, Word::Done(..));
    refute_receive!(probe, Word::Failed, within: ms(10));
    node.down(&sender).await;
    Ok(())
}

/// What was sent before the look counts, however far it got.
#[foundation::test]
async fn a_look_sees_what_was_sent_before(node: Node) -> foundation::Result {
    let probe = Probe::<Word>::start(&node)?;
    for id in 0..50 {
        probe.send(Word::Done(id, ""))?;
        assert_received!(probe, Word::Done(got, _) if got == id);
    }
    Ok(())
}

#[foundation::test]
async fn exits_and_downs_are_mail(node: Node) -> foundation::Result {
    let probe = Probe::<Word>::start(&node)?;
    let wait = |mut me: Process<Word>| async move {
        me.recv().await;
    };
    let (a, b) = (node.spawn_fn(wait)?, node.spawn_fn(wait)?);
    let monitor = probe.monitor(&a).await;
    probe.link(&b).await;
    a.send(Word::Failed)?;
    let why =
        assert_receive!(probe.mail(), Mail::Down(down) if down.monitor == monitor => down.reason);
    assert_eq!(why, Reason::Normal);
    node.exit(&b, Reason::Kill);
    let from = assert_receive!(probe.mail(), Mail::Exit(exit) if exit.reason == Reason::Killed => exit.from);
    assert_eq!(from, b.pid());
    // It hears of an end that was before.
    probe.link(&b).await;
    assert_receive!(probe.mail(), Mail::Exit(exit) if exit.reason == Reason::NoProc);
    Ok(())
}

#[foundation::test]
async fn a_probe_takes_the_place_of_an_actor(node: Node) -> foundation::Result {
    let probe = Probe::any(&node)?;
    let counter: Ref<Counter> = probe.reference();
    counter.add(5)?;
    node.send(&probe, Other(7))?;
    assert_receive!(probe.letters::<Other>(), Other(n) if n == 7);
    assert_receive!(probe.mail(), Mail::Info(info) if info.name() == "Counter::add");
    let asker = counter.clone();
    let asked = foundation::Task::spawn_nolink(&node, async move { asker.get().await })?;
    assert_receive!(probe.mail(), Mail::Info(info) if info.name() == "Counter::get");
    assert_eq!(asked.await, Ok(Err(CallError::NoReply)));
    Ok(())
}

/// A probe that is dropped, and one whose node shuts down, is no process that is left.
#[foundation::test(leak_check)]
async fn a_dropped_probe_ends(node: Node) -> foundation::Result {
    let probe = Probe::<Word>::start(&node)?;
    let address = probe.address();
    drop(probe);
    assert!(!node.down(&address).await.reason.is_orderly());
    Ok(())
}

#[test]
fn a_failed_assertion_says_what_there_was() {
    let failure = failure_of(|world| async move {
        let probe = Probe::<Word>::start(&world.node()).expect("started");
        probe.send(Word::Done(3, "x")).expect("local");
        world.node().send(&probe, Mute(1)).expect("local");
        assert_receive!(probe, Word::Done(id, _) if id == 7, within: ms(100));
    });
    let failure = failure.expect("there is none");
    let (_, text) = failure.split_once(": ").expect("a place, and a text");
    assert_eq!(
        text,
        "nothing that matches `Word::Done(id, _) if id == 7` came within 100ms; the mailbox holds \
         these 2:\n  Done(3, \"x\")\n  message Mute"
    );
    assert!(failure.contains("tests/testkit/probes.rs"), "{failure}");

    let empty = failure_of(|world| async move {
        let probe = Probe::<Word>::start(&world.node()).expect("started");
        assert_received!(probe, Word::Failed);
    });
    let empty = empty.expect("there is none");
    assert!(
        empty.ends_with("nothing that matches `Word::Failed` had come; the mailbox is empty"),
        "{empty}"
    );
}

#[test]
fn what_has_no_debug_is_an_underscore() {
    let failure = failure_of(|world| async move {
        let probe = Probe::<Mute>::start(&world.node()).expect("started");
        probe.send(Mute(1)).expect("local");
        assert_receive!(probe, Mute(2));
    });
    let failure = failure.expect("there is none");
    assert!(failure.ends_with("the mailbox holds:\n  _"), "{failure}");
}

#[test]
fn a_failed_refutation_shows_what_came() {
    for late in [false, true] {
        let failure = failure_of(move |world| async move {
            let node = world.node();
            let probe = Probe::<Word>::start(&node).expect("started");
            let address = probe.address();
            node.spawn_fn(move |_: Process<Word>| async move {
                time::sleep(ms(if late { 99 } else { 0 })).await;
                address.send(Word::Failed).expect("local");
            })
            .expect("spawned");
            world.settle().await;
            if !late {
                refute_received!(probe, Word::Failed);
            }
            refute_receive!(probe, Word::Failed);
        });
        let failure = failure.expect("it came");
        assert!(
            failure.ends_with("a message that matches `Word::Failed` came:\n  Failed"),
            "{failure}"
        );
    }
}
