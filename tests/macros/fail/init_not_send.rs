//! What if an async `#[init]` keeps something across an await that cannot change threads?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[init]
    async fn init() -> Self {
        let start = std::rc::Rc::new(1);
        std::future::ready(()).await;
        Self(*start)
    }
}

fn main() {}
