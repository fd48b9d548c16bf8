//! What if a handler is for a state that is none?

use foundation::prelude::*;

#[states]
enum Lock {
    #[to(Open)]
    Locked { wrong: u32 },
    #[to(Shut)]
    Open,
    #[to(Locked, Open)]
    Shut,
}

struct Door;

#[statem(Lock)]
impl Door {
    #[init]
    fn init() -> (Self, Lock) {
        (Self, Lock::Open)
    }

    #[cast(in Ajar)]
    fn knock(&mut self) {}
}

fn main() {}
