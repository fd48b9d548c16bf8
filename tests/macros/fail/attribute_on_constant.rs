//! What if an attribute is on something that is no method?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    const LIMIT: u64 = 3;
}

fn main() {}
