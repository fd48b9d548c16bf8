//! The same code in a simulated world: one thread, virtual time, and a seed for every choice.
//!
//! Run:      cargo run --example 07_simulation
//! Shows:    `World::simulate`, a day that takes no time, and a run that repeats.
//! Expect:   a day has passed, and 96 quarters were struck
//!           seed 1 again: the same trace
//!           seed 2: the same bells, another trace
//! Next:     08_state_machine

use foundation::prelude::*;
use foundation::{SimError, SimReport};

// ANCHOR: clock
struct Bell {
    struck: u32,
}

#[actor]
impl Bell {
    #[init]
    fn init(cx: &mut Cx<Self>) -> Self {
        cx.msg_after(secs(15 * 60), BellMsg::Strike);
        Self { struck: 0 }
    }

    #[cast]
    fn strike(&mut self, cx: &mut Cx<Self>) {
        self.struck += 1;
        cx.msg_after(secs(15 * 60), BellMsg::Strike);
    }

    #[call]
    fn struck(&self) -> u32 {
        self.struck
    }
}
// ANCHOR_END: clock

// ANCHOR: simulate
/// A day between two bells, in virtual time. Which of them strikes first each quarter is the seed's
/// choice.
fn day(seed: u64) -> Result<(u32, SimReport), SimError> {
    World::simulate(seed, |world| async move {
        let node = world.node();
        let bell = node.start::<Bell>(()).await.expect("a bell");
        let _other = node.start::<Bell>(()).await.expect("another bell");
        world.sleep(secs(24 * 60 * 60) + ms(1)).await;
        bell.struck().await.expect("it still hangs")
    })
}

fn main() -> foundation::Result {
    let (struck, report) = day(1)?;
    println!("a day has passed, and {struck} quarters were struck");
    assert_eq!(report.trace_hash, day(1)?.1.trace_hash);
    println!("seed 1 again: the same trace");
    let (struck_too, other) = day(2)?;
    assert_eq!(struck, struck_too);
    assert_ne!(report.trace_hash, other.trace_hash);
    println!("seed 2: the same bells, another trace");
    Ok(())
}
// ANCHOR_END: simulate
