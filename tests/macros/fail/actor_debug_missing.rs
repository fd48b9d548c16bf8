//! What if a state is to be shown that has no `Debug`?

use foundation::prelude::*;

struct Counter {
    n: i64,
}

#[actor(debug)]
impl Counter {
    #[call]
    fn get(&self) -> i64 {
        self.n
    }
}

fn main() {}
