//! The process that does what a supervisor machine decides.
//!
//! Role       Turns exits, requests and timers into inputs, and effects into starts, exits, timers
//!            and answers.
//! Owns       The machine, and the callers that wait for an answer of it.
//! Invariant  Effects are performed in order. A child is watched by its link; one that has taken
//!            its link away is watched by a monitor before it is asked to end, or as soon as it
//!            is found out, so it cannot hang the tree.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use foundation_runtime::{
    Codec, Envelope, Mailed, Me, Payload, Pid, Process, Reason, ReplyTo, Tag, TimerRef, shown,
};
use rustc_hash::FxBuildHasher;

use super::child::Recipe;
use super::client::{AskDynamic, AskStatic};
use super::intensity::Tick;
use super::machine::{
    Answer, Child, ChildSpec, Context, Dynamic, DynamicFlags, Effect, Flags, Input, Report,
    RequestToken, SpecError, StartFailure, Static, TimerToken,
};
use crate::nothing::Nothing;
use crate::server::{StartError, Starter, Stop};
use crate::sys::{Control, Controlled, Then, is_system};

/// What a supervisor is started from, again at each restart of the supervisor.
#[derive(Clone)]
pub(crate) enum Plan {
    Static(Flags, Vec<ChildSpec<Recipe>>),
    Dynamic(DynamicFlags, ChildSpec),
}

/// What the supervisor tells itself: with a timer, or at once.
enum Note {
    Timer(TimerToken),
    TryAgain(Child<Pid>),
    Audit,
}

impl Payload for Note {
    const NAME: &'static str = "Supervisor::note";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "Supervisor", "note")
    }
}

/// What both machines have in common.
trait Tree: std::fmt::Debug + Send + Sized + 'static {
    const CODE: &'static str;
    type New: Send;
    type Ask: foundation_runtime::CallPayload<Reply = Answer<Pid>>;
    fn step(&mut self, now: Tick, input: Input<Pid, Self::New>, out: &mut Vec<Effect<Pid, Recipe>>);
    fn open(ask: Self::Ask) -> super::machine::Ask<Pid, Self::New>;
}

impl Tree for Static<Pid, Recipe> {
    const CODE: &'static str = "Supervisor";
    type New = ChildSpec<Recipe>;
    type Ask = AskStatic;

    fn step(
        &mut self,
        now: Tick,
        input: Input<Pid, Self::New>,
        out: &mut Vec<Effect<Pid, Recipe>>,
    ) {
        Self::step(self, now, input, out);
    }

    fn open(ask: AskStatic) -> super::machine::Ask<Pid, Self::New> {
        ask.0
    }
}

impl Tree for Dynamic<Pid, Recipe> {
    const CODE: &'static str = "Supervisor::dynamic";
    type New = Recipe;
    type Ask = AskDynamic;

    fn step(
        &mut self,
        now: Tick,
        input: Input<Pid, Self::New>,
        out: &mut Vec<Effect<Pid, Recipe>>,
    ) {
        Self::step(self, now, input, out);
    }

    fn open(ask: AskDynamic) -> super::machine::Ask<Pid, Self::New> {
        ask.0
    }
}

/// The life of a supervisor.
pub(super) async fn run(me: Process<Nothing>, plan: Plan, starter: Starter) -> Reason {
    let refused = |error: SpecError| Reason::other(error.to_string());
    let error = match plan {
        Plan::Static(flags, children) => match Static::new(flags, children) {
            Ok(tree) => return Driver::new(me, tree, starter).live().await,
            Err(error) => error,
        },
        Plan::Dynamic(flags, template) => match Dynamic::new(flags, template) {
            Ok(tree) => return Driver::new(me, tree, starter).live().await,
            Err(error) => error,
        },
    };
    let reason = refused(error);
    starter.fail_at_death(*me, Stop::Reason(reason.clone()));
    reason
}

/// How often children that were asked to end are looked at: did they take their link away?
const AUDIT_PERIOD: Duration = Duration::from_secs(1);

struct Driver<T: Tree> {
    me: Process<Nothing>,
    tree: T,
    starter: Option<Starter>,
    effects: VecDeque<Effect<Pid, Recipe>>,
    buffer: Vec<Effect<Pid, Recipe>>,
    waiting: HashMap<RequestToken, ReplyTo<Answer<Pid>>>,
    next_request: u64,
    timers: HashMap<TimerToken, TimerRef>,
    /// Children that were asked to end and are watched by their link alone.
    trusted: HashSet<Pid, FxBuildHasher>,
    audit: Option<TimerRef>,
    control: Control,
}

/// A supervisor, as the system sees it.
struct Shown<'a, T>(&'a T);

impl<T: Tree> Controlled for Shown<'_, T> {
    fn code(&self) -> &'static str {
        T::CODE
    }

    fn describe(&mut self) -> Option<String> {
        Some(shown(self.0))
    }
}

impl<T: Tree> Driver<T> {
    fn new(me: Process<Nothing>, tree: T, starter: Starter) -> Self {
        Self {
            me,
            tree,
            starter: Some(starter),
            effects: VecDeque::new(),
            buffer: Vec::new(),
            waiting: HashMap::new(),
            next_request: 0,
            timers: HashMap::new(),
            trusted: HashSet::default(),
            audit: None,
            control: Control::default(),
        }
    }

    async fn live(mut self) -> Reason {
        if let Some(reason) = self.step(Input::Begin).await {
            return reason;
        }
        loop {
            let mailed = self.next().await;
            self.control.note(*self.me, &mailed);
            let Some(input) = self.input(mailed) else {
                continue;
            };
            if let Some(reason) = self.step(input).await {
                return reason;
            }
        }
    }

    /// The next message; while the supervisor is suspended, of the system or the parent's exit.
    async fn next(&mut self) -> Mailed {
        if !self.control.is_suspended() {
            return self.me.recv_mailed().await;
        }
        let parents = self.me.supervisors();
        let wanted = |envelope: &Envelope| {
            let from = envelope.exit_from();
            is_system(envelope) || (from.is_some() && parents.contains(&from))
        };
        self.me.recv_mailed_of(wanted).await
    }

    /// Does what the system asks.
    fn asked(&mut self, envelope: Envelope) -> Option<Input<Pid, T::New>> {
        let handled = self
            .control
            .handle(envelope, *self.me, &mut Shown(&self.tree));
        let Ok(then) = handled else {
            unreachable!("only messages of the system come here");
        };
        match then {
            Then::GoOn | Then::Suspend => return None,
            Then::Resume => {}
            Then::Stop(_) => {
                self.control = Control::default();
            }
        }
        self.me.put_back();
        match then {
            Then::Stop(reason) => Some(Input::Stop { reason }),
            _ => None,
        }
    }

    /// What a message means to the machine.
    fn input(&mut self, mailed: Mailed) -> Option<Input<Pid, T::New>> {
        let envelope = match mailed {
            Mailed::Exit(exit) if self.me.is_supervisor(exit.from) => {
                // If it was suspended, it is no more: its children's ends are awaited.
                self.control = Control::default();
                self.me.put_back();
                return Some(Input::Stop {
                    reason: exit.reason,
                });
            }
            Mailed::Exit(exit) => {
                self.trusted.remove(&exit.from);
                return Some(Input::Exited {
                    pid: exit.from,
                    reason: exit.reason,
                });
            }
            Mailed::Down(down) => {
                return Some(Input::Exited {
                    pid: down.pid?,
                    reason: down.reason,
                });
            }
            Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => envelope,
        };
        if is_system(&envelope) {
            return self.asked(envelope);
        }
        let envelope = match envelope.take_call::<T::Ask>() {
            Ok((ask, reply)) => {
                self.next_request += 1;
                let request = RequestToken(self.next_request);
                self.waiting.insert(request, reply);
                return Some(Input::Request {
                    request,
                    ask: T::open(ask),
                });
            }
            Err(other) => other,
        };
        let envelope = match envelope.take::<Note>() {
            Ok(Note::Timer(token)) => {
                self.timers.remove(&token);
                return Some(Input::Timer { token });
            }
            Ok(Note::Audit) => {
                self.audit();
                return None;
            }
            Ok(Note::TryAgain(child)) => return Some(Input::TryAgain { child }),
            Err(other) => other,
        };
        envelope.refuse_unknown("Supervisor");
        None
    }

    /// Feeds one input and performs everything that follows from it.
    async fn step(&mut self, input: Input<Pid, T::New>) -> Option<Reason> {
        self.feed(input);
        while let Some(effect) = self.effects.pop_front() {
            if let Some(reason) = self.perform(effect).await {
                return Some(reason);
            }
        }
        None
    }

    fn feed(&mut self, input: Input<Pid, T::New>) {
        let now = Tick::from_nanos(self.me.node().now().as_nanos() as u64);
        self.tree.step(now, input, &mut self.buffer);
        self.effects.extend(self.buffer.drain(..));
    }

    async fn perform(&mut self, effect: Effect<Pid, Recipe>) -> Option<Reason> {
        match effect {
            Effect::Start { start, .. } => {
                let outcome = start.start(self.me.node()).await;
                self.feed(match outcome {
                    Ok(pid) => Input::Started { pid },
                    Err(StartError::Ignore) => Input::StartIgnored,
                    Err(error) => Input::StartFailed {
                        reason: error.into_reason(),
                    },
                });
            }
            Effect::Shutdown { pid } => self.end(pid, Reason::Shutdown),
            Effect::Kill { pid } => self.end(pid, Reason::Kill),
            Effect::ArmTimer { token, after } => self.arm(token, after),
            Effect::CancelTimer { token } => {
                if let Some(timer) = self.timers.remove(&token) {
                    self.me.cancel_timer(timer);
                }
            }
            Effect::TryAgainLater { child } => {
                let note = Envelope::message(Note::TryAgain(child));
                self.me.send_envelope_after(Duration::ZERO, note, false);
            }
            Effect::Continue => self.feed(Input::Continue),
            Effect::Reply { request, answer } => {
                if let Some(reply) = self.waiting.remove(&request) {
                    reply.send(answer);
                }
            }
            Effect::Report(report) => log(*self.me, &report),
            Effect::Ready(outcome) => {
                let starter = self.starter.take().expect("a supervisor is ready once");
                self.ready(starter, outcome);
            }
            Effect::Stopped { reason } => return Some(reason),
        }
        None
    }

    fn ready(&self, mut starter: Starter, outcome: Result<(), StartFailure>) {
        match outcome {
            Ok(()) => starter.ready(),
            Err(failure) => {
                starter.fail_at_death(*self.me, Stop::Reason(failure.exit_reason()));
            }
        }
    }

    fn end(&mut self, pid: Pid, reason: Reason) {
        if self.me.is_linked(pid) {
            self.trusted.insert(pid);
            self.audit.get_or_insert_with(|| arm_audit(*self.me));
        } else {
            self.me.monitor(pid);
        }
        self.me.exit(pid, reason);
    }

    /// A child that took its link away after it was asked to end is watched by a monitor instead.
    fn audit(&mut self) {
        let me = *self.me;
        self.trusted.retain(|pid| {
            let linked = me.is_linked(*pid);
            if !linked {
                me.monitor(*pid);
            }
            linked
        });
        self.audit = (!self.trusted.is_empty()).then(|| arm_audit(me));
    }

    fn arm(&mut self, token: TimerToken, after: Duration) {
        let note = Envelope::message(Note::Timer(token));
        let timer = self.me.send_envelope_after(after, note, false);
        self.timers.insert(token, timer);
    }
}

fn arm_audit(me: Me) -> TimerRef {
    me.send_envelope_after(AUDIT_PERIOD, Envelope::message(Note::Audit), false)
}

/// The target of supervisor reports, for filters.
const SUPERVISOR: &str = "foundation::supervisor";

fn log(me: Me, report: &Report<Pid>) {
    let pid = report.pid.map(tracing::field::display);
    let level_is_error = report.context != Context::ChildTerminated || !report.reason.is_orderly();
    if level_is_error {
        tracing::error!(
            target: SUPERVISOR,
            supervisor = %me.pid(),
            child = %report.id,
            pid,
            reason = %report.reason,
            "{}", report.context
        );
    } else {
        tracing::info!(
            target: SUPERVISOR,
            supervisor = %me.pid(),
            child = %report.id,
            pid,
            reason = %report.reason,
            "{}", report.context
        );
    }
}
