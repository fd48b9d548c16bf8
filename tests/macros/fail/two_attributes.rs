//! What if one method has two attributes?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    #[cast]
    fn get(&self) -> u64 {
        self.0
    }
}

fn main() {}
