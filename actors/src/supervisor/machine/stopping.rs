//! How are children stopped: one by request, or many, latest first?
//!
//! Role       Stops one child at a time, whatever else dies meanwhile.
//! Inputs     A goal, the awaited end, the timer after which patience ends.
//! Outputs    `Shutdown` or `Kill`, reports of children that ended otherwise than told, and in the
//!            end what the goal was.
//! Invariant  Exactly one child is awaited while a stop is under way.
//! Source     otp: supervisor, "Child specification", shutdown

use foundation_runtime::Reason;

use super::children::State;
use super::static_tree::{Held, Static, Wait, Work};
use super::{
    Address, Answer, Context, Effect, Report, Shutdown, StartFailure, TerminateError, TimerToken,
};
use super::{Child, RequestToken};

/// What many children are stopped for.
#[derive(Debug)]
pub(super) enum Goal {
    /// To start them again.
    Restart,
    /// To end the supervisor with this reason.
    Stop(Reason),
    /// To end the supervisor because it did not come up.
    Fail(StartFailure),
}

impl<P: Address, R: Clone> Static<P, R> {
    /// Whether the supervisor's own end has begun, so that nothing new is taken up.
    pub(super) fn is_going_down(&self) -> bool {
        match &self.work {
            Work::Descend { goal, .. } => !matches!(goal, Goal::Restart),
            Work::Stopped => true,
            _ => false,
        }
    }

    /// Stops everybody for good. Nothing that is held will be taken up any more.
    pub(super) fn begin_descent(&mut self, goal: Goal, effects: &mut Vec<Effect<P, R>>) {
        assert!(
            !matches!(goal, Goal::Restart),
            "a restart need not stop everybody"
        );
        assert!(self.wait.is_none(), "somebody is being stopped already");
        self.refuse_held(effects);
        let at = self.children.len();
        self.work = Work::Descend { at, floor: 0, goal };
        self.descend(effects);
    }

    fn refuse_held(&mut self, effects: &mut Vec<Effect<P, R>>) {
        let held = self.held.len();
        assert!(self.requests_held <= held, "held requests were miscounted");
        for held in self.held.drain(..) {
            if let Held::Request(request, _) = held {
                effects.push(Effect::Reply {
                    request,
                    answer: Answer::Stopping,
                });
            }
        }
        self.requests_held = 0;
    }

    /// Stops children from below `at` down to `floor` until one of them must be awaited.
    pub(super) fn descend(&mut self, effects: &mut Vec<Effect<P, R>>) {
        assert!(self.wait.is_none(), "two children would be awaited");
        let work = std::mem::replace(&mut self.work, Work::Idle);
        let Work::Descend {
            mut at,
            mut floor,
            mut goal,
        } = work
        else {
            panic!("no descent is under way");
        };
        if let (Goal::Restart, Some(reason)) = (&goal, self.stop_asked.take()) {
            self.refuse_held(effects);
            (floor, goal) = (0, Goal::Stop(reason));
        }
        while at > floor {
            at -= 1;
            if self.stop_child(at, effects) {
                self.work = Work::Descend { at, floor, goal };
                return;
            }
        }
        self.descended(floor, goal, effects);
    }

    fn descended(&mut self, floor: usize, goal: Goal, effects: &mut Vec<Effect<P, R>>) {
        assert!(self.wait.is_none(), "all are down and one is awaited");
        let reason = match goal {
            Goal::Restart => return self.ascend(floor, false, effects),
            Goal::Stop(reason) => reason,
            Goal::Fail(failure) => {
                let reason = failure.exit_reason();
                effects.push(Effect::Ready(Err(failure)));
                reason
            }
        };
        self.stop_asked = None;
        self.work = Work::Stopped;
        effects.push(Effect::Stopped { reason });
    }

    /// Stops one child because somebody asked.
    pub(super) fn terminate(
        &mut self,
        request: RequestToken,
        child: &Child<P>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let found = match child {
            Child::Id(id) => self.children.find(id),
            Child::Pid(_) => None, // As in OTP: static children go by id.
        };
        let answer = match found {
            None => Err(TerminateError::NotFound),
            Some(at) if self.stop_child(at, effects) => {
                self.work = Work::StopOne { request };
                return;
            }
            Some(_) => Ok(()),
        };
        effects.push(Effect::Reply {
            request,
            answer: Answer::Terminated(answer),
        });
    }

    /// Stops the child at `at`; true when its end must be awaited. A temporary child that has no
    /// process any more is forgotten, and those behind it move up.
    fn stop_child(&mut self, at: usize, effects: &mut Vec<Effect<P, R>>) -> bool {
        assert!(self.wait.is_none(), "two children would be awaited");
        let pid = match self.children.state(at) {
            State::Running(pid) => *pid,
            State::Exited(pid, reason) => {
                let (pid, reason) = (*pid, reason.clone());
                self.stopped(at, pid, reason, effects);
                return false;
            }
            State::Absent | State::Restarting => {
                self.children.settle(at);
                return false;
            }
        };
        let timer = match self.children.spec(at).shutdown {
            Shutdown::BrutalKill => {
                effects.push(Effect::Kill { pid });
                None
            }
            Shutdown::Infinity => {
                effects.push(Effect::Shutdown { pid });
                None
            }
            Shutdown::Timeout(after) => {
                effects.push(Effect::Shutdown { pid });
                self.timer_latest.0 += 1;
                effects.push(Effect::ArmTimer {
                    token: self.timer_latest,
                    after,
                });
                Some(self.timer_latest)
            }
        };
        self.wait = Some(Wait { pid, timer });
        true
    }

    /// The child at `at` was told to stop, or was about to be, and has ended.
    fn stopped(&mut self, at: usize, pid: P, reason: Reason, effects: &mut Vec<Effect<P, R>>) {
        assert_eq!(
            self.children.find_pid(pid),
            Some(at),
            "{pid:?} is another child"
        );
        let spec = self.children.spec(at);
        if !spec.ended_as_told(&reason) {
            let report = Report::new(Context::ShutdownError, spec, Some(pid), reason);
            effects.push(Effect::Report(report));
        }
        self.children.settle(at);
    }

    /// The awaited child has ended.
    pub(super) fn awaited_ended(
        &mut self,
        pid: P,
        reason: Reason,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let wait = self.wait.take().expect("a child is awaited");
        assert_eq!(wait.pid, pid, "another child is awaited");
        if let Some(token) = wait.timer {
            effects.push(Effect::CancelTimer { token });
        }
        let at = self
            .children
            .find_pid(pid)
            .expect("the awaited child is known");
        self.stopped(at, pid, reason, effects);
        match self.work {
            Work::StopOne { request } => {
                effects.push(Effect::Reply {
                    request,
                    answer: Answer::Terminated(Ok(())),
                });
                self.work = Work::Idle;
            }
            Work::Descend { at: below, .. } => {
                assert_eq!(at, below, "the wrong child was being stopped");
                self.descend(effects);
            }
            _ => panic!("a child was awaited for nothing"),
        }
    }

    /// Patience has ended: the awaited child is killed, and still awaited.
    pub(super) fn timer_fired(&mut self, token: TimerToken, effects: &mut Vec<Effect<P, R>>) {
        assert!(token <= self.timer_latest, "a timer that was never armed");
        let Some(wait) = &mut self.wait else { return };
        if wait.timer == Some(token) {
            wait.timer = None;
            effects.push(Effect::Kill { pid: wait.pid });
        }
    }
}
