//! What if a state is changed while it is entered, at the start or at the end?

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
    fn init(cx: &mut In<Self, foundation::statem::Starting>) -> (Self, Lock) {
        cx.goto(Open);
        cx.postpone(DoorMsg::Close);
        (Self, Lock::Open)
    }

    #[enter(Open)]
    fn opened(&mut self, cx: &mut In<Self, foundation::statem::Enter<Open>>) {
        cx.goto(Shut);
        cx.postpone(DoorMsg::Close);
        cx.next_event(DoorMsg::Close);
    }

    #[internal]
    fn close(&mut self) {}

    #[terminate]
    fn bye(&mut self, cx: &mut In<Self, foundation::statem::Ending>) {
        cx.state_timeout(ms(1), DoorMsg::Close);
    }
}

fn main() {}
