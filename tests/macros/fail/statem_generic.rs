//! What if a state machine has type parameters, no states, or is none?

use foundation::prelude::*;

#[states]
enum Lock {
    Open,
}

struct Box<T>(T);

#[statem(Lock)]
impl<T> Box<T> {
    #[cast]
    fn knock(&mut self) {}
}

struct Door;

#[statem]
impl Door {
    #[cast]
    fn knock(&mut self) {}
}

#[statem(Lock)]
struct Window;

fn main() {}
