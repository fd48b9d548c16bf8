//! Who lives in the tree, and who stands beside it?
//!
//! Role       [`Worker`]: an actor that does what it is told and notes it; [`hand`]: a plain process
//!            that suspends others; [`caller`]: one that makes one call.

use std::time::Duration;

use foundation::prelude::*;
use foundation::time;

use crate::ledger::{CallFate, Facts, InitFault, Ledger, Outcome};

/// Something that a worker does in its own name.
pub(crate) type Job = Box<dyn FnOnce(&mut Cx<Worker>) + Send>;

/// A message outside the workers' protocol.
#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Plain;

/// What timers bring.
#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Tick(pub(crate) u64);

#[derive(Clone)]
pub(crate) struct Cfg {
    pub(crate) facts: Facts,
    pub(crate) ledger: Ledger,
}

pub(crate) struct Worker {
    me: Pid,
    node: Node,
    ledger: Ledger,
    held: Vec<ReplyTo<u64>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ledger.book().died(self.me, self.node.now());
    }
}

#[actor]
impl Worker {
    #[init]
    fn init(cfg: Cfg, cx: &mut Cx<Self>) -> Result<Self, Stop> {
        let Cfg { facts, ledger } = cfg;
        let (me, node) = (cx.pid(), cx.node());
        let fault = ledger.book().init_fails();
        match fault {
            None => {}
            Some(InitFault::Stops) => return Err(Stop::new(Reason::other("as told"))),
            Some(InitFault::Panics) => panic!("as told"),
        }
        cx.trap_exit(facts.traps);
        ledger.book().born(me, facts);
        let held = Vec::new();
        Ok(Self {
            me,
            node,
            ledger,
            held,
        })
    }

    #[cast]
    pub(crate) fn note(&mut self) {
        self.ledger.book().handled += 1;
    }

    #[cast]
    pub(crate) fn number(&mut self, number: u32) {
        let mut book = self.ledger.book();
        book.handled += 1;
        book.heard.push((self.me, number));
    }

    #[cast(local)]
    pub(crate) fn perform(&mut self, job: Job, cx: &mut Cx<Self>) {
        self.ledger.book().handled += 1;
        job(cx);
    }

    #[cast]
    pub(crate) fn crash(&mut self) {
        self.ledger.book().handled += 1;
        panic!("as told");
    }

    #[cast]
    pub(crate) fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        self.ledger.book().handled += 1;
        cx.stop(reason);
    }

    /// Answers all who wait, also those who asked others.
    #[cast]
    pub(crate) fn release(&mut self) {
        let shelf = {
            let mut book = self.ledger.book();
            book.handled += 1;
            book.shelf.remove(&self.me.node()).unwrap_or_default()
        };
        for (nth, waiting) in self.held.drain(..).chain(shelf).enumerate() {
            waiting.send(nth as u64);
        }
    }

    #[call]
    pub(crate) fn echo(&mut self, ticket: u64) -> u64 {
        self.ledger.book().call_handled(ticket, self.me);
        ticket
    }

    #[call]
    pub(crate) async fn slow_echo(&mut self, ticket: u64) -> u64 {
        self.ledger.book().call_handled(ticket, self.me);
        time::sleep(ms(ticket % 20)).await;
        ticket
    }

    #[call]
    pub(crate) fn hold(&mut self, ticket: u64, from: ReplyTo<u64>) {
        let mut book = self.ledger.book();
        book.call_handled(ticket, self.me);
        match ticket % 2 {
            0 => self.held.push(from),
            _ => book.shelf.entry(self.me.node()).or_default().push(from),
        }
    }

    #[info]
    fn info(&mut self, info: Info) {
        let now = self.node.now();
        let mut book = self.ledger.book();
        match info.take::<Tick>() {
            Ok(Tick(ticket)) => book.ticked(ticket, self.me, now),
            Err(info) if info.name() == "Plain" => book.handled += 1,
            Err(info) => book.wrong(format!("{} got {}", self.me, info.name())),
        }
    }

    #[down]
    fn down(&mut self, down: Down) {
        self.ledger.book().down(self.me, &down);
    }

    #[exit]
    fn exit(&mut self, exit: Exit) {
        self.ledger.book().exits.push((self.me, exit));
    }
}

/// What a hand is told.
#[derive(Debug, Message)]
#[message(local)]
pub(crate) enum Grip {
    Suspend(Pid),
    ResumeAll,
}

/// Suspends and resumes.
pub(crate) async fn hand(mut me: Process<Grip>) {
    let mut gripped = Vec::new();
    loop {
        match me.recv().await {
            Mail::Msg(Grip::Suspend(pid)) => {
                let suspended = me.suspend(pid, secs(1)).await;
                gripped.extend(suspended.is_ok().then_some(pid));
            }
            Mail::Msg(Grip::ResumeAll) => {
                for pid in gripped.drain(..) {
                    // It may have died.
                    let _ = me.resume(pid, secs(1)).await;
                }
            }
            _ => {}
        }
    }
}

/// Which of the calls.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Echo,
    Slow,
    Hold,
}

/// Notes that a caller died before its call was over.
struct Waiting {
    ledger: Ledger,
    ticket: u64,
    node: Node,
    over: bool,
}

impl Waiting {
    fn end(&mut self, outcome: Outcome) {
        self.over = true;
        let now = self.node.now();
        self.ledger.book().call_ended(self.ticket, now, outcome);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            self.end(Outcome::Abandoned);
        }
    }
}

/// Makes one call and notes how it ends.
pub(crate) async fn caller(
    me: Process<Plain>,
    ledger: Ledger,
    server: Ref<Worker>,
    kind: Kind,
    bound: Duration,
) {
    let node = me.node();
    let ticket = {
        let mut book = ledger.book();
        let ticket = book.ticket();
        let connected = book.is_connected(me.pid(), server.pid());
        let fate = CallFate {
            caller: me.pid(),
            server: server.pid(),
            cut: (!connected).then(|| node.now()),
            begun: node.now(),
            bound,
            handled: 0,
            outcomes: Vec::new(),
        };
        book.calls.insert(ticket, fate);
        ticket
    };
    let mut waiting = Waiting {
        ledger,
        ticket,
        node,
        over: false,
    };
    let call = match kind {
        Kind::Echo => server.echo(ticket),
        Kind::Slow => server.slow_echo(ticket),
        Kind::Hold => server.hold(ticket),
    };
    let outcome = match call.timeout(bound).await {
        Ok(_) if matches!(kind, Kind::Hold) => Outcome::Answered(ticket),
        Ok(answer) => Outcome::Answered(answer),
        Err(error) => Outcome::Failed(error),
    };
    waiting.end(outcome);
}
