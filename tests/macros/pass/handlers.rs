//! Does every kind of handler compile, plain and async, with its parameters in any order?
#![deny(unused, warnings)]

use std::collections::HashMap;

use foundation::prelude::*;

type Row = Vec<u8>;
type Context = Cx<Worker>;
type RowReply = ReplyTo<Row>;

#[derive(Clone)]
pub struct Cfg {
    path: String,
}

pub struct Broke;

pub struct Worker {
    cfg: Cfg,
    pending: HashMap<u32, ReplyTo<Row>>,
}

async fn lines(path: &str) -> Result<Vec<String>, Stop> {
    Ok(vec![path.to_owned()])
}

#[actor]
#[state(version = 2)]
impl Worker {
    const LIMIT: u64 = 3;

    pub fn new(cfg: Cfg) -> Self {
        Self {
            cfg,
            pending: HashMap::new(),
        }
    }

    #[init]
    async fn init(cfg: Cfg, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        lines(&cfg.path).await?;
        let event: fn(String) -> WorkerMsg = WorkerMsg::Line;
        let _ = (cx, event);
        Ok(Self::new(cfg))
    }

    #[cast]
    async fn line(&mut self, line: String) {
        self.cfg.path = line;
    }

    /// Answers a result, which is data.
    #[call(local)]
    pub fn withdraw(&mut self, amount: u64) -> Result<u64, Broke> {
        if amount > Self::LIMIT {
            Err(Broke)
        } else {
            Ok(amount)
        }
    }

    #[call]
    pub fn slow(&mut self, key: u32, from: ReplyTo<Row>) {
        self.pending.insert(key, from);
    }

    #[call]
    async fn slower(&mut self, #[reply] from: RowReply, key: u32, #[cx] cx: &mut Context) {
        self.pending.insert(key, from);
        cx.stop(Reason::Normal);
    }

    #[call(tag = "worker.patterns")]
    async fn patterns(&self, _: u8, mut x: u8, (a, b): (u8, u8), cx: &mut Cx<Self>, _y: u8) -> u8 {
        x += a;
        cx.stop(Reason::Normal);
        x + b
    }

    #[cast(local, tag = "worker.both")]
    fn both(&mut self, cfg: Cfg) -> () {
        self.cfg = cfg;
    }

    #[call]
    fn r#type(&self, r#in: Option<u8>) -> Option<u8> {
        r#in
    }

    #[call(local)]
    fn me(&self, other: Option<Ref<Self>>) -> Option<Ref<Self>> {
        other
    }

    #[continue_with]
    async fn next(&mut self, cx: &mut Cx<Self>, at: std::time::Duration) {
        let _ = (cx, at);
    }

    #[continue_with]
    fn tick(&mut self) {}

    #[info]
    async fn other(&mut self, info: Info) {
        drop(info);
    }

    #[exit]
    fn ended(&mut self, _exit: Exit) {}

    #[down]
    fn gone(&mut self, down: Down, cx: &mut Cx<Self>) {
        let _ = (down, cx);
    }

    #[timeout]
    async fn idle(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason) {
        let _ = why;
    }
}

macro_rules! actor_of {
    ($ty:ty, $context:ty) => {
        #[actor]
        impl $ty {
            #[call]
            fn made(&self, cx: $context) -> Option<u8> {
                let _ = cx;
                None
            }
        }
    };
}

struct Made;
actor_of!(Made, &mut Cx<Made>);

struct Pair;

#[actor(version = 3)]
impl Pair {
    #[init]
    fn start(_left: u8, _right: u8) -> Self {
        Self
    }
    #[terminate]
    fn bye(&mut self) {}
}

struct Nothing;

#[actor]
impl Nothing {
    #[init]
    async fn start() -> Self {
        Self
    }
}

fn started_with<A: foundation::__macro::Actor<Args = T>, T>() -> u32 {
    A::VERSION
}

async fn user(worker: Ref<Worker>, made: Ref<Made>) -> foundation::Result {
    worker.line(String::new())?;
    worker.both(Cfg {
        path: String::new(),
    })?;
    match worker.withdraw(5).await? {
        Ok(_) | Err(Broke) => {}
    }
    let _: Row = worker.slow(1).await?;
    let _: Row = worker.slower(1).await?;
    let _: u8 = worker.patterns(1, 2, (3, 4), 5).await?;
    let _ = worker.r#type(None).await?;
    let _ = worker.me(None).await?;
    let _: Option<u8> = made.made().await?;
    let _ = (WorkerMsg::Next(std::time::Duration::ZERO), WorkerMsg::Tick);
    Ok(())
}

fn main() {
    let _ = (user, Made);
    assert_eq!(started_with::<Worker, Cfg>(), 2);
    assert_eq!(started_with::<Pair, (u8, u8)>(), 3);
    assert_eq!(started_with::<Nothing, ()>(), 1);
}
