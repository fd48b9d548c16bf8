//! A child has ended by itself: what now?
//!
//! Role       The restart decision, and the strategy that follows from it.
//! Inputs     The end of a child, or the time to try a failed restart again.
//! Outputs    Reports, one start, the first of many stops, or the supervisor's own end.
//! Invariant  Each strategy action and each retry counts once for the intensity.
//! Source     otp: supervisor, "Restart Strategies", "Automatic Shutdown"

use foundation_runtime::{Reason, Term};

use super::super::intensity::{Tick, Verdict};
use super::children::State;
use super::static_tree::{Static, Work};
use super::stopping::Goal;
use super::{Address, AutoShutdown, Child, Context, Effect, Report, Restart, Strategy};

/// What the log is told when a supervisor gives up.
pub(super) fn reached_intensity() -> Reason {
    Reason::other(Term::atom("reached_max_restart_intensity"))
}

impl<P: Address, R: Clone> Static<P, R> {
    /// Acts upon the end of a child, unless a stop has dealt with it on the way.
    pub(super) fn child_ended(&mut self, now: Tick, pid: P, effects: &mut Vec<Effect<P, R>>) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let Some(at) = self.children.find_pid(pid) else {
            return;
        };
        let State::Exited(_, reason) = self.children.state(at).clone() else {
            panic!("{pid:?} has not ended");
        };
        let spec = self.children.spec(at);
        let (restart, significant) = (spec.restart, spec.significant);
        if restart == Restart::Permanent || !reason.is_orderly() {
            let report = Report::new(Context::ChildTerminated, spec, Some(pid), reason.clone());
            effects.push(Effect::Report(report));
        }
        if restart.wants_restart(&reason) {
            return self.restart(now, at, Some(pid), effects);
        }
        self.children.settle(at);
        if significant && self.is_auto_shutdown_due() {
            self.begin_descent(Goal::Stop(Reason::Shutdown), effects);
        }
    }

    /// A significant child has just ended by itself for good: was it the one that ends us all?
    fn is_auto_shutdown_due(&self) -> bool {
        match self.flags.auto_shutdown {
            AutoShutdown::Never => panic!("a significant child where none is allowed"),
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => !self.children.has_significant_active(),
        }
    }

    /// Tries a failed restart again, if it is still wanted.
    pub(super) fn restart_retried(
        &mut self,
        now: Tick,
        child: Child<P>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let Child::Id(id) = child else {
            panic!("a static child goes by id")
        };
        let Some(at) = self.children.find(&id) else {
            return;
        };
        if let State::Restarting = self.children.state(at) {
            self.restart(now, at, None, effects);
        }
    }

    /// Restarts the child at `at` in the manner of the strategy, if the intensity allows.
    fn restart(&mut self, now: Tick, at: usize, pid: Option<P>, effects: &mut Vec<Effect<P, R>>) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let spec = self.children.spec(at);
        assert!(
            spec.restart != Restart::Temporary,
            "a temporary child is never restarted"
        );
        if self.window.admit(now) == Verdict::GiveUp {
            let context = Context::RestartIntensity;
            effects.push(Effect::Report(Report::new(
                context,
                spec,
                pid,
                reached_intensity(),
            )));
            self.children.settle(at);
            return self.begin_descent(Goal::Stop(Reason::Shutdown), effects);
        }
        let id = spec.id.clone();
        self.children.set(at, State::Absent);
        let floor = match self.flags.strategy {
            Strategy::OneForOne => {
                self.ask_start(at, effects);
                self.work = Work::StartAgain { id, request: None };
                return;
            }
            Strategy::OneForAll => 0,
            Strategy::RestForOne => at,
        };
        let above = self.children.len();
        self.work = Work::Descend {
            at: above,
            floor,
            goal: Goal::Restart,
        };
        self.descend(effects);
    }

    /// A restart has failed at the child at `at`: it is tried again behind what is waiting.
    pub(super) fn restart_failed(
        &mut self,
        at: usize,
        reason: Reason,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let spec = self.children.spec(at);
        let child = Child::Id(spec.id.clone());
        effects.push(Effect::Report(Report::new(
            Context::StartError,
            spec,
            None,
            reason,
        )));
        self.children.set(at, State::Restarting);
        effects.push(Effect::TryAgainLater { child });
    }
}
