//! Do process groups keep pg's rules (B180-B182, B185), also of members of another node?
//!
//! Source     otp: pg. Where a row leaves a doubt: otp 25.2, run by hand.

use std::sync::Arc;

use foundation::prelude::*;
use foundation::{Change, GroupEvent, JoinError, NotJoined, Scope};

use crate::scene::Scene;
use crate::support::{LONG, Log, Word, inside};

fn idle(node: &Node) -> Pid {
    let body = |mut me: Process<Word>| async move {
        loop {
            me.recv().await;
        }
    };
    node.spawn_fn(body).expect("spawned").pid()
}

async fn kill(node: &Node, pid: Pid) {
    node.exit(pid, Reason::Kill);
    node.down(pid).await;
}

/// Runs `act` while a process watches, and says what that was told, until nothing more comes.
async fn told(
    node: &Node,
    watch: impl FnOnce(Pid) + Send + 'static,
    act: impl AsyncFnOnce(),
) -> Vec<(Change, String, Vec<Pid>)> {
    let watcher = idle_watcher(node, watch).await;
    act().await;
    watcher.send(Watch::Stop).expect("local");
    node.down(&watcher).await;
    take_notes(node)
}

#[derive(Message)]
#[message(local)]
#[derive(Debug)]
enum Watch {
    Stop,
}

/// What the watcher of a test has been told.
#[derive(Default)]
struct Notes(std::sync::Mutex<Vec<(Change, String, Vec<Pid>)>>);

fn take_notes(node: &Node) -> Vec<(Change, String, Vec<Pid>)> {
    std::mem::take(&mut *node.shared::<Notes>().0.lock().expect("short"))
}

async fn idle_watcher(node: &Node, watch: impl FnOnce(Pid) + Send + 'static) -> ProcessRef<Watch> {
    let (ready, is_ready) = foundation::promise(node);
    let body = move |mut me: Process<Watch>| async move {
        watch(me.pid());
        ready.send(());
        loop {
            match me.recv().await {
                Mail::Msg(Watch::Stop) => return,
                Mail::Info(info) => {
                    let event = info.take::<GroupEvent>().expect("nothing else comes");
                    let notes = me.node().shared::<Notes>();
                    let note = (event.change, event.group.to_string(), event.pids);
                    notes.0.lock().expect("short").push(note);
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let watcher = node.spawn_fn(body).expect("spawned");
    is_ready.await.expect("it watches");
    watcher
}

/// What one node knows of a group whose members are of the other, as soon as it is so.
async fn sees(s: &Scene, scope: &Scope, group: &str, members: &[Pid]) {
    s.world
        .eventually(LONG, async || scope.get_members(group) == members)
        .await;
}

/// B180: a process that has joined three times is there three times, and has to leave as often.
#[foundation::test]
pub(crate) async fn b180_a_process_joins_k_times(s: Scene) {
    let (here, there) = s.nodes();
    let (near, scope) = (Scope::named(&here, "s"), Scope::named(&there, "s"));
    let pid = idle(&there);
    for _ in 0..3 {
        assert_eq!(scope.join("g", pid), Ok(()));
    }
    for left in [3, 2, 1] {
        assert_eq!(scope.get_members("g"), vec![pid; left]);
        assert_eq!(scope.get_local_members("g"), vec![pid; left]);
        sees(&s, &near, "g", &vec![pid; left]).await;
        let local = if s.is_apart() { 0 } else { left };
        assert_eq!(near.get_local_members("g"), vec![pid; local]);
        assert_eq!(scope.which_groups().len(), 1);
        assert_eq!(near.which_groups().len(), 1);
        assert_eq!(scope.leave("g", pid), Ok(()));
    }
    assert_eq!(scope.leave("g", pid), Err(NotJoined));
    assert!(scope.get_members("g").is_empty() && scope.which_groups().is_empty());
    sees(&s, &near, "g", &[]).await;
    assert!(near.which_groups().is_empty());
}

/// B181: who is no member cannot leave; of several, one that is suffices (otp 25: ok).
#[foundation::test]
pub(crate) async fn b181_who_has_not_joined_cannot_leave(s: Scene) {
    let (here, there) = s.nodes();
    let (scope, other) = (Scope::of(&there), Scope::named(&there, "other"));
    let near = Scope::of(&here);
    let (a, b) = (idle(&there), idle(&there));
    assert_eq!(scope.leave("g", a), Err(NotJoined));
    assert_eq!(scope.leave_all("g", []), Err(NotJoined));
    scope.join("g", a).expect("alive");
    sees(&s, &near, "g", &[a]).await;
    for scope in [&scope, &near] {
        assert_eq!(scope.leave("h", a), Err(NotJoined), "of another group");
        assert_eq!(scope.leave("g", b), Err(NotJoined));
        assert_eq!(scope.leave("g", Pid::nobody(there.id())), Err(NotJoined));
    }
    assert_eq!(other.leave("g", a), Err(NotJoined), "of another scope");
    if s.is_apart() {
        assert_eq!(near.leave("g", a), Err(NotJoined), "it joined there");
    }
    assert_eq!(scope.leave_all("g", [b, a]), Ok(()));
    assert!(scope.get_members("g").is_empty());
    sees(&s, &near, "g", &[]).await;
}

/// B182: a member that dies is gone from everywhere, when anybody of its node is told of the death; from other
/// nodes when they are told.
#[foundation::test]
pub(crate) async fn b182_the_dead_are_in_no_group(s: Scene) {
    let (here, there) = s.nodes();
    let (scope, other) = (Scope::of(&there), Scope::named(&there, "other"));
    let (near, near_other) = (Scope::of(&here), Scope::named(&here, "other"));
    let (a, b) = (idle(&there), idle(&there));
    scope.join_all("g", [a, b, a]).expect("alive");
    scope.join("h", a).expect("alive");
    other.join("g", a).expect("alive");
    sees(&s, &near_other, "g", &[a]).await;
    let (scope_too, other_too) = (scope.clone(), other.clone());
    inside(&there, move |mut me: Process<Word>| async move {
        me.trap_exit(true);
        me.link(a).expect("alive");
        me.exit(a, Reason::Kill);
        me.receive(|mail| match mail {
            Mail::Exit(exit) => Ok(exit),
            other => Err(other),
        })
        .await;
        assert_eq!(scope_too.get_members("g"), [b]);
        assert!(other_too.which_groups().is_empty());
    })
    .await;
    assert_eq!(scope.which_groups(), [Arc::from("g")]);
    sees(&s, &near, "g", &[b]).await;
    sees(&s, &near, "h", &[]).await;
    sees(&s, &near_other, "g", &[]).await;
    kill(&there, b).await;
    assert!(scope.which_groups().is_empty());
    sees(&s, &near, "g", &[]).await;
}

/// B185: a monitor gives a snapshot, and then every change in its order; a member that joined
/// twice and dies leaves in two messages (otp 25: so).
#[foundation::test]
pub(crate) async fn b185_a_monitor_gives_snapshot_and_changes(s: Scene) {
    use Change::{Joined, Left};
    let (here, there) = s.nodes();
    let (scope, near) = (Scope::of(&there), Scope::of(&here));
    let (a, b) = (idle(&there), idle(&there));
    scope.join("g", b).expect("alive");
    sees(&s, &near, "g", &[b]).await;
    let watched = near.clone();
    let watch = move |me| {
        let (_, snapshot) = watched.monitor_scope(me).expect("alive");
        assert_eq!(snapshot, [(Arc::from("g"), vec![b])]);
    };
    // What is told last has come when all has.
    let all = told(&here, watch, async || {
        scope.join_all("g", [a, a]).expect("alive");
        scope.join("h", a).expect("alive");
        scope.leave("h", a).expect("joined");
        kill(&there, a).await;
        scope.leave("g", b).expect("joined");
        sees(&s, &near, "g", &[]).await;
    });
    let g = |change, pids: &[Pid]| (change, "g".to_owned(), pids.to_vec());
    let h = |change| (change, "h".to_owned(), vec![a]);
    let expected = [
        g(Joined, &[a, a]),
        h(Joined),
        h(Left),
        g(Left, &[a]),
        g(Left, &[a]),
        g(Left, &[b]),
    ];
    assert_eq!(all.await, expected);

    let (watched, c) = (near.clone(), idle(&there));
    let watch = move |me| assert_eq!(watched.monitor("g", me).expect("alive").1, []);
    let one = told(&here, watch, async || {
        scope.join("h", c).expect("alive");
        scope.join("g", c).expect("alive");
        sees(&s, &near, "g", &[c]).await;
    });
    assert_eq!(one.await, [g(Joined, &[c])]);
}

/// otp: a monitor that is taken back tells nothing more; one of somebody who dies is over.
#[foundation::test]
async fn a_monitor_is_taken_back(node: Node) {
    let scope = Scope::of(&node);
    let a = idle(&node);
    let watched = scope.clone();
    let watch = move |me| {
        let (first, _) = watched.monitor("g", me).expect("alive");
        let (second, _) = watched.monitor_scope(me).expect("alive");
        assert!(first != second);
        assert_eq!(
            (watched.demonitor(first), watched.demonitor(first)),
            (true, false)
        );
        assert!(watched.demonitor(second));
    };
    let nothing = told(&node, watch, async || scope.join("g", a).expect("alive"));
    assert_eq!(nothing.await, []);
    assert_eq!(scope.monitor("g", idle(&node)).expect("alive").1, [a]);
}

/// otp: pg, demonitor/2 with flush/1: the watcher finds nothing of that monitor in its mailbox, however
/// much there was, and everything of the others, also of another scope's first one.
#[foundation::test(seeds = 5)]
async fn a_monitor_is_taken_back_with_what_it_told(node: Node) {
    inside(&node, async move |mut me| {
        let (scope, other) = (Scope::of(&me.node()), Scope::named(&me.node(), "other"));
        let (first, _) = scope.monitor("g", me.pid()).expect("alive");
        let (second, _) = scope.monitor_scope(me.pid()).expect("alive");
        let (third, _) = other.monitor("g", me.pid()).expect("alive");
        assert!(first != second && first != third && second != third);
        for _ in 0..5000 {
            scope.join("g", me.pid()).expect("alive");
        }
        other.join("g", me.pid()).expect("alive");
        assert!(scope.demonitor_flush(first));
        assert_eq!(me.info().message_queue_len, 5001);
        assert!(!other.demonitor_flush(second), "it is another scope's");
        assert_eq!(me.info().message_queue_len, 5001);
        scope.leave("g", me.pid()).expect("joined");
        let mut told = Vec::new();
        while me.info().message_queue_len > 0 {
            match me.recv().await {
                Mail::Info(info) => told.push(info.take::<GroupEvent>().expect("an event")),
                other => panic!("{other:?}"),
            }
        }
        let of = |monitor| told.iter().filter(|event| event.monitor == monitor).count();
        assert_eq!((of(first), of(second), of(third)), (0, 5001, 1));
        // Again: there is none, and it is no harm.
        assert!(!scope.demonitor_flush(first));
        assert!(scope.demonitor(second) && other.demonitor_flush(third));
        assert!(scope.leave("g", me.pid()).is_ok());
        assert_eq!(me.info().message_queue_len, 0);
    })
    .await;
}

/// The same for an actor, from a handler; another process does not reach into its mailbox.
#[foundation::test]
async fn an_actor_takes_its_monitor_back(node: Node) {
    struct Board {
        scope: Scope,
        monitor: foundation::GroupMonitor,
        told: usize,
    }

    #[actor]
    impl Board {
        #[init]
        fn init(_: (), cx: &mut Cx<Self>) -> Result<Self, Stop> {
            let scope = Scope::of(&cx.node());
            let (monitor, _) = scope.monitor("g", cx.pid())?;
            let told = 0;
            Ok(Self {
                scope,
                monitor,
                told,
            })
        }

        /// Joins and leaves, and takes the monitor back, or has it taken back.
        #[call]
        async fn take_back(&mut self, by_another: bool, cx: &mut Cx<Self>) {
            self.scope.join("g", cx.pid()).expect("alive");
            self.scope.leave("g", cx.pid()).expect("joined");
            let (scope, monitor) = (self.scope.clone(), self.monitor);
            let ended = match by_another {
                false => scope.demonitor_flush(monitor),
                true => {
                    let task =
                        Task::spawn(&cx.node(), async move { scope.demonitor_flush(monitor) });
                    task.expect("spawned").await.expect("done")
                }
            };
            assert!(ended);
        }

        #[call]
        fn told(&self) -> usize {
            self.told
        }

        #[info]
        fn event(&mut self, info: Info) {
            info.take::<GroupEvent>().expect("an event");
            self.told += 1;
        }
    }

    for (by_another, told) in [(false, 0), (true, 2)] {
        let board = node.start::<Board>(()).await.expect("started");
        board.take_back(by_another).await.expect("it answers");
        assert_eq!(board.told().await, Ok(told));
    }
}

/// What a scope refuses, and that it changes nothing then.
#[foundation::test]
async fn what_a_scope_refuses(w: World) {
    let (node, other) = (w.node(), w.start("other"));
    let scope = Scope::of(&node);
    let (a, dead, far) = (idle(&node), idle(&node), idle(&other));
    kill(&node, dead).await;
    assert_eq!(scope.join("g", dead), Err(JoinError::NoProc(dead)));
    assert_eq!(scope.join_all("g", [a, dead]), Err(JoinError::NoProc(dead)));
    assert_eq!(
        scope.join_all("g", [a, far]),
        Err(JoinError::OtherNode(far))
    );
    assert_eq!(scope.leave("g", far), Err(NotJoined));
    assert_eq!(
        scope.monitor("g", dead).err(),
        Some(JoinError::NoProc(dead))
    );
    assert_eq!(
        scope.monitor_scope(far).err(),
        Some(JoinError::OtherNode(far))
    );
    assert!(scope.get_members("g").is_empty(), "all or none");
    assert_eq!(scope.join_all("g", []), Ok(()));
    assert!(scope.which_groups().is_empty(), "nobody is no member");
}

/// A scope is there as long as a handle, a member or a watcher is, and is one per node and name.
#[foundation::test]
async fn a_scope_outlives_its_handles(w: World) {
    let (node, other) = (w.node(), w.start("other"));
    let a = idle(&node);
    Scope::of(&node).join("g", a).expect("alive");
    assert_eq!(Scope::named(&node, "pg").get_members("g"), [a]);
    assert!(Scope::of(&other).get_members("g").is_empty());
    kill(&node, a).await;
    assert!(Scope::of(&node).which_local_groups().is_empty());
}

#[derive(Default)]
struct Screen(Log);

#[actor]
impl Screen {
    #[cast(local)]
    fn show(&mut self, line: &'static str) {
        self.0.note(line);
    }

    #[call]
    fn shown(&self) -> Vec<String> {
        self.0.all()
    }
}

/// A group of actors of one type: each is reached as often as it has joined.
#[foundation::test]
async fn a_group_of_actors(node: Node) {
    let screens = Scope::of(&node).group::<Screen>("screens");
    let (a, b) = (Screen::default(), Screen::default());
    let (a, b) = (
        node.spawn(a).expect("spawned"),
        node.spawn(b).expect("spawned"),
    );
    for screen in [&a, &b, &b] {
        screens.join(screen).expect("alive");
    }
    assert_eq!(screens.members(), [a.clone(), b.clone(), b.clone()]);
    assert_eq!(screens.broadcast(|screen| screen.show("x")), 3);
    assert_eq!(a.shown().await, Ok(vec!["x".to_owned()]));
    assert_eq!(b.shown().await, Ok(vec!["x".to_owned(); 2]));
    screens.leave(&b).expect("joined");
    assert_eq!(screens.local_members().len(), 2);
    let nobody = node.at(Name::<Screen>::new("nobody"));
    assert!(matches!(screens.join(&nobody), Err(JoinError::NoProc(_))));
    assert_eq!(screens.leave(&nobody), Err(NotJoined));
    for screen in [a, b] {
        assert_eq!(node.stop(&screen, Reason::Normal, LONG).await, Ok(()));
    }
    assert!(screens.members().is_empty());
}

/// Plain processes are told by messages of their own type.
#[foundation::test]
async fn a_broadcast_to_plain_processes(w: World) {
    #[derive(Clone, Message)]
    #[message(local)]
    struct News(u8);
    let (node, log) = (w.node(), Log::default());
    let scope = Scope::of(&node);
    for _ in 0..3 {
        let log = log.clone();
        let reader = move |mut me: Process<News>| async move {
            while let Mail::Msg(News(number)) = me.recv().await {
                log.note(number);
            }
        };
        let reader = node.spawn_fn(reader).expect("spawned");
        scope.join("readers", &reader).expect("alive");
    }
    assert_eq!(scope.broadcast("readers", &News(7)), 3);
    assert_eq!(scope.broadcast("nobody", &News(8)), 0);
    w.eventually(LONG, async || log.count("7") == 3).await;
}
