//! Do the programs of a user's first half hour compile and run, word for word?

use std::collections::HashMap;

use foundation::prelude::*;
use foundation::{Mail, ms, secs};

// ---- P1: a counter ----

/// Counts.
#[derive(Default)]
pub struct Counter {
    n: i64,
}

#[actor]
impl Counter {
    /// How many so far.
    #[call]
    pub fn get(&self) -> i64 {
        self.n
    }

    /// Some more.
    #[cast]
    pub fn add(&mut self, by: i64) {
        self.n += by
    }
}

#[foundation::test]
async fn p1_counter(node: Node) -> foundation::Result {
    let counter = node.spawn(Counter::default())?;
    counter.add(2)?;
    assert_eq!(counter.get().await?, 2);
    Ok(())
}

#[test]
fn p1_a_handler_is_a_method() {
    assert_eq!(Counter { n: 1 }.get(), 1);
}

// ---- P2: a tree ----

#[derive(Clone)]
struct Cfg {
    lines: Vec<String>,
}

struct Worker {
    seen: Vec<String>,
    gone: u32,
}

#[actor]
impl Worker {
    #[init]
    async fn init(cfg: Cfg, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        cx.attach(futures::stream::iter(cfg.lines), WorkerMsg::Line);
        Ok(Self {
            seen: Vec::new(),
            gone: 0,
        })
    }

    #[cast]
    async fn line(&mut self, line: String) {
        self.seen.push(line);
    }

    #[call]
    fn seen(&self) -> Vec<String> {
        self.seen.clone()
    }

    #[call(local)]
    fn watch(&self, pid: Pid, cx: &mut Cx<Self>) {
        cx.monitor(pid);
    }

    #[call]
    fn gone(&self) -> u32 {
        self.gone
    }

    #[down]
    fn on_gone(&mut self, down: Down, _cx: &mut Cx<Self>) {
        assert_eq!(down.reason, Reason::Killed);
        self.gone += 1;
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason) {
        assert_eq!(*why, Reason::Shutdown);
    }
}

struct Session {
    id: u32,
}

#[actor]
impl Session {
    #[init]
    fn init(id: u32) -> Self {
        Self { id }
    }

    #[call]
    fn id(&self) -> u32 {
        self.id
    }
}

const STATS: Name<Counter> = Name::new("stats");
const WORKER: Name<Worker> = Name::new("worker");
const SESSIONS: Name<Dynamic<Session>> = Name::new("sessions");

#[foundation::test]
async fn p2_tree(w: World) -> foundation::Result {
    let node = w.node();
    let cfg = Cfg {
        lines: vec!["one".into(), "two".into()],
    };
    let app = Supervisor::one_for_one()
        .intensity(3, secs(5))
        .child(child(Counter::default).name(STATS))
        .child(
            child_with::<Worker>(cfg)
                .name(WORKER)
                .transient()
                .shutdown(secs(2)),
        )
        .child(
            Supervisor::dynamic::<Session>()
                .max_children(100_000)
                .name(SESSIONS),
        )
        .start(&node)
        .await?;
    node.at(STATS).add(1)?;
    assert_eq!(node.at(STATS).get().await?, 1);
    w.eventually(secs(5), async || {
        node.at(WORKER).seen().await == Ok(vec!["one".into(), "two".into()])
    })
    .await;

    let session = node
        .at(SESSIONS)
        .start_child(7)
        .await??
        .expect("its init makes one");
    assert_eq!(session.id().await?, 7);

    // A crash is repaired, and the name leads to the new one.
    let before = node.at(STATS).pid();
    node.at(WORKER).watch(before).await?;
    node.exit(before, Reason::Kill);
    w.eventually(secs(5), async || {
        node.at(STATS).find().is_some_and(|pid| pid != before)
    })
    .await;
    assert_eq!(node.at(STATS).get().await?, 0);
    w.eventually(secs(5), async || node.at(WORKER).gone().await == Ok(1))
        .await;

    let counts = app.count_children().await?;
    assert_eq!(
        (
            counts.specs,
            counts.active,
            counts.supervisors,
            counts.workers
        ),
        (3, 3, 1, 2)
    );
    node.stop(&app, Reason::Shutdown, secs(5)).await?;
    assert_eq!(node.at(STATS).find(), None);
    assert!(!session.is_alive());
    Ok(())
}

// ---- P3: a plain process with selective receive ----

#[derive(Message)]
#[message(local)]
enum Msg {
    Done(u32, &'static str),
    Noise,
}

async fn gather(mut me: Process<Msg>, want: u32, worker: Ref<Worker>) -> Option<&'static str> {
    let m = me.monitor(&worker);
    me.receive(|mail| match mail {
        Mail::Msg(Msg::Done(id, v)) if id == want => Ok(Some(v)),
        Mail::Down(d) if d.monitor == m => Ok(None),
        other => Err(other), // stays where it was
    })
    .timeout(secs(5))
    .await
    .unwrap_or_default()
}

#[foundation::test]
async fn p3_selective_receive(node: Node) -> foundation::Result {
    let worker = node.start::<Worker>(Cfg { lines: Vec::new() }).await?;
    let (reply, answer) = foundation::promise(&node);
    let me = node.spawn_fn(move |me| async move { reply.send(gather(me, 7, worker).await) })?;
    me.send(Msg::Noise)?;
    me.send(Msg::Done(6, "six"))?;
    me.send(Msg::Done(7, "seven"))?;
    assert_eq!(answer.await?, Some("seven"));
    Ok(())
}

// ---- P4: calls and errors ----

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Broke;

struct Bank {
    balance: u64,
    pending: HashMap<u32, ReplyTo<u64>>,
}

#[actor]
impl Bank {
    #[call]
    fn withdraw(&mut self, amount: u64) -> Result<u64, Broke> {
        self.balance = self.balance.checked_sub(amount).ok_or(Broke)?;
        Ok(self.balance)
    }

    #[call]
    fn slow(&mut self, key: u32, from: ReplyTo<u64>) {
        self.pending.insert(key, from);
    }

    #[cast]
    fn release(&mut self, key: u32) {
        if let Some(from) = self.pending.remove(&key) {
            from.send(self.balance);
        }
    }

    #[cast]
    fn fall(&mut self) {
        panic!("the bank has fallen");
    }
}

#[foundation::test]
async fn p4_calls_and_errors(w: World) -> foundation::Result {
    let node = w.node();
    let bank = node.spawn(Bank {
        balance: 10,
        pending: HashMap::new(),
    })?;
    match bank.withdraw(5).timeout(ms(200)).await {
        Ok(Ok(left)) => assert_eq!(left, 5),
        Ok(Err(Broke)) => panic!("there was enough"),
        Err(CallError::Timeout) => panic!("it is fast"),
        Err(CallError::NoProc | CallError::Down(_)) => panic!("it lives"),
        Err(e) => return Err(e.into()),
    }
    assert_eq!(bank.withdraw(50).await?, Err(Broke));
    assert_eq!(bank.slow(1).timeout(ms(20)).await, Err(CallError::Timeout));

    // Answered later, from within another message.
    let asking = {
        let bank = bank.clone();
        Task::spawn_nolink(&node, async move { bank.slow(2).await })?
    };
    let mut asking = asking;
    w.eventually(secs(5), async || {
        bank.release(2).is_ok() && asking.join(ms(1)).await.is_ok_and(|answer| answer == Ok(5))
    })
    .await;

    // The server dies: whoever waits learns it, also when the reply was put aside.
    let waiting = {
        let bank = bank.clone();
        Task::spawn_nolink(&node, async move { bank.slow(3).await })?
    };
    let mut waiting = waiting;
    assert!(waiting.join(ms(20)).await.is_err());
    bank.fall()?;
    assert!(matches!(
        waiting.join(secs(5)).await?,
        Err(CallError::Down(Reason::Crash(_)))
    ));
    assert_eq!(bank.withdraw(1).await, Err(CallError::NoProc));
    Ok(())
}

// ---- the prelude ----

/// A process that is generic over its message: the trait is where its derive is.
fn idle<M: Message>(node: &Node) -> ProcessRef<M> {
    let body = |_: Process<M>| std::future::pending::<()>();
    let options = SpawnOptions::new().priority(Priority::Low);
    node.spawn_fn_with(&options, body).expect("spawned").0
}

#[derive(Message)]
#[message(local)]
struct Unit;

#[foundation::test]
async fn the_prelude_has_what_its_own_types_need(node: Node) {
    let idle: ProcessRef<Unit> = idle(&node);
    assert!(idle.is_alive());
}

/// What std's prelude says still says it.
#[test]
fn the_prelude_shadows_nothing_of_std() {
    fn takes(_: impl Send + Sync + Fn() -> Option<Result<Box<str>, String>>) {}
    takes(|| Some(Ok(Box::from("x"))));
    takes(|| Some(Err(ToString::to_string("x"))));
    fn waits<F: IntoFuture<Output = Vec<u8>>>(value: F) -> impl Future<Output = Vec<u8>> {
        value.into_future()
    }
    drop(waits(async { Vec::from([1]) }));
    let all: Vec<u8> = IntoIterator::into_iter([1_u8]).chain(None).collect();
    let largest = Iterator::max(all.iter().copied()).unwrap_or_default();
    assert!(PartialOrd::le(&1, &largest) && Clone::clone(&all) == ToOwned::to_owned(&all));
    assert_eq!(u16::try_from(u32::from(largest)), Ok(1));
    assert_eq!(size_of::<u64>(), align_of_val(&1_u64));
    let _: Box<dyn AsRef<str>> = Box::new(<String as Default>::default());
}
