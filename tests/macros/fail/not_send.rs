//! What if an async handler keeps something across an await that cannot change threads?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    async fn add(&mut self) {
        let by = std::rc::Rc::new(1);
        std::future::ready(()).await;
        self.0 += *by;
    }
    #[call]
    async fn get(&self) -> u64 {
        let by = std::rc::Rc::new(1);
        std::future::ready(()).await;
        self.0 + *by
    }
}

fn main() {}
