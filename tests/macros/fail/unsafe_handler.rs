//! What if a handler is `unsafe`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    unsafe fn add(&mut self) {}
}

fn main() {}
