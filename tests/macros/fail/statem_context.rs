//! What if a handler takes the context or the state of somewhere else?

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

    #[cast(in Locked)]
    fn kick(&mut self, cx: &mut In<Self, Open>) {
        cx.goto(Shut);
    }

    #[cast]
    fn call_it(&mut self, cx: &mut Cx<Self>) {}

    #[cast]
    fn take_it(&mut self, cx: In<Self>) {}

    #[cast(in Open)]
    fn look(&mut self, open: &mut Shut) {}

    #[cast]
    fn write(&mut self, lock: &mut Lock) {}
}

fn main() {}
