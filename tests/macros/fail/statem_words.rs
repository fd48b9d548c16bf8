//! What if an attribute has words that are not known, or comes from elsewhere?

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

#[statem(Lock, protocol(Bell), colour = 3)]
impl Door {
    #[init(in Open)]
    fn init() -> (Self, Lock) {
        (Self, Lock::Open)
    }

    #[call(ignore in Locked)]
    fn unlock(&mut self) {}

    #[cast(within Open)]
    fn knock(&mut self) {}

    #[timeout]
    fn late(&mut self) {}

    #[continue_with]
    fn next(&mut self) {}
}

fn main() {}
