//! What does a server hear besides calls: silence, itself, streams, strangers (B150)?
//!
//! Source     otp: gen_server, return values of callbacks

use std::time::Duration;

use foundation::prelude::*;
use foundation::time;

use crate::support::{LONG, Log, Word, boom, inside};

struct Ear {
    log: Log,
    again: Option<Duration>,
}

type Job = Box<dyn FnOnce(&mut Ear, &mut Cx<Ear>) + Send>;

#[actor]
impl Ear {
    #[init]
    fn init(log: Log, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        Self { log, again: None }
    }

    #[cast(local)]
    fn perform(&mut self, job: Job, cx: &mut Cx<Self>) {
        job(self, cx);
    }

    #[cast]
    fn say(&mut self, word: String) {
        self.log.note(word);
    }

    /// Waits for silence of this length.
    #[cast]
    fn listen(&mut self, silence: Duration, cx: &mut Cx<Self>) {
        cx.set_timeout(silence);
    }

    #[call]
    fn sync(&self) {}

    #[continue_with]
    fn next(&mut self, word: String) {
        self.log.note(word);
    }

    #[continue_with]
    fn forever(&mut self, cx: &mut Cx<Self>) {
        cx.continue_with(EarMsg::Forever);
    }

    #[timeout]
    fn silence(&mut self, cx: &mut Cx<Self>) {
        self.log.note("silence");
        if let Some(again) = self.again {
            cx.set_timeout(again);
        }
    }

    #[info]
    fn other(&mut self, info: Info) {
        self.log.note(format!("info {}", info.name()));
    }

    #[exit]
    fn ended(&mut self, exit: Exit) {
        self.log.note(format!("exit {}", exit.reason));
    }

    #[down]
    fn gone(&mut self, down: Down) {
        self.log.note(format!("down {}", down.reason));
    }
}

async fn ear(node: &Node, log: &Log) -> Ref<Ear> {
    node.start::<Ear>(log.clone()).await.expect("started")
}

impl Log {
    fn job(&self, job: impl FnOnce(&mut Ear, &mut Cx<Ear>) + Send + 'static) -> Job {
        Box::new(job)
    }
}

/// B150: a timeout of 50 is cancelled by a message at 20: no timeout event comes.
#[foundation::test]
async fn b150_a_message_cancels_the_timeout(w: World) {
    let (node, log) = (w.node(), Log::default());
    // On the real platform there is time enough for a slow machine.
    let unit = if w.is_simulated() { 1 } else { 8 };
    let ear = ear(&node, &log).await;
    ear.listen(ms(50 * unit)).expect("portable");
    node.sleep(ms(20 * unit)).await;
    ear.say("hello".to_owned()).expect("portable");
    node.sleep(ms(100 * unit)).await;
    ear.sync().await.expect("alive");
    assert_eq!(log.take(), ["hello"]);
    // Without the message it comes, once.
    ear.listen(ms(50)).expect("portable");
    log.until(&w, "silence").await;
    node.sleep(ms(100)).await;
    assert_eq!(log.take(), ["silence"]);
}

/// otp: a call, an exit or a down cancels it as a cast does.
#[foundation::test]
async fn every_message_cancels_the_timeout(w: World) {
    let (node, log) = (w.node(), Log::default());
    let unit = if w.is_simulated() { 1 } else { 8 };
    let ear = ear(&node, &log).await;
    for way in ["call", "exit", "info"] {
        ear.listen(ms(50 * unit)).expect("portable");
        match way {
            "call" => ear.sync().await.expect("alive"),
            "exit" => {
                let pid = ear.pid();
                inside(&node, async move |me| me.exit(pid, boom())).await;
            }
            _ => node.send(&ear, Word::Go).expect("local"),
        }
        node.sleep(ms(100 * unit)).await;
        ear.sync().await.expect("alive");
        assert_eq!(log.count("silence"), 0, "{way}");
    }
    assert_eq!(log.take(), ["exit boom", "info Word"]);
}

/// otp: a timeout of zero comes only when no message waits, however many there are.
#[foundation::test]
async fn a_message_that_waits_comes_before_a_timeout_of_zero(node: Node) {
    for count in [1, 30] {
        let log = Log::default();
        let ear = ear(&node, &log).await;
        let (address, words) = (ear.clone(), log.clone());
        let fill = move |_: &mut Ear, _: &mut Cx<Ear>| {
            for n in 0..count {
                let again = move |ear: &mut Ear, cx: &mut Cx<Ear>| {
                    ear.log.note(n);
                    cx.set_timeout(ms(0));
                };
                address.perform(words.job(again)).expect("local");
            }
        };
        ear.perform(log.job(fill)).expect("local");
        let until = node.now() + LONG;
        while log.count("silence") == 0 && node.now() < until {
            node.sleep(ms(1)).await;
        }
        let mut expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        expected.push("silence".to_owned());
        assert_eq!(log.take(), expected);
    }
}

/// otp: silence can be asked for again when it comes.
#[foundation::test]
async fn a_timeout_may_be_asked_for_again(w: World) {
    let (node, log) = (w.node(), Log::default());
    let ear = ear(&node, &log).await;
    let job = |ear: &mut Ear, cx: &mut Cx<Ear>| {
        ear.again = Some(ms(5));
        cx.set_timeout(ms(5));
    };
    ear.perform(log.job(job)).expect("local");
    w.eventually(LONG, async || log.count("silence") >= 3).await;
}

/// otp: what a server continues with comes before everything that waits for it, in order.
#[foundation::test]
async fn continue_comes_before_queued_messages(w: World) {
    let (node, log) = (w.node(), Log::default());
    let ear = ear(&node, &log).await;
    let address = ear.clone();
    let job = move |_: &mut Ear, cx: &mut Cx<Ear>| {
        address.say("queued".to_owned()).expect("portable");
        cx.continue_with(EarMsg::Next("first".to_owned()));
        cx.continue_with(EarMsg::Next("second".to_owned()));
    };
    ear.perform(log.job(job)).expect("local");
    log.until(&w, "queued").await;
    assert_eq!(log.take(), ["first", "second", "queued"]);
}

/// otp: init may continue, too; the start returns before that is handled or after, but
/// messages come later in any case.
#[foundation::test]
async fn init_may_continue(node: Node) {
    struct Warm(Vec<&'static str>);

    #[actor]
    impl Warm {
        #[init]
        fn init(cx: &mut Cx<Self>) -> Self {
            cx.continue_with(WarmMsg::Load);
            Self(vec!["init"])
        }

        #[continue_with]
        async fn load(&mut self) {
            time::yield_now().await;
            self.0.push("loaded");
        }

        #[call]
        fn done(&self) -> String {
            self.0.join(" ")
        }
    }

    let warm = node.start::<Warm>(()).await.expect("started");
    assert_eq!(warm.done().await, Ok("init loaded".to_owned()));
}

/// A server that continues for ever gives way to others, and can be killed.
#[foundation::test]
async fn an_endless_continue_gives_way(node: Node) {
    let log = Log::default();
    let mut busy = Vec::new();
    for _ in 0..3 {
        let ear = ear(&node, &log).await;
        let job = |_: &mut Ear, cx: &mut Cx<Ear>| cx.continue_with(EarMsg::Forever);
        ear.perform(log.job(job)).expect("local");
        busy.push(ear);
    }
    let other = ear(&node, &log).await;
    other.sync().await.expect("alive");
    for ear in busy {
        node.exit(&ear, Reason::Kill);
        node.down(&ear).await;
    }
    other.sync().await.expect("alive");
}

/// A stream that is always ready neither holds the scheduler nor starves the mailbox.
#[foundation::test]
async fn an_endless_stream_gives_way_to_messages(node: Node) {
    struct Drinker(u64);

    #[actor]
    impl Drinker {
        #[init]
        fn init(cx: &mut Cx<Self>) -> Self {
            cx.attach(futures::stream::repeat(1), DrinkerMsg::Sip);
            Self(0)
        }

        #[cast]
        fn sip(&mut self, n: u64) {
            self.0 += n;
        }

        #[call]
        fn drunk(&self) -> u64 {
            self.0
        }
    }

    let drinkers = [(); 3].map(|()| node.start::<Drinker>(()));
    for drinker in drinkers {
        let drinker = drinker.await.expect("started");
        let mut last = drinker.drunk().await.expect("answers");
        for _ in 0..10 {
            let now = drinker.drunk().await.expect("answers");
            assert!(last <= now);
            last = now;
        }
        node.exit(&drinker, Reason::Kill);
        node.down(&drinker).await;
    }
}

/// API P2: streams are merged, and dropped with the actor or at their end.
#[foundation::test]
async fn streams_are_merged_and_dropped(w: World) {
    let (node, log) = (w.node(), Log::default());
    let ear = ear(&node, &log).await;
    let job = |_: &mut Ear, cx: &mut Cx<Ear>| {
        for names in [["a1", "a2"], ["b1", "b2"]] {
            let words = futures::stream::iter(names.map(str::to_owned));
            cx.attach(words, EarMsg::Say);
        }
    };
    ear.perform(log.job(job)).expect("local");
    w.eventually(LONG, async || log.all().len() == 4).await;
    let words = log.take();
    for pair in [["a1", "a2"], ["b1", "b2"]] {
        let own: Vec<_> = words
            .iter()
            .filter(|word| word.starts_with(&pair[0][..1]))
            .collect();
        assert_eq!(own, pair);
    }
    let held = std::sync::Arc::new(());
    let inside = std::sync::Arc::clone(&held);
    let job = move |_: &mut Ear, cx: &mut Cx<Ear>| {
        let never = futures::stream::poll_fn(move |_| {
            let _held = &inside;
            std::task::Poll::<Option<String>>::Pending
        });
        cx.attach(never, EarMsg::Say);
    };
    ear.perform(log.job(job)).expect("local");
    ear.sync().await.expect("alive");
    assert_eq!(std::sync::Arc::strong_count(&held), 2);
    node.exit(&ear, Reason::Kill);
    node.down(&ear).await;
    w.eventually(LONG, async || std::sync::Arc::strong_count(&held) == 1)
        .await;
}

/// otp: messages outside the protocol, downs and timers' messages reach their handlers.
#[foundation::test]
async fn strangers_downs_and_timers_are_heard(w: World) {
    let (node, log) = (w.node(), Log::default());
    let ear = ear(&node, &log).await;
    node.send(&ear, Word::Go).expect("local");
    let job = |_: &mut Ear, cx: &mut Cx<Ear>| {
        cx.msg_after(ms(5), EarMsg::Say("timer".to_owned()));
        let late = cx.msg_after(ms(5), EarMsg::Say("cancelled".to_owned()));
        assert!(cx.cancel_timer(late).is_some());
    };
    ear.perform(log.job(job)).expect("local");
    log.until(&w, "timer").await;
    let mortal = node.spawn_fn(async |mut me: Process<Word>| match me.recv().await {
        Mail::Msg(Word::End(reason)) => reason,
        other => panic!("{other:?}"),
    });
    let mortal = mortal.expect("spawned");
    let target = mortal.pid();
    let job = move |_: &mut Ear, cx: &mut Cx<Ear>| {
        cx.monitor(target);
    };
    ear.perform(log.job(job)).expect("local");
    ear.sync().await.expect("alive");
    mortal.send(Word::End(boom())).expect("local");
    log.until(&w, "down boom").await;
    assert_eq!(log.take(), ["info Word", "timer", "down boom"]);
}
