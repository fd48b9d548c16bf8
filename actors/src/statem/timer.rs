//! How does a timeout reach its state machine?
//!
//! Role       The message that a timer of a state machine is: it waits in the mailbox as any other,
//!            behind what came before.
//! Source     otp: gen_statem, "Time-Outs"; erlang:start_timer/4

use std::marker::PhantomData;

use foundation_runtime::{Codec, Entry, Envelope, Info, OpenCall, Payload, Tag, Turn};

use super::actor::Statem;
use super::machine::{Timeout, TimerId};
use crate::server::{Cx, Handled, Handler};

pub(super) struct Fired<A> {
    timeout: Timeout,
    timer: TimerId,
    _actor: PhantomData<fn() -> A>,
}

impl<A> Fired<A> {
    pub(super) fn new(timeout: Timeout, timer: TimerId) -> Self {
        Self {
            timeout,
            timer,
            _actor: PhantomData,
        }
    }
}

impl<A: Statem> Payload for Fired<A> {
    const NAME: &'static str = "timeout";
    const ENTRY: Option<Entry> = Some(Entry::new(&Handler::<A>(run::<A>)));
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("", A::NAME, "timeout")
    }
}

fn run<'a, A: Statem>(
    envelope: Envelope,
    actor: &'a mut A,
    cx: &'a mut Cx<A>,
    _: &mut Turn<'_>,
    _: &mut Option<OpenCall>,
) -> Handled<'a> {
    let me = **cx;
    match envelope.take::<Fired<A>>() {
        Ok(fired) => A::kept(cx).fired(actor, me, fired.timeout, fired.timer),
        Err(other) => actor.handle_info(Info::new(other), cx),
    }
}
