//! Whose is what a message brings?

use std::collections::BTreeMap;

use foundation::heap::Hand;
use foundation::prelude::*;
use foundation::{HandOver, HeapInfo, MaxHeap, Promise, QueueData, promise};

const BIG: usize = 50_000;
/// What a block of `BIG` bytes is charged with.
const PRICE: u64 = BIG as u64 + 4;

#[derive(HandOver)]
struct Line {
    article: String,
    notes: Vec<String>,
}

#[derive(HandOver)]
enum Order<T> {
    One(Line),
    Many { lines: Vec<Line>, extra: Option<T> },
    None,
}

/// A type that nobody can look into.
#[allow(dead_code, reason = "it is held")]
struct Sealed(Vec<u8>);

#[derive(Message)]
#[message(local)]
enum Told {
    Keep(Order<Vec<u8>>),
    Map(BTreeMap<String, Vec<u8>>),
    Sealed {
        open: Vec<u8>,
        sealed: Sealed,
    },
    Deep(Deep),
    Send(ProcessRef<Told>, &'static str),
    Heap(ReplyTo<HeapInfo>),
    /// Says that it waits, and does so until it is answered.
    Hold(ReplyTo<()>, Promise<()>),
    Skip(ReplyTo<HeapInfo>),
    Rude(Rude),
}

fn line() -> Line {
    Line {
        article: "a".repeat(BIG),
        notes: vec!["n".repeat(BIG)],
    }
}

/// What a line owns: two texts, and a list of one.
const LINE: u64 = 2 * PRICE + 24 + 4;

#[derive(HandOver)]
#[allow(dead_code, reason = "it is held")]
struct Deep(Option<Box<Deep>>);

impl Deep {
    fn of(depth: usize) -> Self {
        (0..depth).fold(Self(None), |inner, _| Self(Some(Box::new(inner))))
    }
}

impl Drop for Deep {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut deep) = next {
            next = deep.0.take();
        }
    }
}

/// A type whose walk panics where it is received.
struct Rude(Vec<u8>);

impl HandOver for Rude {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        self.0.hand_over(hand);
        let here = foundation::me().map(|me| me.info().initial_call);
        assert_ne!(here.as_deref(), Some("rude taker"), "a walk panics");
    }
}

fn message(what: &str) -> Told {
    match what {
        "line" => Told::Keep(Order::One(line())),
        "lines" => Told::Keep(Order::Many {
            lines: vec![line(), line()],
            extra: Some(vec![1; BIG]),
        }),
        "none" => Told::Keep(Order::None),
        "map" => Told::Map(BTreeMap::from([("k".repeat(BIG), vec![2; BIG])])),
        "sealed" => Told::Sealed {
            open: vec![3; BIG],
            sealed: Sealed(vec![4; BIG]),
        },
        "deep" => Told::Deep(Deep::of(100_000)),
        "rude" => Told::Rude(Rude(vec![5; BIG])),
        other => unreachable!("{other}"),
    }
}

async fn keeper(mut me: Process<Told>) {
    let mut kept: Vec<Told> = Vec::with_capacity(16);
    loop {
        match me.recv().await {
            Mail::Msg(Told::Send(to, what)) => to.send(message(what)).expect("it is local"),
            Mail::Msg(Told::Heap(reply)) => {
                reply.send(me.info().heap.expect("this program counts"));
            }
            Mail::Msg(Told::Hold(reply, until)) => {
                reply.send(());
                until.await.expect("the test lets it go on");
            }
            Mail::Msg(Told::Skip(reply)) => {
                // It looks at what waits, and refuses it.
                let refused = me.receive(Err::<(), _>).timeout(foundation::ms(1));
                assert!(refused.await.is_err(), "nothing is wanted");
                reply.send(me.info().heap.expect("this program counts"));
            }
            Mail::Msg(other) => kept.push(other),
            _ => return,
        }
    }
}

async fn heap(node: &Node, of: &ProcessRef<Told>) -> HeapInfo {
    let (reply, heap) = promise(node);
    of.send(Told::Heap(reply)).expect("it is local");
    heap.await.expect("it answers")
}

/// Has a process wait until the answer is given.
async fn hold(node: &Node, process: &ProcessRef<Told>) -> ReplyTo<()> {
    let ((reply, held), (free, until)) = (promise(node), promise(node));
    process.send(Told::Hold(reply, until)).expect("it is local");
    held.await.expect("it answers");
    free
}

/// A keeper whose queue is not its own.
fn off_heap(node: &Node) -> ProcessRef<Told> {
    let options = SpawnOptions::new().message_queue_data(QueueData::OffHeap);
    node.spawn_fn_with(&options, keeper)
        .expect("there is room")
        .0
}

/// What a message changes: in the sender's account, and in the receiver's.
async fn moved(node: &Node, what: &'static str) -> (i64, i64) {
    let giver = node.spawn_fn(keeper).expect("there is room");
    let taker = node.spawn_fn(keeper).expect("there is room");
    let before = [heap(node, &giver).await, heap(node, &taker).await];
    giver
        .send(Told::Send(taker.clone(), what))
        .expect("it is local");
    heap(node, &giver).await;
    let taken = heap(node, &taker).await;
    let given = heap(node, &giver).await;
    assert_eq!(
        (given.lent, taken.lent),
        (0, 0),
        "nothing is under way any more"
    );
    let change = |now: HeapInfo, then: HeapInfo| now.memory as i64 - then.memory as i64;
    (change(given, before[0]), change(taken, before[1]))
}

#[foundation::test]
async fn what_a_message_owns_becomes_its_receivers(node: Node) {
    assert_eq!(moved(&node, "line").await, (0, LINE as i64));
    let lines = 2 * LINE + 2 * 48 + 4 + PRICE;
    assert_eq!(moved(&node, "lines").await, (0, lines as i64));
    assert_eq!(moved(&node, "none").await, (0, 0));
}

#[foundation::test]
async fn what_cannot_be_told_stays_with_its_maker(node: Node) {
    let price = PRICE as i64;
    assert_eq!(moved(&node, "sealed").await, (price, price));
    // The nodes of the tree stay, what lies in them goes.
    let (stays, goes) = moved(&node, "map").await;
    assert_eq!(goes, 2 * price);
    assert!(0 < stays && stays < 2000, "{stays}");
}

#[foundation::test]
async fn a_walk_goes_so_deep_and_no_deeper(node: Node) {
    let (stays, goes) = moved(&node, "deep").await;
    assert_eq!((stays + goes) % 100_000, 0);
    assert_eq!(goes, 1001 * 12, "one, and a thousand in it");
}

#[foundation::test]
async fn what_is_under_way_is_lent(node: Node) -> foundation::Result {
    let (giver, taker) = (node.spawn_fn(keeper)?, off_heap(&node));
    let before = heap(&node, &giver).await;
    let free = hold(&node, &taker).await;
    giver.send(Told::Send(taker.clone(), "line"))?;
    let meanwhile = heap(&node, &giver).await;
    assert_eq!((meanwhile.memory, meanwhile.lent), (before.memory, LINE));
    free.send(());
    heap(&node, &taker).await;
    let after = heap(&node, &giver).await;
    assert_eq!((after.memory, after.lent), (before.memory, 0));
    Ok(())
}

#[foundation::test]
async fn what_was_lost_is_not_lent(node: Node) -> foundation::Result {
    let (giver, taker) = (node.spawn_fn(keeper)?, node.spawn_fn(keeper)?);
    let before = heap(&node, &giver).await;
    node.exit(&taker, Reason::Kill);
    node.down(&taker).await;
    giver.send(Told::Send(taker.clone(), "line"))?;
    let after = heap(&node, &giver).await;
    assert_eq!((after.memory, after.lent), (before.memory, 0));
    Ok(())
}

#[foundation::test]
async fn what_is_lent_does_not_count_against_a_bound(node: Node) -> foundation::Result {
    let options = SpawnOptions::new().max_heap_size(MaxHeap::bytes(4 * LINE));
    let (giver, _) = node.spawn_fn_with(&options, keeper)?;
    let taker = off_heap(&node);
    let free = hold(&node, &taker).await;
    for _ in 0..12 {
        giver.send(Told::Send(taker.clone(), "line"))?;
    }
    assert_eq!(heap(&node, &giver).await.lent, 12 * LINE);
    free.send(());
    Ok(())
}

#[foundation::test]
async fn what_is_refused_stays_the_receivers(node: Node) -> foundation::Result {
    let (giver, taker) = (node.spawn_fn(keeper)?, node.spawn_fn(keeper)?);
    // What it needs to look and to wait it has from here on.
    let (reply, skipped) = promise(&node);
    taker.send(Told::Skip(reply))?;
    skipped.await?;
    let free = hold(&node, &taker).await;
    free.send(());
    let before = heap(&node, &taker).await;
    let free = hold(&node, &taker).await;
    let (reply, skipped) = promise(&node);
    taker.send(Told::Skip(reply))?;
    giver.send(Told::Send(taker.clone(), "line"))?;
    heap(&node, &giver).await;
    free.send(());
    let skipped = skipped.await?;
    assert_eq!(skipped.lent, 0, "{skipped:?}");
    // With the envelope that it waits in, which is of the larger kind.
    let waits = skipped.memory - before.memory;
    assert!((LINE..LINE + 4000).contains(&waits), "{waits}");
    // Who woke it from its last wait may not have dropped the waker yet.
    let more = heap(&node, &taker).await.memory - before.memory;
    assert!((LINE..LINE + 100).contains(&more), "{more}");
    Ok(())
}

#[foundation::test]
async fn a_walk_that_panics_ends_no_scheduler(node: Node) -> foundation::Result {
    let giver = node.spawn_fn(keeper)?;
    let options = SpawnOptions::new().code("rude taker");
    let (taker, _) = node.spawn_fn_with(&options, keeper)?;
    let before = heap(&node, &taker).await;
    giver.send(Told::Send(taker.clone(), "rude"))?;
    heap(&node, &giver).await;
    let after = heap(&node, &taker).await;
    // What it had shown, and what is kept of a panic.
    let more = after.memory - before.memory;
    assert!((PRICE..PRICE + 8000).contains(&more), "{more}");
    Ok(())
}

struct Shop {
    kept: Vec<Line>,
}

#[foundation::actor]
impl Shop {
    #[cast(local)]
    fn order(&mut self, line: Line) {
        self.kept.push(line);
    }

    #[call(local)]
    fn ask(&mut self, line: Line) -> Line {
        self.kept.push(line);
        self::line()
    }

    #[call(local)]
    fn heap(&self) -> HeapInfo {
        let me = foundation::me().expect("an actor is a process");
        me.info().heap.expect("this program counts")
    }
}

#[foundation::test]
async fn arguments_and_answers_are_handed_over(node: Node) -> foundation::Result {
    let shop = node.start(Shop {
        kept: Vec::with_capacity(8),
    });
    let shop: Ref<Shop> = shop.await?;
    let before: HeapInfo = shop.heap().await?;
    let (reply, figures) = promise(&node);
    let address = shop.clone();
    node.spawn_fn(move |me: Process<Told>| async move {
        let mine = || me.info().memory.expect("this program counts");
        let first = mine();
        address.order(line()).expect("it is local");
        let answer = address.ask(line()).await.expect("it answers");
        let second = mine();
        drop(answer);
        reply.send((second - first, mine() - first));
    })?;
    let (with, without) = figures.await?;
    assert_eq!((with - without), LINE, "the answer is the caller's");
    let after: HeapInfo = shop.heap().await?;
    assert_eq!((after.memory - before.memory, after.lent), (2 * LINE, 0));
    Ok(())
}
