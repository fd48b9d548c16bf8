//! What if two casts would be the same variant?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add_one(&mut self) {}
    #[cast]
    fn add__one(&mut self) {}
}

fn main() {}
