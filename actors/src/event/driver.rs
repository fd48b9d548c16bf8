//! The process of an event manager.
//!
//! Role       Takes one thing after the other from the mailbox and has it done.
//! Inputs     Events, as plain messages; calls; exits and downs.
//! Invariant  It traps exits: its parent's ends it, an owner's ends that one's handlers.
//! Source     otp: gen_event

use foundation_runtime::{
    CallPayload, Codec, Entry, Envelope, Mailed, Message, Payload, Pid, Process, Reason, Tag, Wrap,
};

use super::desk::Desk;
use crate::server::{Starter, Stop};
use crate::sys::{Control, Controlled, Then, is_system};

/// What is done with a manager's handlers by a request, and gives an `R`.
type Work<E, R> = Box<dyn FnOnce(&mut Desk<E>, Option<Pid>) -> R + Send>;

/// A request to a manager of this node.
pub(super) struct Ask<E: Message, R>(pub(super) Work<E, R>);

/// How a request is carried out, whatever it gives.
struct Run<E: Message>(fn(Envelope, &mut Desk<E>));

fn run<E: Message, R: Send + 'static>(envelope: Envelope, desk: &mut Desk<E>) {
    if let Ok((Ask(work), reply)) = envelope.take_call::<Ask<E, R>>() {
        let caller = reply.caller();
        reply.send(work(desk, caller));
    }
}

impl<E: Message, R: Send + 'static> Payload for Ask<E, R> {
    const NAME: &'static str = "EventManager::ask";
    const ENTRY: Option<Entry> = Some(Entry::new(&Run::<E>(run::<E, R>)));
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "EventManager", "ask")
    }
}

impl<E: Message, R: Send + 'static> CallPayload for Ask<E, R> {
    type Reply = R;
    const REPLY_CODEC: Codec<R> = Codec::local();
}

/// An event whose sender waits until all handlers have seen it.
pub(super) struct SyncNotify<E>(pub(super) E);

impl<E: Message> Wrap for SyncNotify<E> {
    type Inner = E;
    const INNER: Codec<E> = E::CODEC;

    fn inner(&self) -> &E {
        &self.0
    }

    fn wrap(event: E) -> Self {
        Self(event)
    }
}

impl<E: Message> Payload for SyncNotify<E> {
    const NAME: &'static str = E::NAME;
    const CODEC: Codec<Self> = Codec::wrapping();

    fn tag() -> Tag {
        Tag::of("foundation", "EventManager::sync_notify", E::NAME)
    }
}

impl<E: Message> CallPayload for SyncNotify<E> {
    type Reply = ();
    const REPLY_CODEC: Codec<()> = Codec::portable();
}

/// What is there before anybody can ask: adds the handlers of the manager's recipe.
pub(super) type Begin<E> = std::sync::Arc<dyn Fn(&mut Desk<E>) -> Result<(), Reason> + Send + Sync>;

/// The life of a manager.
pub(super) async fn live<E: Message>(
    me: Process<E>,
    limit: usize,
    begin: Vec<Begin<E>>,
    mut starter: Starter,
) -> Reason {
    let mut desk = Desk::new(*me, limit);
    for begin in begin {
        if let Err(reason) = begin(&mut desk) {
            desk.stop(&reason);
            starter.fail_at_death(*me, Stop::Reason(reason.clone()));
            return reason;
        }
    }
    starter.ready();
    let control = Control::default();
    Driver { me, desk, control }.live().await
}

struct Driver<E: Message> {
    me: Process<E>,
    desk: Desk<E>,
    control: Control,
}

/// What the system is shown of a manager: its handlers.
struct Shown<'a, E: Message>(&'a mut Desk<E>);

impl<E: Message> Controlled for Shown<'_, E> {
    fn code(&self) -> &'static str {
        "EventManager"
    }

    fn describe(&mut self) -> Option<String> {
        Some(self.0.describe())
    }
}

impl<E: Message> Driver<E> {
    async fn live(mut self) -> Reason {
        loop {
            let mailed = self.next().await;
            self.control.note(*self.me, &mailed);
            if let Some(reason) = self.handle(mailed) {
                self.desk.stop(&reason);
                return reason;
            }
        }
    }

    /// The next message; while the manager is suspended, of the system, or its parent's exit.
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

    /// Handles one thing; the reason to end, if it is one.
    fn handle(&mut self, mailed: Mailed) -> Option<Reason> {
        match mailed {
            Mailed::Exit(exit) if self.me.is_supervisor(exit.from) => {
                return Some(exit.reason);
            }
            Mailed::Exit(exit) => self.desk.owner_ended(exit.from, &exit.reason),
            Mailed::Down(down) => self.desk.down(&down),
            Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => {
                if is_system(&envelope) {
                    return self.asked(envelope);
                }
                self.handle_message(envelope);
            }
        }
        None
    }

    /// Does what the system asks.
    fn asked(&mut self, envelope: Envelope) -> Option<Reason> {
        let shown = &mut Shown(&mut self.desk);
        let Ok(then) = self.control.handle(envelope, *self.me, shown) else {
            unreachable!("only messages of the system come here");
        };
        match then {
            Then::Stop(reason) => return Some(reason),
            // What came while it was suspended is looked at again.
            Then::Resume => self.me.put_back(),
            Then::GoOn | Then::Suspend => {}
        }
        None
    }

    fn handle_message(&mut self, envelope: Envelope) {
        if let Some(run) = envelope.entry::<Run<E>>() {
            return (run.0)(envelope, &mut self.desk);
        }
        let envelope = match envelope.take_plain::<E>() {
            Ok(event) => return self.desk.show(&event),
            Err(other) => other,
        };
        match envelope.take_call::<SyncNotify<E>>() {
            Ok((SyncNotify(event), reply)) => {
                self.desk.show(&event);
                reply.send(());
            }
            Err(other) => self.handle_from_afar(other),
        }
    }

    /// Handles what came as bytes, or is nothing that a manager of such events takes.
    #[cold]
    fn handle_from_afar(&mut self, envelope: Envelope) {
        if envelope.tag() == Some(<SyncNotify<E> as Payload>::tag()) {
            if let Ok(Some((SyncNotify(event), reply))) = envelope.decode_call::<SyncNotify<E>>() {
                self.desk.show(&event);
                reply.send(());
            }
            return;
        }
        if envelope.tag().is_some() {
            return envelope.refuse_unknown("EventManager");
        }
        tracing::warn!(
            target: "foundation::server",
            pid = %self.me.pid(),
            event = E::NAME,
            message = envelope.name(),
            "a message that is no event of this manager was dropped"
        );
    }
}
