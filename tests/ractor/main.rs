//! Do ractor actors live among our processes as processes do?
//!
//! Role       A real program before and after, and the ways in which an actor and its process can
//!            end, ask and be asked.

mod after;
mod before;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::prelude::*;
use foundation::ractor::{Hosted, host, lib as ractor, proxy, proxy_of, ractor_child};
use foundation::{CallError, StartError};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

/// A bound that only a hanging test reaches.
const LONG: Duration = Duration::from_secs(60);

#[foundation::test(real)]
async fn a_program_before_and_after(node: Node) -> foundation::Result {
    assert_eq!(after::run(&node).await?, [2, 1]);
    let before = before::run().await;
    // There, the count may be of the session that was about to crash: 0 or 1.
    assert!(before == [2, 1] || before == [2, 0], "{before:?}");
    Ok(())
}

/// What an obedient actor is told.
enum Order {
    Fail,
    Panic,
    Stop,
    Sleep,
    Ask(RpcReplyPort<usize>),
    Drop(RpcReplyPort<usize>),
    Add(Ref<Sum>, i64),
}

/// Does what it is told, and counts how often it stopped in order.
#[derive(Clone, Default)]
struct Obeys {
    stopped: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    fails: bool,
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Actor for Obeys {
    type Msg = Order;
    type State = Held;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<Held, ActorProcessingErr> {
        if self.fails {
            return Err("no room".into());
        }
        Ok(Held(Arc::clone(&self.dropped)))
    }

    async fn post_stop(&self, _: ActorRef<Order>, _: &mut Held) -> Result<(), ActorProcessingErr> {
        self.stopped.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        _: &mut Held,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Fail => return Err("as told".into()),
            Order::Panic => panic!("as told"),
            Order::Stop => myself.stop(None),
            Order::Sleep => std::future::pending().await,
            Order::Ask(port) => port.send(7)?,
            Order::Drop(port) => drop(port),
            // A reference of ours works in a handler of theirs.
            Order::Add(sum, by) => {
                sum.add(by)?;
                assert!(sum.total().await? >= by);
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Sum(i64);

#[actor]
impl Sum {
    #[cast]
    fn add(&mut self, by: i64) {
        self.0 += by;
    }

    #[call]
    fn total(&self) -> i64 {
        self.0
    }
}

async fn obeys(node: &Node) -> (Obeys, Ref<Hosted<Order>>) {
    let actor = Obeys::default();
    let hosted = host(node, actor.clone(), ()).await.expect("started");
    (actor, hosted)
}

/// The reason of an end says how the actor ended.
#[foundation::test(real)]
async fn an_end_has_its_reason(node: Node) {
    for order in [Order::Fail, Order::Panic, Order::Stop] {
        let (actor, hosted) = obeys(&node).await;
        let panics = matches!(order, Order::Panic);
        let fails = matches!(order, Order::Fail);
        let mut down = std::pin::pin!(node.down(&hosted));
        assert!(futures::poll!(down.as_mut()).is_pending(), "it is watched");
        hosted.send(order).expect("sent");
        let reason = down.await.reason;
        match reason {
            Reason::Crash(crash) => assert!(panics && &*crash.message == "as told"),
            Reason::Normal => assert!(!panics && !fails),
            other => assert!(fails && other.to_string().contains("as told"), "{other}"),
        }
        let ended = usize::from(!panics && !fails);
        assert_eq!(actor.stopped.load(Ordering::SeqCst), ended);
        assert_eq!(
            actor.dropped.load(Ordering::SeqCst),
            1,
            "its state is gone with it"
        );
    }
}

/// A failed start leaves nothing behind, and says why.
#[foundation::test(real)]
async fn a_failed_start_says_why(node: Node) {
    const HELD: Name<Hosted<Order>> = Name::new("held");
    let fails = || Obeys {
        fails: true,
        ..Obeys::default()
    };
    for _ in 0..2 {
        let started = host(&node, fails(), ()).name(HELD).await;
        let Err(StartError::Failed(reason)) = started else {
            panic!("{started:?}")
        };
        assert!(reason.to_string().contains("no room"), "{reason}");
    }
    let first = host(&node, Obeys::default(), ())
        .name(HELD)
        .await
        .expect("free");
    let second = host(&node, Obeys::default(), ()).name(HELD).await;
    assert_eq!(
        second.map(|_| ()),
        Err(StartError::AlreadyStarted(first.pid()))
    );
}

/// Stopped, it stops in order; killed, the actor is killed, also in the middle of a handler.
#[foundation::test(real)]
async fn the_process_ends_the_actor(w: World) {
    let node = w.node();
    let (actor, hosted) = obeys(&node).await;
    assert_eq!(node.stop(&hosted, Reason::Shutdown, LONG).await, Ok(()));
    assert_eq!(actor.stopped.load(Ordering::SeqCst), 1);
    let (actor, hosted) = obeys(&node).await;
    hosted.send(Order::Sleep).expect("sent");
    node.exit(&hosted, Reason::Kill);
    w.eventually(LONG, async || actor.dropped.load(Ordering::SeqCst) == 1)
        .await;
    assert_eq!(actor.stopped.load(Ordering::SeqCst), 0);
    // In a tree: shutdown, and after its bound the kill.
    let (actor, copy) = (Obeys::default(), Obeys::default());
    let (one, two) = (actor.clone(), copy.clone());
    let tree = Supervisor::one_for_one()
        .child(ractor_child("one", move || (one.clone(), ())))
        .child(ractor_child("two", move || (two.clone(), ())).shutdown(ms(50)))
        .start(&node)
        .await
        .expect("started");
    let children = tree.which_children().await.expect("answers");
    let foundation::ChildState::Running(two) = children[1].state else {
        panic!("it runs")
    };
    node.reference::<Hosted<Order>>(two)
        .send(Order::Sleep)
        .expect("sent");
    assert_eq!(node.stop(&tree, Reason::Shutdown, LONG).await, Ok(()));
    assert_eq!(actor.stopped.load(Ordering::SeqCst), 1);
    w.eventually(LONG, async || copy.dropped.load(Ordering::SeqCst) == 1)
        .await;
}

/// A crash takes linked processes with it, and the tree starts the actor again.
#[foundation::test(real)]
async fn it_is_linked_and_restarted(w: World) {
    let node = w.node();
    const CHILD: Name<Hosted<Order>> = Name::new("child");
    let tree = Supervisor::one_for_one()
        .child(ractor_child("child", || (Obeys::default(), ())).name(CHILD));
    tree.start(&node).await.expect("started");
    let first = node.at(CHILD).pid();
    let linked = node.spawn_fn(move |me: Process<Word>| async move {
        me.link(first).expect("alive");
        std::future::pending::<()>().await;
    });
    let linked = linked.expect("spawned");
    w.eventually(LONG, async || {
        let info = node
            .info(first, LONG)
            .await
            .expect("answers")
            .expect("alive");
        info.links.contains(&linked.pid())
    })
    .await;
    let mut down = std::pin::pin!(node.down(&linked));
    assert!(futures::poll!(down.as_mut()).is_pending(), "it is watched");
    node.at(CHILD).send(Order::Panic).expect("sent");
    assert!(matches!(down.await.reason, Reason::Crash(_)));
    w.eventually(LONG, async || {
        node.at(CHILD).find().is_some_and(|pid| pid != first)
    })
    .await;
    assert_eq!(node.at(CHILD).call(Order::Ask).await, Ok(7));
}

/// A call says what became of it.
#[foundation::test(real)]
async fn a_call_ends(w: World) {
    let node = w.node();
    let (_, hosted) = obeys(&node).await;
    assert_eq!(hosted.call(Order::Ask).await, Ok(7));
    assert_eq!(hosted.call(Order::Drop).await, Err(CallError::NoReply));
    let asked = hosted.call(Order::Ask).timeout(ms(20));
    hosted.send(Order::Sleep).expect("sent");
    assert_eq!(asked.await, Err(CallError::Timeout));
    let waiting = hosted.call(Order::Ask).timeout(LONG).into_future();
    let kill = async {
        node.sleep(ms(5)).await;
        node.exit(&hosted, Reason::Kill);
    };
    let (answer, ()) = futures::join!(waiting, kill);
    assert_eq!(answer, Err(CallError::Down(Reason::Killed)));
    assert_eq!(hosted.call(Order::Ask).await, Err(CallError::NoProc));
    let nobody = node.at(Name::<Hosted<Order>>::new("nobody"));
    assert_eq!(nobody.call(Order::Ask).await, Err(CallError::NoProc));
    let other = w.start("other");
    let _connection = w.connect(&node, &other);
    let (_, away) = obeys(&other).await;
    let away = node.reference::<Hosted<Order>>(away.pid());
    let refused = away.call(Order::Ask).await;
    assert!(
        matches!(refused, Err(CallError::NotPortable(_))),
        "{refused:?}"
    );
}

#[derive(Debug, PartialEq, Message)]
#[message(local)]
enum Word {
    Hello(u32),
}

/// Theirs call ours: by our references, and by references of theirs that lead to ours.
#[foundation::test(real)]
async fn calls_go_both_ways(w: World) {
    let node = w.node();
    let sum = node.spawn(Sum::default()).expect("spawned");
    let (_, hosted) = obeys(&node).await;
    hosted.send(Order::Add(sum.clone(), 5)).expect("sent");
    w.eventually(LONG, async || sum.total().await == Ok(5))
        .await;
    let to = sum.clone();
    let add = proxy(&node, &sum, move |by: i64| drop(to.add(by))).await;
    let add = add.expect("started");
    add.send_message(3).expect("it lives");
    w.eventually(LONG, async || sum.total().await == Ok(8))
        .await;
    let (reply, heard) = foundation::promise(&node);
    let listens = node.spawn_fn(move |mut me: Process<Word>| async move {
        if let Mail::Msg(word) = me.recv().await {
            reply.send(word);
        }
    });
    let listens = listens.expect("spawned");
    let theirs = proxy_of(&node, &listens).await.expect("started");
    theirs.send_message(Word::Hello(1)).expect("it lives");
    assert_eq!(heard.await, Ok(Word::Hello(1)));
    // The proxies end with whom they lead to, and their watchers with them.
    theirs.wait(Some(LONG)).await.expect("it ends");
    add.stop(None);
    node.exit(&sum, Reason::Shutdown);
    node.exit(&hosted, Reason::Shutdown);
    w.eventually(LONG, async || node.processes().is_empty())
        .await;
}

/// A flood is taken, in order.
#[foundation::test(real)]
async fn a_flood_is_taken(node: Node) {
    let hosted = host(&node, session::Session, ()).await.expect("started");
    for _ in 0..100_000 {
        let visit = session::SessionMsg::Visit("/".into());
        hosted.send(visit).expect("sent");
    }
    let count = hosted.call(session::SessionMsg::Count).timeout(LONG);
    assert_eq!(count.await, Ok(100_000));
}

/// Where there is no tokio there is no ractor: a simulated world says so.
#[foundation::test(simulated, seeds = 5)]
async fn a_simulated_world_refuses(node: Node) {
    let started = host(&node, Obeys::default(), ()).await;
    let Err(StartError::Failed(reason)) = started else {
        panic!("{started:?}")
    };
    assert!(
        reason.to_string().contains("needs a tokio runtime"),
        "{reason}"
    );
}
