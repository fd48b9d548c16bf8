//! What does a static supervisor answer to its callers?
//!
//! Role       The verbs of `Ask`, except for stopping a child (see `stopping`).
//! Inputs     One request, taken up while nothing else is under way.
//! Outputs    Its reply at once, or the start that the reply awaits.
//! Source     otp: supervisor, "Functions"

use super::children::State;
use super::static_tree::{Static, Work};
use super::{
    Address, Answer, Ask, CHILDREN_MAX, Child, ChildId, ChildInfo, ChildKind, ChildSpec,
    ChildState, Counts, DeleteError, Effect, GetSpecError, RequestToken, RestartError,
    StartChildError,
};

impl<P: Address, R: Clone> Static<P, R> {
    /// Takes up one request.
    pub(super) fn serve(
        &mut self,
        request: RequestToken,
        ask: Ask<P, ChildSpec<R>>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let answer = match ask {
            Ask::StartChild(spec) => return self.start_child(request, spec, effects),
            Ask::StartChildAs(restart, spec) => {
                let spec = ChildSpec { restart, ..spec };
                return self.start_child(request, spec, effects);
            }
            Ask::RestartChild(id) => return self.restart_child(request, id, effects),
            Ask::TerminateChild(child) => return self.terminate(request, &child, effects),
            Ask::DeleteChild(id) => Answer::Deleted(self.delete_child(&id)),
            Ask::WhichChildren => Answer::Children(self.which_children()),
            Ask::CountChildren => Answer::Counts(self.count_children()),
            Ask::GetChildSpec(child) => Answer::Spec(self.child_spec(&child)),
        };
        effects.push(Effect::Reply { request, answer });
    }

    fn start_child(
        &mut self,
        request: RequestToken,
        spec: ChildSpec<R>,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let refusal = match self
            .children
            .find(&spec.id)
            .map(|at| self.children.state(at))
        {
            Some(State::Running(pid) | State::Exited(pid, _)) => {
                Some(StartChildError::AlreadyStarted(*pid))
            }
            Some(State::Absent | State::Restarting) => Some(StartChildError::AlreadyPresent),
            None if self.children.len() == CHILDREN_MAX => Some(StartChildError::MaxChildren),
            None => None,
        };
        let invalid = spec.validate(self.flags.auto_shutdown).err();
        if let Some(error) = invalid.map(StartChildError::InvalidSpec).or(refusal) {
            let answer = Answer::Started(Err(error));
            return effects.push(Effect::Reply { request, answer });
        }
        effects.push(Effect::Start {
            id: spec.id.clone(),
            start: spec.start.clone(),
        });
        self.work = Work::StartNew { spec, request };
    }

    fn restart_child(
        &mut self,
        request: RequestToken,
        id: ChildId,
        effects: &mut Vec<Effect<P, R>>,
    ) {
        assert!(matches!(self.work, Work::Idle), "busy with something else");
        let found = self.children.find(&id);
        let error = match found.map(|at| self.children.state(at)) {
            None => RestartError::NotFound,
            Some(State::Running(_) | State::Exited(..)) => RestartError::Running,
            Some(State::Restarting) => RestartError::Restarting,
            Some(State::Absent) => {
                self.ask_start(found.expect("it was found"), effects);
                self.work = Work::StartAgain {
                    id,
                    request: Some(request),
                };
                return;
            }
        };
        effects.push(Effect::Reply {
            request,
            answer: Answer::Restarted(Err(error)),
        });
    }

    fn delete_child(&mut self, id: &ChildId) -> Result<(), DeleteError> {
        let at = self.children.find(id).ok_or(DeleteError::NotFound)?;
        match self.children.state(at) {
            State::Running(_) | State::Exited(..) => Err(DeleteError::Running),
            State::Restarting => Err(DeleteError::Restarting),
            State::Absent => {
                self.children.forget(at);
                assert!(self.children.find(id).is_none(), "{id:?} is still there");
                Ok(())
            }
        }
    }

    fn which_children(&self) -> Vec<ChildInfo<P>> {
        let info = |(spec, state): (&ChildSpec<R>, &State<P>)| ChildInfo {
            id: Some(spec.id.clone()),
            state: match state {
                State::Running(pid) | State::Exited(pid, _) => ChildState::Running(*pid),
                State::Restarting => ChildState::Restarting,
                State::Absent => ChildState::Absent,
            },
            kind: spec.kind,
        };
        let infos: Vec<_> = self.children.iter().map(info).collect();
        assert_eq!(infos.len(), self.children.len(), "a child was left out");
        infos
    }

    fn count_children(&self) -> Counts {
        let mut counts = Counts {
            specs: self.children.len(),
            ..Counts::default()
        };
        for (spec, state) in self.children.iter() {
            counts.active += usize::from(matches!(state, State::Running(_)));
            match spec.kind {
                ChildKind::Worker => counts.workers += 1,
                ChildKind::Supervisor => counts.supervisors += 1,
            }
        }
        assert_eq!(
            counts.workers + counts.supervisors,
            counts.specs,
            "a child of no kind"
        );
        counts
    }

    fn child_spec(&self, child: &Child<P>) -> Result<ChildSpec, GetSpecError> {
        let at = match child {
            Child::Id(id) => self.children.find(id).ok_or(GetSpecError::NotFound)?,
            Child::Pid(_) => return Err(GetSpecError::NotFound),
        };
        let spec = self.children.spec(at).described();
        assert!(
            *child == Child::Id(spec.id.clone()),
            "another child's specification"
        );
        Ok(spec)
    }
}
