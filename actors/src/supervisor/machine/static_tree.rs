//! What does a supervisor of named children do next?
//!
//! Role       The supervisor with `one_for_one`, `one_for_all` and `rest_for_one`.
//! Inputs     [`Input`], with a `ChildSpec` for each new child.
//! Outputs    [`Effect`]s: one start or one stop at a time.
//! Owns       The children, the restart window, and what must wait while it is busy.
//! Invariant  While it starts or stops somebody it takes up nothing else but the order to stop; all
//!            else is held in order of arrival, as an OTP supervisor leaves it in its mailbox.
//! Source     otp: supervisor, "Supervision Principles"

use std::collections::VecDeque;

use foundation_runtime::Reason;

use super::super::intensity::{Intensity, Tick};
use super::children::{Children, State};
use super::spec::validate_period;
use super::stopping::Goal;
use super::{
    Address, Answer, Ask, Child, ChildId, ChildSpec, Context, Effect, Flags, Input, Report,
    RequestToken, Restart, RestartError, SpecError, StartChildError, StartFailure, TimerToken,
};

/// Most requests held while the supervisor is busy. Beyond, the answer is [`Answer::Busy`].
pub const REQUESTS_HELD_MAX: usize = 1024;

/// The machine of a static supervisor. `P` is the address of a process, `R` what starts a child.
///
/// ```
/// use foundation_actors::supervisor::intensity::Tick;
/// use foundation_actors::supervisor::machine::{ChildSpec, Effect, Flags, Input, Static};
/// let mut machine = Static::new(Flags::default(), vec![ChildSpec::worker("a", "it")]).unwrap();
/// let mut effects = Vec::new();
/// machine.step(Tick::from_nanos(0), Input::Begin, &mut effects);
/// assert_eq!(effects, [Effect::Start { id: "a".into(), start: "it" }]);
/// effects.clear();
/// machine.step(Tick::from_nanos(0), Input::Started { pid: 7 }, &mut effects);
/// assert_eq!(effects, [Effect::Ready(Ok(()))]);
/// ```
#[derive(Debug)]
pub struct Static<P, R> {
    pub(super) flags: Flags,
    pub(super) window: Intensity,
    pub(super) children: Children<P, R>,
    pub(super) work: Work<R>,
    /// The one child that was told to stop and whose end is awaited.
    pub(super) wait: Option<Wait<P>>,
    /// At most `REQUESTS_HELD_MAX` requests, two ends per child (one before and one after its
    /// restart in the action under way), and one retry per failed restart.
    pub(super) held: VecDeque<Held<P, R>>,
    pub(super) requests_held: usize,
    /// Told to stop, and not yet at a point where that can begin.
    pub(super) stop_asked: Option<Reason>,
    pub(super) timer_latest: TimerToken,
}

/// What the supervisor is in the middle of.
#[derive(Debug)]
pub(super) enum Work<R> {
    /// Nothing has happened yet.
    Fresh,
    /// Nothing: whatever is held is taken up.
    Idle,
    /// A child that was asked for is being started; it is added when it has.
    StartNew {
        spec: ChildSpec<R>,
        request: RequestToken,
    },
    /// One known child is being started, by request or else as a restart.
    StartAgain {
        id: ChildId,
        request: Option<RequestToken>,
    },
    /// Children are being started in order; the one at `at` just now.
    Ascend { at: usize, initial: bool },
    /// One child is being stopped by request.
    StopOne { request: RequestToken },
    /// Children are being stopped, latest first, down to `floor`; the one at `at` just now.
    Descend { at: usize, floor: usize, goal: Goal },
    /// All is over.
    Stopped,
}

/// A child that was told to stop, and the timer after which it is killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait<P> {
    pub(super) pid: P,
    pub(super) timer: Option<TimerToken>,
}

/// What must wait until the supervisor is idle.
#[derive(Debug)]
pub(super) enum Held<P, R> {
    /// A child ended; its reason is in the table, unless the end was dealt with on the way.
    Exited(P),
    TryAgain(Child<P>),
    Request(RequestToken, Ask<P, ChildSpec<R>>),
}

impl<P: Address, R: Clone> Static<P, R> {
    /// A supervisor of these children, started in this order by [`Input::Begin`].
    pub fn new(flags: Flags, specs: Vec<ChildSpec<R>>) -> Result<Self, SpecError> {
        validate_period(flags.period)?;
        let children = Children::new(specs, flags.auto_shutdown)?;
        Ok(Self {
            flags,
            window: Intensity::new(flags.intensity, flags.period),
            children,
            work: Work::Fresh,
            wait: None,
            held: VecDeque::new(),
            requests_held: 0,
            stop_asked: None,
            timer_latest: TimerToken(0),
        })
    }

    /// Takes one input at `now` and appends what is to be done.
    pub fn step(
        &mut self,
        now: Tick,
        input: Input<P, ChildSpec<R>>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let effects_max = effects.len() + self.effects_per_step_max();
        match input {
            Input::Begin => self.begin(effects),
            Input::Started { pid } => self.started(pid, effects),
            Input::StartFailed { reason } => self.start_failed(reason, effects),
            Input::StartIgnored => self.start_ignored(effects),
            Input::Exited { pid, reason } => self.exited(pid, reason, effects),
            Input::Timer { token } => self.timer_fired(token, effects),
            Input::TryAgain { child } => self.try_again(child),
            Input::Request { request, ask } => self.requested(request, ask, effects),
            Input::Stop { reason } => self.stop(reason),
            Input::Continue => panic!("a static supervisor never asks to continue"),
        }
        self.take_up_held(now, effects);
        assert!(
            effects.len() <= effects_max,
            "more effects than one step may have"
        );
    }

    /// The most effects the next step can have: every child reported, every request answered.
    #[must_use]
    pub fn effects_per_step_max(&self) -> usize {
        16 + 6 * self.children.len() + 2 * self.requests_held
    }

    /// Panics when the state is impossible.
    pub fn check(&self) {
        self.window.check();
        self.children.check();
        assert!(
            self.requests_held <= REQUESTS_HELD_MAX,
            "too many requests are held"
        );
        let requests = self
            .held
            .iter()
            .filter(|held| matches!(held, Held::Request(..)))
            .count();
        assert_eq!(
            requests, self.requests_held,
            "held requests were miscounted"
        );
        if matches!(self.work, Work::Idle | Work::Stopped) {
            assert!(self.held.is_empty(), "idle, and inputs are held");
            assert!(self.stop_asked.is_none(), "idle, and told to stop");
        }
        let stopping = matches!(self.work, Work::StopOne { .. } | Work::Descend { .. });
        assert_eq!(
            stopping,
            self.wait.is_some(),
            "a stop without an awaited end, or the reverse"
        );
        if let Work::Stopped = self.work {
            let absent = self
                .children
                .iter()
                .all(|(_, state)| *state == State::Absent);
            assert!(absent, "stopped, and a child is not");
        }
    }

    fn begin(&mut self, effects: &mut Vec<Effect<P, R>>) {
        assert!(matches!(self.work, Work::Fresh), "began twice");
        self.ascend(0, true, effects);
    }

    /// Takes up what is held for as long as nothing must be awaited.
    fn take_up_held(&mut self, now: Tick, effects: &mut Vec<Effect<P, R>>) {
        while matches!(self.work, Work::Idle) {
            if let Some(reason) = self.stop_asked.take() {
                self.begin_descent(Goal::Stop(reason), effects);
                continue;
            }
            match self.held.pop_front() {
                None => break,
                Some(Held::Exited(pid)) => self.child_ended(now, pid, effects),
                Some(Held::TryAgain(child)) => self.restart_retried(now, child, effects),
                Some(Held::Request(request, ask)) => {
                    assert!(self.requests_held > 0, "held requests were miscounted");
                    self.requests_held -= 1;
                    self.serve(request, ask, effects);
                }
            }
        }
        assert!(
            !matches!(self.work, Work::Idle) || self.held.is_empty(),
            "something waits idly"
        );
    }

    fn exited(&mut self, pid: P, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        if self.wait.is_some_and(|wait| wait.pid == pid) {
            return self.awaited_ended(pid, reason, effects);
        }
        let Some(at) = self.children.find_pid(pid) else {
            return;
        };
        if let State::Exited(..) = self.children.state(at) {
            return; // The driver may see both an EXIT and a DOWN: the first reason counts.
        }
        let running = *self.children.state(at) == State::Running(pid);
        assert!(running, "{pid:?} ended, and was not running");
        self.children.set(at, State::Exited(pid, reason));
        if !self.is_going_down() {
            self.held.push_back(Held::Exited(pid));
        }
    }

    fn try_again(&mut self, child: Child<P>) {
        assert!(!matches!(self.work, Work::Fresh), "a retry before Begin");
        if !self.is_going_down() {
            self.held.push_back(Held::TryAgain(child));
        }
    }

    fn requested(
        &mut self,
        request: RequestToken,
        ask: Ask<P, ChildSpec<R>>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(!matches!(self.work, Work::Fresh), "a request before Begin");
        let refusal = if self.is_going_down() {
            Answer::Stopping
        } else if self.requests_held == REQUESTS_HELD_MAX {
            Answer::Busy
        } else {
            self.requests_held += 1;
            return self.held.push_back(Held::Request(request, ask));
        };
        effects.push(Effect::Reply {
            request,
            answer: refusal,
        });
    }

    fn stop(&mut self, reason: Reason) {
        assert!(
            !matches!(self.work, Work::Fresh),
            "told to stop before Begin"
        );
        if !self.is_going_down() && self.stop_asked.is_none() {
            self.stop_asked = Some(reason);
        }
    }

    /// Starts the child at `at` and, once it has, those behind it.
    pub(super) fn ascend(&mut self, at: usize, initial: bool, effects: &mut Vec<Effect<P, R>>) {
        assert!(at <= self.children.len(), "no child at {at}");
        if let Some(reason) = self.stop_asked.take() {
            let goal = match initial {
                true => Goal::Fail(StartFailure::Stopped(reason)),
                false => Goal::Stop(reason),
            };
            return self.begin_descent(goal, effects);
        }
        if at == self.children.len() {
            self.work = Work::Idle;
            if initial {
                effects.push(Effect::Ready(Ok(())));
            }
            return;
        }
        self.ask_start(at, effects);
        self.work = Work::Ascend { at, initial };
    }

    /// Asks for the start of the child at `at`, which must have no process.
    pub(super) fn ask_start(&mut self, at: usize, effects: &mut Vec<Effect<P, R>>) {
        let spec = self.children.spec(at);
        let has_process = matches!(
            self.children.state(at),
            State::Running(_) | State::Exited(..)
        );
        assert!(!has_process, "{:?} would be started twice", spec.id);
        effects.push(Effect::Start {
            id: spec.id.clone(),
            start: spec.start.clone(),
        });
    }

    fn started(&mut self, pid: P, effects: &mut Vec<Effect<P, R>>) {
        assert!(
            self.children.find_pid(pid).is_none(),
            "{pid:?} was started twice"
        );
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::StartNew { spec, request } => {
                self.children.push(spec, Some(pid));
                let answer = Answer::Started(Ok(Some(pid)));
                effects.push(Effect::Reply { request, answer });
            }
            Work::StartAgain { id, request } => {
                self.children.set(self.position(&id), State::Running(pid));
                if let Some(request) = request {
                    let answer = Answer::Restarted(Ok(Some(pid)));
                    effects.push(Effect::Reply { request, answer });
                }
            }
            Work::Ascend { at, initial } => {
                self.children.set(at, State::Running(pid));
                self.ascend(at + 1, initial, effects);
            }
            _ => panic!("a start was answered that nobody asked for"),
        }
    }

    fn start_ignored(&mut self, effects: &mut Vec<Effect<P, R>>) {
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::StartNew { spec, request } => {
                if spec.restart != Restart::Temporary {
                    self.children.push(spec, None);
                }
                effects.push(Effect::Reply {
                    request,
                    answer: Answer::Started(Ok(None)),
                });
            }
            Work::StartAgain { id, request } => {
                self.children.settle(self.position(&id));
                if let Some(request) = request {
                    effects.push(Effect::Reply {
                        request,
                        answer: Answer::Restarted(Ok(None)),
                    });
                }
            }
            Work::Ascend { at, initial } => {
                let before = self.children.len();
                self.children.settle(at);
                let kept = self.children.len() == before;
                self.ascend(at + usize::from(kept), initial, effects);
            }
            _ => panic!("a start was answered that nobody asked for"),
        }
    }

    fn start_failed(&mut self, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        match std::mem::replace(&mut self.work, Work::Idle) {
            Work::StartNew { request, .. } => {
                let answer = Answer::Started(Err(StartChildError::Failed(reason)));
                effects.push(Effect::Reply { request, answer });
            }
            Work::StartAgain {
                request: Some(request),
                ..
            } => {
                let answer = Answer::Restarted(Err(RestartError::Failed(reason)));
                effects.push(Effect::Reply { request, answer });
            }
            Work::StartAgain { id, request: None } => {
                self.restart_failed(self.position(&id), reason, effects);
            }
            Work::Ascend { at, initial: false } => self.restart_failed(at, reason, effects),
            Work::Ascend { at, initial: true } => {
                let spec = self.children.spec(at);
                let id = spec.id.clone();
                let report = Report::new(Context::StartError, spec, None, reason.clone());
                effects.push(Effect::Report(report));
                let failure = StartFailure::FailedToStartChild { id, reason };
                self.begin_descent(Goal::Fail(failure), effects);
            }
            _ => panic!("a start was answered that nobody asked for"),
        }
    }

    fn position(&self, id: &ChildId) -> usize {
        self.children
            .find(id)
            .expect("a child that is being started is known")
    }
}
