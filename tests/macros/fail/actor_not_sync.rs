//! What if an async handler shares a state that cannot be shared?

use foundation::prelude::*;

pub struct Counter(std::cell::Cell<u64>);

#[actor]
impl Counter {
    #[call]
    async fn get(&self) -> u64 {
        std::future::ready(()).await;
        self.0.get()
    }
}

fn main() {}
