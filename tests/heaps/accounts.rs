//! Whose is an allocation?

use foundation::prelude::*;
use foundation::{HeapInfo, ProcessInfo, promise};

const BIG: usize = 100_000;

#[derive(Message)]
#[message(local)]
enum Told {
    Grow(ReplyTo<(u64, u64)>),
    Keep(Sealed),
    Give(ProcessRef<Told>),
    Heap(ReplyTo<HeapInfo>),
    Stop,
}

/// A type that nobody can look into.
struct Sealed(Vec<u8>);

async fn keeper(mut me: Process<Told>) {
    let mut kept: Vec<Sealed> = Vec::with_capacity(8);
    while let Mail::Msg(told) = me.recv().await {
        match told {
            Told::Grow(reply) => {
                let before = memory(&me.info());
                kept.push(Sealed(vec![1; BIG]));
                reply.send((before, memory(&me.info())));
            }
            Told::Keep(sealed) => kept.push(sealed),
            Told::Give(to) => {
                let sealed = Sealed(vec![2; BIG]);
                to.send(Told::Keep(sealed)).expect("it is a local process");
            }
            Told::Heap(reply) => {
                let bytes: usize = kept.iter().map(|sealed| sealed.0.len()).sum();
                assert_eq!(bytes % BIG, 0);
                reply.send(me.info().heap.expect("this program counts"));
            }
            Told::Stop => return,
        }
    }
}

fn memory(info: &ProcessInfo) -> u64 {
    info.memory.expect("this program counts")
}

async fn heap(node: &Node, of: &ProcessRef<Told>) -> HeapInfo {
    let (reply, heap) = promise(node);
    of.send(Told::Heap(reply)).expect("it is a local process");
    heap.await.expect("it answers")
}

#[foundation::test]
async fn a_process_is_charged_for_what_it_allocates(node: Node) -> foundation::Result {
    let keeper = node.spawn_fn(keeper)?;
    let (reply, grown) = promise(&node);
    keeper.send(Told::Grow(reply))?;
    let (before, after) = grown.await?;
    // Four bytes name the account.
    assert_eq!(after - before, BIG as u64 + 4);
    let heap = heap(&node, &keeper).await;
    assert!(heap.memory >= after && heap.peak >= heap.memory, "{heap:?}");
    let processes = node.memory().expect("this program counts").processes;
    assert!(processes > BIG as u64, "{processes}");
    Ok(())
}

#[foundation::test]
async fn what_was_freed_is_in_the_peak_alone(node: Node) -> foundation::Result {
    let peaks = node.spawn_fn(|mut me: Process<Told>| async move {
        drop(std::hint::black_box(vec![1_u8; BIG]));
        if let Mail::Msg(Told::Heap(reply)) = me.recv().await {
            reply.send(me.info().heap.expect("this program counts"));
        }
    })?;
    let heap = heap(&node, &peaks).await;
    assert!(heap.memory < BIG as u64, "{heap:?}");
    assert!(heap.peak > BIG as u64, "{heap:?}");
    Ok(())
}

/// Waits until so much is left: news of a death comes before the last of it is done.
async fn await_left(node: &Node, expected: u64) {
    let left = || node.memory().expect("this program counts").left;
    for _ in 0..1000 {
        if left() == expected {
            return;
        }
        node.sleep(foundation::ms(2)).await;
    }
    assert_eq!(left(), expected);
}

#[foundation::test]
async fn what_nobody_can_look_into_stays_with_its_maker(node: Node) -> foundation::Result {
    let (giver, taker) = (node.spawn_fn(keeper)?, node.spawn_fn(keeper)?);
    let empty = heap(&node, &taker).await;
    giver.send(Told::Give(taker.clone()))?;
    assert!(heap(&node, &giver).await.memory > BIG as u64);
    assert_eq!(heap(&node, &taker).await.memory, empty.memory);
    // Its maker ends, and it goes on living elsewhere.
    giver.send(Told::Stop)?;
    await_left(&node, BIG as u64 + 4).await;
    taker.send(Told::Stop)?;
    await_left(&node, 0).await;
    Ok(())
}

#[foundation::test]
async fn a_process_is_charged_for_its_own_body(node: Node) -> foundation::Result {
    let (reply, figures) = promise(&node);
    node.spawn_fn(|me: Process<Told>| async move {
        let before = memory(&me.info());
        let state = [7_u8; 50_000];
        let child = me.node().spawn_fn(move |mut me: Process<Told>| async move {
            while let Mail::Msg(Told::Heap(reply)) = me.recv().await {
                reply.send(me.info().heap.expect("this program counts"));
            }
            std::hint::black_box(&state);
        });
        let child = child.expect("there is room");
        let after = memory(&me.info());
        let theirs = heap(&me.node(), &child).await.memory;
        reply.send((after - before, theirs));
    })?;
    let (mine, theirs) = figures.await?;
    assert!(mine < 10_000, "{mine}");
    assert!(theirs > 50_000, "{theirs}");
    Ok(())
}

#[foundation::test]
async fn envelopes_are_nobodys(node: Node) -> foundation::Result {
    let taker = node.spawn_fn(keeper)?;
    let address = taker.clone();
    let sender = node.spawn_fn(move |_: Process<Told>| async move {
        for _ in 0..3000 {
            let empty = Told::Keep(Sealed(Vec::new()));
            address.send(empty).expect("it is a local process");
        }
    })?;
    node.down(sender.pid()).await;
    await_left(&node, 0).await;
    heap(&node, &taker).await;
    await_left(&node, 0).await;
    Ok(())
}
