//! What if a protocol has a parameter?

use foundation::prelude::*;

#[protocol]
trait Store<K> {
    #[call]
    fn has(&self, key: u32) -> bool;
}

fn main() {}
