//! Does a crash report say what somebody who looks for the reason has to know?
//!
//! Role       Compares whole reports, pids and lines aside, with what they are to be.
//! Invariant  The subscriber is the program's, so these tests take turns.
//! Source     otp: proc_lib, crash reports; gen_server, "Last message in was"

use std::fmt::{self, Write};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{Behaviour, CRASH, EventCx, EventHandler, EventManager, HandlerId, Turn, time};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, dispatcher};

const LONG: Duration = Duration::from_secs(60);

// ---- what was reported ----

/// Keeps the texts of crash reports.
struct Collector {
    turn: &'static Mutex<()>,
    texts: Mutex<Vec<String>>,
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == CRASH || metadata.target() == foundation::HEAP
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        lock(&self.texts).push(text);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets `f` see the program's collector.
fn collector<T>(f: impl FnOnce(&Collector) -> T) -> T {
    if !dispatcher::has_been_set() {
        // Another test may come first: then this one's is dropped.
        let _ = tracing::subscriber::set_global_default(Collector {
            turn: Box::leak(Box::default()),
            texts: Mutex::default(),
        });
    }
    let mut f = Some(f);
    dispatcher::get_default(|dispatch| {
        let collector = dispatch.downcast_ref().expect("the only subscriber");
        f.take().map(|f| f(collector))
    })
    .expect("called once")
}

/// The right to crash: others wait until it is dropped.
struct Reports {
    _turn: MutexGuard<'static, ()>,
}

impl Reports {
    fn begin() -> Self {
        collector(|collector| {
            let _turn = lock(collector.turn);
            lock(&collector.texts).clear();
            Self { _turn }
        })
    }

    /// The one report so far, without its stack, with `L` for lines, and with words for pids.
    fn one(&self, names: &[(Pid, &str)]) -> String {
        let mut texts = self.all(names);
        assert_eq!(texts.len(), 1, "{texts:#?}");
        texts.remove(0)
    }

    fn all(&self, names: &[(Pid, &str)]) -> Vec<String> {
        let texts = collector(|collector| std::mem::take(&mut *lock(&collector.texts)));
        let shown = texts.iter().map(|text| {
            let text = text.split("\n  stack\n").next().unwrap_or("");
            let rename = |text: String, (pid, name): &(Pid, &str)| {
                text.replace(&pid.to_string(), &format!("<{name}>"))
            };
            names.iter().fold(without_lines(text), rename)
        });
        shown.collect()
    }
}

/// `reports.rs:12:5` as `reports.rs:L`.
fn without_lines(text: &str) -> String {
    let mut parts = text.split("reports.rs:");
    let mut shown = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        shown += "reports.rs:L";
        shown += rest;
    }
    shown
}

#[track_caller]
fn assert_text(text: &str, lines: &[&str]) {
    assert_eq!(text, lines.join("\n"), "\n{text}");
}

// ---- who crashes ----

/// Has no `Debug`.
struct Plain;

/// Its `Debug` panics.
struct Shy;

impl fmt::Debug for Shy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("too shy")
    }
}

#[derive(Debug)]
struct Bank {
    balance: u64,
    pin: Secret<u32>,
}

const BANK: Name<Bank> = Name::new("bank");
const ACCOUNTS: Name<Supervisor> = Name::new("accounts");

#[actor(debug(args))]
impl Bank {
    #[init]
    fn init(balance: u64) -> Self {
        let pin = Secret::new(1234);
        Self { balance, pin }
    }

    #[call]
    fn withdraw(&mut self, amount: u64, pin: Secret<u32>) -> u64 {
        assert_eq!(pin, self.pin);
        assert!(amount <= self.balance, "{amount} is too much");
        self.balance -= amount;
        self.balance
    }

    #[call]
    async fn slowly(&mut self, amount: u64) -> u64 {
        self.balance -= 1;
        time::sleep(ms(1)).await;
        panic!("{amount}, later");
    }

    #[cast(local)]
    fn odd(&mut self, plain: Plain, long: String, shy: Shy) {
        let _ = (plain, long, shy);
        panic!("odd");
    }

    #[continue_with]
    fn go_on(&mut self, with: u8) {
        panic!("went on with {with}");
    }

    #[cast]
    fn first(&mut self, cx: &mut Cx<Self>) {
        cx.continue_with(BankMsg::GoOn(7));
    }
}

/// Shows nothing of itself.
struct Mute;

#[actor]
impl Mute {
    #[call]
    fn ask(&self, what: String) {
        panic!("{what}");
    }

    #[cast]
    fn tell(&mut self, what: String) {
        panic!("{what}");
    }

    #[cast]
    async fn tell_slowly(&mut self, what: String) {
        time::sleep(ms(1)).await;
        panic!("{what}");
    }

    #[continue_with]
    fn go_on(&mut self) {
        panic!("went on");
    }

    #[cast]
    fn first(&mut self, cx: &mut Cx<Self>) {
        cx.continue_with(MuteMsg::GoOn);
    }

    #[cast]
    fn stop(&mut self, cx: &mut Cx<Self>) {
        cx.stop(boom());
    }

    #[call]
    fn sync(&self) {}
}

/// Its state cannot be shown.
#[derive(Debug)]
struct Bad {
    #[expect(dead_code, reason = "shown")]
    shy: Shy,
}

#[actor(debug)]
impl Bad {
    #[cast]
    fn fall(&mut self) {
        panic!("fell");
    }
}

#[derive(Debug, Message)]
#[message(local)]
enum Word {
    Fall,
}

fn boom() -> Reason {
    Reason::other(foundation::Term::atom("boom"))
}

/// The end of a process, watched from before it comes.
async fn end_of(node: &Node, pid: Pid, cause: impl AsyncFnOnce()) -> Reason {
    let mut down = std::pin::pin!(node.down(pid));
    assert!(futures::poll!(down.as_mut()).is_pending());
    cause().await;
    down.await.reason
}

async fn bank_of(node: &Node) -> (Ref<Supervisor>, Pid) {
    let bank = child_with::<Bank>(10).name(BANK).temporary();
    let tree = Supervisor::one_for_one().child(bank).name(ACCOUNTS);
    let tree = tree.start(node).await.expect("started");
    (tree, node.at(BANK).pid())
}

// ---- reports ----

/// otp: process, name, ancestors, reason, the last message with its sender, the state, links. What
/// is secret is not shown.
#[foundation::test(seeds = 5)]
async fn a_call_that_crashes(node: Node) {
    let reports = Reports::begin();
    let (tree, bank) = bank_of(&node).await;
    let options = SpawnOptions::new().name("teller");
    let (withdrawn, is_withdrawn) = foundation::promise(&node);
    let teller = node.spawn_fn_with(&options, |me: Process<Word>| async move {
        let bank = me.node().at(BANK);
        let asked = bank.withdraw(11, Secret::new(1234));
        withdrawn.send(asked.timeout(LONG).await);
        std::future::pending::<()>().await;
    });
    let teller = teller.expect("spawned").0.pid();
    let withdrawn = is_withdrawn.timeout(LONG).await.expect("answered");
    assert!(matches!(withdrawn, Err(CallError::Down(_))));
    let names = [(bank, "bank"), (tree.pid(), "accounts"), (teller, "teller")];
    let name = node.name();
    assert_text(
        &reports.one(&names),
        &[
            "process `bank` (Bank) crashed: panic: 11 is too much",
            "  at         tests/reports.rs:L",
            &format!("  pid        <bank> on {name}"),
            "  handling   call Bank::withdraw(amount: 11, pin: (secret)) from `teller` <teller>",
            "  state      Bank { balance: 10, pin: (secret) }",
            "  ancestors  `accounts` <accounts>",
            "  links      `accounts` <accounts>",
        ],
    );
}

#[states]
#[derive(Debug)]
enum Line {
    Busy { calls: u32 },
}

#[derive(Debug)]
struct Phone {
    number: u32,
}

#[statem(Line, debug(args))]
impl Phone {
    #[init]
    fn init(number: u32) -> (Self, Line) {
        (Self { number }, Busy { calls: 1 }.into())
    }

    #[cast(in Busy)]
    fn dial(&mut self, other: u32, busy: &mut Busy) {
        busy.calls += 1;
        panic!("{other} calls {}", self.number);
    }
}

/// otp: a state machine's report has its state and its data.
#[foundation::test(seeds = 5)]
async fn a_state_machine_that_crashes(node: Node) {
    let reports = Reports::begin();
    let phone = node.start::<Phone>(7).await.expect("started");
    let dial = async || phone.dial(5).expect("portable");
    end_of(&node, phone.pid(), dial).await;
    let text = reports.one(&[(phone.pid(), "phone")]);
    for line in [
        "panic: 5 calls 7",
        "  handling   cast Phone::dial(other: 5)",
        "  state      (Busy(Busy { calls: 2 }), Phone { number: 7 })",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// An async handler that has waited: its name, arguments, caller and state are known all the same.
#[foundation::test(seeds = 5)]
async fn an_async_call_that_crashes_later(node: Node) {
    let reports = Reports::begin();
    let (_tree, bank) = bank_of(&node).await;
    let asked = node.at(BANK);
    let reason = end_of(&node, bank, async || {
        assert!(asked.slowly(3).timeout(LONG).await.is_err());
    });
    assert!(matches!(reason.await, Reason::Crash(_)));
    let text = reports.one(&[]);
    assert!(
        text.contains("\n  handling   call Bank::slowly(amount: 3) from outside\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  state      Bank { balance: 9, pin: (secret) }\n"),
        "{text}"
    );
}

/// Arguments without a `Debug`, with a long one, and with one that panics.
#[foundation::test(seeds = 5)]
async fn arguments_that_cannot_be_shown(node: Node) {
    let reports = Reports::begin();
    let (_tree, bank) = bank_of(&node).await;
    let reason = end_of(&node, bank, async || {
        let odd = node.at(BANK).odd(Plain, "x".to_owned(), Shy);
        odd.expect("local");
    });
    let Reason::Crash(crash) = reason.await else {
        panic!("no crash");
    };
    assert_eq!(&*crash.message, "odd");
    let shy = "(its Debug failed: panic: too shy at tests/reports.rs:L)";
    let line =
        format!("  handling   cast Bank::odd(plain: _, long: \"x\", shy: {shy}) from outside");
    let text = reports.one(&[]);
    assert!(text.contains(&line), "{text}");

    let (_tree, bank) = {
        node.stop(&node.at(ACCOUNTS), Reason::Shutdown, LONG)
            .await
            .expect("stopped");
        bank_of(&node).await
    };
    let reason = end_of(&node, bank, async || {
        let odd = node.at(BANK).odd(Plain, "x".repeat(10_000), Shy);
        odd.expect("local");
    });
    reason.await;
    let text = reports.one(&[]);
    assert!(text.contains("xxx ...) from outside\n"), "{text}");
    assert!(text.len() < 1000, "{text}");
}

/// What an actor told itself is named if its arguments are; it is not taken for the message before.
#[foundation::test(seeds = 5)]
async fn a_continuation_that_crashes(node: Node) {
    let reports = Reports::begin();
    let (_tree, bank) = bank_of(&node).await;
    end_of(&node, bank, async || {
        node.at(BANK).first().expect("portable");
    })
    .await;
    let text = reports.one(&[]);
    assert!(
        text.contains("\n  handling   Bank::go_on(with: 7)\n"),
        "{text}"
    );
    let mute = node.spawn(Mute).expect("spawned");
    end_of(&node, mute.pid(), async || mute.first().expect("portable")).await;
    let text = reports.one(&[]);
    assert!(!text.contains("handling"), "{text}");
}

/// Without `debug`: the method and who sent it, and nothing of state or arguments.
#[foundation::test(seeds = 5)]
async fn an_actor_that_shows_nothing(node: Node) {
    let reports = Reports::begin();
    for (row, handling) in [
        ("ask", Some("call Mute::ask from outside")),
        ("tell", Some("cast Mute::tell from outside")),
        ("tell slowly", Some("Mute::tell_slowly")),
        ("stop", Some("cast Mute::stop from outside")),
        ("exit", None),
    ] {
        let mute = node.spawn(Mute).expect("spawned");
        mute.sync().await.expect("alive");
        let pid = mute.pid();
        let reason = end_of(&node, pid, async || match row {
            "ask" => {
                let asked = mute.ask("fell".to_owned()).timeout(LONG);
                assert!(asked.await.is_err());
            }
            "tell" => mute.tell("fell".to_owned()).expect("portable"),
            "tell slowly" => mute.tell_slowly("fell".to_owned()).expect("portable"),
            "stop" => mute.stop().expect("portable"),
            _ => node.exit(&mute, boom()),
        });
        let first = match (reason.await, row) {
            (Reason::Crash(_), _) => "crashed: panic: fell\n  at         tests/reports.rs:L",
            (_, "exit") => "was ended from outside: boom",
            _ => "crashed: boom",
        };
        let mut lines = vec![
            format!("process Mute {first}"),
            format!("  pid        <mute> on {}", node.name()),
        ];
        lines.extend(handling.map(|handling| format!("  handling   {handling}")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_text(&reports.one(&[(pid, "mute")]), &lines);
    }
}

/// A message of several lines, a plain process, starters who have ended, links, and what is unread.
#[foundation::test(seeds = 5)]
async fn a_plain_process_that_crashes(node: Node) {
    let reports = Reports::begin();
    let (told, started) = foundation::promise(&node);
    let elder = node.spawn_fn(move |me: Process<Word>| async move {
        let younger = me.node().spawn_fn(move |me: Process<Word>| async move {
            let child = async move |mut me: Process<Word>| {
                me.link(me.parent().expect("started by a process"))
                    .expect("alive");
                me.recv().await;
                // What it does after it has waited is the work of no message.
                time::sleep(ms(1)).await;
                while me.info().message_queue_len == 0 {
                    time::sleep(ms(1)).await;
                }
                assert_eq!(1, 2, "no");
            };
            let child = me.node().spawn_fn(child).expect("spawned");
            told.send((me.pid(), child.clone()));
            std::future::pending::<()>().await;
        });
        drop(younger.expect("spawned"));
    });
    let elder = elder.expect("spawned").pid();
    let (younger, child) = started.timeout(LONG).await.expect("told");
    node.down(elder).await;
    node.register("younger", younger).expect("free");
    child.send(Word::Fall).expect("local");
    child.send(Word::Fall).expect("local");
    // They are linked.
    node.down(younger).await;
    let names = [
        (younger, "younger"),
        (elder, "elder"),
        (child.pid(), "child"),
    ];
    let [first, second] = &reports.all(&names)[..] else {
        panic!("not two reports");
    };
    let code = "reports::a_plain_process_that_crashes";
    let name = node.name();
    assert_text(
        first,
        &[
            &format!("process {code} crashed: panic: assertion `left == right` failed: no"),
            "    left: 1",
            "   right: 2",
            "  at         tests/reports.rs:L",
            &format!("  pid        <child> on {name}"),
            "  ancestors  `younger` <younger>, <elder> (ended)",
            "  links      `younger` <younger>",
            "  neighbours `younger` <younger> reports::a_plain_process_that_crashes, waiting",
            "  unread     1 message: Word",
        ],
    );
    // Whoever it took along was not at fault, and says so.
    assert_text(
        second,
        &[
            &format!(
                "process `younger` ({code}) was ended by <child>: panic: assertion `left == right` failed: no"
            ),
            "    left: 1",
            "   right: 2",
            "  at         tests/reports.rs:L",
            &format!("  pid        <younger> on {name}"),
            "  ancestors  <elder> (ended)",
        ],
    );
}

/// A state whose `Debug` panics: the report comes, says so, and changes nothing.
#[foundation::test(seeds = 5)]
async fn a_state_that_cannot_be_shown(node: Node) {
    let reports = Reports::begin();
    let bad = node.spawn(Bad { shy: Shy }).expect("spawned");
    let reason = end_of(&node, bad.pid(), async || bad.fall().expect("portable"));
    let Reason::Crash(crash) = reason.await else {
        panic!("no crash");
    };
    assert_eq!(&*crash.message, "fell");
    let text = reports.one(&[]);
    let line = "\n  state      Bad { shy: (its Debug failed: panic: too shy at tests/reports.rs:L)";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("crashed: panic: fell\n  at         tests/reports.rs:L\n"),
        "{text}"
    );
}

/// A behaviour written by hand whose description panics, with a payload that panics, too.
#[foundation::test(seeds = 5)]
async fn a_description_that_panics_badly(node: Node) {
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }

    struct Hand;

    impl Behaviour for Hand {
        fn name(&self) -> &'static str {
            "Hand"
        }

        fn poll(
            self: std::pin::Pin<&mut Self>,
            turn: &mut Turn<'_>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Reason> {
            match turn.next() {
                Some(_) => std::task::Poll::Ready(boom()),
                None => std::task::Poll::Pending,
            }
        }

        fn describe(self: std::pin::Pin<&mut Self>) -> Option<String> {
            std::panic::panic_any(Bomb)
        }
    }

    let reports = Reports::begin();
    let hand = node.spawn_behaviour(&SpawnOptions::new(), Hand);
    let hand = hand.expect("spawned");
    let reason = end_of(&node, hand, async || {
        node.send(hand, Word::Fall).expect("local")
    });
    assert_eq!(reason.await, boom());
    let text = reports.one(&[]);
    assert!(text.starts_with("process Hand crashed: boom\n"), "{text}");
    assert!(
        text.contains("\n  state      (its Debug failed: panic: "),
        "{text}"
    );
}

// ---- without a subscriber ----

/// What the test below reads.
#[test]
#[ignore = "prints a crash; run by the test below, which reads it"]
fn prints_a_crash() {
    let node = Node::builder().name("shop").print_crashes(true).start();
    let node = node.expect("started");
    node.block_on(async {
        let (_tree, bank) = bank_of(&node).await;
        end_of(&node, bank, async || {
            let withdrawn = node.at(BANK).withdraw(11, Secret::new(1234));
            let withdrawn = withdrawn.timeout(LONG).await;
            assert!(withdrawn.is_err());
        })
        .await;
    });
    node.shutdown_blocking(LONG).expect("nothing is left");
}

/// A node that prints its crashes prints the same text, and nothing else.
#[test]
fn a_crash_is_printed_where_nobody_subscribes() {
    let program = std::env::current_exe().expect("known");
    let output = Command::new(program)
        .args(["prints_a_crash", "--exact", "--ignored", "--nocapture"])
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("run");
    let text = String::from_utf8_lossy(&output.stderr);
    let text = without_lines(text.trim_end());
    let lines = [
        "process `bank` (Bank) crashed: panic: 11 is too much",
        "  at         tests/reports.rs:L",
        "  pid        <1.1> on shop",
        "  handling   call Bank::withdraw(amount: 11, pin: (secret)) from outside",
        "  state      Bank { balance: 10, pin: (secret) }",
        "  ancestors  `accounts` <0.1>",
        "  links      `accounts` <0.1>",
    ];
    assert_text(&text, &lines);
}

/// A subscriber of which nothing good comes.
struct Hostile;

impl Subscriber for Hostile {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, _: &Event<'_>) {
        panic!("a subscriber panicked");
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Panics when it is dropped.
struct Sharp;

impl Drop for Sharp {
    fn drop(&mut self) {
        panic!("a destructor panicked");
    }
}

/// What the test below runs: a process that panics, one whose state does when it is dropped, one
/// that the watchdog reports; each told to a subscriber that panics. The one worker and the
/// timekeeper go on.
#[test]
#[ignore = "has a subscriber of its own; run by the test below"]
fn tells_a_bad_subscriber() {
    tracing::subscriber::set_global_default(Hostile).expect("alone in this program");
    let builder = Node::builder().workers(1).spare_workers(0);
    let node = builder.watchdog(Duration::from_millis(20)).start();
    let node = node.expect("started");
    let crashing = node.spawn_fn(|_: Process<Word>| async { panic!("crashed") });
    let sharp = node.spawn_fn(|_: Process<Word>| {
        let sharp = Sharp;
        async move {
            std::future::pending::<()>().await;
            drop(sharp);
        }
    });
    let sharp = sharp.expect("spawned");
    let (_open, gate) = std::sync::mpsc::channel::<()>();
    let stuck = node.spawn_fn(move |_: Process<Word>| async move {
        let _ = gate.recv_timeout(Duration::from_millis(200));
    });
    node.exit(&sharp, Reason::Shutdown);
    node.block_on(async {
        node.down(&crashing.expect("spawned")).await;
        node.down(&sharp).await;
        node.down(&stuck.expect("spawned")).await;
        let (reply, answer) = foundation::promise(&node);
        let late = node.spawn_fn(|_: Process<Word>| async move {
            time::sleep(Duration::from_millis(50)).await;
            reply.send(());
        });
        late.expect("spawned");
        assert_eq!(answer.timeout(LONG).await, Ok(()));
    });
    node.shutdown_blocking(Duration::MAX)
        .expect("nothing is left");
}

#[test]
fn a_subscriber_that_panics_ends_nothing() {
    let program = std::env::current_exe().expect("known");
    let output = Command::new(program)
        .args([
            "tells_a_bad_subscriber",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .expect("run");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

// ---- parts of processes ----

#[derive(Message)]
#[message(local)]
struct Tick(u32);

struct Clockwork(u32);

impl EventHandler<Tick> for Clockwork {
    fn handle_event(&mut self, tick: &Tick, _: &mut EventCx<Tick>) {
        self.0 += 1;
        assert!(tick.0 != 7, "seven is bad luck");
    }

    fn describe(&self) -> Option<String> {
        Some(format!("{} ticks", self.0))
    }
}

#[test]
fn an_event_handler_has_a_report_of_its_own() {
    let reports = Reports::begin();
    let node = Node::builder().name("clock").start().expect("a node");
    let pid = node.block_on(async {
        let manager = EventManager::<Tick>::builder()
            .name(Name::new("ticks"))
            .handler(&HandlerId::new("wall"), || Clockwork(2))
            .start(&node);
        let manager = manager.await.expect("started");
        manager.notify(Tick(7)).expect("local");
        manager.sync_notify(Tick(8)).await.expect("it lives");
        manager.pid()
    });
    assert_text(
        &reports.one(&[(pid, "manager")]),
        &[
            "event handler reports::Clockwork \"wall\" of process `ticks` (EventManager) crashed: \
             panic: seven is bad luck",
            "  at         tests/reports.rs:L",
            "  pid        <manager> on clock",
            "  handling   message Tick from outside",
            "  state      3 ticks",
        ],
    );
    drop(reports);
    node.shutdown_blocking(LONG).expect("nothing is left");
}

/// What an event manager was shown last, if its log is on: also where the manager itself ends.
#[foundation::test(seeds = 5)]
async fn an_event_manager_tells_what_came_before(node: Node) {
    let reports = Reports::begin();
    let manager = EventManager::<Tick>::builder()
        .handler(&HandlerId::new("wall"), || Clockwork(0))
        .start(&node);
    let manager = manager.await.expect("started");
    let target = (&node, manager.pid());
    foundation::sys::log(&target, 2).await.expect("it answers");
    for tick in 5..8 {
        manager.sync_notify(Tick(tick)).await.expect("it lives");
    }
    let names = [(manager.pid(), "manager")];
    let text = reports.one(&names);
    let last = "\n  last       ← Tick from outside\n             ← Tick from outside";
    assert!(text.starts_with("event handler reports::Clockwork \"wall\" of process"));
    assert!(text.ends_with(last), "{text}");
    let ended = foundation::sys::terminate(&target, boom()).await;
    assert_eq!(ended, Ok(()));
    let text = reports.one(&names);
    assert!(text.ends_with(last), "{text}");
    // Who keeps no log tells nothing.
    let manager = EventManager::<Tick>::builder().start(&node).await;
    let manager = manager.expect("started");
    let target = (&node, manager.pid());
    foundation::sys::log(&target, 2).await.expect("it answers");
    foundation::sys::no_log(&target).await.expect("it answers");
    let ended = foundation::sys::terminate(&target, boom()).await;
    assert_eq!(ended, Ok(()));
    let text = reports.one(&[]);
    assert!(!text.contains("last"), "{text}");
}

/// A bound that can have no effect says so, once a node.
#[test]
fn a_bound_on_a_heap_that_nobody_counts_is_told() {
    let reports = Reports::begin();
    let node = Node::builder().start().expect("a node starts");
    for bytes in [0, 1000, 2000] {
        let bound = foundation::MaxHeap::bytes(bytes);
        let options = SpawnOptions::new().max_heap_size(bound);
        let body = move |mut me: Process<Word>| async move {
            me.set_max_heap_size(bound);
            drop(me.recv().await);
        };
        node.spawn_fn_with(&options, body).expect("there is room");
    }
    node.shutdown_blocking(secs(10)).ok();
    let told = reports.all(&[]);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("foundation::allocator!();"), "{told:#?}");
}

/// What a process did last is told if its log is on, and whom it watches.
#[foundation::test(seeds = 5)]
async fn a_crash_tells_what_came_before(node: Node) {
    let reports = Reports::begin();
    let bank = node.start::<Bank>(100).await.expect("started");
    foundation::sys::log(&bank, 12).await.expect("it answers");
    for _ in 0..14 {
        let pin = Secret::new(1234);
        bank.withdraw(1, pin).await.expect("it answers");
    }
    node.exit(&bank, Reason::other("enough"));
    node.down(&bank).await;
    let text = reports.one(&[(bank.pid(), "bank")]);
    let last = text.split("  last       ").nth(1).expect("it is told");
    assert_eq!(last.lines().count(), 10, "{text}");
    assert!(
        last.lines().all(|line| line.contains("Bank::withdraw")),
        "{text}"
    );
}

/// Whose work a task did when it crashed: nobody links the two, and its ancestor is a supervisor.
#[foundation::test(seeds = 5)]
async fn a_task_that_crashes_tells_its_callers(node: Node) {
    let (reports, crashes) = (Reports::begin(), node.capture_crashes());
    let tasks = foundation::TaskSupervisor::builder().start(&node).await;
    let tasks = tasks.expect("started");
    let (of, (told, done)) = (tasks.clone(), foundation::promise(&node));
    let options = SpawnOptions::new().name("teller");
    let teller = node.spawn_fn_with(&options, |_: Process<Word>| async move {
        let within = of.clone();
        let outer = of.spawn_nolink(async move {
            let inner = within.spawn_nolink::<(), _>(async { panic!("fell") }).await;
            let inner = inner.expect("started");
            (inner.pid(), inner.await.is_err())
        });
        let outer = outer.await.expect("started");
        told.send((outer.pid(), outer.await.expect("it is done")));
        std::future::pending::<()>().await;
    });
    let teller = teller.expect("spawned").0.pid();
    let (outer, (inner, failed)) = done.timeout(LONG).await.expect("told");
    assert!(failed);
    let names = [
        (tasks.pid(), "tasks"),
        (teller, "teller"),
        (outer, "outer"),
        (inner, "inner"),
    ];
    let name = node.name();
    assert_text(
        &reports.one(&names),
        &[
            "process Task crashed: panic: fell",
            "  at         tests/reports.rs:L",
            &format!("  pid        <inner> on {name}"),
            "  ancestors  <tasks>",
            "  callers    <outer>, `teller` <teller>",
            "  links      <tasks>",
        ],
    );
    let report = crashes.take_if(|report| report.pid == inner);
    assert_eq!(report.expect("captured").callers, [outer, teller]);
}

// ---- neighbours ----

/// Whom a process of the tests is linked to, and what it does.
struct Plan {
    links: Vec<Pid>,
    traps: bool,
}

/// A process that is linked so, and waits for a `Word` that it does not take; it falls of an exit.
async fn bystander(node: &Node, plan: Plan) -> Pid {
    let (told, ready) = foundation::promise(node);
    let process = node.spawn_fn(move |mut me: Process<Word>| async move {
        me.trap_exit(plan.traps);
        for pid in plan.links {
            me.link(pid).expect("alive");
        }
        told.send(());
        let unread = |mail| match mail {
            Mail::Exit(exit) => Ok(exit),
            other => Err(other),
        };
        let _: Exit = me.receive(unread).await;
    });
    let pid = process.expect("spawned").pid();
    ready.timeout(LONG).await.expect("it is linked");
    pid
}

async fn linked(node: &Node, links: &[Pid]) -> Pid {
    let plan = Plan {
        links: links.to_vec(),
        traps: false,
    };
    bystander(node, plan).await
}

/// Waits until these do nothing, with so many messages unread.
async fn at_rest(w: &World, node: &Node, pids: &[Pid], unread: usize) {
    for pid in pids {
        w.eventually(LONG, async || {
            let facts = node.facts(*pid).expect("alive");
            facts.message_queue_len == Some(unread)
        })
        .await;
    }
}

/// Falls at the first message; linked to these.
async fn victim(node: &Node, links: &[Pid]) -> ProcessRef<Word> {
    let (told, ready) = foundation::promise(node);
    let links = links.to_vec();
    let process = node.spawn_fn(|mut me: Process<Word>| async move {
        for pid in links {
            me.link(pid).expect("alive");
        }
        told.send(());
        me.recv().await;
        panic!("fell");
    });
    let process = process.expect("spawned");
    ready.timeout(LONG).await.expect("it is linked");
    process
}

/// otp: proc_lib, neighbours/1: linked ones that do not trap exits, and theirs, and what they were
/// doing. Who is taken along has no such lines: it is a line itself.
#[foundation::test(seeds = 5)]
async fn neighbours_are_told_with_what_they_did(w: World) {
    let (reports, node) = (Reports::begin(), w.node());
    let crashes = node.capture_crashes();
    let far = linked(&node, &[]).await;
    let near = linked(&node, &[far]).await;
    let plan = Plan {
        links: vec![far],
        traps: true,
    };
    let careful = bystander(&node, plan).await;
    let stranger = linked(&node, &[]).await;
    node.register("far", far).expect("free");
    for _ in 0..2 {
        node.send(near, Word::Fall).expect("local");
    }
    let victim = victim(&node, &[careful, near]).await;
    let mut down = std::pin::pin!(node.down(far));
    assert!(futures::poll!(down.as_mut()).is_pending());
    at_rest(&w, &node, &[near], 2).await;
    at_rest(&w, &node, &[far, careful, stranger, victim.pid()], 0).await;
    victim.send(Word::Fall).expect("local");
    down.await;
    let names = [
        (near, "near"),
        (far, "far"),
        (careful, "careful"),
        (victim.pid(), "victim"),
    ];
    let texts = reports.all(&names);
    let text = &texts[0];
    let lines = [
        "  links      <careful>, <near>",
        "  neighbours <near> reports::bystander, waiting, 2 messages, first Word",
        "             `far` <far> reports::bystander, waiting",
    ];
    assert!(text.ends_with(&lines.join("\n")), "{text}");
    assert_eq!(texts.len(), 3, "{texts:#?}");
    for taken_along in &texts[1..] {
        assert!(!taken_along.contains("neighbours"), "{taken_along}");
    }
    let report = crashes.take_if(|report| report.pid == victim.pid());
    let neighbours = report.expect("it was captured").neighbours;
    let pids: Vec<Pid> = neighbours.iter().map(|one| one.facts.pid).collect();
    assert_eq!(pids, [near, far]);
    assert_eq!(neighbours[0].next, Some("Word"));
    // It has heard of the end, and ends in order.
    node.down(careful).await;
    assert!(node.is_alive(stranger));
    node.exit(stranger, Reason::Kill);
    node.down(stranger).await;
}

/// At most fifteen, and at most eight links away.
#[foundation::test(seeds = 2)]
async fn neighbours_are_bounded(w: World) {
    let (_reports, node) = (Reports::begin(), w.node());
    let crashes = node.capture_crashes();
    let mut row = vec![linked(&node, &[]).await];
    for _ in 1..20 {
        row.push(linked(&node, &row[row.len() - 1..]).await);
    }
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(linked(&node, &[]).await);
    }
    for (links, gone, told) in [(&row[19..], row[0], 8), (&crowd, crowd[19], 15)] {
        let victim = victim(&node, links).await;
        at_rest(&w, &node, links, 0).await;
        at_rest(&w, &node, &[gone, victim.pid()], 0).await;
        victim.send(Word::Fall).expect("local");
        node.down(gone).await;
        let report = crashes.take_if(|report| report.pid == victim.pid());
        let neighbours = report.expect("it was captured").neighbours;
        assert_eq!(neighbours.len(), told);
    }
    for pid in crowd {
        node.down(pid).await;
    }
}
