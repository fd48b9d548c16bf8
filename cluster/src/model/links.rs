//! What happens to a message on its way?
//!
//! Role       Loss, delay, partitions, and hosts that are slow: all from one seed.

use std::time::Duration;

use foundation_runtime::Rng;

use crate::machine::Tick;

/// A connection sends again after so long, then after twice as long, and so on.
pub const AGAIN: Duration = Duration::from_millis(200);

/// A host that stops and goes on, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stutter {
    /// For so long it stands.
    pub blocked: Duration,
    /// For so long it runs in between.
    pub open: Duration,
    /// Do its timers stand too, or only what it sends and receives?
    pub timers: bool,
}

/// The network between hosts.
#[derive(Debug)]
pub struct Links {
    /// The shortest and the longest way of a message.
    pub delay: (Duration, Duration),
    /// The share of datagrams that are lost. What goes over a connection is sent again after
    /// [`AGAIN`], as TCP does it.
    pub loss: f64,
    /// The share of datagrams that come a second time, at most so much later.
    pub repeated: (f64, Duration),
    side: Vec<u8>,
    stutter: Vec<Option<(Stutter, Duration)>>,
}

impl Links {
    /// A site's network: half a millisecond to two, no loss.
    pub(super) fn new() -> Self {
        Self {
            delay: (Duration::from_micros(500), Duration::from_millis(2)),
            loss: 0.0,
            repeated: (0.0, Duration::ZERO),
            side: Vec::new(),
            stutter: Vec::new(),
        }
    }

    pub(super) fn add(&mut self) {
        self.side.push(0);
        self.stutter.push(None);
    }

    /// Puts a host on one side of a partition. Hosts on different sides do not reach each other.
    pub fn set_side(&mut self, host: usize, side: u8) {
        self.side[host] = side;
    }

    /// All hosts reach each other.
    pub fn heal(&mut self) {
        self.side.fill(0);
    }

    /// Makes a host stutter, or no more; it begins `offset` into its first stop.
    pub fn set_stutter(&mut self, host: usize, stutter: Option<Stutter>, offset: Duration) {
        self.stutter[host] = stutter.map(|stutter| (stutter, offset));
    }

    /// When a host that wants to do something at `at` does it.
    fn when(&self, host: usize, at: Tick, timer: bool) -> Tick {
        let Some((stutter, offset)) = self.stutter[host] else {
            return at;
        };
        if timer && !stutter.timers {
            return at;
        }
        let period = (stutter.blocked + stutter.open).as_nanos() as u64;
        let phase = (at + offset).as_nanos() % period.max(1);
        let blocked = stutter.blocked.as_nanos() as u64;
        if phase >= blocked {
            return at;
        }
        at + Duration::from_nanos(blocked - phase)
    }

    pub(super) fn wake(&self, host: usize, at: Tick) -> Tick {
        self.when(host, at, true)
    }

    /// When a message arrives; never, if it is lost.
    pub(super) fn arrival(
        &self,
        rng: &mut Rng,
        (source, target): (usize, usize),
        now: Tick,
        datagram: bool,
    ) -> Option<Tick> {
        if self.side[source] != self.side[target] {
            return None;
        }
        let mut again = Duration::ZERO;
        while rng.chance(self.loss) {
            if datagram || again > 100 * AGAIN {
                return None;
            }
            again = 2 * again + AGAIN;
        }
        let (shortest, longest) = self.delay;
        let spread = usize::try_from((longest - shortest).as_nanos()).unwrap_or(0);
        let delay = shortest + Duration::from_nanos(rng.below(spread + 1) as u64);
        let sent = self.when(source, now, false);
        Some(self.when(target, sent + delay + again, false))
    }

    /// When a message that arrived at `at` arrives again, if it does.
    pub(super) fn again(&self, rng: &mut Rng, target: usize, at: Tick) -> Option<Tick> {
        let (share, longest) = self.repeated;
        if share == 0.0 || !rng.chance(share) {
            return None;
        }
        let micros = usize::try_from(longest.as_micros()).unwrap_or(usize::MAX - 1);
        let later = Duration::from_micros(rng.below(micros + 1) as u64);
        Some(self.when(target, at + later, false))
    }

    /// Do the two reach each other?
    #[must_use]
    pub fn connected(&self, one: usize, other: usize) -> bool {
        self.side[one] == self.side[other]
    }
}
