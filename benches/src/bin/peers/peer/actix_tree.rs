//! How fast is actix when processes make and replace processes?
//!
//! Role       Restarts and skynet, on one arbiter like the rest.
//! Inputs     A [`Plan`] and, for restarts, how the worker ends.
//! Outputs    An [`Outcome`].
//! Owns       Nothing.
//! Invariant  Restarts are those of actix's own `Supervisor`, which survives no panic.

use ::actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Supervised, Supervisor,
};
use ::tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::actix::{Thread, messages};
use crate::gate::Gate;
use crate::harness::{Outcome, expect, not_applicable, sum_below, warmed};
use crate::meter::Clock;
use crate::workload::{Ending, Plan, SKYNET_ARITY};

messages!(Answer, End);

struct Worker(UnboundedSender<()>);
struct End;

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.0.send(()).expect("the driver lives");
    }
}

impl Supervised for Worker {}

impl Handler<End> for Worker {
    type Result = ();

    fn handle(&mut self, _: End, context: &mut Context<Self>) {
        context.stop();
    }
}

struct Node {
    parent: Parent,
    number: u64,
    leaves: u64,
    missing: u64,
    sum: u64,
}

enum Parent {
    Node(Addr<Node>),
    Root(&'static Gate),
}

struct Answer(u64);

impl Node {
    fn new(parent: Parent, number: u64, leaves: u64) -> Self {
        Self {
            parent,
            number,
            leaves,
            missing: SKYNET_ARITY,
            sum: 0,
        }
    }

    fn answer(&mut self, sum: u64, context: &mut Context<Self>) {
        match &self.parent {
            Parent::Node(parent) => parent.do_send(Answer(sum)),
            Parent::Root(gate) => gate.arrive_with(sum),
        }
        context.stop();
    }
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        if self.leaves == 1 {
            return self.answer(self.number, context);
        }
        let share = self.leaves / SKYNET_ARITY;
        for child in 0..SKYNET_ARITY {
            let parent = Parent::Node(context.address());
            Self::new(parent, self.number + child * share, share).start();
        }
    }
}

impl Handler<Answer> for Node {
    type Result = ();

    fn handle(&mut self, Answer(sum): Answer, context: &mut Context<Self>) {
        self.sum += sum;
        self.missing -= 1;
        if self.missing == 0 {
            self.answer(self.sum, context);
        }
    }
}

/// A supervised worker ends and comes back, again and again.
pub(crate) fn restart(plan: &Plan, ending: Ending) -> Outcome {
    if ending == Ending::Panic {
        return not_applicable("a panic ends the arbiter's thread");
    }
    let thread = Thread::new();
    warmed(plan, |restarts| {
        thread.run(async move {
            let (up, mut ups) = unbounded_channel();
            let worker = Supervisor::start(move |_| Worker(up));
            ups.recv().await.expect("the worker starts");
            let clock = Clock::start();
            for _ in 0..restarts {
                worker.do_send(End);
                ups.recv().await.expect("the worker comes back");
            }
            clock.stop(restarts)
        })
    })
}

/// A tree of actors.
pub(crate) fn skynet(plan: &Plan) -> Outcome {
    let thread = Thread::new();
    warmed(plan, |leaves| {
        let gate = Gate::new(1);
        let clock = Clock::start();
        thread.spawn(async move {
            Node::new(Parent::Root(gate), 0, leaves).start();
        });
        expect("sum of leaves", gate.wait(), sum_below(leaves));
        clock.stop(leaves)
    })
}
