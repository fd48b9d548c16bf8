//! What if `debug` is given something that it does not know?

use foundation::prelude::*;

#[derive(Debug)]
struct Counter;

#[actor(debug(state))]
impl Counter {
    #[call]
    fn get(&self) {}
}

#[derive(Debug)]
struct Other;

#[actor(debug = true)]
impl Other {
    #[call]
    fn get(&self) {}
}

fn main() {}
