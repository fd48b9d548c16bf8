//! Who has a shared binary, and who is charged for it?
//!
//! Source     otp: erlang:process_info/2, binary

use foundation::heap::SharedBytes;
use foundation::prelude::*;
use foundation::{HeapInfo, promise};
use serde::{Deserialize, Serialize};

const SIZE: usize = 100_000;

#[derive(Message)]
#[message(local)]
enum Told {
    Make(usize),
    Keep(Vec<SharedBytes>),
    /// Sends a clone of all it has.
    Send(ProcessRef<Told>),
    /// Keeps a part of each as well.
    Slice,
    Forget,
    Heap(ReplyTo<HeapInfo>),
}

async fn keeper(mut me: Process<Told>) {
    let mut kept: Vec<SharedBytes> = Vec::with_capacity(16);
    while let Mail::Msg(told) = me.recv().await {
        match told {
            Told::Make(size) => kept.push(SharedBytes::from(vec![7; size])),
            Told::Keep(mut more) => kept.append(&mut more),
            Told::Send(to) => to.send(Told::Keep(kept.clone())).expect("it is local"),
            Told::Slice => {
                let parts: Vec<SharedBytes> = kept.iter().map(|bytes| bytes.slice(..3)).collect();
                kept.extend(parts);
            }
            Told::Forget => kept.clear(),
            Told::Heap(reply) => reply.send(me.info().heap.expect("this program counts")),
        }
    }
}

async fn heap(node: &Node, of: &ProcessRef<Told>) -> HeapInfo {
    let (reply, heap) = promise(node);
    of.send(Told::Heap(reply)).expect("it is local");
    heap.await.expect("it answers")
}

#[foundation::test]
async fn a_binary_is_charged_once_and_seen_by_each(node: Node) -> foundation::Result {
    let (one, other) = (node.spawn_fn(keeper)?, node.spawn_fn(keeper)?);
    let before = node.memory().expect("this program counts");
    let empty = heap(&node, &one).await;
    assert_eq!(empty.shared, 0);
    one.send(Told::Make(SIZE))?;
    let with = heap(&node, &one).await;
    assert_eq!(with.shared, SIZE as u64);
    assert!(with.memory < empty.memory + 1000, "{with:?}");
    one.send(Told::Send(other.clone()))?;
    heap(&node, &one).await;
    let theirs = heap(&node, &other).await;
    assert_eq!((theirs.shared, theirs.lent), (SIZE as u64, 0));
    let now = node.memory().expect("this program counts");
    let more = now.processes as i64 - before.processes as i64;
    assert!(more < 2000, "no process is charged for the bytes: {more}");
    // Once is once, however many handles.
    other.send(Told::Slice)?;
    one.send(Told::Send(other.clone()))?;
    heap(&node, &one).await;
    assert_eq!(heap(&node, &other).await.shared, SIZE as u64);
    // Whoever lets go has it no more; the other one has.
    one.send(Told::Forget)?;
    assert_eq!(heap(&node, &one).await.shared, 0);
    assert_eq!(heap(&node, &other).await.shared, SIZE as u64);
    other.send(Told::Forget)?;
    assert_eq!(heap(&node, &other).await.shared, 0);
    Ok(())
}

/// A process that ends has nothing more, and the next one that has its account begins with nothing.
#[foundation::test]
async fn the_dead_share_nothing(node: Node) -> foundation::Result {
    let bytes = SharedBytes::from(vec![1; SIZE]);
    for _ in 0..50 {
        let (one, other) = (node.spawn_fn(keeper)?, node.spawn_fn(keeper)?);
        assert_eq!(heap(&node, &one).await.shared, 0);
        one.send(Told::Keep(vec![bytes.clone()]))?;
        one.send(Told::Make(10))?;
        one.send(Told::Send(other.clone()))?;
        assert_eq!(heap(&node, &one).await.shared, SIZE as u64 + 10);
        node.exit(&one, Reason::Kill);
        node.down(&one).await;
        assert_eq!(heap(&node, &other).await.shared, SIZE as u64 + 10);
        node.exit(&other, Reason::Kill);
        node.down(&other).await;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    title: String,
    body: SharedBytes,
}

#[foundation::test]
async fn bytes_are_bytes(_: Node) -> foundation::Result {
    let page = Page {
        title: "t".to_owned(),
        body: SharedBytes::copy_from_slice(b"some bytes"),
    };
    let text = serde_json::to_string(&page)?;
    let same: Page = serde_json::from_str(&text)?;
    assert_eq!(same, page);
    let part = page.body.slice(5..);
    assert_eq!(
        (&part[..], part.whole_len(), part.handles()),
        (&b"bytes"[..], 10, 2)
    );
    assert_eq!(part.slice(1..=2), b"yt"[..]);
    assert_eq!(part.copy().whole_len(), 5);
    assert_eq!(SharedBytes::default().len(), 0);
    let beyond = std::panic::catch_unwind(|| part.slice(..6));
    assert!(beyond.is_err(), "5 bytes have no sixth");
    Ok(())
}
