//! How many workers does the load ask for?
//!
//! Role       [`AutoScale`]: bounds and thresholds, and the decision after each look.
//! Inputs     What a look saw: how many workers there are, how many messages wait, who has nothing
//!            to do.
//! Outputs    So many more, one less, or as it is.
//! Invariant  Never fewer than the least, never more than the most. It grows by half at a time, since
//!            load comes at once, and shrinks by one, since it may come again.
//! Source     Foundation 2.0: BEAM.spawn_ecosystem, `count: :auto_scale`

use std::fmt;
use std::time::Duration;

/// A number of workers that follows the load.
///
/// Each second it is looked how many messages wait. When that is more than 16 for each worker, half
/// as many workers are started again, up to the most. When in thirty looks that follow each other no
/// message waited and somebody had nothing to do, one that has nothing to do is ended, down to the
/// least. It is ended as its supervisor ends any child: what is sent to it later is as lost as what
/// is sent to any dead process.
///
/// ```
/// use foundation_actors::{AutoScale, Workers};
/// let workers = Workers::AutoScale(AutoScale::between(2, 64).grow_above(100));
/// # let _ = workers;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoScale {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) every: Duration,
    grow_above: usize,
    shrink_after: u32,
}

/// Why workers cannot be scaled like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadAutoScale {
    /// The least is more than the most.
    LeastAboveMost(usize, usize),
    /// There is no time between two looks.
    NoPeriod,
    /// No looks without load would be enough: one worker less at each.
    NoLooks,
}

impl fmt::Display for BadAutoScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeastAboveMost(least, most) => {
                write!(
                    f,
                    "there cannot be at least {least} workers and at most {most}"
                )
            }
            Self::NoPeriod => f.write_str("between two looks at the load there must be some time"),
            Self::NoLooks => f.write_str("it takes at least one look to see that there is no load"),
        }
    }
}

impl std::error::Error for BadAutoScale {}

impl AutoScale {
    /// Between so many workers and so many.
    #[must_use]
    pub const fn between(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            every: Duration::from_secs(1),
            grow_above: 16,
            shrink_after: 30,
        }
    }

    /// How long it is from one look at the load to the next; a second unless set.
    #[must_use]
    pub const fn every(mut self, period: Duration) -> Self {
        self.every = period;
        self
    }

    /// More messages than that for each worker are too many; 16 unless set.
    #[must_use]
    pub const fn grow_above(mut self, messages: usize) -> Self {
        self.grow_above = messages;
        self
    }

    /// After so many looks without load there is one worker less; 30 unless set.
    #[must_use]
    pub const fn shrink_after(mut self, looks: u32) -> Self {
        self.shrink_after = looks;
        self
    }

    pub(super) fn check(&self) -> Result<(), BadAutoScale> {
        if self.min > self.max {
            return Err(BadAutoScale::LeastAboveMost(self.min, self.max));
        }
        if self.every.is_zero() {
            return Err(BadAutoScale::NoPeriod);
        }
        if self.shrink_after == 0 {
            return Err(BadAutoScale::NoLooks);
        }
        Ok(())
    }
}

/// What a look at the workers saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) workers: usize,
    /// Messages that wait at all of them.
    pub(super) messages: usize,
    /// How many have nothing to do.
    pub(super) idle: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    /// So many more.
    Grow(usize),
    /// One that has nothing to do goes.
    Shrink,
}

/// What is remembered from one look to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Looks {
    without_load: u32,
}

impl Looks {
    pub(super) fn decide(&mut self, scale: &AutoScale, load: Load) -> Step {
        let workers = load.workers;
        if workers < scale.min {
            return Step::Grow(scale.min - workers);
        }
        if load.messages > scale.grow_above.saturating_mul(workers) {
            self.without_load = 0;
            let room = scale.max.saturating_sub(workers);
            return match workers.div_ceil(2).min(room) {
                0 => Step::Stay,
                more => Step::Grow(more),
            };
        }
        if load.messages > 0 || load.idle == 0 {
            self.without_load = 0;
            return Step::Stay;
        }
        self.without_load += 1;
        if self.without_load < scale.shrink_after || workers == scale.min {
            self.without_load = self.without_load.min(scale.shrink_after);
            return Step::Stay;
        }
        self.without_load = 0;
        Step::Shrink
    }
}

#[cfg(test)]
mod tests {
    use super::{AutoScale, BadAutoScale, Load, Looks, Step};

    const SCALE: AutoScale = AutoScale::between(2, 9).grow_above(10).shrink_after(3);

    fn load(workers: usize, messages: usize, idle: usize) -> Load {
        Load {
            workers,
            messages,
            idle,
        }
    }

    #[test]
    fn it_grows_by_half_and_shrinks_by_one() {
        let rows = [
            (load(2, 20, 0), Step::Stay),
            (load(2, 21, 0), Step::Grow(1)),
            (load(3, 31, 0), Step::Grow(2)),
            (load(5, 1000, 2), Step::Grow(3)),
            (load(8, 1000, 0), Step::Grow(1)),
            (load(9, 1000, 0), Step::Stay),
            // Two looks without load, one with, three without.
            (load(9, 0, 9), Step::Stay),
            (load(9, 0, 9), Step::Stay),
            (load(9, 1, 8), Step::Stay),
            (load(9, 0, 1), Step::Stay),
            (load(9, 0, 1), Step::Stay),
            (load(9, 0, 1), Step::Shrink),
            (load(8, 0, 8), Step::Stay),
            (load(8, 0, 8), Step::Stay),
            // All are busy with their last message.
            (load(8, 0, 0), Step::Stay),
            (load(8, 0, 8), Step::Stay),
        ];
        let mut looks = Looks::default();
        for (row, (load, step)) in rows.into_iter().enumerate() {
            assert_eq!(looks.decide(&SCALE, load), step, "row {row}");
        }
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut looks = Looks::default();
        for _ in 0..100 {
            assert_eq!(looks.decide(&SCALE, load(2, 0, 2)), Step::Stay);
        }
        // One that could not be started again is missing.
        assert_eq!(looks.decide(&SCALE, load(0, 0, 0)), Step::Grow(2));
        assert_eq!(looks.decide(&SCALE, load(12, 1000, 0)), Step::Stay);
        let endless = AutoScale::between(1, usize::MAX).grow_above(usize::MAX);
        assert_eq!(looks.decide(&endless, load(3, usize::MAX, 0)), Step::Stay);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        use std::time::Duration;
        let one = AutoScale::between(1, 2);
        assert_eq!(one.check(), Ok(()));
        assert_eq!(
            AutoScale::between(3, 2).check(),
            Err(BadAutoScale::LeastAboveMost(3, 2))
        );
        assert_eq!(
            one.every(Duration::ZERO).check(),
            Err(BadAutoScale::NoPeriod)
        );
        assert_eq!(one.shrink_after(0).check(), Err(BadAutoScale::NoLooks));
    }
}
