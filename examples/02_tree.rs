//! A supervision tree: a process is killed, and its supervisor starts it again under its name.
//!
//! Run:      cargo run --example 02_tree
//! Shows:    `Supervisor`, children as recipes, names that survive restarts, `#[init]` and
//!           `#[terminate]`.
//! Expect:   stats: 1 hit
//!           stats crashed and is back: 0 hits
//!           session 7 is open
//!           3 of 3 children run
//!           session 7 closes: shutdown
//!           the tree has stopped
//! Next:     03_selective_receive

use foundation::prelude::*;

// ANCHOR: actors
#[derive(Default)]
struct Stats {
    hits: u64,
}

#[actor]
impl Stats {
    #[cast]
    fn hit(&mut self) {
        self.hits += 1;
    }

    #[call]
    fn hits(&self) -> u64 {
        self.hits
    }

    #[cast]
    fn trip(&mut self) {
        panic!("tripped over a stone");
    }
}

struct Session {
    id: u32,
}

#[actor]
impl Session {
    /// Runs inside the new process; whoever started it waits until it is done.
    #[init]
    fn init(id: u32, cx: &mut Cx<Self>) -> Self {
        // Only who traps exits is told when its supervisor stops it.
        cx.trap_exit(true);
        Self { id }
    }

    #[call]
    fn greet(&self) -> String {
        format!("session {} is open", self.id)
    }

    #[terminate]
    fn bye(&mut self, why: &Reason) {
        println!("session {} closes: {why}", self.id);
    }
}

struct Clock {
    ticks: u64,
}

#[actor]
impl Clock {
    #[init]
    fn init(first: u64) -> Self {
        Self { ticks: first }
    }

    #[call]
    fn ticks(&self) -> u64 {
        self.ticks
    }
}
// ANCHOR_END: actors

// ANCHOR: tree
const STATS: Name<Stats> = Name::new("stats");
const CLOCK: Name<Clock> = Name::new("clock");
const SESSIONS: Name<Dynamic<Session>> = Name::new("sessions");

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let tree = Supervisor::one_for_one()
        .intensity(3, secs(5))
        .child(child(Stats::default).name(STATS))
        .child(child_with::<Clock>(0).name(CLOCK).shutdown(secs(2)))
        .child(
            Supervisor::dynamic::<Session>()
                .max_children(100)
                .name(SESSIONS),
        )
        .start(&node)
        .await?;
    // ANCHOR_END: tree

    // ANCHOR: restart
    node.at(STATS).hit()?;
    println!("stats: {} hit", node.at(STATS).hits().await?);

    let before = node.at(STATS).pid();
    node.at(STATS).trip()?;
    node.down(before).await; // its name is free again by now
    while node.at(STATS).find().is_none() {
        node.sleep(ms(1)).await; // until the supervisor has started another
    }
    let hits = node.at(STATS).hits().await?;
    println!("stats crashed and is back: {hits} hits");
    // ANCHOR_END: restart

    // ANCHOR: dynamic
    let session = node.at(SESSIONS).start_child(7).await??;
    if let Some(session) = session {
        println!("{}", session.greet().await?);
    }
    // ANCHOR_END: dynamic
    assert_eq!(node.at(CLOCK).ticks().await?, 0);
    let counts = tree.count_children().await?;
    println!("{} of {} children run", counts.active, counts.specs);

    node.stop(&tree, Reason::Shutdown, secs(5)).await?;
    println!("the tree has stopped");
    Ok(())
}
