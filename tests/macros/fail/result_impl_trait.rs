//! What if a result is `impl Trait`?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn get(&self) -> impl Future<Output = u64> {
        std::future::ready(1)
    }
}

fn main() {}
