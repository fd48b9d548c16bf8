//! What if a handler returns what its event does not, and the start no state?

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
    fn init() -> Self {
        Self
    }

    #[call(in Locked)]
    fn unlock(&mut self, code: u32) -> bool {
        code == 1
    }

    #[on(unlock, in Open)]
    fn unlock_again(&mut self, code: String) -> u32 {
        7
    }

    #[cast]
    fn knock(&mut self) -> u32 {
        7
    }

    #[enter]
    fn entered(&mut self) -> u32 {
        7
    }
}

fn main() {}
