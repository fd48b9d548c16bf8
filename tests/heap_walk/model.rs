//! What must each process be charged with?
//!
//! Role       The model beside the walk: every block, who made it, received it in a message that can
//!            be looked into, or last changed its size (who is charged), and who has it.
//! Invariant  A block that was given away is left alone until the next check: until then nobody
//!            knows whether it has arrived.

use std::collections::BTreeMap;

use foundation::prelude::*;
use foundation::{Rng, promise};

use crate::puppet::{End, Order, puppet};

const PUPPETS_MAX: usize = 12;
const SIZE_MAX: usize = 5000;
/// How often the walk looks again, five milliseconds apart, before it says that sums differ.
const WAITS: usize = 200;
const LONG: std::time::Duration = secs(60);

struct Block {
    size: usize,
    /// Which puppet.
    charged: u64,
    holder: u64,
    settled: bool,
}

struct Puppet {
    address: ProcessRef<Order>,
    /// What it is charged with beside its blocks.
    base: Option<u64>,
}

pub(crate) struct Model {
    node: Node,
    seed: u64,
    puppets: BTreeMap<u64, Puppet>,
    blocks: BTreeMap<u64, Block>,
    next: u64,
    /// What processes of earlier walks of this program have left.
    left_before: u64,
}

/// What a block is charged with: its bytes, and four for the name of the account.
fn price(size: usize) -> u64 {
    if size == 0 {
        0
    } else {
        size.next_multiple_of(4) as u64 + 4
    }
}

impl Model {
    pub(crate) fn new(node: Node, seed: u64) -> Self {
        let left_before = node.memory().expect("this program counts").left;
        Self {
            node,
            seed,
            puppets: BTreeMap::new(),
            blocks: BTreeMap::new(),
            next: 0,
            left_before,
        }
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn puppet(&self, rng: &mut Rng) -> u64 {
        let at = rng.below(self.puppets.len());
        *self.puppets.keys().nth(at).expect("there is one")
    }

    /// A block that is known to lie where the model says.
    fn block(&self, rng: &mut Rng) -> Option<(u64, u64)> {
        let settled: Vec<_> = self
            .blocks
            .iter()
            .filter(|(_, block)| block.settled)
            .collect();
        let at = (!settled.is_empty()).then(|| rng.below(settled.len()))?;
        let (id, block) = settled[at];
        Some((*id, block.holder))
    }

    fn tell(&self, puppet: u64, order: Order) {
        self.puppets[&puppet]
            .address
            .send(order)
            .expect("it is a local process");
    }

    pub(crate) async fn step(&mut self, rng: &mut Rng) {
        if self.puppets.len() < 2 {
            return self.spawn().await;
        }
        match rng.below(20) {
            0 if self.puppets.len() < PUPPETS_MAX => self.spawn().await,
            1 if rng.chance(0.5) => self.end(rng).await,
            2..=7 => self.make(rng),
            8 => self.make_outside(rng),
            9..=11 => self.resize(rng),
            12..=15 => self.give(rng),
            16 => self.free(rng, true),
            _ => self.free(rng, false),
        }
    }

    async fn spawn(&mut self) {
        let id = self.fresh();
        let address = self.node.spawn_fn(puppet).expect("there is room");
        self.puppets.insert(
            id,
            Puppet {
                address,
                base: None,
            },
        );
        // It has nothing yet: what it is charged with now it is charged with beside its blocks.
        self.ping(id).await;
        let base = self.memory(id).await;
        self.puppets
            .get_mut(&id)
            .expect("it was just put there")
            .base = Some(base);
    }

    fn make(&mut self, rng: &mut Rng) {
        let (id, puppet, size) = (self.fresh(), self.puppet(rng), rng.below(SIZE_MAX));
        self.tell(puppet, Order::Make { id, size });
        let block = Block {
            size,
            charged: puppet,
            holder: puppet,
            settled: true,
        };
        self.blocks.insert(id, block);
    }

    fn make_outside(&mut self, rng: &mut Rng) {
        let (id, puppet, size) = (self.fresh(), self.puppet(rng), rng.below(SIZE_MAX));
        let block = Vec::with_capacity(size);
        self.tell(puppet, Order::Take { id, block });
        let block = Block {
            size,
            charged: puppet,
            holder: puppet,
            settled: true,
        };
        self.blocks.insert(id, block);
    }

    fn resize(&mut self, rng: &mut Rng) {
        let Some((id, holder)) = self.block(rng) else {
            return;
        };
        let size = rng.below(SIZE_MAX);
        self.tell(holder, Order::Resize { id, size });
        let block = self.blocks.get_mut(&id).expect("it was just found");
        if size != block.size {
            (block.size, block.charged) = (size, holder);
        }
    }

    fn give(&mut self, rng: &mut Rng) {
        let Some((id, holder)) = self.block(rng) else {
            return;
        };
        let to = self.puppet(rng);
        let address = self.puppets[&to].address.clone();
        let sealed = rng.chance(0.5);
        let order = Order::Give {
            id,
            to: address,
            sealed,
        };
        self.tell(holder, order);
        let block = self.blocks.get_mut(&id).expect("it was just found");
        (block.holder, block.settled) = (to, false);
        if !sealed {
            block.charged = to;
        }
    }

    fn free(&mut self, rng: &mut Rng, elsewhere: bool) {
        let Some((id, holder)) = self.block(rng) else {
            return;
        };
        let order = match elsewhere {
            true => Order::FreeElsewhere { id },
            false => Order::Free { id },
        };
        self.tell(holder, order);
        self.blocks.remove(&id);
    }

    async fn end(&mut self, rng: &mut Rng) {
        let id = self.puppet(rng);
        self.settle().await;
        let pid = self.puppets[&id].address.pid();
        match rng.below(3) {
            0 => self.tell(id, Order::End(End::Return)),
            1 => self.tell(id, Order::End(End::Panic)),
            _ => self.node.exit(pid, Reason::Kill),
        }
        self.gone(id, pid).await;
    }

    async fn gone(&mut self, id: u64, pid: Pid) {
        self.node.down(pid).await;
        self.puppets.remove(&id);
        self.blocks.retain(|_, block| block.holder != id);
    }

    pub(crate) async fn end_all(&mut self) {
        self.settle().await;
        while let Some((id, puppet)) = self.puppets.first_key_value() {
            let (id, pid) = (*id, puppet.address.pid());
            self.tell(id, Order::End(End::Return));
            self.gone(id, pid).await;
        }
    }

    async fn ping(&self, puppet: u64) {
        let (reply, answer) = promise(&self.node);
        self.tell(puppet, Order::Ping(reply));
        answer.timeout(LONG).await.expect("a puppet answers");
    }

    /// Waits until what was given has been sent, and then until it has been received.
    async fn settle(&mut self) {
        for _ in 0..2 {
            for puppet in self.puppets.keys() {
                self.ping(*puppet).await;
            }
        }
        for block in self.blocks.values_mut() {
            block.settled = true;
        }
    }

    async fn memory(&self, puppet: u64) -> u64 {
        let pid = self.puppets[&puppet].address.pid();
        let info = self.node.info(pid, LONG).await.expect("it answers");
        let heap = info.expect("it is alive").heap;
        let heap = heap.expect("this program counts");
        assert_eq!(heap.lent, 0, "walk {}: nothing is under way", self.seed);
        heap.memory
    }

    /// Compares the accounts with the model, and with the allocator underneath.
    pub(crate) async fn check(&mut self, world: &World) {
        self.settle().await;
        for (id, puppet) in &self.puppets {
            let mine = |block: &&Block| block.charged == *id;
            let blocks: u64 = self
                .blocks
                .values()
                .filter(mine)
                .map(|block| price(block.size))
                .sum();
            let expected = puppet.base.expect("it was measured") + blocks;
            let mut memory = self.memory(*id).await;
            // A thread of the pool may be about to let go of what it was given.
            for _ in 0..WAITS {
                if memory == expected {
                    break;
                }
                world.sleep(foundation::ms(5)).await;
                memory = self.memory(*id).await;
            }
            assert_eq!(memory, expected, "walk {}: puppet {id}", self.seed);
        }
        let left: u64 = self
            .blocks
            .values()
            .filter(|block| self.is_left(block))
            .map(|block| price(block.size))
            .sum();
        // Workers and timekeeper may be at something: what they do is soon done.
        let mut sums = self.sums();
        for _ in 0..WAITS {
            if sums.0 == sums.1 && sums.2 == left {
                break;
            }
            world.sleep(foundation::ms(5)).await;
            sums = self.sums();
        }
        assert_eq!(
            sums.0, sums.1,
            "walk {}: the sum of all accounts",
            self.seed
        );
        assert_eq!(sums.2, left, "walk {}: what the dead have left", self.seed);
    }

    fn is_left(&self, block: &Block) -> bool {
        !self.puppets.contains_key(&block.charged)
    }

    /// What the accounts say and what the allocator underneath holds; what the dead have left.
    fn sums(&self) -> (i64, i64, u64) {
        let memory = self.node.memory().expect("this program counts");
        (
            memory.total as i64,
            crate::held(),
            memory.left - self.left_before,
        )
    }
}
