//! A state machine with type parameters, without states, and on what is none.

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
