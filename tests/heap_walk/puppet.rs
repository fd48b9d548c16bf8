//! What does a process of the walk do?
//!
//! Role       It holds blocks of memory, and does with them what it is told.

use std::task::Poll;

use foundation::prelude::*;
use foundation::{ReplyTo, dirty_io};

/// How a puppet ends by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Return,
    Panic,
}

/// A block that nobody can look into: it stays with whoever made it.
pub(crate) struct Sealed(Vec<u8>);

/// What a puppet is told.
#[derive(Message)]
#[message(local)]
pub(crate) enum Order {
    Make {
        id: u64,
        size: usize,
    },
    Resize {
        id: u64,
        size: usize,
    },
    Free {
        id: u64,
    },
    FreeElsewhere {
        id: u64,
    },
    Give {
        id: u64,
        to: ProcessRef<Order>,
        sealed: bool,
    },
    Take {
        id: u64,
        block: Vec<u8>,
    },
    TakeSealed {
        id: u64,
        block: Sealed,
    },
    Ping(ReplyTo<()>),
    End(End),
}

/// Room for all blocks that a puppet may hold, so that the list itself does not grow.
const ROOM: usize = 4096;

pub(crate) async fn puppet(mut me: Process<Order>) {
    let mut blocks: Vec<(u64, Vec<u8>)> = Vec::with_capacity(ROOM);
    // What the runtime keeps for a process that waits for a thread is there from the beginning.
    std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    loop {
        let order = match me.recv().await {
            Mail::Msg(order) => order,
            _ => return,
        };
        let take = |blocks: &mut Vec<(u64, Vec<u8>)>, id: u64| {
            let at = blocks.iter().position(|(other, _)| *other == id);
            blocks
                .swap_remove(at.expect("a puppet is told of blocks that it has"))
                .1
        };
        match order {
            Order::Make { id, size } => blocks.push((id, Vec::with_capacity(size))),
            Order::Take { id, block } => blocks.push((id, block)),
            Order::TakeSealed { id, block } => blocks.push((id, block.0)),
            Order::Resize { id, size } => {
                let mut block = take(&mut blocks, id);
                if size < block.capacity() {
                    block.shrink_to(size);
                } else {
                    block.reserve_exact(size);
                }
                blocks.push((id, block));
            }
            Order::Free { id } => drop(take(&mut blocks, id)),
            Order::FreeElsewhere { id } => {
                let block = take(&mut blocks, id);
                dirty_io(move || drop(block))
                    .await
                    .expect("the pool has room");
            }
            Order::Give { id, to, sealed } => {
                let block = take(&mut blocks, id);
                let order = match sealed {
                    true => Order::TakeSealed {
                        id,
                        block: Sealed(block),
                    },
                    false => Order::Take { id, block },
                };
                to.send(order).expect("it is a local process");
            }
            Order::Ping(reply) => reply.send(()),
            Order::End(End::Return) => return,
            Order::End(End::Panic) => panic!("a puppet was told to"),
        }
        assert!(
            blocks.len() < ROOM,
            "the walk gives too many blocks to one puppet"
        );
    }
}
