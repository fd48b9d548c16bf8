//! Which decoders of foreign bytes are there, and what does each of them promise?
//!
//! Role       [`TARGETS`]: one row per decoder. A fuzzer runs them with whatever it can think of, the
//!            test `replay` with what is known.
//! Invariant  No bytes make a target panic, or allocate more than [`Target::allocates`] allows. What a
//!            decoder accepts is written by its encoder, and read again as the same.

mod limit;
mod members;
mod overlays;
mod terms;
mod words;

use foundation_cluster::fuzz as cluster;

/// One decoder.
pub struct Target {
    /// What it is called on the command line, and the folder of its corpus.
    pub name: &'static str,
    /// Reads the bytes, and panics if a promise was broken. Whether they were what it reads.
    pub read: fn(&[u8]) -> bool,
    /// Real encodings, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The most bytes that it may hold at once: so many, and so many for each byte of the input.
    pub allocates: (usize, usize),
}

/// What is small whatever comes: machines and their tables.
const SMALL: usize = 64 << 10;
/// serde makes room for 1 MiB of a list before it has seen its elements, and lists lie in lists.
const SERDE: usize = 4 << 20;

const fn target(
    name: &'static str,
    read: fn(&[u8]) -> bool,
    seeds: fn() -> Vec<Vec<u8>>,
    allocates: (usize, usize),
) -> Target {
    Target {
        name,
        read,
        seeds,
        allocates,
    }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target(
        "frame",
        foundation_runtime::fuzzed::frame,
        none,
        (SMALL, 64),
    ),
    target("term", terms::read, terms::seeds, (SMALL, 256)),
    target(
        "offer",
        foundation_actors::fuzz::offer,
        foundation_actors::fuzz::offer_seeds,
        (SERDE, 256),
    ),
    // Bytes that are packed become 255 times as many, and are there twice while they are read.
    target(
        "connection",
        cluster::connection,
        cluster::connection_seeds,
        (2 * SMALL, 1024),
    ),
    target(
        "handshake",
        cluster::handshake,
        cluster::handshake_seeds,
        (SMALL, 64),
    ),
    target(
        "membership",
        cluster::membership,
        cluster::membership_seeds,
        (SMALL, 64),
    ),
    target("members", members::read, members::seeds, (1 << 20, 256)),
    target("groups", words::groups, words::group_seeds, (SERDE, 256)),
    target("globals", words::globals, words::global_seeds, (SERDE, 256)),
    target("desk", words::desk, words::desk_seeds, (SERDE, 256)),
    target("dns", words::dns, words::dns_seeds, (SMALL, 512)),
    target("beat", words::beat, words::beat_seeds, (SMALL, 64)),
    target("plan", words::plan, words::plan_seeds, (SMALL, 256)),
    target("overlay", overlays::read, overlays::seeds, (SMALL, 64)),
];

fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

impl Target {
    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Reads the bytes. Whether they were what it reads.
    ///
    /// # Panics
    /// When a promise was broken.
    pub fn check(&self, bytes: &[u8]) -> bool {
        let (good, held) = limit::most(|| (self.read)(bytes));
        let (base, each) = self.allocates;
        let may = base + each * bytes.len();
        assert!(
            held <= may,
            "{}: {held} bytes were allocated at once for {} of input; {may} are allowed",
            self.name,
            bytes.len()
        );
        good
    }
}
