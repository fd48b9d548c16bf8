//! What does a supervisor of children that are all alike do (B124, B125, B127, B192-B194)?
//!
//! Source     otp: supervisor, simple_one_for_one; elixir: DynamicSupervisor

use std::sync::Arc;

use foundation::prelude::*;
use foundation::supervisor::{StartChildError, TerminateError};
use foundation::{ChildState, Restart, Shutdown};

use crate::support::{Cfg, Death, Kid, LONG, Log, boom};

type Kids = Ref<Dynamic<Kid>>;

async fn start(kids: &Kids, cfg: Cfg) -> Ref<Kid> {
    let started = kids.start_child(cfg).await.expect("answers");
    started.expect("its init succeeds").expect("not ignored")
}

async fn pids(kids: &Kids) -> Vec<Pid> {
    let children = kids.which_children().await.expect("answers");
    let pid = |child: foundation::ChildInfo<Pid>| match child.state {
        ChildState::Running(pid) => Some(pid),
        _ => None,
    };
    children.into_iter().filter_map(pid).collect()
}

async fn stop<A>(kids: &Ref<Dynamic<A>>)
where
    Dynamic<A>: foundation::Addressed,
{
    let stopped = kids.node().stop(kids, Reason::Shutdown, LONG).await;
    assert_eq!(stopped, Ok(()));
}

/// B124: the arguments of start_child reach init, and a restart uses the same ones.
#[foundation::test]
async fn b124_a_restart_uses_the_arguments_of_its_start(w: World) {
    let (node, log) = (w.node(), Log::default());
    let kids = Supervisor::dynamic::<Kid>().intensity(5, secs(5));
    let kids = kids.start(&node).await.expect("started");
    let a = start(&kids, Cfg::new(&log, "a")).await;
    let b = start(&kids, Cfg::new(&log, "b")).await;
    assert_eq!(a.title().await, Ok("a".to_owned()));
    assert_eq!(b.title().await, Ok("b".to_owned()));
    b.crash().expect("portable");
    w.eventually(LONG, async || {
        let pids = pids(&kids).await;
        pids.len() == 2 && !pids.contains(&b.pid())
    })
    .await;
    let again = pids(&kids).await.into_iter().find(|pid| *pid != a.pid());
    let again: Ref<Kid> = node.reference(again.expect("two children"));
    assert_eq!(again.title().await, Ok("b".to_owned()));
    assert_eq!((log.count("init a"), log.count("init b")), (1, 2));
    assert!(a.is_alive());
    stop(&kids).await;
}

/// B125: children go by pid; an id is refused, an unknown pid is not found.
#[foundation::test]
async fn b125_terminate_child_by_id_is_refused(node: Node) {
    let log = Log::default();
    let kids = Supervisor::dynamic::<Kid>()
        .start(&node)
        .await
        .expect("started");
    let a = start(&kids, Cfg::new(&log, "a")).await;
    let by_id = kids.terminate_child_by_id("Kid").await;
    assert_eq!(by_id, Ok(Err(TerminateError::SimpleOneForOne)));
    assert!(a.is_alive());
    assert_eq!(kids.terminate_child(&a).await, Ok(Ok(())));
    assert!(!a.is_alive());
    assert_eq!(log.count("gone a"), 1);
    let again = kids.terminate_child(&a).await;
    assert_eq!(again, Ok(Err(TerminateError::NotFound)));
    assert_eq!(pids(&kids).await, []);
    stop(&kids).await;
}

struct Brief;

#[actor]
impl Brief {
    #[init]
    fn init(ticket: Arc<()>) -> Self {
        drop(ticket);
        Self
    }

    #[cast]
    fn end(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }
}

/// B127: temporary children come and go by the thousand; nothing of any is kept, its arguments not
/// even while it lives.
#[foundation::test(seeds = 50)]
async fn b127_temporary_children_leave_nothing(w: World) {
    let node = w.node();
    let kids = Supervisor::dynamic::<Brief>().temporary().start(&node);
    let kids = kids.await.expect("started");
    let ticket = Arc::new(());
    let (rounds, size) = if w.is_simulated() {
        (4, 25)
    } else {
        (10, 1000)
    };
    for _ in 0..rounds {
        let mut brief = Vec::with_capacity(size);
        for _ in 0..size {
            let started = kids.start_child(Arc::clone(&ticket)).await;
            brief.push(
                started
                    .expect("answers")
                    .expect("started")
                    .expect("not ignored"),
            );
        }
        let counts = kids.count_children().await.expect("answers");
        assert_eq!((counts.specs, counts.active), (1, size));
        assert_eq!(Arc::strong_count(&ticket), 1, "arguments are kept");
        for child in &brief {
            child.end().expect("portable");
        }
        w.eventually(LONG, async || {
            kids.count_children().await.expect("answers").workers == 0
        })
        .await;
    }
    let info = node
        .info(&kids, LONG)
        .await
        .expect("answers")
        .expect("alive");
    assert_eq!(info.links, []);
    stop(&kids).await;
}

/// B192: more children than allowed are refused; those being restarted count.
#[foundation::test]
async fn b192_max_children_is_kept(w: World) {
    let (node, log) = (w.node(), Log::default());
    let kids = Supervisor::dynamic::<Kid>()
        .max_children(2)
        .intensity(9, secs(5));
    let kids = kids.start(&node).await.expect("started");
    let a = start(&kids, Cfg::new(&log, "a")).await;
    start(&kids, Cfg::new(&log, "b")).await;
    let third = kids
        .start_child(Cfg::new(&log, "c"))
        .await
        .expect("answers");
    assert_eq!(third, Err(StartChildError::MaxChildren));
    a.crash().expect("portable");
    w.eventually(LONG, async || log.count("ready a") == 2).await;
    let third = kids
        .start_child(Cfg::new(&log, "c"))
        .await
        .expect("answers");
    assert_eq!(third, Err(StartChildError::MaxChildren));
    let one = pids(&kids).await[0];
    assert_eq!(kids.terminate_child(one).await, Ok(Ok(())));
    start(&kids, Cfg::new(&log, "c")).await;
    assert_eq!(log.count("init c"), 1);
    stop(&kids).await;
}

/// otp: a child whose init fails or says ignore is not kept, and the caller is told.
#[foundation::test]
async fn a_failed_or_ignored_start_leaves_no_child(node: Node) {
    let log = Log::default();
    let kids = Supervisor::dynamic::<Kid>()
        .start(&node)
        .await
        .expect("started");
    let failing = Cfg::new(&log, "a").starts(|_| Err(Stop::new(boom())));
    let failed = kids.start_child(failing).await.expect("answers");
    assert_eq!(failed, Err(StartChildError::Failed(boom())));
    let ignored = Cfg::new(&log, "b").starts(|_| Err(Stop::Ignore));
    assert_eq!(kids.start_child(ignored).await, Ok(Ok(None)));
    assert_eq!(pids(&kids).await, []);
    assert_eq!(node.processes(), [kids.pid()]);
    stop(&kids).await;
}

/// otp: children are stopped all at once, with one timer for all; who is left is killed.
#[foundation::test]
async fn children_are_stopped_all_at_once(w: World) {
    let (node, log) = (w.node(), Log::default());
    let kids = Supervisor::dynamic::<Kid>().shutdown(Shutdown::Timeout(ms(100)));
    let kids = kids.start(&node).await.expect("started");
    let mut deaths = Vec::new();
    for stubborn in [true, false, true, true] {
        let name = if stubborn { "stubborn" } else { "meek" };
        let cfg = Cfg {
            stubborn,
            ..Cfg::new(&log, name)
        };
        let kid = start(&kids, cfg).await;
        deaths.push((stubborn, Death::of(&node, &kid).await));
    }
    let begun = node.now();
    stop(&kids).await;
    if w.is_simulated() {
        let took = node.now() - begun;
        assert!(ms(100) <= took && took < ms(200), "{took:?}");
    }
    for (stubborn, death) in deaths {
        let expected = match stubborn {
            true => Reason::Killed,
            false => Reason::Shutdown,
        };
        assert_eq!(death.reason().await, expected);
    }
    assert_eq!(log.count("stop stubborn: shutdown"), 3);
    assert_eq!(log.count("gone meek"), 1);
}

/// otp: with brutal_kill nobody has a last word.
#[foundation::test]
async fn brutal_kill_of_all(node: Node) {
    let log = Log::default();
    let kids = Supervisor::dynamic::<Kid>().shutdown(Shutdown::BrutalKill);
    let kids = kids.start(&node).await.expect("started");
    for _ in 0..5 {
        start(&kids, Cfg::new(&log, "a")).await;
    }
    log.take();
    stop(&kids).await;
    assert_eq!(node.processes(), []);
    assert_eq!(log.take(), [""; 0]);
}

/// otp: too many restarts end a dynamic supervisor as well, with all its children.
#[foundation::test]
async fn a_dynamic_supervisor_gives_up(node: Node) {
    let log = Log::default();
    let kids = Supervisor::dynamic::<Kid>().restart(Restart::Transient);
    let kids = kids
        .intensity(0, secs(5))
        .start(&node)
        .await
        .expect("started");
    let a = start(&kids, Cfg::new(&log, "a")).await;
    let b = start(&kids, Cfg::new(&log, "b")).await;
    let death = Death::of(&node, &kids).await;
    a.end(Reason::Normal).expect("portable");
    b.crash().expect("portable");
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(log.count("init b"), 1);
}

/// otp: a child without its link does not hang the stop of all, nor its own.
#[foundation::test]
async fn a_naughty_dynamic_child_does_not_hang_the_stop(node: Node) {
    for shutdown in [Shutdown::Infinity, Shutdown::BrutalKill] {
        let log = Log::default();
        let kids = Supervisor::dynamic::<Kid>().shutdown(shutdown);
        let kids = kids.start(&node).await.expect("started");
        let boss = kids.pid();
        for stopped in [true, false] {
            let kid = start(&kids, Cfg::new(&log, "a")).await;
            let unlink = move |cx: &mut Cx<Kid>| cx.unlink(boss);
            kid.perform(Box::new(unlink)).await.expect("alive");
            if stopped {
                assert_eq!(kids.terminate_child(&kid).await, Ok(Ok(())));
                assert!(!kid.is_alive());
            }
        }
        stop(&kids).await;
        assert_eq!(node.processes(), []);
    }
}

/// P2 of the first programs: a dynamic supervisor as a named child of a tree.
#[foundation::test]
async fn a_dynamic_supervisor_under_a_tree(w: World) {
    const KIDS: Name<Dynamic<Kid>> = Name::new("kids");
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().child(Supervisor::dynamic::<Kid>().name(KIDS));
    let tree = tree.start(&node).await.expect("started");
    let kids = node.at(KIDS);
    let kid = start(&kids, Cfg::new(&log, "a")).await;
    let (old, death) = (kids.pid(), Death::of(&node, &kid).await);
    node.exit(old, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Killed);
    w.eventually(LONG, async || kids.find().is_some_and(|pid| pid != old))
        .await;
    assert_eq!(pids(&kids).await, []);
    crate::support::stop(&tree).await;
    assert_eq!(node.processes(), []);
}

/// B193: a restart that fails is tried again until it works, and the counts are right meanwhile.
#[foundation::test]
async fn b193_a_failed_restart_is_tried_again(w: World) {
    let (node, log) = (w.node(), Log::default());
    let kids = Supervisor::dynamic::<Kid>().intensity(9, secs(5));
    let kids = kids.max_children(1).start(&node).await.expect("started");
    let cfg = Cfg::new(&log, "a").starts(|nth| match nth {
        2 | 3 => Err(Stop::new(boom())),
        _ => Ok(()),
    });
    let a = start(&kids, cfg).await;
    a.crash().expect("portable");
    w.eventually(LONG, async || {
        let counts = kids.count_children().await.expect("answers");
        assert_eq!(
            (counts.specs, counts.workers),
            (1, 1),
            "it counts while it is restarted"
        );
        log.count("ready a") == 2
    })
    .await;
    w.eventually(LONG, async || pids(&kids).await.len() == 1)
        .await;
    let counts = kids.count_children().await.expect("answers");
    assert_eq!((counts.specs, counts.active), (1, 1));
    assert_eq!(log.count("init a"), 4);
    stop(&kids).await;
}

/// What its supervisor gives it, and what is its own.
struct Worker(String, u32);

#[actor]
impl Worker {
    #[init]
    fn init(args: (String, u32)) -> Self {
        Self(args.0, args.1)
    }

    #[call]
    fn both(&self) -> (String, u32) {
        (self.0.clone(), self.1)
    }

    #[cast]
    fn fall(&mut self) {
        panic!("as told");
    }
}

/// B194: extra arguments come before the child's own, at each start; without any it fails.
#[foundation::test]
async fn b194_extra_arguments_come_first(w: World) {
    let node = w.node();
    let workers = Supervisor::dynamic::<Worker>().extra_arguments("shared".to_owned());
    let workers = workers.start(&node).await.expect("started");
    let worker = workers.start_child_with_extra(7).await.expect("answers");
    let worker = worker.expect("starts").expect("not ignored");
    let both = Ok(("shared".to_owned(), 7));
    assert_eq!(worker.both().await, both);
    worker.fall().expect("portable");
    let again = async || match workers
        .which_children()
        .await
        .expect("answers")
        .remove(0)
        .state
    {
        ChildState::Running(pid) if pid != worker.pid() => Some(pid),
        _ => None,
    };
    w.eventually(LONG, async || again().await.is_some()).await;
    let again: Ref<Worker> = node.reference(again().await.expect("it runs"));
    assert_eq!(again.both().await, both);
    stop(&workers).await;
    let without = Supervisor::dynamic::<Worker>()
        .start(&node)
        .await
        .expect("started");
    let refused = without.start_child_with_extra(7).await.expect("answers");
    assert!(matches!(refused, Err(StartChildError::Failed(_))));
    let own = without
        .start_child(("own".to_owned(), 1))
        .await
        .expect("answers");
    assert!(own.expect("starts").is_some());
    stop(&without).await;
}
