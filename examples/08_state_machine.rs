//! A state machine: a door with a code, where what a message does depends on the state it finds.
//!
//! Run:      cargo run --example 08_state_machine
//! Shows:    `#[states]`, `#[statem]`, state timeouts, enter handlers, postponed events, what is refused.
//! Expect:   wrong code: false
//!           not while it is locked: Door::close is not handled in the state Locked
//!           the bell waits
//!           the door is open
//!           ding dong
//!           right code: true
//!           locked again, after 1 visitor(s)
//! Next:     09_cluster

use foundation::prelude::*;
use foundation::statem::Enter;

// ANCHOR: states
/// The states, and which may follow which. A state may have data of its own.
#[states]
enum Lock {
    #[to(Open)]
    Locked { wrong: u32 },
    #[to(Locked)]
    Open,
}
// ANCHOR_END: states

// ANCHOR: door
/// The data that all states have in common.
struct Door {
    code: u32,
    visitors: u32,
}

#[statem(Lock)]
impl Door {
    #[init]
    fn init(code: u32) -> (Self, Lock) {
        let visitors = 0;
        (Self { code, visitors }, Locked { wrong: 0 }.into())
    }

    /// Whether that was the code.
    #[call(in Locked)]
    fn unlock(&mut self, code: u32, locked: &mut Locked, cx: &mut In<Self, Locked>) -> bool {
        if code != self.code {
            locked.wrong += 1;
            return false;
        }
        cx.goto(Open);
        true
    }

    /// Somebody rings; while the door is locked, the bell waits.
    #[cast(in Open, postpone in Locked)]
    fn ring(&mut self) {
        self.visitors += 1;
        println!("ding dong");
    }

    #[enter(Open)]
    fn opened(&mut self, cx: &mut In<Self, Enter<Open>>) {
        println!("the door is open");
        cx.state_timeout(ms(300), DoorMsg::TooLong);
    }

    /// What the timeout is.
    #[internal(in Open)]
    fn too_long(&mut self, cx: &mut In<Self, Open>) {
        println!("locked again, after {} visitor(s)", self.visitors);
        cx.goto(Locked { wrong: 0 });
    }

    /// Closes it, which is not possible in every state.
    #[call(in Open)]
    fn close(&mut self, cx: &mut In<Self, Open>) {
        cx.goto(Locked { wrong: 0 });
    }

    /// The name of the state, whichever it is.
    #[call]
    fn state(&self, lock: &Lock) -> String {
        match lock {
            Lock::Locked(locked) => format!("locked, {} wrong", locked.wrong),
            Lock::Open => "open".to_owned(),
        }
    }
}
// ANCHOR_END: door

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    // ANCHOR: use
    let door = node.start::<Door>(42).await?;
    println!("wrong code: {}", door.unlock(1).await?);
    assert_eq!(door.state().await?, "locked, 1 wrong");
    if let Err(CallError::Refused(why)) = door.close().await {
        println!("not while it is locked: {why}");
    }
    door.ring()?;
    println!("the bell waits");
    let right = door.unlock(42).await?;
    // The answer comes before the state is entered, and that before what is asked next.
    assert_eq!(door.state().await?, "open");
    println!("right code: {right}");
    // ANCHOR_END: use
    while door.state().await? == "open" {
        node.sleep(ms(10)).await;
    }
    Ok(())
}
