//! Who keeps what comes?
//!
//! Role       The process that most tests of whole nodes speak with, and a world with its network.

use std::sync::{Arc, Mutex};

use foundation_cluster::SimNetwork;
use foundation_macros::actor;
use foundation_runtime::World;

/// [`super::common::simulate`], with the network of each world.
pub(crate) fn simulate<Fut: Future<Output = ()>>(
    seeds: u64,
    body: impl Fn(World, SimNetwork) -> Fut,
) {
    super::common::simulate(seeds, |world| {
        let network = SimNetwork::new(&world);
        body(world, network)
    });
}

/// Keeps what it is told.
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u32>>>);

#[actor(crate = foundation_actors)]
impl Log {
    #[init]
    fn init(kept: Arc<Mutex<Vec<u32>>>) -> Self {
        Self(kept)
    }

    #[cast]
    pub(crate) fn note(&mut self, number: u32) {
        self.0.lock().unwrap().push(number);
    }

    #[call]
    pub(crate) fn twice(&self, number: u32) -> u32 {
        2 * number
    }

    #[call]
    pub(crate) fn length(&self, bytes: Vec<u8>) -> usize {
        bytes.len()
    }
}
