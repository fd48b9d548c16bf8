//! Does a process that one node starts on another begin and end as one that is started here?
//!
//! Source     otp: erlang:spawn_request/5, spawn_request_abandon/1; proc_lib:start_link/5

use std::time::Duration;

use foundation::prelude::*;
use foundation::{Offers, Remote, RemoteSpawnError, time};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scene::Scene;
use crate::support::{Death, LONG, Word, assert_crash, boom, inside};

/// What an errand does in its init.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Chore {
    Serve(u64),
    Fail(Reason),
    Ignore,
    Panic,
    /// Waits for ever.
    Rest,
    /// Begins well, and ends before it handles anything.
    End(Reason),
}

pub(crate) struct Errand(u64);

#[actor]
impl Errand {
    #[init]
    async fn init(chore: Chore, trap: bool, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        cx.trap_exit(trap);
        match chore {
            Chore::Serve(n) => return Ok(Self(n)),
            Chore::Fail(reason) => return Err(Stop::new(reason)),
            Chore::Ignore => return Err(Stop::Ignore),
            Chore::Panic => panic!("in init"),
            Chore::Rest => std::future::pending().await,
            Chore::End(reason) => cx.stop(reason),
        }
        Ok(Self(0))
    }

    #[call]
    pub(crate) fn get(&self) -> u64 {
        self.0
    }

    #[call]
    pub(crate) fn leader(&self, cx: &mut Cx<Self>) -> Option<Pid> {
        cx.group_leader()
    }

    /// The leader of a child of its own.
    #[call]
    pub(crate) async fn leader_of_child(&self, cx: &mut Cx<Self>) -> Option<Pid> {
        let (reply, leader) = foundation::promise(&cx.node());
        let child = async move |me: Process<Word>| reply.send(me.group_leader());
        cx.node().spawn_fn(child).expect("spawned");
        leader.timeout(LONG).await.expect("it says so")
    }

    #[cast]
    pub(crate) fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
    }
}

/// What nobody offers.
struct Unwanted;

#[actor]
impl Unwanted {
    #[init]
    fn init(_n: u64) -> Self {
        Self
    }
}

/// What cannot be written, or not be read.
#[derive(Clone, Copy)]
enum Broken {
    AtWriting,
    AtReading,
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AtWriting => Err(serde::ser::Error::custom("unwritable")),
            Self::AtReading => to.serialize_u8(1),
        }
    }
}

impl<'de> Deserialize<'de> for Broken {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("unreadable"))
    }
}

struct Picky;

#[actor]
impl Picky {
    #[init]
    fn init(_broken: Broken) -> Self {
        Self
    }
}

/// The other node of a scene, which offers errands.
async fn offering(s: &Scene, most: usize) -> Remote {
    let (here, there) = s.nodes();
    let offers = Offers::new().offer::<Errand>().offer::<Picky>();
    let offers = offers.spawns_max(most);
    let tree = Supervisor::one_for_one().child(offers).start(&there).await;
    tree.expect("it starts");
    here.remote(there.name())
}

/// How many errands there are on a node.
pub(crate) async fn errands(node: &Node) -> usize {
    let mut found = 0;
    for pid in node.processes() {
        let info = node.info(pid, LONG).await.expect("it answers");
        found += usize::from(info.is_some_and(|info| info.initial_call == "Errand"));
    }
    found
}

/// Waits until there is none.
async fn none_left(s: &Scene) {
    let (_, there) = s.nodes();
    s.world
        .eventually(LONG, async || errands(&there).await == 0)
        .await;
}

/// What has come to the process that asks, unexpected.
async fn mail(me: &mut Process<Word>) -> Option<Mail<Word>> {
    me.recv().timeout(ms(50)).await.ok()
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_spawned_actor_is_like_any_other(s: Scene) {
    let (here, there) = s.nodes();
    let remote = offering(&s, 8).await;
    // From outside any process, and from a process.
    let errand = remote.spawn::<Errand>((Chore::Serve(7), false)).await;
    let errand = errand.expect("it starts");
    assert_eq!(errand.pid().node(), there.id());
    assert_eq!(errand.get().await, Ok(7));
    let death = Death::of(&here, &errand).await;
    inside(&here, async move |_| {
        const NAME: Name<Errand> = Name::new("errand");
        let other = remote.spawn::<Errand>((Chore::Serve(8), false)).name(NAME);
        let other = other.await.expect("it starts");
        assert_eq!(remote.at(NAME).get().await, Ok(8));
        let again = remote.spawn::<Errand>((Chore::Serve(9), false)).name(NAME);
        let taken = RemoteSpawnError::NameTaken(other.pid());
        assert_eq!(again.await, Err(taken));
        other.end(boom()).expect("portable");
    })
    .await;
    errand.end(boom()).expect("portable");
    assert_eq!(death.reason().await, boom());
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn an_init_that_fails_is_told(s: Scene) {
    let remote = offering(&s, 8).await;
    let (here, _) = s.nodes();
    let watched = remote.clone();
    inside(&here, async move |mut me| {
        let failed = watched.spawn_monitor::<Errand>((Chore::Fail(boom()), false));
        assert_eq!(failed.await.err(), Some(RemoteSpawnError::Failed(boom())));
        let ignored = watched.spawn_monitor::<Errand>((Chore::Ignore, false));
        assert_eq!(ignored.await.err(), Some(RemoteSpawnError::Ignore));
        let panicked = watched.spawn_monitor::<Errand>((Chore::Panic, false));
        match panicked.await.err() {
            Some(RemoteSpawnError::Failed(reason)) => assert_crash(&reason, "in init"),
            other => panic!("{other:?}"),
        }
        assert!(
            mail(&mut me).await.is_none(),
            "a failed start fires no monitor"
        );
    })
    .await;
    let failed = remote.spawn::<Errand>((Chore::Fail(boom()), true)).await;
    assert_eq!(failed, Err(RemoteSpawnError::Failed(boom())));
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn what_cannot_be_started_is_refused(s: Scene) {
    let (here, there) = s.nodes();
    // Nothing is offered before somebody does.
    let remote = here.remote(there.name());
    let refused = |actor| RemoteSpawnError::NotOffered {
        node: there.name().into(),
        actor,
    };
    let early = remote.spawn::<Errand>((Chore::Serve(1), false)).await;
    assert_eq!(early, Err(refused("Errand")));
    let remote = offering(&s, 8).await;
    let unwanted = remote.spawn::<Unwanted>(1).await;
    assert_eq!(unwanted, Err(refused("Unwanted")));
    let said = refused("Unwanted").to_string();
    assert!(said.contains(".offer::<Unwanted>()"), "{said}");
    for broken in [Broken::AtWriting, Broken::AtReading] {
        match remote.spawn::<Picky>(broken).await {
            Err(RemoteSpawnError::Arguments(why)) => assert!(why.contains("able"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let nowhere = here.remote("nowhere").spawn::<Errand>((Chore::Rest, false));
    assert_eq!(
        nowhere.await,
        Err(RemoteSpawnError::NoNode("nowhere".into()))
    );
    let linked = remote.spawn_link::<Errand>((Chore::Rest, false)).await;
    assert_eq!(linked, Err(RemoteSpawnError::NoProcess));
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_link_is_there_before_the_first_instruction(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    inside(&here, async move |mut me| {
        me.trap_exit(true);
        // Its init fails: as at home, the exit comes, and the error.
        let failed = remote.spawn_link::<Errand>((Chore::Fail(boom()), false));
        assert_eq!(failed.await.err(), Some(RemoteSpawnError::Failed(boom())));
        assert!(matches!(me.recv().await, Mail::Exit(exit) if exit.reason == boom()));
        // It ends as soon as it can: never `noproc`.
        let ended = remote
            .spawn_link::<Errand>((Chore::End(boom()), false))
            .await;
        let pid = ended.expect("its init is fine").pid();
        let Mail::Exit(exit) = me.recv().await else {
            panic!("no exit")
        };
        assert_eq!((exit.from, exit.reason), (pid, boom()));
    })
    .await;
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_linked_child_ends_with_its_starter(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    let starter = here.spawn_fn(move |me: Process<Word>| async move {
        let errand = remote.spawn_link::<Errand>((Chore::Serve(1), false)).await;
        assert!(me.is_linked(errand.expect("it starts")));
        Reason::Shutdown
    });
    let starter = starter.expect("spawned");
    let down = here.down(&starter).await;
    assert!(
        [Reason::Shutdown, Reason::NoProc].contains(&down.reason),
        "{down:?}"
    );
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_monitor_is_there_before_the_first_instruction(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    inside(&here, async move |mut me| {
        let ended = remote.spawn_monitor::<Errand>((Chore::End(boom()), false));
        let (errand, monitor) = ended.await.expect("its init is fine");
        let Mail::Down(down) = me.recv().await else {
            panic!("no down")
        };
        assert_eq!((down.monitor, down.reason), (monitor, boom()));
        assert_eq!(down.pid, Some(errand.pid()));
        // It is a monitor like any other.
        let kept = remote.spawn_monitor::<Errand>((Chore::Serve(1), false));
        let (errand, monitor) = kept.await.expect("it starts");
        assert!(me.demonitor(monitor));
        errand.end(boom()).expect("portable");
        assert_eq!(me.down(me.monitor(&errand)).await.pid, Some(errand.pid()));
        assert!(mail(&mut me).await.is_none(), "it was taken back");
    })
    .await;
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_start_that_takes_too_long_is_given_up(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    for trap in [false, true] {
        let remote = remote.clone();
        inside(&here, async move |mut me| {
            me.trap_exit(true);
            let slow = remote
                .spawn_link::<Errand>((Chore::Rest, trap))
                .timeout(ms(50));
            assert_eq!(slow.await.err(), Some(RemoteSpawnError::Timeout));
            let slow = remote
                .spawn_monitor::<Errand>((Chore::Rest, trap))
                .timeout(ms(50));
            assert_eq!(slow.await.err(), Some(RemoteSpawnError::Timeout));
            assert!(mail(&mut me).await.is_none(), "nothing is heard of it");
            assert!(me.info().links.is_empty(), "{:?}", me.info().links);
        })
        .await;
        none_left(&s).await;
    }
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_start_that_is_dropped_is_given_up(s: Scene) {
    let (here, there) = s.nodes();
    let remote = offering(&s, 8).await;
    let start = remote.spawn::<Errand>((Chore::Rest, false)).timeout(LONG);
    let given_up = time::timeout_on(&here, ms(50), start.into_future()).await;
    assert!(given_up.is_none(), "it rests");
    none_left(&s).await;
    // By the end of its process, too.
    let other = remote.clone();
    let starter = here.spawn_fn(move |_: Process<Word>| async move {
        let start = other.spawn::<Errand>((Chore::Rest, false)).timeout(LONG);
        drop(start.await);
    });
    let starter = starter.expect("spawned");
    s.world
        .eventually(LONG, async || errands(&there).await == 1)
        .await;
    here.exit(&starter, Reason::Kill);
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn only_so_many_starts_are_under_way(s: Scene) {
    let (here, there) = s.nodes();
    let remote = offering(&s, 1).await;
    let first = remote.spawn::<Errand>((Chore::Rest, false)).timeout(LONG);
    let first = Task::spawn_nolink(&here, first.into_future()).expect("spawned");
    s.world
        .eventually(LONG, async || errands(&there).await == 1)
        .await;
    let second = remote.spawn::<Errand>((Chore::Serve(1), false)).await;
    assert_eq!(second, Err(RemoteSpawnError::Busy(1)));
    here.exit(first.pid(), Reason::Kill);
    none_left(&s).await;
    // What is done does not count.
    let mut kept = Vec::new();
    for n in 0..3 {
        s.world
            .eventually(LONG, async || {
                match remote.spawn::<Errand>((Chore::Serve(n), false)).await {
                    Ok(errand) => {
                        kept.push(errand);
                        true
                    }
                    Err(error) => {
                        assert_eq!(error, RemoteSpawnError::Busy(1));
                        false
                    }
                }
            })
            .await;
    }
    for (n, errand) in (0..).zip(kept) {
        assert_eq!(errand.get().await, Ok(n), "nobody ends it");
        errand.end(boom()).expect("portable");
    }
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn who_starts_for_others_takes_along_what_is_not_done(s: Scene) {
    let (here, there) = s.nodes();
    let remote = offering(&s, 8).await;
    let done = remote.spawn::<Errand>((Chore::Serve(1), false)).await;
    let done = done.expect("it starts");
    assert_eq!(done.get().await, Ok(1));
    let start = remote.spawn::<Errand>((Chore::Rest, false)).timeout(LONG);
    let mut start = Task::spawn_nolink(&here, start.into_future()).expect("spawned");
    s.world
        .eventually(LONG, async || errands(&there).await == 2)
        .await;
    let desk = there.whereis("foundation_offers").expect("it is there");
    there.exit(desk, Reason::Kill);
    match start.join(LONG).await {
        Ok(Err(RemoteSpawnError::Failed(_))) => {}
        other => panic!("{other:?}"),
    }
    s.world
        .eventually(LONG, async || errands(&there).await == 1)
        .await;
    done.end(boom()).expect("portable");
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_group_leader_is_inherited(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    inside(&here, async move |me| {
        let start = |n| remote.spawn::<Errand>((Chore::Serve(n), false));
        let before = start(1).await.expect("it starts");
        me.set_group_leader(me.pid());
        let after = start(2).await.expect("it starts");
        assert_eq!(before.leader().await, Ok(None));
        let own = Ok(Some(me.pid()));
        assert_eq!(after.leader().await, own);
        assert_eq!(after.leader_of_child().await, own);
        for errand in [before, after] {
            errand.end(boom()).expect("portable");
        }
    })
    .await;
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
pub(crate) async fn a_group_leader_is_set_by_a_signal(s: Scene) {
    let (here, _) = s.nodes();
    let remote = offering(&s, 8).await;
    inside(&here, async move |me| {
        let errand = remote.spawn::<Errand>((Chore::Serve(1), false)).await;
        let errand = errand.expect("it starts");
        me.set_group_leader_of(&errand, errand.pid());
        let info = me.node().info(errand.pid(), LONG).await;
        let info = info.expect("it answers").expect("it is alive");
        assert_eq!(info.group_leader, Some(errand.pid()));
        me.set_group_leader_of(&errand, me.pid());
        assert_eq!(errand.leader_of_child().await, Ok(Some(me.pid())));
        assert_eq!(me.group_leader(), None);
        errand.end(boom()).expect("portable");
    })
    .await;
    none_left(&s).await;
}

/// A lost connection ends the start at once, and the child.
async fn lost(s: Scene, bound: Duration) {
    let (here, there) = s.nodes();
    let remote = offering(&s, 8).await;
    let done = remote.spawn_link::<Errand>((Chore::Serve(1), false));
    let start = remote
        .spawn_link::<Errand>((Chore::Rest, true))
        .timeout(bound);
    let (ready, is_ready) = foundation::promise(&here);
    let (reply, answer) = foundation::promise(&here);
    let starter = here.spawn_fn(move |mut me: Process<Word>| async move {
        me.trap_exit(true);
        done.await.expect("it starts");
        ready.send(());
        reply.send(start.await.err());
        let Mail::Exit(exit) = me.recv().await else {
            panic!("no exit")
        };
        assert_eq!(exit.reason, Reason::NoConnection);
        assert!(mail(&mut me).await.is_none(), "the other one never was");
    });
    let starter = starter.expect("spawned");
    is_ready.timeout(LONG).await.expect("it asks");
    s.world
        .eventually(LONG, async || errands(&there).await == 2)
        .await;
    let death = Death::of(&here, &starter).await;
    s.cut().await;
    let answer = answer.timeout(LONG).await;
    assert_eq!(answer, Ok(Some(RemoteSpawnError::NoConnection)));
    assert_eq!(death.reason().await, Reason::Normal);
    none_left(&s).await;
}

#[foundation::test(seeds = 10)]
async fn a_lost_connection_ends_a_start(w: World) {
    lost(Scene::in_memory(&w), LONG).await;
    lost(Scene::over_a_network(&w).await, LONG).await;
}
