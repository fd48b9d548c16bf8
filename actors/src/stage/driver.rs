//! The process of a stage.
//!
//! Role       Turns asks, pushes and what the producer made into inputs of the machine, and its
//!            effects into answers.
//! Owns       The machine, the open asks, and the producer or its production under way.
//! Invariant  The stage hears its subscribers also while its producer waits.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use foundation_runtime::{Envelope, Mailed, MonitorRef, Process, Reason, ReplyTo, shown};

use super::client::{Batch, Close, Join, Joined, Leave, Push, Stand, Want};
use super::dispatch::{Dispatcher, Effect, Input, PushToken, SubscriberId};
use super::source::{Produced, Production, Source};
use crate::nothing::Nothing;
use crate::sys::{Control, Controlled, Then, is_system};

/// What a stage waits for.
enum Event<T> {
    Mailed(Mailed),
    Made(Box<dyn Source<T>>, Produced<T>),
}

/// Somebody who has subscribed.
struct Member<T> {
    token: Weak<()>,
    monitor: Option<MonitorRef>,
    asks: Option<ReplyTo<Batch<T>>>,
}

pub(super) async fn run<T: Send + 'static>(
    me: Process<Nothing>,
    dispatcher: Dispatcher<T>,
    source: Option<Box<dyn Source<T>>>,
) -> Reason {
    let mut driver = Driver {
        me,
        dispatcher,
        source,
        production: None,
        production_first: false,
        members: HashMap::new(),
        joining: None,
        pushes: HashMap::new(),
        next: 0,
        effects: Vec::new(),
        over: None,
        control: Control::default(),
    };
    loop {
        match driver.next().await {
            Event::Mailed(mailed) => {
                driver.control.note(*driver.me, &mailed);
                driver.mailed(mailed);
            }
            Event::Made(source, produced) => {
                driver.source = Some(source);
                driver.feed(match produced {
                    Produced::Items(items) => Input::Arrived { items },
                    Produced::Done => Input::Done,
                });
            }
        }
        if let Some(reason) = driver.over {
            return reason;
        }
    }
}

struct Driver<T> {
    me: Process<Nothing>,
    dispatcher: Dispatcher<T>,
    /// The producer, while it makes nothing.
    source: Option<Box<dyn Source<T>>>,
    production: Option<Production<T>>,
    /// Who is looked at first takes turns, so that neither keeps the other from its turn.
    production_first: bool,
    members: HashMap<SubscriberId, Member<T>>,
    /// Who is to be told how its subscription went.
    joining: Option<ReplyTo<Joined>>,
    pushes: HashMap<PushToken, ReplyTo<Result<(), (Vec<T>, bool)>>>,
    next: u64,
    effects: Vec<Effect<T>>,
    over: Option<Reason>,
    control: Control,
}

/// A stage, as the system sees it.
struct Shown<'a, T>(&'a Dispatcher<T>);

impl<T> Controlled for Shown<'_, T> {
    fn code(&self) -> &'static str {
        "Stage"
    }

    fn describe(&mut self) -> Option<String> {
        Some(shown(self.0))
    }
}

impl<T: Send + 'static> Driver<T> {
    /// What happens next; while the stage is suspended, only what the system asks.
    async fn next(&mut self) -> Event<T> {
        if self.control.is_suspended() {
            return Event::Mailed(self.me.recv_mailed_of(is_system).await);
        }
        self.production_first = !self.production_first;
        let (first, production) = (self.production_first, &mut self.production);
        let mut received = pin!(self.me.recv_mailed());
        let mut made = |cx: &mut Context<'_>| {
            let Poll::Ready((source, produced)) = production.as_mut()?.as_mut().poll(cx) else {
                return None;
            };
            *production = None;
            Some(Event::Made(source, produced))
        };
        std::future::poll_fn(|cx| {
            if first && let Some(event) = made(cx) {
                return Poll::Ready(event);
            }
            if let Poll::Ready(mailed) = received.as_mut().poll(cx) {
                return Poll::Ready(Event::Mailed(mailed));
            }
            match first {
                true => Poll::Pending,
                false => made(cx).map_or(Poll::Pending, Poll::Ready),
            }
        })
        .await
    }

    fn mailed(&mut self, mailed: Mailed) {
        match mailed {
            Mailed::Message(envelope) | Mailed::Timeout(_, envelope) => self.message(envelope),
            Mailed::Down(down) => {
                let mut members = self.members.iter();
                let gone = members.find(|(_, member)| member.monitor == Some(down.monitor));
                if let Some((id, _)) = gone {
                    self.leave(*id);
                }
            }
            Mailed::Exit(exit) => self.over = Some(exit.reason),
        }
    }

    /// Does what the system asks.
    fn asked(&mut self, envelope: Envelope) {
        let handled = self
            .control
            .handle(envelope, *self.me, &mut Shown(&self.dispatcher));
        match handled {
            Ok(Then::GoOn | Then::Suspend) => {}
            Ok(Then::Resume) => self.me.put_back(),
            Ok(Then::Stop(reason)) => self.over = Some(reason),
            Err(_) => unreachable!("only messages of the system come here"),
        }
    }

    fn message(&mut self, envelope: Envelope) {
        if is_system(&envelope) {
            return self.asked(envelope);
        }
        let envelope = match envelope.take_call::<Want<T>>() {
            Ok((want, reply)) => return self.wanted(want.id, want.demand, reply),
            Err(other) => other,
        };
        let envelope = match envelope.take_call::<Push<T>>() {
            Ok((Push(items), reply)) => {
                let token = PushToken(self.fresh());
                self.pushes.insert(token, reply);
                return self.feed(Input::Pushed { token, items });
            }
            Err(other) => other,
        };
        let envelope = match envelope.take_call::<Join<T>>() {
            Ok((join, reply)) => return self.join(join, reply),
            Err(other) => other,
        };
        let envelope = match envelope.take::<Leave>() {
            Ok(Leave(token)) => {
                let mut members = self.members.iter();
                let member = members.find(|(_, member)| Weak::ptr_eq(&member.token, &token));
                if let Some(id) = member.map(|(id, _)| *id) {
                    self.leave(id);
                }
                return;
            }
            Err(other) => other,
        };
        let envelope = match envelope.take_call::<Stand<T>>() {
            Ok((_, reply)) => return reply.send(self.dispatcher.standing()),
            Err(other) => other,
        };
        let envelope = match envelope.take::<Close>() {
            Ok(Close) => return self.feed(Input::Done),
            Err(other) => other,
        };
        envelope.refuse_unknown("Stage");
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A subscription that was dropped before it was heard of has no token any more.
    fn join(&mut self, join: Join<T>, reply: ReplyTo<Joined>) {
        if join.token.strong_count() == 0 {
            return;
        }
        let id = SubscriberId(self.fresh());
        let member = Member {
            token: join.token,
            monitor: reply.caller().map(|caller| self.me.monitor(caller)),
            asks: None,
        };
        self.members.insert(id, member);
        self.joining = Some(reply);
        self.feed(Input::Subscribed {
            id,
            partition: join.partition,
            selector: join.selector,
        });
    }

    fn wanted(&mut self, id: SubscriberId, demand: usize, reply: ReplyTo<Batch<T>>) {
        match self.members.get_mut(&id) {
            Some(member) => {
                member.asks = Some(reply);
                self.feed(Input::Asked { id, demand });
            }
            None => reply.send(Batch {
                items: Vec::new(),
                last: true,
            }),
        }
    }

    fn leave(&mut self, id: SubscriberId) {
        self.forget(id);
        self.feed(Input::Cancelled { id });
    }

    fn forget(&mut self, id: SubscriberId) -> Option<ReplyTo<Batch<T>>> {
        let member = self.members.remove(&id)?;
        if let Some(monitor) = member.monitor {
            self.me.demonitor_flush(monitor);
        }
        member.asks
    }

    fn feed(&mut self, input: Input<T>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.dispatcher.step(input, &mut effects);
        for effect in effects.drain(..) {
            self.perform(effect);
        }
        self.effects = effects;
    }

    fn perform(&mut self, effect: Effect<T>) {
        match effect {
            Effect::Accepted { id, outcome } => {
                if outcome.is_err() {
                    self.forget(id);
                }
                if let Some(reply) = self.joining.take() {
                    let pid = self.me.pid();
                    reply.send(outcome.map(|()| (id, pid)));
                }
            }
            Effect::Deliver { id, items, last } => {
                let asks = match last {
                    true => self.forget(id),
                    false => self.members.get_mut(&id).and_then(|one| one.asks.take()),
                };
                let reply = asks.expect("who is delivered to has asked");
                reply.send(Batch { items, last });
            }
            Effect::Produce { demand } => {
                let source = self
                    .source
                    .take()
                    .expect("a source makes one batch at a time");
                self.production = Some(source.produce(demand));
            }
            Effect::Pushed { token, refused } => {
                let reply = self.pushes.remove(&token).expect("a push is answered once");
                reply.send(match refused {
                    None => Ok(()),
                    Some(items) => Err((items, self.dispatcher.is_done())),
                });
            }
            Effect::Dropped { count } => tracing::warn!(
                target: "foundation::stage",
                pid = %self.me.pid(),
                count,
                "items were dropped for want of room"
            ),
            Effect::Finished => self.over = Some(Reason::Normal),
        }
    }
}
