//! What does a dynamic supervisor answer to its callers?
//!
//! Role       The verbs of `Ask` for children that go by pid, termination included.
//! Inputs     One request; the end, or the overdue timer, of a child being terminated.
//! Outputs    Its reply at once, or the start or stop that the reply awaits.
//! Invariant  A child being terminated is told once, however many callers wait for its end.
//! Source     otp: supervisor, "Functions"; elixir: DynamicSupervisor, "Functions"

use super::dynamic::{Dynamic, Ending, Phase};
use super::{
    Address, Answer, Ask, Child, ChildInfo, ChildKind, ChildSpec, ChildState, Counts, DeleteError,
    Effect, GetSpecError, RequestToken, Restart, RestartError, Shutdown, StartChildError,
    TerminateError, TimerToken,
};

/// Most callers that wait for the termination of one child. Beyond, the answer is `Busy`.
pub const WAITERS_MAX: usize = 64;

impl<P: Address, R: Clone> Dynamic<P, R> {
    /// Takes up one request.
    pub(super) fn requested(
        &mut self,
        request: RequestToken,
        ask: Ask<P, R>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        if matches!(self.phase, Phase::Stopping(_) | Phase::Stopped) {
            return effects.push(Effect::Reply {
                request,
                answer: Answer::Stopping,
            });
        }
        self.assert_idle();
        let answer = match ask {
            Ask::StartChild(start) => {
                let restart = self.template.restart;
                return self.start_child(request, restart, start, effects);
            }
            Ask::StartChildAs(restart, start) => {
                return self.start_child(request, restart, start, effects);
            }
            Ask::TerminateChild(Child::Pid(pid)) => return self.terminate(request, pid, effects),
            Ask::TerminateChild(Child::Id(_)) => {
                Answer::Terminated(Err(TerminateError::SimpleOneForOne))
            }
            Ask::RestartChild(_) => Answer::Restarted(Err(RestartError::SimpleOneForOne)),
            Ask::DeleteChild(_) => Answer::Deleted(Err(DeleteError::SimpleOneForOne)),
            Ask::WhichChildren => Answer::Children(self.which_children()),
            Ask::CountChildren => Answer::Counts(self.count_children()),
            Ask::GetChildSpec(child) => Answer::Spec(self.child_spec(&child)),
        };
        effects.push(Effect::Reply { request, answer });
    }

    fn start_child(
        &mut self,
        request: RequestToken,
        restart: Restart,
        start: R,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        self.assert_idle();
        if self.kin.len() >= self.children_max {
            let answer = Answer::Started(Err(StartChildError::MaxChildren));
            return effects.push(Effect::Reply { request, answer });
        }
        let kept = self.kin.keeps_start(restart).then(|| start.clone());
        effects.push(Effect::Start {
            id: self.template.id.clone(),
            start,
        });
        self.phase = Phase::StartNew {
            request,
            start: kept.map(|start| (restart, start)),
        };
    }

    /// Stops one child by request. Unlike OTP's, this supervisor serves others meanwhile.
    fn terminate(&mut self, request: RequestToken, pid: P, effects: &mut Vec<Effect<P, R>>) {
        self.assert_idle();
        let answer = match self.kin.find(pid) {
            None => Answer::Terminated(Err(TerminateError::NotFound)),
            Some(at) if self.kin.is_restarting(at) => {
                self.kin.remove(at);
                Answer::Terminated(Ok(()))
            }
            Some(_) => match self.endings.get_mut(&pid) {
                Some(ending) if ending.waiters.len() == WAITERS_MAX => Answer::Busy,
                Some(ending) => return ending.waiters.push(request),
                None => return self.begin_termination(request, pid, effects),
            },
        };
        effects.push(Effect::Reply { request, answer });
    }

    fn begin_termination(
        &mut self,
        request: RequestToken,
        pid: P,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        let (killed, timer) = match self.template.shutdown {
            Shutdown::BrutalKill => (true, None),
            Shutdown::Infinity => (false, None),
            Shutdown::Timeout(after) => (false, Some((self.next_timer(), after))),
        };
        effects.push(if killed {
            Effect::Kill { pid }
        } else {
            Effect::Shutdown { pid }
        });
        if let Some((token, after)) = timer {
            effects.push(Effect::ArmTimer { token, after });
            self.timers.insert(token, pid);
        }
        let timer = timer.map(|(token, _)| token);
        let ending = Ending {
            waiters: vec![request],
            timer,
            killed,
        };
        let former = self.endings.insert(pid, ending);
        assert!(former.is_none(), "{pid:?} is being terminated already");
    }

    /// A child that was being terminated is dead: its callers are told.
    pub(super) fn end_termination(&mut self, pid: P, effects: &mut Vec<Effect<P, R>>) {
        assert!(self.kin.find(pid).is_none(), "{pid:?} is still a child");
        let Some(ending) = self.endings.swap_remove(&pid) else {
            return;
        };
        if let Some(token) = ending.timer {
            self.timers.remove(&token);
            effects.push(Effect::CancelTimer { token });
        }
        for request in ending.waiters {
            effects.push(Effect::Reply {
                request,
                answer: Answer::Terminated(Ok(())),
            });
        }
    }

    pub(super) fn timer_fired(&mut self, token: TimerToken, effects: &mut Vec<Effect<P, R>>) {
        assert!(token <= self.timer_latest, "a timer that was never armed");
        if let Some(pid) = self.timers.remove(&token) {
            let ending = self.endings.get_mut(&pid).expect("its timer was running");
            ending.timer = None;
            if !std::mem::replace(&mut ending.killed, true) {
                effects.push(Effect::Kill { pid });
            }
            return;
        }
        self.sweep_overdue(token, effects);
    }

    pub(super) fn next_timer(&mut self) -> TimerToken {
        self.timer_latest.0 += 1;
        self.timer_latest
    }

    fn which_children(&self) -> Vec<ChildInfo<P>> {
        let info = |at| {
            let state = match self.kin.is_restarting(at) {
                true => ChildState::Restarting,
                false => ChildState::Running(self.kin.pid(at)),
            };
            ChildInfo {
                id: None,
                state,
                kind: self.template.kind,
            }
        };
        (0..self.kin.len()).map(info).collect()
    }

    fn count_children(&self) -> Counts {
        let (all, restarting) = (self.kin.len(), self.kin.restarting());
        assert!(restarting <= all, "more restarting than there are");
        let (workers, supervisors) = match self.template.kind {
            ChildKind::Worker => (all, 0),
            ChildKind::Supervisor => (0, all),
        };
        Counts {
            specs: 1,
            active: all - restarting,
            supervisors,
            workers,
        }
    }

    fn child_spec(&self, child: &Child<P>) -> Result<ChildSpec, GetSpecError> {
        let mut spec = self.template.clone();
        let known = match child {
            Child::Id(id) => *id == spec.id,
            Child::Pid(pid) => match self.kin.find(*pid) {
                Some(at) => {
                    spec.restart = self.kin.restart(at);
                    true
                }
                None => false,
            },
        };
        known.then_some(spec).ok_or(GetSpecError::NotFound)
    }
}
