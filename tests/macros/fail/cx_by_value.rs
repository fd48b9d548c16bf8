//! What if the context is not lent?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn add(&mut self, cx: Cx<Self>) {
        drop(cx);
    }
    #[cast]
    fn sub(&mut self, cx: &Cx<Self>) {
        let _ = cx;
    }
}

fn main() {}
