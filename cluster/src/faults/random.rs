//! Which faults does a seed make?
//!
//! Role       A plan of all kinds of faults, each of which is mended after a while.

use std::time::Duration;

use foundation_runtime::Rng;

use super::plan::{Fault, Plan, Shape};
use crate::overlay::client_server::SERVERS_MAX;
use crate::transport::simulated::Link;

/// How long after a switch another one can be ordered, as nodes have it by default.
const SWITCH_PAUSE: Duration = Duration::from_secs(31);

impl Plan {
    /// About so many faults of every kind for a cluster of so many nodes, decided by the seed. Nothing
    /// happens to `n0`'s program, at which the others join; what is harmed is mended some seconds later,
    /// or before four fifths of the time are over.
    ///
    /// ```
    /// use foundation_cluster::faults::Plan;
    /// use std::time::Duration;
    /// let plan = Plan::random(7, 5, Duration::from_secs(60), 10);
    /// assert_eq!(plan, Plan::random(7, 5, Duration::from_secs(60), 10));
    /// assert_ne!(plan, Plan::random(8, 5, Duration::from_secs(60), 10));
    /// assert!(plan.faults().len() >= 10);
    /// ```
    ///
    /// # Panics
    /// With fewer than two nodes.
    #[must_use]
    pub fn random(seed: u64, nodes: u32, length: Duration, count: usize) -> Self {
        assert!(1 < nodes, "a plan is for two nodes or more");
        let mut rng = Rng::new(seed);
        let (mut faults, mut mended) = (Vec::new(), false);
        let last = length.as_millis() as usize * 4 / 5;
        for _ in 0..count {
            let begins = rng.below(last.max(1));
            let ends = (begins + 500 + rng.below(10_000)).min(last);
            let at = |millis: usize| Duration::from_millis(millis as u64);
            let (fault, mending) = pair(&mut rng, nodes as usize);
            faults.push((at(begins), fault));
            mended |= mending == Fault::Heal;
            faults.push((at(ends), mending));
        }
        let mut switched = None;
        faults.sort_by_key(|(when, _)| *when);
        faults.retain(|(when, fault)| {
            let is_switch = matches!(fault, Fault::Switch(_));
            let is_early = switched.is_some_and(|last| *when < last + SWITCH_PAUSE);
            if is_switch && !is_early {
                switched = Some(*when);
            }
            !(is_switch && is_early)
        });
        if mended {
            faults.push((Duration::from_millis(last as u64), Fault::Heal));
        }
        Self::new(faults)
    }
}

/// A fault, and what mends it.
fn pair(rng: &mut Rng, nodes: usize) -> (Fault, Fault) {
    let node = 1 + rng.below(nodes - 1);
    let (a, b) = (rng.below(node), node);
    match rng.below(12) {
        0 => (Fault::Crash(node), Fault::Restart(node)),
        1 => (Fault::PowerOff(node), Fault::Restart(node)),
        2 => (Fault::Pause(node), Fault::Resume(node)),
        3 => {
            let turn = Duration::from_millis(1 + rng.below(20) as u64);
            (Fault::Slow(node, turn), Fault::Slow(node, Duration::ZERO))
        }
        4 => {
            let rate = 0.9 + rng.below(21) as f64 / 100.0;
            (Fault::ClockRate(node, rate), Fault::ClockRate(node, 1.0))
        }
        5 => {
            let ahead = Duration::from_millis(rng.below(20_000) as u64);
            (Fault::ClockJump(node, ahead), Fault::Resume(node))
        }
        6 if nodes > 2 => (Fault::Split(1 + rng.below(nodes - 1)), Fault::Heal),
        7 => (Fault::CutOneWay(b, a), Fault::Heal),
        9 => {
            let shape = match rng.below(3) {
                0 => Shape::FullMesh,
                1 => Shape::HyParView,
                _ => Shape::ClientServer(1 + rng.below(nodes.min(SERVERS_MAX))),
            };
            (Fault::Switch(shape), Fault::Heal)
        }
        8 => {
            let most = Duration::from_millis(2 + rng.below(300) as u64);
            let link = Link::new(Duration::from_millis(1), most, rng.below(30) as f64 / 100.0);
            let link = link.unwrap_or_default();
            (Fault::Link(a, b, link), Fault::Link(a, b, Link::default()))
        }
        10 => {
            let each = Duration::from_millis(1 + rng.below(300) as u64);
            (
                Fault::SlowDisk(node, each),
                Fault::SlowDisk(node, Duration::ZERO),
            )
        }
        _ => (Fault::Cut(a, b), Fault::Heal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_seed_makes_can_be_written_and_read() {
        let length = Duration::from_secs(60);
        for seed in 0..200 {
            let plan = Plan::random(seed, 2 + seed as u32 % 6, length, 12);
            let text = plan.to_string();
            let read = Plan::read(&text, 2 + seed as u32 % 6, length);
            // Latencies of less than a millisecond are not written.
            assert_eq!(read.map(|plan| plan.to_string()), Ok(text), "seed {seed}");
        }
    }

    #[test]
    fn every_kind_of_fault_is_made() {
        let all =
            (0..60).map(|seed| Plan::random(seed, 5, Duration::from_secs(60), 10).to_string());
        let all: String = all.collect();
        let verbs = [
            "crash",
            "power_off",
            "restart",
            "pause",
            "resume",
            "slow",
            "slow_disk",
            "clock_rate",
            "clock_jump",
            "split",
            "cut",
            "cut_one_way",
            "link",
            "heal",
            "switch",
        ];
        for verb in verbs {
            assert!(all.contains(&format!(" {verb}")), "{verb} is never made");
        }
    }
}
