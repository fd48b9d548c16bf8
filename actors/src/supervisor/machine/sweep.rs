//! How are a million children stopped at once?
//!
//! Role       The end of a dynamic supervisor: all are told, one timer, then the rest are killed.
//! Inputs     The reason to stop, `Continue`, the ends of children, the common timer.
//! Outputs    `Shutdown` or `Kill` in batches, aggregated reports, and `Stopped`.
//! Invariant  Children at `told..` have been told; a child that ends before its turn is moved there
//!            first, so nobody is told twice and nobody is left out.
//! Source     otp: supervisor, simple_one_for_one ("shuts them all down asynchronously")

use foundation_runtime::{Reason, Term};

use super::dynamic::{Dynamic, Phase};
use super::{Address, Context, Effect, Report, Shutdown, TimerToken};

/// Most children told to stop, or killed, in one step; `Effect::Continue` asks for the next.
pub const SIGNALS_PER_STEP_MAX: usize = 1024;

/// Most different reasons reported when a dynamic supervisor stops. Further ones are lumped
/// together as `various`.
pub const SHUTDOWN_REASONS_MAX: usize = 16;

/// The stop of all children.
#[derive(Debug)]
pub(super) struct Sweep<P> {
    reason: Reason,
    /// Children at positions from here on have been told, or killed when `killing`.
    told: usize,
    killing: bool,
    timer: Option<TimerToken>,
    timer_armed: bool,
    failures: Vec<Failure<P>>,
}

/// Children that ended otherwise than told, all for the same reason.
#[derive(Debug)]
struct Failure<P> {
    reason: Reason,
    first: P,
    count: usize,
}

impl<P: Address> Sweep<P> {
    /// Panics when the sweep is impossible among `len` children.
    pub(super) fn check(&self, len: usize) {
        assert!(self.told <= len, "more to be told than there are");
        assert!(
            self.failures.len() <= SHUTDOWN_REASONS_MAX + 1,
            "too many reasons"
        );
        assert!(
            self.timer.is_none() || self.timer_armed,
            "a timer that was never armed"
        );
    }

    fn note_failure(&mut self, first: P, reason: Reason) {
        let full = self.failures.len() >= SHUTDOWN_REASONS_MAX;
        let known = self
            .failures
            .iter()
            .position(|failure| failure.reason == reason);
        if let Some(at) = known {
            self.failures[at].count += 1;
        } else if full && self.failures.len() > SHUTDOWN_REASONS_MAX {
            self.failures[SHUTDOWN_REASONS_MAX].count += 1;
        } else {
            let reason = if full {
                Reason::other(Term::atom("various"))
            } else {
                reason
            };
            self.failures.push(Failure {
                reason,
                first,
                count: 1,
            });
        }
        assert!(
            self.failures.len() <= SHUTDOWN_REASONS_MAX + 1,
            "too many reasons"
        );
    }
}

impl<P: Address, R: Clone> Dynamic<P, R> {
    /// Stops everybody for good.
    pub(super) fn begin_sweep(&mut self, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        assert!(
            matches!(self.phase, Phase::Idle),
            "busy with something else"
        );
        self.phase = Phase::Stopping(Sweep {
            reason,
            told: self.kin.len(),
            killing: self.template.shutdown == Shutdown::BrutalKill,
            timer: None,
            timer_armed: false,
            failures: Vec::new(),
        });
        self.sweep(effects);
    }

    /// Tells the next batch.
    pub(super) fn sweep(&mut self, effects: &mut Vec<Effect<P, R>>) {
        let Phase::Stopping(sweep) = &mut self.phase else {
            return;
        };
        assert!(
            sweep.told <= self.kin.len(),
            "more to be told than there are"
        );
        let mut signals = 0;
        while sweep.told > 0 && signals < SIGNALS_PER_STEP_MAX {
            sweep.told -= 1;
            signals += 1;
            if self.kin.is_restarting(sweep.told) {
                self.kin.remove(sweep.told);
                continue;
            }
            let pid = self.kin.pid(sweep.told);
            let ending = self.endings.get_mut(&pid);
            let heard = ending
                .as_ref()
                .is_some_and(|ending| ending.killed || !sweep.killing);
            if heard {
                continue;
            }
            if let Some(ending) = ending {
                ending.killed = true;
            }
            effects.push(match sweep.killing {
                true => Effect::Kill { pid },
                false => Effect::Shutdown { pid },
            });
        }
        if sweep.told > 0 {
            return effects.push(Effect::Continue);
        }
        if self.kin.len() == 0 {
            return self.end_sweep(effects);
        }
        if let Shutdown::Timeout(after) = self.template.shutdown
            && !sweep.timer_armed
        {
            sweep.timer_armed = true;
            let token = self.next_timer();
            effects.push(Effect::ArmTimer { token, after });
            let Phase::Stopping(sweep) = &mut self.phase else {
                unreachable!("just seen")
            };
            sweep.timer = Some(token);
        }
    }

    /// Patience has ended: whoever is left is killed.
    pub(super) fn sweep_overdue(&mut self, token: TimerToken, effects: &mut Vec<Effect<P, R>>) {
        let Phase::Stopping(sweep) = &mut self.phase else {
            return;
        };
        if sweep.timer != Some(token) {
            return;
        }
        assert!(!sweep.killing, "the timer of those that are killed");
        sweep.timer = None;
        sweep.killing = true;
        sweep.told = self.kin.len();
        self.sweep(effects);
    }

    /// The child at `at` has ended while everybody is being stopped.
    pub(super) fn swept(
        &mut self,
        at: usize,
        pid: P,
        reason: Reason,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let Phase::Stopping(sweep) = &mut self.phase else {
            panic!("nobody is being stopped")
        };
        let restart = self.kin.restart(at);
        if !self.template.ended_as_told_as(restart, &reason) {
            sweep.note_failure(pid, reason);
        }
        let mut at = at;
        if at < sweep.told {
            sweep.told -= 1;
            self.kin.swap(at, sweep.told);
            at = sweep.told;
        }
        self.kin.remove(at);
        let all_told = sweep.told == 0;
        self.end_termination(pid, effects);
        // While some are left to be told, `Continue` is on its way and will find the end.
        if all_told && self.kin.len() == 0 {
            self.end_sweep(effects);
        }
    }

    fn end_sweep(&mut self, effects: &mut Vec<Effect<P, R>>) {
        assert!(self.kin.len() == 0, "a child is left");
        let phase = std::mem::replace(&mut self.phase, Phase::Stopped);
        let Phase::Stopping(sweep) = phase else {
            panic!("nobody is being stopped")
        };
        if let Some(token) = sweep.timer {
            effects.push(Effect::CancelTimer { token });
        }
        for failure in sweep.failures {
            let (context, pid) = (Context::ShutdownError, Some(failure.first));
            let report = Report::new(context, &self.template, pid, failure.reason);
            effects.push(Effect::Report(Report {
                count: failure.count,
                ..report
            }));
        }
        effects.push(Effect::Stopped {
            reason: sweep.reason,
        });
    }
}
