//! What is told of a traced process, in which order, and what is not?
//!
//! Source     otp: erlang:trace/3, trace messages

use foundation::prelude::*;
use foundation::{Activity, Trace, TraceEvent, TraceStream, Traced, promise};

use crate::support::{LONG, Note, Puppet};

/// Adds, and shows what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Adder {
    sum: i64,
    next: Option<Ref<Adder>>,
}

#[actor(debug(args))]
impl Adder {
    #[call]
    pub(crate) fn add(&mut self, by: i64, pin: Secret<u32>) -> i64 {
        let _ = pin;
        self.sum += by;
        self.sum
    }

    #[cast]
    pub(crate) fn pass(&mut self, by: i64) {
        if let Some(next) = &self.next {
            let _ = next.pass(by + 1);
        }
    }

    #[call]
    pub(crate) async fn ask_next(&mut self) -> i64 {
        match &self.next {
            Some(next) => next.add(1, Secret::new(1)).await.unwrap_or(-1),
            None => -1,
        }
    }
}

/// Shows nothing.
#[derive(Default)]
pub(crate) struct Silent;

#[actor]
impl Silent {
    #[call]
    pub(crate) fn tell(&self, what: String) -> usize {
        what.len()
    }
}

/// Runs `body` as a process, and gives what it returns.
pub(crate) async fn inside<T, F, Fut>(node: &Node, body: F) -> T
where
    T: Send + 'static,
    F: FnOnce(Process<Note>) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let (reply, answer) = promise(node);
    let body = move |me| async move { reply.send(body(me).await) };
    let helper = node.spawn_fn(body).expect("spawned");
    let answer = answer.timeout(LONG).await;
    node.down(&helper).await;
    answer.expect("it returns")
}

/// Waits until the process waits: from here on, whatever it does is done in a new turn.
pub(crate) async fn idle(node: &Node, pid: impl Into<Pid>) -> Pid {
    let pid = pid.into();
    let waits = || {
        node.facts(pid)
            .is_none_or(|facts| facts.activity == Activity::Waiting)
    };
    while !waits() {
        node.sleep(ms(1)).await;
    }
    pid
}

fn sent(to: Option<Pid>, message: &'static str, answer: bool) -> Traced {
    Traced::Sent {
        to,
        message,
        answer,
    }
}

fn received(from: Option<Pid>, message: &'static str, answer: bool) -> Traced {
    Traced::Received {
        from,
        message,
        answer,
    }
}

/// The next `count` events, without their times, which never run backwards.
pub(crate) async fn next(events: &mut TraceStream, count: usize) -> Vec<(Pid, Traced)> {
    let mut all: Vec<TraceEvent> = Vec::new();
    for _ in 0..count {
        all.push(events.next().await);
    }
    assert!(all.is_sorted_by_key(|event| event.at), "{all:?}");
    all.into_iter()
        .map(|event| (event.pid, event.what))
        .collect()
}

/// A call to a traced server: received, begun with its arguments (secrets hidden), answered.
#[foundation::test]
async fn a_call_is_told(node: Node) {
    let adder = node.spawn(Adder::default()).expect("spawned");
    let pid = idle(&node, &adder).await;
    let mut events = node
        .trace(Trace::new().process(pid).receives().calls().sends())
        .expect("room");
    let caller = inside(&node, {
        let adder = adder.clone();
        async move |me| {
            assert_eq!(adder.add(2, Secret::new(4711)).await, Ok(2));
            me.pid()
        }
    })
    .await;
    let (from, method) = (Some(caller), "Adder::add");
    assert_eq!(
        next(&mut events, 3).await,
        [
            (pid, received(from, method, false)),
            (
                pid,
                Traced::Called {
                    from,
                    method,
                    arguments: Some("by: 2, pin: (secret)".into()),
                },
            ),
            (pid, sent(from, method, true)),
        ]
    );
    // From outside.
    assert_eq!(adder.add(1, Secret::new(1)).await, Ok(3));
    let told = next(&mut events, 3).await;
    assert_eq!(told[2].1, sent(None, method, true));
    assert!(events.try_next().is_none());
}

/// What a traced server sends and asks in a handler comes between its call and its answer.
#[foundation::test]
async fn what_a_handler_sends_is_told(node: Node) {
    let last = node.spawn(Adder::default()).expect("spawned");
    let first = Adder {
        next: Some(last.clone()),
        ..Adder::default()
    };
    let first = node.spawn(first).expect("spawned");
    idle(&node, &first).await;
    let mut events = node
        .trace(Trace::new().process(&first).everything())
        .expect("room");
    first.pass(1).expect("local");
    let pid = first.pid();
    let told = next(&mut events, 3).await;
    let pass = "Adder::pass";
    assert_eq!(told[0].1, received(None, pass, false));
    assert!(
        matches!(&told[1].1, Traced::Called { arguments: Some(text), .. } if &**text == "by: 1")
    );
    let to = Some(last.pid());
    assert_eq!(told[2], (pid, sent(to, pass, false)));
    assert_eq!(first.ask_next().await, Ok(1));
    let told = next(&mut events, 5).await;
    assert!(
        matches!(
            told[1].1,
            Traced::Called {
                method: "Adder::ask_next",
                ..
            }
        ),
        "{told:?}"
    );
    let add = "Adder::add";
    assert_eq!(told[2].1, sent(to, add, false));
    assert_eq!(told[3].1, received(to, add, true));
    assert!(matches!(
        told[4].1,
        Traced::Sent {
            to: None,
            answer: true,
            ..
        }
    ));
}

/// Arguments are shown only by actors that allow it.
#[foundation::test]
async fn what_may_not_be_shown_is_not(node: Node) {
    let silent = node.spawn(Silent).expect("spawned");
    idle(&node, &silent).await;
    let mut events = node
        .trace(Trace::new().code("Silent").calls())
        .expect("room");
    assert_eq!(silent.tell("a secret".into()).await, Ok(8));
    let told = next(&mut events, 1).await;
    let called = Traced::Called {
        from: None,
        method: "Silent::tell",
        arguments: None,
    };
    assert_eq!(told, [(silent.pid(), called)]);
}

/// Plain processes: messages taken, links of either side, starts, names, the end.
#[foundation::test]
async fn the_life_of_a_process_is_told(node: Node) {
    let (p, q) = (Puppet::start(&node), Puppet::start(&node));
    idle(&node, &p).await;
    let mut events = node
        .trace(
            Trace::new()
                .process(p.pid())
                .spawns()
                .links()
                .names()
                .exits(),
        )
        .expect("room");
    let child = p
        .ask(|me| {
            let options = SpawnOptions::new().link().code("child");
            let body = async |mut me: Process<Note>| drop(me.recv().await);
            let (child, _) = me.spawn_with(&options, body).expect("spawned");
            child.pid()
        })
        .await;
    let (of_p, of_q) = (p.pid(), q.pid());
    p.link(&q).await;
    p.unlink(&q).await;
    q.link(&p).await;
    q.unlink(&p).await;
    node.register("traced", of_p).expect("free");
    node.unregister("traced").expect("taken");
    node.register("again", of_p).expect("free");
    node.exit(of_p, Reason::other("done"));
    node.down(of_p).await;
    let told = next(&mut events, 11).await;
    assert!(told.iter().all(|(pid, _)| *pid == of_p), "{told:?}");
    let what: Vec<_> = told.into_iter().map(|(_, what)| what).collect();
    let name = |name: &str| std::sync::Arc::from(name);
    assert_eq!(
        what,
        [
            Traced::Spawned {
                child,
                code: "child"
            },
            Traced::Linked { with: child },
            Traced::Linked { with: of_q },
            Traced::Unlinked { from: of_q },
            Traced::GotLinked { by: of_q },
            Traced::GotUnlinked { by: of_q },
            Traced::Registered {
                name: name("traced")
            },
            Traced::Unregistered {
                name: name("traced")
            },
            Traced::Registered {
                name: name("again")
            },
            Traced::Exited {
                reason: Reason::other("done")
            },
            Traced::Unregistered {
                name: name("again")
            },
        ]
    );
}

/// What a plain process takes is told when it takes it, not what it leaves in its mailbox.
#[foundation::test]
async fn what_a_process_takes_is_told(node: Node) {
    let (reply, done) = promise(&node);
    let body = async move |mut me: Process<Note>| {
        let second = me.receive(|mail| match mail {
            Mail::Msg(Note(2)) => Ok(2),
            other => Err(other),
        });
        assert_eq!(second.await, 2);
        reply.send(());
        drop(me.recv().await);
    };
    let p = node.spawn_fn(body).expect("spawned");
    idle(&node, &p).await;
    let mut events = node.trace(Trace::new().process(&p).calls()).expect("room");
    p.send(Note(1)).expect("local");
    p.send(Note(2)).expect("local");
    done.timeout(LONG).await.expect("it takes the second");
    node.down(&p).await;
    let told = next(&mut events, 2).await;
    assert!(
        told.iter()
            .all(|(_, what)| matches!(what, Traced::Called { .. })),
        "{told:?}"
    );
    assert!(events.try_next().is_none());
}

/// Messages from and to other nodes are told by the method's own name.
#[foundation::test]
async fn what_comes_from_another_node_is_told(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _link = w.connect(&a, &b);
    let adder = a.spawn(Adder::default()).expect("spawned");
    idle(&a, &adder).await;
    let mut events = a.trace(Trace::new().process(&adder).calls()).expect("room");
    let far = b.reference::<Adder>(adder.pid());
    assert_eq!(far.add(2, Secret::new(1)).await, Ok(2));
    let told = next(&mut events, 1).await;
    let Traced::Called {
        method, arguments, ..
    } = &told[0].1
    else {
        panic!("{told:?}")
    };
    assert_eq!(*method, "Adder::add");
    assert_eq!(arguments.as_deref(), Some("by: 2, pin: (secret)"));
    assert_eq!(
        b.trace(Trace::new().process(&adder).calls()).map(|_| ()),
        Err(foundation::TraceError::Foreign)
    );
}
