//! What if `#[actor(mailbox(..))]` says what no mailbox can be?

use foundation::prelude::*;

pub struct Zero;

#[actor(mailbox(capacity = 0, when_full = reject))]
impl Zero {
    #[call]
    fn get(&self) {}
}

pub struct Silent;

#[actor(mailbox(capacity = 10))]
impl Silent {
    #[call]
    fn get(&self) {}
}

pub struct Unknown;

#[actor(mailbox(capacity = 10, when_full = panic))]
impl Unknown {
    #[call]
    fn get(&self) {}
}

fn main() {}
