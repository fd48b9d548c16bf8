//! What does a supervisor of children that are all alike do next?
//!
//! Role       OTP's `simple_one_for_one`, Elixir's `DynamicSupervisor`: children go by pid.
//! Inputs     [`Input`], with the arguments of the start for each new child.
//! Outputs    [`Effect`]s; of `Shutdown` and `Kill` at most [`SIGNALS_PER_STEP_MAX`] a step.
//! Owns       The set of children, the restart window, and the terminations under way.
//! Invariant  Between two inputs nothing blocks it but the start of one child.
//! Source     otp: supervisor, simple_one_for_one; elixir: DynamicSupervisor

use std::collections::BTreeMap;

use foundation_runtime::Reason;

use super::super::intensity::{Intensity, Tick, Verdict};
use super::children::FxIndexMap;
use super::kin::Kin;
use super::restarting::reached_intensity;
use super::spec::validate_period;
use super::sweep::Sweep;
use super::{
    Address, Answer, AutoShutdown, Child, ChildSpec, Context, DynamicFlags, Effect, Input, Report,
    RequestToken, Restart, SIGNALS_PER_STEP_MAX, SpecError, StartChildError, TimerToken,
    WAITERS_MAX,
};

/// The machine of a dynamic supervisor. Its children are restarted as the template says, but for
/// those whose start said otherwise. `P` is the address of a process, `R` the arguments of a
/// start, which are kept only for children that may be restarted.
///
/// ```
/// use foundation_actors::supervisor::intensity::Tick;
/// use foundation_actors::supervisor::machine::{
///     Ask, ChildSpec, Dynamic, DynamicFlags, Effect, Input, RequestToken,
/// };
/// let template = ChildSpec::worker("session", ());
/// let mut machine = Dynamic::<u32, &str>::new(DynamicFlags::default(), template).unwrap();
/// let (now, mut effects) = (Tick::from_nanos(0), Vec::new());
/// machine.step(now, Input::Begin, &mut effects);
/// let ask = Ask::StartChild("for alice");
/// machine.step(now, Input::Request { request: RequestToken(1), ask }, &mut effects);
/// assert_eq!(effects[1], Effect::Start { id: "session".into(), start: "for alice" });
/// ```
#[derive(Debug)]
pub struct Dynamic<P, R> {
    pub(super) template: ChildSpec,
    pub(super) children_max: usize,
    window: Intensity,
    pub(super) kin: Kin<P, R>,
    /// Children being terminated by request.
    pub(super) endings: FxIndexMap<P, Ending>,
    pub(super) timers: BTreeMap<TimerToken, P>,
    pub(super) phase: Phase<P, R>,
    /// Told to stop while a child was being started.
    stop_asked: Option<Reason>,
    pub(super) timer_latest: TimerToken,
}

/// Where a dynamic supervisor is in its life.
#[derive(Debug)]
pub(super) enum Phase<P, R> {
    /// Nothing has happened yet.
    Fresh,
    /// Open for everything.
    Idle,
    /// A new child is being started by request.
    StartNew {
        request: RequestToken,
        /// What is kept of it to start it again.
        start: Option<(Restart, R)>,
    },
    /// A child is being restarted; it is still in the set as the pid it had.
    StartAgain { former: P },
    /// Everybody is being stopped.
    Stopping(Sweep<P>),
    /// All is over.
    Stopped,
}

/// A child that is being terminated by request.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) waiters: Vec<RequestToken>,
    pub(super) timer: Option<TimerToken>,
    pub(super) killed: bool,
}

impl<P: Address, R: Clone> Dynamic<P, R> {
    /// A supervisor without children. `template` says how each of them is restarted and stopped.
    pub fn new(flags: DynamicFlags, template: ChildSpec) -> Result<Self, SpecError> {
        validate_period(flags.period)?;
        template.validate(AutoShutdown::Never)?;
        Ok(Self {
            kin: Kin::new(template.restart),
            template,
            children_max: flags.max_children,
            window: Intensity::new(flags.intensity, flags.period),
            endings: FxIndexMap::default(),
            timers: BTreeMap::new(),
            phase: Phase::Fresh,
            stop_asked: None,
            timer_latest: TimerToken(0),
        })
    }

    /// Takes one input at `now` and appends what is to be done.
    pub fn step(&mut self, now: Tick, input: Input<P, R>, effects: &mut Vec<Effect<P, R>>) {
        let effects_max = effects.len() + Self::effects_per_step_max();
        match input {
            Input::Begin => self.begin(effects),
            Input::Started { pid } => self.started(pid, effects),
            Input::StartFailed { reason } => self.start_failed(reason, effects),
            Input::StartIgnored => self.start_ignored(effects),
            Input::Exited { pid, reason } => self.exited(now, pid, reason, effects),
            Input::Timer { token } => self.timer_fired(token, effects),
            Input::TryAgain { child } => self.try_again(now, child, effects),
            Input::Continue => self.sweep(effects),
            Input::Request { request, ask } => self.requested(request, ask, effects),
            Input::Stop { reason } => self.stop(reason, effects),
        }
        assert!(
            effects.len() <= effects_max,
            "more effects than one step may have"
        );
    }

    /// The most effects one step can have.
    #[must_use]
    pub const fn effects_per_step_max() -> usize {
        2 * SIGNALS_PER_STEP_MAX + WAITERS_MAX + 32
    }

    /// Panics when the state is impossible.
    pub fn check(&self) {
        self.window.check();
        self.kin.check();
        assert!(
            self.endings.len() <= self.kin.len(),
            "a stranger is being terminated"
        );
        assert!(
            self.timers.len() <= self.endings.len(),
            "a timer for nobody"
        );
        if let Phase::Stopping(sweep) = &self.phase {
            sweep.check(self.kin.len());
        }
        if let Phase::Stopped = self.phase {
            assert!(self.kin.len() == 0, "stopped, and a child is not");
            assert!(self.timers.is_empty(), "stopped, and a timer runs");
        }
        let starting = matches!(
            self.phase,
            Phase::StartNew { .. } | Phase::StartAgain { .. }
        );
        assert!(
            starting || self.stop_asked.is_none(),
            "told to stop, and does not"
        );
    }

    fn begin(&mut self, effects: &mut Vec<Effect<P, R>>) {
        assert!(matches!(self.phase, Phase::Fresh), "began twice");
        self.phase = Phase::Idle;
        effects.push(Effect::Ready(Ok(())));
    }

    fn stop(&mut self, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        match self.phase {
            Phase::Fresh => panic!("told to stop before Begin"),
            Phase::Idle => self.begin_sweep(reason, effects),
            Phase::StartNew { .. } | Phase::StartAgain { .. } => {
                self.stop_asked.get_or_insert(reason);
            }
            Phase::Stopping(_) | Phase::Stopped => {}
        }
    }

    /// The start under way is over: takes it out, so that the phase is idle.
    fn end_start(&mut self) -> Phase<P, R> {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let starting = matches!(phase, Phase::StartNew { .. } | Phase::StartAgain { .. });
        assert!(starting, "a start was answered that nobody asked for");
        phase
    }

    fn stop_if_asked(&mut self, effects: &mut Vec<Effect<P, R>>) {
        assert!(
            matches!(self.phase, Phase::Idle),
            "busy with something else"
        );
        if let Some(reason) = self.stop_asked.take() {
            self.begin_sweep(reason, effects);
        }
    }

    fn started(&mut self, pid: P, effects: &mut Vec<Effect<P, R>>) {
        match self.end_start() {
            Phase::StartNew { request, start } => {
                self.kin.insert(pid, start);
                let answer = Answer::Started(Ok(Some(pid)));
                effects.push(Effect::Reply { request, answer });
            }
            Phase::StartAgain { former } => {
                let at = self
                    .kin
                    .find(former)
                    .expect("a child being restarted is known");
                let start = self.kin.remove(at);
                self.kin.insert(pid, start);
            }
            _ => unreachable!("no start was under way"),
        }
        self.stop_if_asked(effects);
    }

    fn start_failed(&mut self, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        match self.end_start() {
            Phase::StartNew { request, .. } => {
                let answer = Answer::Started(Err(StartChildError::Failed(reason)));
                effects.push(Effect::Reply { request, answer });
            }
            Phase::StartAgain { former } => {
                let at = self
                    .kin
                    .find(former)
                    .expect("a child being restarted is known");
                self.kin.set_restarting(at);
                self.report(Context::StartError, former, reason, effects);
                effects.push(Effect::TryAgainLater {
                    child: Child::Pid(former),
                });
            }
            _ => unreachable!("no start was under way"),
        }
        self.stop_if_asked(effects);
    }

    fn start_ignored(&mut self, effects: &mut Vec<Effect<P, R>>) {
        match self.end_start() {
            Phase::StartNew { request, .. } => {
                effects.push(Effect::Reply {
                    request,
                    answer: Answer::Started(Ok(None)),
                });
            }
            Phase::StartAgain { former } => {
                let at = self
                    .kin
                    .find(former)
                    .expect("a child being restarted is known");
                self.kin.remove(at);
            }
            _ => unreachable!("no start was under way"),
        }
        self.stop_if_asked(effects);
    }

    fn exited(&mut self, now: Tick, pid: P, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        let Some(at) = self.kin.find(pid) else { return };
        if self.kin.is_restarting(at) {
            return; // Seen before, and its restart failed.
        }
        if let Phase::Stopping(_) = self.phase {
            return self.swept(at, pid, reason, effects);
        }
        self.assert_idle();
        if !self.endings.is_empty() && self.endings.contains_key(&pid) {
            if !self
                .template
                .ended_as_told_as(self.kin.restart(at), &reason)
            {
                self.report(Context::ShutdownError, pid, reason, effects);
            }
            self.kin.remove(at);
            return self.end_termination(pid, effects);
        }
        let restart = self.kin.restart(at);
        let wants_restart = restart.wants_restart(&reason);
        if restart == Restart::Permanent || !reason.is_orderly() {
            self.report(Context::ChildTerminated, pid, reason, effects);
        }
        if wants_restart {
            self.restart(now, at, pid, effects);
        } else {
            self.kin.remove(at);
        }
    }

    fn try_again(&mut self, now: Tick, child: Child<P>, effects: &mut Vec<Effect<P, R>>) {
        let Child::Pid(pid) = child else {
            panic!("a dynamic child goes by pid")
        };
        if matches!(self.phase, Phase::Stopping(_) | Phase::Stopped) {
            return;
        }
        self.assert_idle();
        if let Some(at) = self.kin.find(pid)
            && self.kin.is_restarting(at)
        {
            self.restart(now, at, pid, effects);
        }
    }

    fn restart(&mut self, now: Tick, at: usize, pid: P, effects: &mut Vec<Effect<P, R>>) {
        assert!(
            self.kin.restart(at) != Restart::Temporary,
            "never restarted"
        );
        if self.window.admit(now) == Verdict::GiveUp {
            self.report(Context::RestartIntensity, pid, reached_intensity(), effects);
            self.kin.remove(at);
            return self.begin_sweep(Reason::Shutdown, effects);
        }
        let (id, start) = (self.template.id.clone(), self.kin.start(at));
        effects.push(Effect::Start { id, start });
        self.phase = Phase::StartAgain { former: pid };
    }

    pub(super) fn report(
        &self,
        context: Context,
        pid: P,
        reason: Reason,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let mut report = Report::new(context, &self.template, Some(pid), reason);
        if let Some(at) = self.kin.find(pid) {
            report.restart = self.kin.restart(at);
        }
        effects.push(Effect::Report(report));
    }

    pub(super) fn assert_idle(&self) {
        assert!(!matches!(self.phase, Phase::Fresh), "an input before Begin");
        let idle = matches!(self.phase, Phase::Idle);
        assert!(idle, "an input between a start and its answer");
    }
}
