//! How does the agent run?
//!
//! Role       Two kinds of processes: the agent lets observers in; a session, linked with it, serves
//!            one of them. The session's machine decides, this performs.
//! Inputs     A door; what observers send.
//! Outputs    Answers.
//! Limit      As many sessions as the options say. What is unsent is at most one answer beside
//!            figures and a trace.
//! Invariant  A session that fails in any way ends alone. They run with low priority: whoever has
//!            work of its own goes first.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation_runtime::{
    Codec, Mail, Message, Node, Priority, Process, Reason, SpawnOptions, Tag, time,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Options;
use super::edge::Door;
use super::frame::{ANSWER_MAX, ASK_MAX, Decoder, encode, greeting};
use super::gather::Eyes;
use super::protocol::{Answer, Request};
use super::session::{Effect, Input, Session};

/// How long a last word may take to be sent.
const FAREWELL: Duration = Duration::from_millis(500);
const READ: usize = 8 * 1024;
/// What has arrived and is not understood is at most this and [`READ`]; it is more than a whole frame.
const ARRIVED_MAX: usize = ASK_MAX + READ;

/// What is sent to the agent: nothing.
#[derive(Debug)]
pub enum Nothing {}

impl Message for Nothing {
    const NAME: &'static str = "Nothing";
    const CODEC: Codec<Self> = Codec::local();

    fn tag() -> Tag {
        Tag::of("foundation", "observe", "nothing")
    }
}

/// The agent's process.
pub(super) async fn agent(mut me: Process<Nothing>, door: Door, options: Options) -> Reason {
    let node = me.node();
    let door = match door.listen() {
        Ok(door) => door,
        Err(error) => return Reason::other(error.to_string()),
    };
    let mut sessions = 0;
    loop {
        let next = {
            let mut mail = pin!(me.recv());
            let mut visitor = pin!(door.accept());
            poll_fn(|cx| {
                if let Poll::Ready(mail) = mail.as_mut().poll(cx) {
                    return Poll::Ready(Err(mail));
                }
                visitor.as_mut().poll(cx).map(Ok)
            })
            .await
        };
        match next {
            Err(Mail::Exit(exit)) if me.is_supervisor(exit.from) => return exit.reason,
            Err(Mail::Exit(_)) => sessions -= 1,
            Err(_) => {}
            // A visitor who may not come in, or has left again.
            Ok(Err(error)) => {
                tracing::info!(target: "foundation::observe", %error, "a visitor was turned away");
                time::sleep(Duration::from_millis(10)).await;
            }
            Ok(Ok(wire)) if sessions >= options.observers => {
                turn_away(&node, wire, options.observers);
            }
            Ok(Ok(wire)) => {
                let read_only = options.read_only;
                let spawn = SpawnOptions::new()
                    .code("foundation::observe::Session")
                    .priority(Priority::Low)
                    .link();
                let body = move |me| session(me, wire, read_only);
                if node.spawn_fn_with::<Nothing, _, _>(&spawn, body).is_ok() {
                    sessions += 1;
                }
            }
        }
    }
}

/// Says that there is no room: a process that ends within the bound.
fn turn_away(node: &Node, wire: impl Wire, observers: usize) {
    let spawn = SpawnOptions::new().code("foundation::observe::TurnAway");
    let body = move |me: Process<Nothing>| async move {
        let mut line = Line::new(wire);
        line.unsent.extend(greeting());
        line.say(&Answer::Goodbye(format!(
            "{observers} observe this node already, and that is the limit"
        )));
        line.farewell(&me.node()).await;
    };
    // At the node's limit of processes there is nobody left to say it.
    let _ = node.spawn_fn_with::<Nothing, _, _>(&spawn, body);
}

/// What a session speaks through.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<W: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for W {}

/// A wire, what arrived on it, and what is to leave.
struct Line<W> {
    wire: W,
    arrived: Decoder,
    unsent: Vec<u8>,
    /// Nothing more will come.
    ended: bool,
    gone: bool,
}

/// What one look at the wire came to.
#[derive(Default)]
struct Moved {
    sent: bool,
    read: bool,
}

impl<W: Wire> Line<W> {
    fn new(wire: W) -> Self {
        Self {
            wire,
            arrived: Decoder::new(ASK_MAX),
            unsent: Vec::new(),
            ended: false,
            gone: false,
        }
    }

    fn say(&mut self, answer: &Answer) {
        let frame = encode(answer, ANSWER_MAX)
            .or_else(|error| encode(&Answer::Refused(error.to_string()), ANSWER_MAX));
        self.unsent.extend(frame.unwrap_or_default());
    }

    /// Sends and reads what can be without waiting, or waits until `wake`.
    async fn exchange(&mut self, node: &Node, read: bool, wake: Option<Duration>) -> Moved {
        let bound = wake.map_or(Duration::from_secs(60), |at| at.saturating_sub(node.now()));
        let moved = time::timeout_on(node, bound, poll_fn(|cx| self.poll(cx, read))).await;
        moved.unwrap_or_default()
    }

    fn poll(&mut self, cx: &mut std::task::Context<'_>, read: bool) -> Poll<Moved> {
        let mut moved = Moved::default();
        while !self.unsent.is_empty() {
            match std::pin::Pin::new(&mut self.wire).poll_write(cx, &self.unsent) {
                Poll::Ready(Ok(sent)) if sent > 0 => {
                    self.unsent.drain(..sent);
                    moved.sent = true;
                }
                Poll::Ready(_) => self.gone = true,
                Poll::Pending => break,
            }
            if self.gone {
                return Poll::Ready(moved);
            }
        }
        if read && !self.ended && self.arrived.waiting() < ARRIVED_MAX {
            let mut space = [0; READ];
            let mut space = ReadBuf::new(&mut space);
            match std::pin::Pin::new(&mut self.wire).poll_read(cx, &mut space) {
                Poll::Ready(Ok(())) if !space.filled().is_empty() => {
                    self.arrived.push(space.filled());
                    moved.read = true;
                }
                Poll::Ready(end) => {
                    self.ended = true;
                    self.gone = end.is_err();
                    moved.read = true;
                }
                Poll::Pending => {}
            }
        }
        match moved.sent || moved.read {
            true => Poll::Ready(moved),
            false => Poll::Pending,
        }
    }

    /// Sends what is unsent, if that takes no longer than the bound.
    async fn farewell(&mut self, node: &Node) {
        let until = node.now() + FAREWELL;
        while !self.unsent.is_empty() && !self.gone && node.now() < until {
            self.exchange(node, false, Some(until)).await;
        }
    }
}

/// The process of one observer.
async fn session(me: Process<Nothing>, wire: impl Wire, read_only: bool) {
    let node = me.node();
    let mut line = Line::new(wire);
    let mut machine = Session::new(node.now(), read_only);
    let mut eyes = Eyes::new(node.clone());
    line.unsent.extend(greeting());
    let mut greeted = false;
    let mut effects = Vec::new();
    while !line.gone {
        let now = node.now();
        let input = match machine.may_read(now) {
            true => heard(&mut line.arrived, &mut greeted),
            false => None,
        };
        let queued = line.unsent.len();
        match input {
            Some(input) => machine.step(now, input, &mut effects),
            None => listen(&node, &mut line, &mut machine, &mut effects).await,
        }
        for effect in std::mem::take(&mut effects) {
            if !perform(effect, &mut machine, &mut eyes, &mut line, read_only).await {
                line.farewell(&node).await;
                line.gone = true;
            }
        }
        if queued < line.unsent.len() {
            let unsent = line.unsent.len();
            machine.step(node.now(), Input::Queued { unsent }, &mut effects);
        }
    }
}

/// Waits for what comes next: more of what is said, room for what is unsent, or time.
async fn listen<W: Wire>(
    node: &Node,
    line: &mut Line<W>,
    machine: &mut Session,
    effects: &mut Vec<Effect>,
) {
    let now = node.now();
    let read = machine.may_read(now);
    if read && line.ended {
        return match line.arrived.waiting() {
            0 => line.gone = true,
            _ => {
                let why = "it hung up in the middle of what it said".to_owned();
                machine.step(now, Input::Nonsense(why), effects);
            }
        };
    }
    if read && line.arrived.waiting() > 0 {
        machine.step(now, Input::Half, effects);
    }
    let moved = line.exchange(node, read, machine.wake_at(now)).await;
    let now = node.now();
    if moved.sent {
        let unsent = line.unsent.len();
        machine.step(now, Input::Sent { unsent }, effects);
    }
    if read && !moved.read {
        machine.step(now, Input::Quiet, effects);
    }
    machine.step(now, Input::Tick, effects);
}

/// The next thing that was said, if all of it is there.
fn heard(arrived: &mut Decoder, greeted: &mut bool) -> Option<Input> {
    let heard = if *greeted {
        arrived
            .take::<Request>()
            .map(|asked| asked.map(Input::Asked))
    } else {
        arrived.greeted().map(|there| {
            *greeted = there;
            there.then_some(Input::Greeted)
        })
    };
    heard.unwrap_or_else(|error| Some(Input::Nonsense(error.to_string())))
}

/// Does what the machine decided; whether the session goes on.
async fn perform<W: Wire>(
    effect: Effect,
    machine: &mut Session,
    eyes: &mut Eyes,
    line: &mut Line<W>,
    read_only: bool,
) -> bool {
    match effect {
        Effect::Welcome => line.say(&eyes.welcome(read_only)),
        Effect::Send(answer) => line.say(&answer),
        Effect::Untrace => eyes.untrace(),
        Effect::Close(why) => {
            line.say(&Answer::Goodbye(why));
            return false;
        }
        Effect::Gather(request) => {
            let begun = eyes.now();
            let waits = matches!(request, Request::Operate(_));
            let answer = eyes.gather(request, read_only).await;
            // Who waits for others to answer costs nothing meanwhile.
            let cost = match waits {
                true => Duration::ZERO,
                false => eyes.now().saturating_sub(begun),
            };
            machine.step(eyes.now(), Input::Gathered(cost), &mut Vec::new());
            line.say(&answer);
        }
        Effect::Figures => {
            let begun = eyes.now();
            let figures = eyes.figures(machine.skipped()).await;
            let traced = eyes.traced();
            let cost = eyes.now().saturating_sub(begun);
            machine.step(eyes.now(), Input::Gathered(cost), &mut Vec::new());
            line.say(&Answer::Figures(Box::new(figures)));
            if let Some(traced) = traced {
                line.say(&Answer::Traced(traced));
            }
        }
    }
    true
}
