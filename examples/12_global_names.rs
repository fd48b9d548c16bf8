//! A name for the whole cluster: one process has it, every node finds it, and a lock is held by one.
//!
//! Run:      cargo run --example 12_global_names
//! Shows:    a global name, a process group over nodes, and what is left of both when a node is lost.
//! Expect:   b finds the tally of a: 1
//!           nobody else gets the name
//!           2 are in the group
//!           the node a is lost
//!           the name is free, and 1 is in the group
//! Next:     13_discovery

use foundation::Scope;
use foundation::prelude::*;

#[derive(Default)]
struct Tally {
    n: u64,
}

#[actor]
impl Tally {
    #[call]
    fn add(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }
}

const TALLY: Name<Tally> = Name::new("tally");

fn main() -> foundation::Result {
    // The network is in memory, and time is not real: the same program runs over sockets.
    World::simulate(1, |world| async move {
        let [a, b] = world.nodes(["a", "b"], async |_| {}).await;
        if let Err(error) = run(&world, &a, &b).await {
            panic!("{error}");
        }
    })?;
    Ok(())
}

async fn run(world: &World, a: &Node, b: &Node) -> foundation::Result {
    let (ours, theirs) = (a.spawn(Tally::default())?, b.spawn(Tally::default())?);
    a.global().register("tally", &ours).await?;
    if let Some(tally) = b.global().find(&TALLY) {
        println!("b finds the tally of a: {}", tally.add(1).await?);
    }
    if b.global().register("tally", &theirs).await.is_err() {
        println!("nobody else gets the name");
    }
    let tallies = Scope::of(b).group::<Tally>("tallies");
    Scope::of(a).group("tallies").join(&ours)?;
    tallies.join(&theirs)?;
    let both = async || tallies.members().len() == 2;
    world.eventually(secs(5), both).await;
    println!("2 are in the group");

    println!("the node a is lost");
    world.crash(a);
    let one = async || tallies.members().len() == 1 && b.global().whereis("tally").is_none();
    world.eventually(secs(5), one).await;
    b.global().register("tally", &theirs).await?;
    println!("the name is free, and 1 is in the group");
    Ok(())
}
