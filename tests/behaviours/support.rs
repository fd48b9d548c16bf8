//! What do the behaviour tests work with?
//!
//! Role       [`Kid`]: a server that notes its life in a [`Log`] and does what it is told; small
//!            helpers to run code as a process, to await an end, and to look at a tree.
//! Invariant  Nothing waits by the clock: what is awaited is an event, with a bound.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::prelude::*;
use foundation::{Child, ChildState, Promise, Term, promise, time};

/// A bound that only a hanging test reaches.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// What happened, in order, whoever noted it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Display) {
        self.0.lock().expect("short").push(what.to_string());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("short").clone()
    }

    /// Everything so far; from here on the log is empty.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("short"))
    }

    /// How often this was noted.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|line| *line == what).count()
    }

    /// Waits until this was noted.
    pub(crate) async fn until(&self, w: &World, what: &str) {
        w.eventually(LONG, async || self.count(what) > 0).await;
    }
}

/// How the nth start of a kid goes, counted from one.
type Starts = Arc<dyn Fn(usize) -> Result<(), Stop> + Send + Sync>;

/// What a kid is started from, again at each restart.
#[derive(Clone)]
pub(crate) struct Cfg {
    pub(crate) name: &'static str,
    pub(crate) log: Log,
    pub(crate) traps: bool,
    /// Its terminate never ends.
    pub(crate) stubborn: bool,
    pub(crate) starts: Starts,
}

impl Cfg {
    pub(crate) fn new(log: &Log, name: &'static str) -> Self {
        Self {
            name,
            log: log.clone(),
            traps: true,
            stubborn: false,
            starts: Arc::new(|_| Ok(())),
        }
    }

    pub(crate) fn starts(
        mut self,
        starts: impl Fn(usize) -> Result<(), Stop> + Send + Sync + 'static,
    ) -> Self {
        self.starts = Arc::new(starts);
        self
    }

    pub(crate) fn child(self) -> Child<Kid> {
        let name = self.name;
        child_with::<Kid>(self).id(name)
    }
}

/// A child that traps exits and notes `init`, `ready`, `stop` and `gone`, with its name.
pub(crate) fn kid(log: &Log, name: &'static str) -> Child<Kid> {
    Cfg::new(log, name).child()
}

/// What a kid may be told to do.
type Job = Box<dyn FnOnce(&mut Cx<Kid>) + Send>;

pub(crate) struct Kid {
    cfg: Cfg,
}

#[actor]
impl Kid {
    #[init]
    async fn init(cfg: Cfg, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        let line = format!("init {}", cfg.name);
        cfg.log.note(&line);
        let nth = cfg.log.count(&line);
        cx.trap_exit(cfg.traps);
        for _ in 0..3 {
            time::yield_now().await;
        }
        (cfg.starts)(nth)?;
        cfg.log.note(format!("ready {}", cfg.name));
        Ok(Self { cfg })
    }

    /// Its name.
    #[call]
    pub(crate) fn title(&self) -> String {
        self.cfg.name.to_owned()
    }

    /// Ends with this reason.
    #[cast]
    pub(crate) fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
    }

    /// Panics.
    #[cast]
    pub(crate) fn crash(&mut self) {
        panic!("crashed as told");
    }

    /// Does something in its own name.
    #[call(local)]
    pub(crate) fn perform(&mut self, job: Job, cx: &mut Cx<Self>) {
        job(cx);
    }

    #[terminate]
    async fn bye(&mut self, why: &Reason) {
        self.cfg.log.note(format!("stop {}: {why}", self.cfg.name));
        if self.cfg.stubborn {
            std::future::pending::<()>().await;
        }
        for _ in 0..3 {
            time::yield_now().await;
        }
        self.cfg.log.note(format!("gone {}", self.cfg.name));
    }
}

/// What a plain process of a test is told.
#[derive(Debug, PartialEq, Message)]
#[message(local)]
pub(crate) enum Word {
    Go,
    End(Reason),
}

/// Runs `body` as a process and waits for what it returns; a panic in it is the test's.
pub(crate) async fn inside<T, F, Fut>(node: &Node, body: F) -> T
where
    T: Send + 'static,
    F: FnOnce(Process<Word>) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (reply, answer) = promise(node);
    let body = move |me| async move { reply.send(body(me).await) };
    let helper = node.spawn_fn(body).expect("spawned");
    let answer = answer.timeout(LONG).await;
    node.down(&helper).await;
    match answer {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// Somebody's end, watched from before it comes.
pub(crate) struct Death {
    node: Node,
    helper: Pid,
    reason: Promise<Reason>,
}

impl Death {
    pub(crate) async fn of(node: &Node, target: impl Into<Pid>) -> Self {
        let target = target.into();
        let (ready, is_ready) = promise(node);
        let (reply, answer) = promise(node);
        let watch = async move |me: Process<Word>| {
            let monitor = me.monitor(target);
            ready.send(());
            reply.send(me.down(monitor).await.reason);
        };
        let helper = node.spawn_fn(watch).expect("spawned");
        is_ready.timeout(LONG).await.expect("it watches");
        Self {
            node: node.clone(),
            helper: helper.pid(),
            reason: answer.timeout(LONG),
        }
    }

    /// Waits for the end; the watcher is gone, too, when it is told.
    pub(crate) async fn reason(self) -> Reason {
        let reason = self.reason.await.expect("it ends");
        self.node.down(self.helper).await;
        reason
    }
}

/// An ending of the test's own.
pub(crate) fn boom() -> Reason {
    Reason::other(Term::atom("boom"))
}

/// Whether this is the end of a process that panicked with this text.
#[track_caller]
pub(crate) fn assert_crash(reason: &Reason, text: &str) {
    match reason {
        Reason::Crash(crash) => assert_eq!(&*crash.message, text),
        other => panic!("no panic: {other}"),
    }
}

/// The children of a tree as (id, state).
pub(crate) async fn children(tree: &Ref<Supervisor>) -> Vec<(String, ChildState<Pid>)> {
    let children = tree.which_children().await.expect("the tree answers");
    let info = children.into_iter();
    let id = |id: Option<foundation::ChildId>| id.expect("static").to_string();
    info.map(|child| (id(child.id), child.state)).collect()
}

/// What is known of one child.
pub(crate) async fn state_of(tree: &Ref<Supervisor>, id: &str) -> Option<ChildState<Pid>> {
    let found = children(tree).await.into_iter().find(|child| child.0 == id);
    found.map(|child| child.1)
}

/// The pid of a child that runs.
pub(crate) async fn pid_of(tree: &Ref<Supervisor>, id: &str) -> Pid {
    match state_of(tree, id).await {
        Some(ChildState::Running(pid)) => pid,
        other => panic!("{id} does not run: {other:?}"),
    }
}

/// The address of a kid that runs.
pub(crate) async fn kid_of(tree: &Ref<Supervisor>, id: &str) -> Ref<Kid> {
    let pid = pid_of(tree, id).await;
    tree.node().reference(pid)
}

/// Waits until a child runs as another process than `old`.
pub(crate) async fn renewed(w: &World, tree: &Ref<Supervisor>, id: &str, old: Pid) -> Pid {
    until_state(
        w,
        tree,
        id,
        |state| matches!(state, Some(ChildState::Running(pid)) if pid != old),
    )
    .await;
    pid_of(tree, id).await
}

/// Waits until what is known of a child is as wanted.
pub(crate) async fn until_state(
    w: &World,
    tree: &Ref<Supervisor>,
    id: &str,
    wanted: impl Fn(Option<ChildState<Pid>>) -> bool,
) {
    w.eventually(LONG, async || wanted(state_of(tree, id).await))
        .await;
}

/// Stops a tree in order.
pub(crate) async fn stop(tree: &Ref<Supervisor>) {
    let stopped = tree.node().stop(tree, Reason::Shutdown, LONG).await;
    assert_eq!(stopped, Ok(()));
}

/// Waits until so many messages lie unread before a process.
pub(crate) async fn until_queued(w: &World, node: &Node, pid: Pid, count: usize) {
    w.eventually(LONG, async || {
        let info = node.info(pid, LONG).await.expect("answered");
        info.expect("alive").message_queue_len >= count
    })
    .await;
}
