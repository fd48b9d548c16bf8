//! Can a live server be looked at and taken hold of?
//!
//! Role       Rules of `sys` beyond the rows: state, suspension, statistics, log, end.
//! Source     otp: sys, "Functions"; elixir: :sys

use foundation::prelude::*;
use foundation::sys::{self, Logged, SysError, SysState};
use foundation::{ProcessKind, promise};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside, kid, until_queued};

/// A server that shows its state and can be made to wait.
#[derive(Clone, Debug, Default)]
struct Till {
    coins: u32,
    log: Log,
}

#[actor(debug, version = 3)]
impl Till {
    #[cast]
    fn put(&mut self, coins: u32) {
        self.coins += coins;
        self.log.note(format!("put {coins}"));
    }

    #[call]
    fn count(&self) -> u32 {
        self.coins
    }

    /// Waits in its handler until the gate opens.
    #[call(local)]
    async fn hold(&mut self, gate: foundation::Promise<()>) {
        let _ = gate.timeout(LONG).await;
        self.coins += 100;
    }

    #[cast]
    fn doze(&mut self, cx: &mut Cx<Self>) {
        cx.set_timeout(secs(10));
    }

    #[timeout]
    fn silent(&mut self) {
        self.log.note("silent");
    }

    #[terminate]
    fn bye(&mut self, why: &Reason) {
        self.log.note(format!("bye {why}"));
    }
}

/// One that holds something that cannot be cloned, and shows nothing.
struct Vault {
    key: Box<dyn Fn() -> u32 + Send>,
}

#[actor]
impl Vault {
    #[call]
    fn open(&self) -> u32 {
        (self.key)()
    }
}

/// The state as it is, as text and by type; of one that shows nothing, by type only.
#[foundation::test]
async fn the_state_is_seen(node: Node) {
    let till = node.spawn(Till::default()).expect("spawned");
    till.put(2).expect("local");
    assert_eq!(sys::get_state(&till).await.map(|till| till.coins), Ok(2));
    assert_eq!(sys::with_state(&till, |till| till.coins + 1).await, Ok(3));
    let shown = sys::show_state(&till).await.expect("answers");
    assert!(shown.is_some_and(|text| text.starts_with("Till { coins: 2")));
    let key = Box::new(|| 7);
    let vault = node.spawn(Vault { key }).expect("spawned");
    assert_eq!(sys::show_state(&vault).await, Ok(None));
    assert_eq!(sys::with_state(&vault, |vault| (vault.key)()).await, Ok(7));
    // What a reader does that panics is the reader's.
    let failed = sys::with_state(&vault, |_| -> u32 { panic!("no") }).await;
    assert_eq!(failed, Err(SysError::Panicked("no".into())));
    assert_eq!(vault.open().await, Ok(7));
}

/// The state is replaced; a function that panics leaves it as it was (otp: "server keeps old state").
#[foundation::test]
async fn the_state_is_replaced(node: Node) {
    let till = node.spawn(Till::default()).expect("spawned");
    let double = |old: &Till| Till {
        coins: old.coins * 2 + 1,
        ..old.clone()
    };
    assert_eq!(sys::replace_state(&till, double).await, Ok(()));
    assert_eq!(sys::replace_state(&till, double).await, Ok(()));
    let failed = sys::replace_state(&till, |_| panic!("half way")).await;
    assert_eq!(failed, Err(SysError::Panicked("half way".into())));
    assert_eq!(till.count().await, Ok(3));
}

/// A suspended server handles system messages only; the rest waits, in order, until it is resumed.
/// Suspending twice is suspending, and whoever asks resumes.
#[foundation::test]
async fn a_suspended_server_lets_messages_wait(w: World) {
    let node = w.node();
    let till = node.spawn(Till::default()).expect("spawned");
    let log = sys::with_state(&till, |till| till.log.clone())
        .await
        .expect("answers");
    till.put(1).expect("local");
    assert_eq!(sys::suspend(&till).await, Ok(()));
    assert_eq!(sys::suspend(&till).await, Ok(()));
    for coins in 2..5 {
        till.put(coins).expect("local");
    }
    let status = sys::get_status(&till).await.expect("answers");
    assert_eq!((status.state, status.version), (SysState::Suspended, 3));
    assert_eq!((status.messages_waiting, &*status.code), (3, "Till"));
    assert_eq!(status.kind, ProcessKind::Server);
    assert_eq!(till.count().timeout(ms(20)).await, Err(CallError::Timeout));
    assert_eq!(sys::with_state(&till, |till| till.coins).await, Ok(1));
    assert_eq!(log.take(), ["put 1"]);
    // A stranger resumes it.
    let other = till.clone();
    inside(&node, async move |_| {
        assert_eq!(sys::resume(&other).await, Ok(()));
    })
    .await;
    assert_eq!(sys::resume(&till).await, Ok(()));
    till.put(9).expect("local");
    assert_eq!(till.count().await, Ok(19));
    assert_eq!(log.take(), ["put 2", "put 3", "put 4", "put 9"]);
    let status = sys::get_status(&till).await.expect("answers");
    assert_eq!(
        (status.state, status.messages_waiting),
        (SysState::Running, 0)
    );
}

/// A suspended server is terminated by the system, and by its parent; messages that waited are
/// refused as at any end.
#[foundation::test]
async fn a_suspended_server_ends(w: World) {
    let node = w.node();
    let till = node.spawn(Till::default()).expect("spawned");
    let log = sys::with_state(&till, |till| till.log.clone())
        .await
        .expect("answers");
    assert_eq!(sys::suspend(&till).await, Ok(()));
    let (asked, waits) = promise(&node);
    let caller = till.clone();
    let helper = node
        .spawn_fn(async move |_: Process<Word>| asked.send(caller.count().timeout(LONG).await))
        .expect("spawned");
    until_queued(&w, &node, till.pid(), 1).await;
    assert_eq!(sys::terminate(&till, boom()).await, Ok(()));
    assert_eq!(waits.timeout(LONG).await, Ok(Err(CallError::Down(boom()))));
    assert_eq!(log.take(), ["bye boom"]);
    assert_eq!(sys::suspend(&till).await, Err(SysError::NoProc));
    node.down(helper).await;

    let notes = Log::default();
    let tree = Supervisor::one_for_one()
        .child(kid(&notes, "a"))
        .start(&node)
        .await
        .expect("started");
    let a = crate::support::kid_of(&tree, "a").await;
    assert_eq!(sys::suspend(&a).await, Ok(()));
    crate::support::stop(&tree).await;
    assert_eq!(notes.count("stop a: shutdown"), 1);
}

/// A suspended supervisor lets its children's ends wait, as OTP's does, and shows them.
#[foundation::test]
async fn a_suspended_supervisor_restarts_nobody(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one()
        .child(kid(&log, "a"))
        .start(&node)
        .await
        .expect("started");
    let a = crate::support::kid_of(&tree, "a").await;
    let shown = sys::show_state(&tree)
        .await
        .expect("answers")
        .expect("shown");
    assert!(shown.contains("OneForOne"), "{shown}");
    assert_eq!(sys::suspend(&tree).await, Ok(()));
    let status = sys::get_status(&tree).await.expect("answers");
    assert_eq!(status.kind, ProcessKind::Supervisor);
    let death = Death::of(&node, &a).await;
    a.crash().expect("local");
    assert_crash(&death.reason().await, "crashed as told");
    until_queued(&w, &node, tree.pid(), 1).await;
    assert_eq!(log.count("init a"), 1);
    assert_eq!(sys::resume(&tree).await, Ok(()));
    crate::support::renewed(&w, &tree, "a", a.pid()).await;
    assert_eq!(log.count("init a"), 2);
    assert_eq!(sys::suspend(&tree).await, Ok(()));
    crate::support::stop(&tree).await;
}

/// System messages wait for a handler that waits (otp: they are handled between two callbacks);
/// meanwhile the operation is bounded.
#[foundation::test]
async fn a_stuck_server_answers_nobody(w: World) {
    let node = w.node();
    let till = node.spawn(Till::default()).expect("spawned");
    let (open, gate) = promise(&node);
    let caller = till.clone();
    let helper = node
        .spawn_fn(async move |_: Process<Word>| {
            caller.hold(gate).timeout(LONG).await.expect("held");
        })
        .expect("spawned");
    // It holds: a call is not answered.
    w.eventually(LONG, async || {
        till.count().timeout(ms(5)).await == Err(CallError::Timeout)
    })
    .await;
    let late = sys::get_state(&till).timeout(ms(20)).await;
    assert_eq!(late.map(|till| till.coins), Err(SysError::Timeout));
    open.send(());
    assert_eq!(sys::get_state(&till).await.map(|till| till.coins), Ok(100));
    node.down(helper).await;
}

/// A system message restarts the silence that is waited for, in full, and does not end it.
#[foundation::test]
async fn a_system_message_does_not_break_the_silence(w: World) {
    let node = w.node();
    let till = node.spawn(Till::default()).expect("spawned");
    let log = sys::with_state(&till, |till| till.log.clone())
        .await
        .expect("answers");
    till.doze().expect("local");
    if w.is_simulated() {
        w.sleep(secs(8)).await;
        assert_eq!(sys::with_state(&till, |till| till.coins).await, Ok(0));
        w.sleep(secs(8)).await;
        assert_eq!(log.take(), [""; 0]);
        w.sleep(secs(3)).await;
        assert_eq!(log.take(), ["silent"]);
        // Suspended, it hears no silence.
        till.doze().expect("local");
        assert_eq!(sys::suspend(&till).await, Ok(()));
        w.sleep(secs(60)).await;
        assert_eq!(log.take(), [""; 0]);
        assert_eq!(sys::resume(&till).await, Ok(()));
        w.sleep(secs(11)).await;
        assert_eq!(log.take(), ["silent"]);
    }
}

/// Statistics count from when they are switched on; a log keeps the last events; both are off.
#[foundation::test]
async fn statistics_and_log_are_kept_when_asked(node: Node) {
    let till = node.spawn(Till::default()).expect("spawned");
    till.put(1).expect("local");
    assert_eq!(sys::statistics(&till).await, Ok(None));
    assert_eq!(sys::get_log(&till).await, Ok(vec![]));
    sys::with_statistics(&till)
        .await
        .expect("answers")
        .expect("on");
    sys::log(&till, 2).await.expect("answers");
    for coins in 0..3 {
        till.put(coins).expect("local");
    }
    till.count().await.expect("answers");
    let counted = sys::statistics(&till).await.expect("answers").expect("on");
    assert_eq!((counted.messages_in, counted.messages_out), (4, 2));
    assert!(counted.reductions >= 4 && counted.since <= counted.now);
    let events = sys::get_log(&till).await.expect("answers");
    let kept: Vec<_> = events.iter().map(|event| &event.what).collect();
    assert!(
        matches!(&kept[..], [Logged::In { message: a, .. }, Logged::In { message: b, from: None }]
            if a == "Till::put" && b == "Till::count"),
        "{kept:?}"
    );
    sys::no_log(&till).await.expect("answers");
    assert_eq!(sys::no_statistics(&till).await, Ok(None));
    assert_eq!(sys::get_log(&till).await, Ok(vec![]));
}

/// The dead, the plain, oneself, another type: each is told by its own error.
#[foundation::test]
async fn who_cannot_be_asked(node: Node) {
    let till = node.spawn(Till::default()).expect("spawned");
    let wrong = node.reference::<Vault>(till.pid());
    let error = sys::with_state(&wrong, |vault| (vault.key)()).await;
    assert_eq!(
        error,
        Err(SysError::WrongState {
            code: "Till".into()
        })
    );
    let dead = node.spawn(Till::default()).expect("spawned");
    assert_eq!(sys::terminate(&dead, Reason::Normal).await, Ok(()));
    assert_eq!(
        sys::get_state(&dead).await.map(|_| ()),
        Err(SysError::NoProc)
    );
    let nobody = node.at(Name::<Till>::new("nobody"));
    assert_eq!(sys::suspend(&nobody).await, Err(SysError::NoProc));
    let plain = async |mut me: Process<Word>| while let Mail::Info(_) = me.recv().await {};
    let plain = node.spawn_fn(plain).expect("spawned");
    assert_eq!(sys::suspend(&plain).await, Err(SysError::NotSystem));
    assert_eq!(
        sys::get_status(&(&node, plain.pid())).await.map(|_| ()),
        Err(SysError::NotSystem)
    );
    plain.send(Word::Go).expect("local");
    node.down(&plain).await;
    inside(&node, async |me| {
        let own = (&me.node(), me.pid());
        assert_eq!(sys::suspend(&own).await, Err(SysError::AskingSelf));
    })
    .await;
}

/// From another node: what travels works, what needs the type is refused at once.
#[foundation::test]
async fn a_server_of_another_node(w: World) {
    let [a, b] = [w.start("a"), w.start("b")];
    let link = w.connect(&a, &b);
    let till = a.spawn(Till::default()).expect("spawned");
    let far = b.reference::<Till>(till.pid());
    assert_eq!(sys::suspend(&far).await, Ok(()));
    far.put(5).expect("portable");
    let status = sys::get_status(&far).await.expect("answers");
    assert_eq!(
        (status.pid, status.state),
        (till.pid(), SysState::Suspended)
    );
    assert_eq!(sys::resume(&far).await, Ok(()));
    let shown = sys::show_state(&far)
        .await
        .expect("answers")
        .expect("shown");
    assert!(shown.starts_with("Till { coins: 5"), "{shown}");
    assert_eq!(
        sys::get_state(&far).await.map(|_| ()),
        Err(SysError::NotLocal)
    );
    assert_eq!(
        sys::with_statistics(&far).await.map(|on| on.is_some()),
        Ok(true)
    );
    link.cut();
    assert_eq!(sys::suspend(&far).await, Err(SysError::NoConnection));
}
