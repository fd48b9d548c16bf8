//! A network that a seed decides.
//!
//! Role       Hosts with addresses, and streams between them, in virtual time: what TCP makes of a
//!            bad network, namely delay and silence, and a reset when an end is gone.
//! Inputs     Faults: cut links, loss, latency, hosts that crash or fall silent.
//! Outputs    Streams and listeners, as those of the machine.
//! Invariant  Same seed, same faults, same order of calls: every byte arrives at the same time.
//!            Bytes of one stream keep their order, whatever is lost and sent again.
//! Limit      [`WINDOW_BYTES`] on their way in a stream; then its writer waits.

mod directory;
mod link;
mod pipe;
mod state;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use directory::SimName;
use foundation_runtime::World;
pub use link::{BadLink, Link};
use state::State;
pub(crate) use stream::{SimHost, SimListener, SimStream};

use crate::machine::Tick;

/// The most bytes on their way in one direction of a stream.
pub const WINDOW_BYTES: usize = 256 * 1024;

/// The network of one simulated world. Clones are the same network.
///
/// ```
/// use foundation_cluster::transport::simulated::SimNetwork;
/// use foundation_runtime::World;
/// World::simulate(1, |world| async move {
///     let network = SimNetwork::new(&world);
///     network.partition("a", "b");
///     assert!(network.is_cut("a", "b"));
///     network.heal("a", "b");
///     assert!(!network.is_cut("a", "b"));
/// })?;
/// # Ok::<(), foundation_runtime::SimError>(())
/// ```
#[derive(Clone)]
pub struct SimNetwork {
    state: Arc<Mutex<State>>,
    world: World,
}

/// Where a world keeps its network.
#[derive(Default)]
struct Slot(OnceLock<Arc<Mutex<State>>>);

/// What went over a network so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that came about.
    pub connections: u64,
    /// Portions of bytes that were sent.
    pub portions: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Times that a portion was lost, and sent again.
    pub lost: u64,
}

impl SimNetwork {
    /// The network of this world, whose seed decides its latencies and losses. There is one: asked
    /// again, it is the same. In a real world it is in memory as well, and real time passes.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let slot = world.shared::<Slot>();
        let fresh = || Arc::new(Mutex::new(State::new(world.random())));
        Self {
            state: Arc::clone(slot.0.get_or_init(fresh)),
            world: world.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Tick {
        tick(self.world.now())
    }

    /// The host of this name, where a node can live.
    pub(crate) fn host(&self, name: &str) -> SimHost {
        let id = self.state().host(name);
        SimHost::new(Arc::clone(&self.state), self.world.clone(), id, name)
    }

    /// How a link between any two hosts is, unless it is set for the two.
    pub fn set_default_link(&self, link: Link) {
        self.state().default_link = link;
    }

    /// How the link between two hosts is, both ways.
    pub fn set_link(&self, a: &str, b: &str, link: Link) {
        let mut state = self.state();
        let (a, b) = (state.host(a), state.host(b));
        state.links.insert((a, b), link);
        state.links.insert((b, a), link);
    }

    /// Nothing passes between two hosts, either way, until [`SimNetwork::heal`].
    pub fn partition(&self, a: &str, b: &str) {
        self.partition_one_way(a, b);
        self.partition_one_way(b, a);
    }

    /// Nothing that `from` sends reaches `to`.
    pub fn partition_one_way(&self, from: &str, to: &str) {
        let now = self.now();
        let mut state = self.state();
        let ends = (state.host(from), state.host(to));
        state.cut(now, ends);
    }

    /// Parts the hosts into two sides that do not reach each other.
    pub fn split(&self, side: &[&str], other: &[&str]) {
        for a in side {
            for b in other {
                self.partition(a, b);
            }
        }
    }

    /// What was cut between two hosts passes again.
    pub fn heal(&self, a: &str, b: &str) {
        let now = self.now();
        let mut state = self.state();
        let (a, b) = (state.host(a), state.host(b));
        state.join(now, (a, b));
        state.join(now, (b, a));
    }

    /// Everything that was cut passes again.
    pub fn heal_all(&self) {
        let now = self.now();
        self.state().join_all(now);
    }

    /// Whether nothing passes from one host to another.
    #[must_use]
    pub fn is_cut(&self, from: &str, to: &str) -> bool {
        let mut state = self.state();
        let ends = (state.host(from), state.host(to));
        state.is_cut(ends)
    }

    /// Every connection between two hosts is reset, as by a firewall that starts anew; new ones can be
    /// opened at once.
    pub fn reset(&self, a: &str, b: &str) {
        let now = self.now();
        let mut state = self.state();
        let ends = (state.host(a), state.host(b));
        state.reset(now, ends);
    }

    /// The connection between two hosts that was opened last is reset, and no other.
    pub fn reset_last(&self, a: &str, b: &str) {
        let now = self.now();
        let mut state = self.state();
        let ends = (state.host(a), state.host(b));
        state.reset_last(now, ends);
    }

    /// Of so many of the next portions that `from` sends to `to` one bit is changed on its way, as by a
    /// faulty switch or somebody who means harm. With TLS that ends the connection; without it,
    /// whoever reads it has to see to it.
    pub fn garble(&self, from: &str, to: &str, portions: u32) {
        let mut state = self.state();
        let ends = (state.host(from), state.host(to));
        state.garble(ends, portions);
    }

    /// The programs of a host are killed: its connections are reset, and nobody listens there until
    /// a node is started on it again. What goes on of a node that was there reaches nobody:
    /// [`World::halt`] ends it as well.
    pub fn kill(&self, host: &str) {
        let now = self.now();
        let mut state = self.state();
        let host = state.host(host);
        state.kill(now, host, true);
    }

    /// A host loses its power: the others hear nothing of it, not even that its connections have
    /// ended. Of a node that was there it is as with [`SimNetwork::kill`].
    pub fn cut_power(&self, host: &str) {
        let now = self.now();
        let mut state = self.state();
        let host = state.host(host);
        state.kill(now, host, false);
    }

    /// What went over it so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.state().traffic
    }
}

impl std::fmt::Debug for SimNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimNetwork").finish_non_exhaustive()
    }
}

fn tick(now: Duration) -> Tick {
    Tick::ZERO + now
}
