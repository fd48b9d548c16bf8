//! What if an event is handled twice, or not declared?

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

    #[call(in Locked)]
    fn unlock(&mut self, code: u32) -> bool {
        code == 1
    }

    #[on(unlock, in Open | Locked)]
    fn unlock_again(&mut self, code: u32) -> bool {
        code == 2
    }

    #[on(unlock)]
    fn unlock_without(&mut self) -> bool {
        true
    }

    #[on(walk)]
    fn walks(&mut self) {}

    #[on]
    fn nothing(&mut self) {}

    #[cast(in Open, postpone in Open)]
    fn knock(&mut self) {}

    #[cast]
    fn info(&mut self) {}

    #[enter(Open)]
    fn opened(&mut self, who: String) {}
}

fn main() {}
