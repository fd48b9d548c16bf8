//! What if states are none?

use foundation::prelude::*;

#[states]
enum Lock {
    #[to(Ajar)]
    Open,
    #[to]
    Shut,
}

#[states]
enum Kept<T> {
    One(T),
}

#[states]
enum Never {}

#[states]
struct Door;

#[states(all)]
enum Wide {
    Open,
}

fn main() {}
