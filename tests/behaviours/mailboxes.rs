//! Does a bounded mailbox do what it says, and is nothing lost silently?
//!
//! Role  Each policy, who is told what, what passes a full mailbox, alarms, and messages that go
//!       first.

use foundation::prelude::*;
use foundation::{
    AlarmState, AliasMode, BadMailbox, DeadReason, Mailbox, ReadyError, SpawnError, WhenFull,
    promise, sys, time,
};

use crate::support::{LONG, Log};

/// Notes what it handles, and can be held in a handler.
struct Clerk {
    log: Log,
}

#[actor]
impl Clerk {
    /// Waits until `free` is answered: whatever comes meanwhile waits.
    #[cast(local)]
    async fn hold(&mut self, free: foundation::Promise<()>) {
        let _ = free.timeout(LONG).await;
        self.log.note("held");
    }

    #[cast]
    fn note(&mut self, n: u32) {
        self.log.note(n);
    }

    #[call]
    fn ask(&mut self, n: u32) -> u32 {
        self.log.note(format!("ask {n}"));
        n
    }

    #[cast]
    fn tick(&mut self, cx: &mut Cx<Self>) {
        cx.msg_after(ms(20), ClerkMsg::Note(99));
    }

    #[exit]
    fn exit(&mut self, exit: Exit) {
        self.log.note(exit.reason);
    }

    #[call]
    fn urgent(&mut self, cx: &mut Cx<Self>) -> Ref<Clerk> {
        cx.priority_ref()
    }

    #[cast]
    fn end_urgent(&mut self, it: Ref<Clerk>, cx: &mut Cx<Self>) {
        assert!(cx.end_priority(&it), "it worked until now");
        assert!(!cx.end_priority(&it), "it is taken back");
    }
}

/// A clerk that is held, and what frees it.
async fn held(w: &World, node: &Node, mailbox: Mailbox) -> (Ref<Clerk>, Log, ReplyTo<()>) {
    let log = Log::default();
    let clerk = node.start::<Clerk>(Clerk { log: log.clone() });
    let options = |options: SpawnOptions| options.mailbox(mailbox).trap_exit();
    let clerk = clerk.options(options).await.expect("started");
    let (free, held) = promise(node);
    clerk.hold(held).expect("there is room");
    empty(w, &clerk).await;
    (clerk, log, free)
}

/// Waits until nothing waits.
async fn empty(w: &World, clerk: &Ref<Clerk>) {
    waiting(w, clerk, 0).await;
}

/// Waits until so many messages wait.
async fn waiting(w: &World, clerk: &Ref<Clerk>, count: usize) {
    w.eventually(LONG, async || {
        let info = clerk.node().info(clerk, LONG).await.expect("it yields");
        info.is_none_or(|info| info.message_queue_len == count)
    })
    .await;
}

fn bounded(capacity: usize, when_full: WhenFull) -> Mailbox {
    Mailbox::bounded(capacity, when_full)
}

/// Lets everything run that can, of a clerk that is free again.
async fn settle(w: &World, clerk: &Ref<Clerk>, log: &Log) {
    log.until(w, "held").await;
    empty(w, clerk).await;
}

#[foundation::test]
async fn reject_tells_the_sender_at_once(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(2, WhenFull::Reject)).await;
    assert_eq!([clerk.note(1), clerk.note(2)], [Ok(()), Ok(())]);
    assert_eq!(clerk.note(3), Err(SendError::Full));
    assert_eq!(clerk.ask(4).await, Err(CallError::Full));
    assert_eq!(
        clerk.ready().timeout(ms(10)).await.err(),
        Some(ReadyError::Timeout)
    );
    free.send(());
    let place = clerk
        .ready()
        .timeout(LONG)
        .await
        .expect("there will be room");
    assert_eq!(place.note(5), Ok(()));
    settle(&w, &clerk, &log).await;
    assert_eq!(log.take(), ["held", "1", "2", "5"]);
    assert_eq!(clerk.ask(6).await, Ok(6));
    assert_eq!(node.dead_letter_counts(), [], "who sends is told");
}

#[foundation::test]
async fn block_lets_calls_wait_in_order(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(1, WhenFull::Block)).await;
    assert_eq!(clerk.note(1), Ok(()));
    assert_eq!(clerk.note(2), Err(SendError::Full));
    let ask = |n| {
        let clerk = clerk.clone();
        Task::spawn_nolink(&node, async move { clerk.ask(n).timeout(LONG).await })
    };
    let tasks: Vec<_> = (10..14).map(|n| ask(n).expect("spawned")).collect();
    let late = clerk.ask(20).timeout(ms(5)).await;
    assert_eq!(late, Err(CallError::Full), "it was never sent");
    free.send(());
    for (mut task, n) in tasks.into_iter().zip(10..14) {
        assert_eq!(task.join(LONG).await.expect("in time"), Ok(n));
    }
    let log = log.take();
    assert_eq!(log[..2], ["held", "1"]);
    let mut asked = log[2..].to_vec();
    asked.sort();
    assert_eq!(asked, ["ask 10", "ask 11", "ask 12", "ask 13"]);
}

/// Waits that are dropped, and places that are not used, are free for others.
#[foundation::test]
async fn a_place_that_is_not_used_is_free(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(1, WhenFull::Block)).await;
    let place = clerk.ready().await.expect("there is room");
    assert_eq!(clerk.note(1), Err(SendError::Full), "the place is reserved");
    drop(place);
    let place = clerk.ready().await.expect("there is room");
    assert_eq!(place.note(2), Ok(()));
    assert_eq!(
        place.note(3),
        Err(SendError::Full),
        "a place is for one message"
    );
    assert_eq!(place, clerk);
    let patient = clerk.clone();
    let mut patient = Task::spawn_nolink(&node, async move {
        let place = patient
            .ready()
            .timeout(LONG)
            .await
            .expect("there will be room");
        place.note(4).expect("reserved");
    })
    .expect("spawned");
    assert_eq!(
        clerk.ready().timeout(ms(5)).await.err(),
        Some(ReadyError::Timeout)
    );
    free.send(());
    patient.join(LONG).await.expect("in time");
    settle(&w, &clerk, &log).await;
    assert_eq!(log.take(), ["held", "2", "4"]);
}

#[foundation::test]
async fn drop_oldest_keeps_the_newest(w: World) {
    let node = w.node();
    let mut dead = node.dead_letters(10);
    let (clerk, log, free) = held(&w, &node, bounded(2, WhenFull::DropOldest)).await;
    let asking = clerk.clone();
    let mut asking = Task::spawn_nolink(&node, async move { asking.ask(0).timeout(LONG).await })
        .expect("spawned");
    waiting(&w, &clerk, 1).await;
    for n in 1..=4 {
        assert_eq!(clerk.note(n), Ok(()));
    }
    assert_eq!(
        clerk.ready().await.expect("there always is").note(5),
        Ok(())
    );
    free.send(());
    settle(&w, &clerk, &log).await;
    assert_eq!(log.take(), ["held", "4", "5"]);
    assert_eq!(
        asking.join(LONG).await.expect("in time"),
        Err(CallError::Full)
    );
    let letters: Vec<_> = std::iter::from_fn(|| dead.try_next()).collect();
    assert_eq!(letters.len(), 3);
    for letter in letters {
        assert_eq!(letter.to, Some(clerk.pid()));
        assert_eq!(
            (letter.message, letter.reason),
            ("Clerk::note", DeadReason::DroppedOldest)
        );
    }
    assert_eq!(node.dead_letter_counts(), [(DeadReason::DroppedOldest, 3)]);
}

#[foundation::test]
async fn drop_newest_keeps_the_oldest(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(2, WhenFull::DropNewest)).await;
    for n in 1..=4 {
        assert_eq!(clerk.note(n), Ok(()));
    }
    assert_eq!(clerk.ask(5).await, Err(CallError::Full));
    free.send(());
    settle(&w, &clerk, &log).await;
    assert_eq!(log.take(), ["held", "1", "2"]);
    assert_eq!(node.dead_letter_count(DeadReason::DroppedNewest), 2);
}

/// Exits, questions of the runtime, the process's own timers.
#[foundation::test]
async fn signals_and_own_timers_pass_a_full_mailbox(w: World) {
    let node = w.node();
    for when_full in [
        WhenFull::Block,
        WhenFull::Reject,
        WhenFull::DropOldest,
        WhenFull::DropNewest,
    ] {
        let (clerk, log, free) = held(&w, &node, bounded(2, when_full)).await;
        free.send(());
        clerk.tick().expect("there is room");
        clerk.ask(0).await.expect("it has ticked");
        let (free, held) = promise(&node);
        clerk.hold(held).expect("there is room");
        empty(&w, &clerk).await;
        log.take();
        clerk.note(1).expect("there is room");
        clerk.note(2).expect("there is room");
        let pid = clerk.pid();
        let exit = async move {
            let me = foundation::me().expect("a task is a process");
            me.exit(pid, Reason::other("passes"));
        };
        let mut exit = Task::spawn_nolink(&node, exit).expect("spawned");
        exit.join(LONG).await.expect("in time");
        node.sleep(ms(40)).await;
        free.send(());
        w.eventually(LONG, async || log.count("99") == 1).await;
        let passes = Reason::other("passes").to_string();
        assert_eq!(
            log.take(),
            ["held", "1", "2", &passes, "99"],
            "{when_full:?}"
        );
    }
    assert_eq!(node.dead_letter_counts(), []);
}

#[foundation::test]
async fn a_stop_is_asked_of_a_full_mailbox(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(1, WhenFull::Reject)).await;
    clerk.note(1).expect("there is room");
    assert_eq!(clerk.note(2), Err(SendError::Full));
    free.send(());
    node.stop(&clerk, Reason::Normal, LONG)
        .await
        .expect("stopped");
    assert_eq!(log.take(), ["held", "1"]);
}

/// What one process sends is handled in its order, be it a message or a signal.
#[foundation::test]
async fn messages_and_signals_keep_their_order(w: World) {
    let node = w.node();
    for when_full in [WhenFull::Reject, WhenFull::DropOldest] {
        let (clerk, log, free) = held(&w, &node, bounded(4, when_full)).await;
        let (to, pid) = (clerk.clone(), clerk.pid());
        let mut sender = Task::spawn_nolink(&node, async move {
            let me = foundation::me().expect("a task is a process");
            for n in 0..4 {
                to.note(n).expect("there is room");
                me.exit(pid, Reason::other(format!("after {n}")));
            }
        })
        .expect("spawned");
        sender.join(LONG).await.expect("in time");
        free.send(());
        settle(&w, &clerk, &log).await;
        let expected = (0..4).flat_map(|n| {
            [
                n.to_string(),
                Reason::other(format!("after {n}")).to_string(),
            ]
        });
        let expected: Vec<String> = std::iter::once("held".to_owned()).chain(expected).collect();
        assert_eq!(log.take(), expected, "{when_full:?}");
    }
}

#[foundation::test]
async fn what_no_mailbox_can_be_is_refused(w: World) {
    let node = w.node();
    let log = Log::default();
    let start = |mailbox| {
        let start = node.start::<Clerk>(Clerk { log: log.clone() });
        start.options(move |options| options.mailbox(mailbox))
    };
    let error = start(bounded(0, WhenFull::Reject))
        .await
        .expect_err("no room");
    assert_eq!(
        error,
        StartError::Spawn(SpawnError::BadMailbox(BadMailbox::NoRoom))
    );
    assert_eq!(
        error.to_string(),
        "a mailbox needs room for one message at least"
    );
    let error = start(Mailbox::unbounded().high_water(0)).await;
    assert_eq!(
        error.expect_err("no mark"),
        StartError::Spawn(SpawnError::BadMailbox(BadMailbox::NoMark))
    );
    assert_eq!(node.stats().spawned, 0);
}

/// Who waits for a place is freed when the process ends: its request reaches nobody.
#[foundation::test]
async fn the_end_frees_who_waits(w: World) {
    let node = w.node();
    let (clerk, _, free) = held(&w, &node, bounded(1, WhenFull::Block)).await;
    clerk.note(1).expect("there is room");
    let (asking, ready) = (clerk.clone(), clerk.clone());
    let mut asking = Task::spawn_nolink(&node, async move { asking.ask(2).timeout(LONG).await })
        .expect("spawned");
    let mut ready = Task::spawn_nolink(&node, async move {
        let place = ready.ready().timeout(LONG).await;
        place.map(|place| place.note(3))
    })
    .expect("spawned");
    node.sleep(ms(1)).await;
    let begun = node.now();
    node.exit(&clerk, Reason::Kill);
    assert_eq!(
        asking.join(LONG).await.expect("in time"),
        Err(CallError::NoProc)
    );
    assert_eq!(ready.join(LONG).await.expect("in time"), Ok(Ok(())));
    assert!(node.now() - begun < LONG / 2, "nobody waited for its bound");
    assert_eq!(node.dead_letter_count(DeadReason::Died), 1);
    assert_eq!(node.dead_letter_count(DeadReason::NoProc), 1);
    drop(free);
}

/// What a dropping mailbox still held is a dead letter, a call in it fails.
#[foundation::test]
async fn the_end_tells_of_what_was_held(w: World) {
    let node = w.node();
    let (clerk, _, free) = held(&w, &node, bounded(5, WhenFull::DropOldest)).await;
    let pid = clerk.pid();
    let asking = clerk.clone();
    let sends = async move {
        for n in 0..3 {
            asking.note(n).expect("it takes all");
        }
        // In one step: nothing of it is fetched before.
        let me = foundation::me().expect("a task is a process");
        me.exit(pid, Reason::Kill);
        asking.note(3).expect("it takes all");
        asking.ask(4).timeout(LONG).await
    };
    let mut sends = Task::spawn_nolink(&node, sends).expect("spawned");
    let failed = sends.join(LONG).await.expect("in time");
    assert!(
        matches!(
            failed,
            Err(CallError::NoProc | CallError::Down(Reason::Killed))
        ),
        "{failed:?}"
    );
    let lost = DeadReason::ALL.map(|reason| node.dead_letter_count(reason));
    assert_eq!(lost.iter().sum::<u64>(), 4, "{lost:?}");
    drop(free);
}

/// Nobody waits over the network: a message is a dead letter where it arrives, a call fails.
#[foundation::test]
async fn from_another_node_it_is_a_dead_letter(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    let _wire = w.connect(&here, &there);
    for when_full in [WhenFull::Block, WhenFull::Reject] {
        let (clerk, log, free) = held(&w, &there, bounded(1, when_full)).await;
        let far: Ref<Clerk> = here.reference(clerk.pid());
        assert_eq!([far.note(1), far.note(2)], [Ok(()), Ok(())]);
        assert_eq!(far.ask(3).timeout(LONG).await, Err(CallError::Full));
        assert!(far.ready().await.is_ok(), "nobody here knows");
        free.send(());
        w.eventually(LONG, async || log.count("1") == 1).await;
        assert_eq!(log.take(), ["held", "1"], "{when_full:?}");
    }
    assert_eq!(there.dead_letter_count(DeadReason::Full), 2);
    assert_eq!(here.dead_letter_counts(), []);
}

/// Sends forty numbers in all ways, and counts those that were refused.
fn sender(node: &Node, clerk: &Ref<Clerk>, sender: u32) -> Task<u64> {
    let clerk = clerk.clone();
    let sends = async move {
        let mut refused = 0;
        for n in 0..40 {
            let number = sender * 100 + n;
            let sent = match n % 4 {
                0 => clerk
                    .ready()
                    .timeout(LONG)
                    .await
                    .expect("room")
                    .note(number),
                1 => match clerk.ask(number).timeout(LONG).await {
                    Ok(_) => Ok(()),
                    Err(CallError::Full) => Err(SendError::Full),
                    Err(other) => panic!("{other}"),
                },
                _ => clerk.note(number),
            };
            refused += u64::from(sent.is_err());
            if n % 7 == 0 {
                time::yield_now().await;
            }
        }
        refused
    };
    Task::spawn_nolink(node, sends).expect("spawned")
}

/// Racing senders: what is handled, refused and dropped is all that was sent, in each one's order.
#[foundation::test(seeds = 100)]
async fn racing_senders_lose_nothing_silently(w: World) {
    let node = w.node();
    for when_full in [
        WhenFull::Block,
        WhenFull::Reject,
        WhenFull::DropOldest,
        WhenFull::DropNewest,
    ] {
        let before: u64 = node.dead_letter_counts().iter().map(|(_, n)| n).sum();
        let log = Log::default();
        let mailbox = bounded(3, when_full);
        let clerk = node.start::<Clerk>(Clerk { log: log.clone() });
        let clerk = clerk
            .options(move |options| options.mailbox(mailbox))
            .await
            .expect("started");
        let senders: Vec<_> = (1..=4).map(|n| sender(&node, &clerk, n)).collect();
        let mut refused = 0;
        for mut sender in senders {
            refused += sender.join(LONG).await.expect("in time");
        }
        empty(&w, &clerk).await;
        let dead: u64 = node.dead_letter_counts().iter().map(|(_, n)| n).sum();
        let handled = log.take();
        assert_eq!(
            handled.len() as u64 + refused + dead - before,
            160,
            "{when_full:?}: {} handled, {refused} refused, {} dead",
            handled.len(),
            dead - before
        );
        for sender in 1..=4 {
            let numbers = handled
                .iter()
                .filter_map(|line| line.trim_start_matches("ask ").parse::<u32>().ok());
            let own: Vec<u32> = numbers.filter(|number| number / 100 == sender).collect();
            assert!(own.is_sorted(), "{when_full:?}: {own:?}");
        }
        if when_full == WhenFull::Block {
            assert_eq!(dead, before, "nothing is dropped");
        }
    }
}

#[foundation::test]
async fn a_long_queue_gives_alarm_once(w: World) {
    let node = w.node();
    let mut alarms = node.mailbox_alarms(10);
    let (clerk, log, free) = held(&w, &node, Mailbox::unbounded().high_water(10)).await;
    node.register("clerk", clerk.pid()).expect("free");
    for n in 0..10 {
        clerk.note(n).expect("local");
    }
    let _ = node.info(&clerk, LONG).await;
    assert_eq!(
        (alarms.try_next(), node.mailboxes_in_alarm()),
        (None, vec![])
    );
    for n in 10..30 {
        clerk.note(n).expect("local");
    }
    let raised = alarms.next().await;
    assert_eq!(
        (raised.pid, raised.state, raised.mark),
        (clerk.pid(), AlarmState::Raised, 10)
    );
    assert_eq!(raised.name.as_deref(), Some("clerk"));
    assert!(raised.initial_call.contains("Clerk"), "{raised:?}");
    assert!((11..=30).contains(&raised.length), "{raised:?}");
    assert_eq!(node.mailboxes_in_alarm(), [raised]);
    free.send(());
    let cleared = alarms.next().await;
    assert_eq!(
        (cleared.pid, cleared.state),
        (clerk.pid(), AlarmState::Cleared)
    );
    assert!(cleared.length <= 5, "{cleared:?}");
    settle(&w, &clerk, &log).await;
    assert_eq!(log.take().len(), 31);
    assert_eq!(
        (alarms.try_next(), node.mailboxes_in_alarm()),
        (None, vec![])
    );
}

#[foundation::test]
async fn an_alarm_ends_with_its_process(w: World) {
    let node = w.node();
    let mut alarms = node.mailbox_alarms(10);
    let (clerk, _, free) = held(&w, &node, Mailbox::unbounded().high_water(3)).await;
    for n in 0..8 {
        clerk.note(n).expect("local");
    }
    assert_eq!(alarms.next().await.state, AlarmState::Raised);
    node.exit(&clerk, Reason::Kill);
    let ended = alarms.next().await;
    assert_eq!((ended.pid, ended.state), (clerk.pid(), AlarmState::Ended));
    assert_eq!(node.mailboxes_in_alarm(), []);
    drop(free);
}

#[foundation::test]
async fn what_goes_first_overtakes_what_waits(w: World) {
    let node = w.node();
    let (clerk, log, free) = held(&w, &node, bounded(3, WhenFull::Reject)).await;
    drop(free);
    settle(&w, &clerk, &log).await;
    let urgent = clerk.urgent().await.expect("it answers");
    let (free, held) = promise(&node);
    clerk.hold(held).expect("there is room");
    empty(&w, &clerk).await;
    log.take();
    for n in 1..=3 {
        clerk.note(n).expect("there is room");
    }
    assert_eq!(clerk.note(4), Err(SendError::Full));
    for n in 11..=13 {
        assert_eq!(urgent.note(n), Ok(()), "it passes a full mailbox");
    }
    let asking = urgent.clone();
    let mut asking = Task::spawn_nolink(&node, async move { asking.ask(14).timeout(LONG).await })
        .expect("spawned");
    waiting(&w, &clerk, 7).await;
    free.send(());
    assert_eq!(asking.join(LONG).await.expect("in time"), Ok(14));
    settle(&w, &clerk, &log).await;
    assert_eq!(
        log.take(),
        ["held", "11", "12", "13", "ask 14", "1", "2", "3"]
    );
    clerk.end_urgent(urgent.clone()).expect("there is room");
    assert_eq!(clerk.ask(5).await, Ok(5));
    assert_eq!(urgent.ask(6).await, Err(CallError::NoProc));
    assert_eq!(urgent.note(7), Ok(()));
    empty(&w, &clerk).await;
    assert_eq!(node.dead_letter_count(DeadReason::InactiveAlias), 1);
}

#[derive(Debug, foundation::Message, serde::Serialize, serde::Deserialize)]
enum Word {
    Number(u32),
    Alias(Pid, foundation::Alias),
}

/// A receive that waits sees what goes first, and refused messages keep their places.
#[foundation::test]
async fn a_selective_receive_sees_what_goes_first(w: World) {
    let node = w.node();
    let log = Log::default();
    let notes = log.clone();
    let (to, alias) = promise(&node);
    let process = node
        .spawn_fn_with(
            &SpawnOptions::new().mailbox(bounded(4, WhenFull::Reject)),
            move |mut me: Process<Word>| async move {
                to.send(me.priority_alias(AliasMode::ExplicitUnalias));
                let wanted = |mail| match mail {
                    Mail::Msg(Word::Number(n)) if 100 <= n => Ok(n),
                    other => Err(other),
                };
                for _ in 0..3 {
                    notes.note(me.receive(wanted).await);
                }
                for _ in 0..4 {
                    if let Mail::Msg(Word::Number(n)) = me.recv().await {
                        notes.note(n);
                    }
                }
            },
        )
        .expect("spawned")
        .0;
    let alias = alias.await.expect("it answers");
    for n in 1..=3 {
        process.send(Word::Number(n)).expect("there is room");
    }
    let mut sender = Task::spawn_nolink(&node, {
        let process = process.clone();
        async move {
            let me = foundation::me().expect("a task is a process");
            time::sleep(ms(1)).await;
            for n in [4, 101, 102] {
                me.send_priority(alias, Word::Number(n));
            }
            me.send_alias(alias, Word::Number(103));
            assert_eq!(
                process.send(Word::Alias(me.pid(), alias)),
                Err(SendError::Full)
            );
        }
    })
    .expect("spawned");
    sender.join(LONG).await.expect("in time");
    w.eventually(LONG, async || !process.is_alive()).await;
    assert_eq!(log.take(), ["101", "102", "103", "4", "1", "2", "3"]);
}

/// A message that was refused and taken later frees its place when it is taken, not before.
#[foundation::test]
async fn refused_messages_keep_their_places(w: World) {
    let node = w.node();
    let options = SpawnOptions::new().mailbox(bounded(2, WhenFull::Reject));
    let (looked, has_looked) = promise(&node);
    let (go, may_go) = promise::<()>(&node);
    let (took, has_taken) = promise(&node);
    let body = move |mut me: Process<Word>| async move {
        let never = |mail| match mail {
            Mail::Msg(Word::Number(n)) if 100 <= n => Ok(n),
            other => Err(other),
        };
        // Refused once all are there, too.
        let mut all = false;
        while !all {
            time::yield_now().await;
            all = me.info().message_queue_len == 2;
            assert!(me.receive(never).timeout(ms(0)).await.is_err());
        }
        looked.send(());
        may_go.await.expect("told to");
        let (first, second) = (me.recv().await, me.recv().await);
        took.send(matches!((first, second), (Mail::Msg(_), Mail::Msg(_))));
        time::sleep(LONG).await;
    };
    let (process, _) = node.spawn_fn_with(&options, body).expect("spawned");
    for n in 1..=2 {
        process.send(Word::Number(n)).expect("there is room");
    }
    has_looked.timeout(LONG).await.expect("it looks");
    assert_eq!(process.send(Word::Number(3)), Err(SendError::Full));
    go.send(());
    assert_eq!(has_taken.timeout(LONG).await, Ok(true));
    for n in 4..=5 {
        assert_eq!(process.send(Word::Number(n)), Ok(()));
    }
    assert_eq!(process.send(Word::Number(6)), Err(SendError::Full));
    node.exit(&process, Reason::Kill);
}

/// What a suspended server passes over waits as everything does: it gives alarm, and what goes first
/// comes before it, in its own order, also when the server has already looked at the others.
#[foundation::test]
async fn what_a_suspended_server_passes_over_waits_as_ever(w: World) {
    let (node, log) = (w.node(), Log::default());
    let mut alarms = node.mailbox_alarms(16);
    let clerk = node
        .start::<Clerk>(Clerk { log: log.clone() })
        .options(|options| options.mailbox(Mailbox::unbounded().high_water(10)))
        .await
        .expect("started");
    let urgent = clerk.urgent().await.expect("it answers");
    for round in 0..2 {
        assert_eq!(sys::suspend(&clerk).await, Ok(()));
        urgent.note(100).expect("there is room");
        waiting(&w, &clerk, 1).await;
        for n in 1..=20 {
            clerk.note(n).expect("there is room");
        }
        let raised = time::timeout_on(&node, LONG, alarms.next())
            .await
            .expect("it is told");
        assert_eq!(
            (raised.pid, raised.state),
            (clerk.pid(), AlarmState::Raised)
        );
        waiting(&w, &clerk, 21).await;
        urgent.note(101).expect("there is room");
        urgent.note(102).expect("there is room");
        waiting(&w, &clerk, 23).await;
        assert!(log.take().is_empty(), "round {round}: it is suspended");
        assert_eq!(sys::resume(&clerk).await, Ok(()));
        assert_eq!(clerk.ask(0).await, Ok(0));
        let first = ["100", "101", "102"].map(String::from).into_iter();
        let then = (1..=20).map(|n: u32| n.to_string());
        let all: Vec<_> = first.chain(then).chain(["ask 0".into()]).collect();
        assert_eq!(log.take(), all, "round {round}");
        let cleared = time::timeout_on(&node, LONG, alarms.next())
            .await
            .expect("it is told");
        assert_eq!(cleared.state, AlarmState::Cleared);
    }
}
