//! How is one run of a simulated world written down?
//!
//! Role       A schedule is what a run did otherwise than the ordinary order. It can be printed, read
//!            again, cut down, and followed.
//! Outputs    [`Schedule`], as text: `7/12p0.3,15d0.4,20b`: seed 7; at the 12th choice process 3 of
//!            node 0 runs, at the 15th something arrives at process 4, at the 20th the body runs.
//! Invariant  Written and read again it is the same.

use std::fmt;
use std::str::FromStr;

/// What happens next in a simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Choice {
    /// The test's body runs.
    Body,
    /// A process runs.
    Process { node: usize, slot: u32 },
    /// Something that was sent to a process arrives: the nth of those that may.
    Arrival { node: usize, slot: u32, nth: usize },
}

/// One choice that is not the ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deviation {
    /// Before which choice of the run, counted from zero.
    pub(super) at: u64,
    pub(super) choice: Choice,
}

/// One run of a simulated world, as far as it differs from the ordinary one: the processes go on as
/// long as they have something to do, and what is sent arrives at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// What `World::random` starts from.
    pub(super) seed: u64,
    pub(super) deviations: Vec<Deviation>,
}

impl Schedule {
    /// The ordinary run.
    #[must_use]
    pub fn ordinary(seed: u64) -> Self {
        Self {
            seed,
            deviations: Vec::new(),
        }
    }

    /// How often it leaves the ordinary order.
    #[must_use]
    pub fn deviations(&self) -> usize {
        self.deviations.len()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("b"),
            Self::Process { node, slot } => write!(f, "p{node}.{slot}"),
            Self::Arrival { node, slot, nth: 0 } => write!(f, "d{node}.{slot}"),
            Self::Arrival { node, slot, nth } => write!(f, "d{node}.{slot}:{nth}"),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.seed)?;
        for (nth, Deviation { at, choice }) in self.deviations.iter().enumerate() {
            let comma = if nth == 0 { "" } else { "," };
            write!(f, "{comma}{at}{choice}")?;
        }
        Ok(())
    }
}

/// The text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSchedule(pub Box<str>);

impl fmt::Display for BadSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no schedule; one reads `7/12p0.3,20b`", self.0)
    }
}

impl std::error::Error for BadSchedule {}

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        read(text).ok_or_else(|| BadSchedule(text.into()))
    }
}

fn read(text: &str) -> Option<Schedule> {
    let (seed, rest) = text.trim().split_once('/')?;
    let words = rest.split(',').filter(|word| !word.is_empty());
    let deviations: Option<Vec<Deviation>> = words.map(read_deviation).collect();
    let deviations = deviations?;
    let ascends = deviations.is_sorted_by(|a, b| a.at < b.at);
    ascends.then_some(Schedule {
        seed: seed.parse().ok()?,
        deviations,
    })
}

fn read_deviation(word: &str) -> Option<Deviation> {
    let kind = word.find(|c: char| c.is_ascii_alphabetic())?;
    let (at, choice) = word.split_at(kind);
    let (kind, who) = choice.split_at(1);
    let place = |who: &str| -> Option<(usize, u32)> {
        let (node, slot) = who.split_once('.')?;
        Some((node.parse().ok()?, slot.parse().ok()?))
    };
    let choice = match kind {
        "b" if who.is_empty() => Choice::Body,
        "p" => {
            let (node, slot) = place(who)?;
            Choice::Process { node, slot }
        }
        "d" => {
            let (who, nth) = who.split_once(':').unwrap_or((who, "0"));
            let (node, slot) = place(who)?;
            let nth = nth.parse().ok()?;
            Choice::Arrival { node, slot, nth }
        }
        _ => return None,
    };
    let at = at.parse().ok()?;
    Some(Deviation { at, choice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_they_are_written() {
        for text in ["0/", "7/12p0.3", "7/12p0.3,15d0.4,16d1.4:2,20b"] {
            assert_eq!(
                text.parse::<Schedule>().map(|s| s.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "7",
            "x/",
            "7/12",
            "7/12x0.3",
            "7/12p3",
            "7/p0.3",
            "7/12b1",
            "7/12p0.3,12b",
            "7/12d0.3:",
        ] {
            assert_eq!(
                text.parse::<Schedule>(),
                Err(BadSchedule(text.into())),
                "{text}"
            );
        }
    }
}
