//! What if a handler goes where its state does not?

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
    fn kick(&mut self, cx: &mut In<Self, Locked>) {
        cx.goto(Shut);
    }

    #[cast(in Open | Shut)]
    fn lock(&mut self, cx: &mut In<Self, (Open, Shut)>) {
        cx.goto(Locked { wrong: 0 });
    }

    #[cast(in Open)]
    fn close(&mut self, cx: &mut In<Self, Open>) {
        cx.goto(Lock::Shut);
    }
}

fn main() {}
