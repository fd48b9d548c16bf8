//! What if a parameter is called `ReplyTo` and is something else?

use foundation::prelude::*;

mod mail {
    pub struct ReplyTo<T>(pub T);
}

pub struct Counter(u64);

#[actor]
impl Counter {
    #[call]
    fn ask(&mut self, to: mail::ReplyTo<u8>) {
        let _ = to;
    }
}

fn main() {}
