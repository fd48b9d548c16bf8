//! Which handler takes an event, and what becomes of one that none takes?
//!
//! Source     otp: gen_statem, callback_mode(), "Postponing Events"

use foundation::prelude::*;
use foundation::statem::Enter;

use crate::support::{LONG, Log};

/// A door with a code.
#[states]
#[derive(Debug, Clone, PartialEq)]
enum Lock {
    #[to(Open)]
    Locked { wrong: u32 },
    #[to(Shut)]
    Open,
    #[to(Open, Locked)]
    Shut(Vec<String>),
}

struct Door {
    code: u32,
    log: Log,
}

#[statem(Lock, postponed_max = 3)]
impl Door {
    #[init]
    fn init(code: u32, log: Log) -> (Self, Lock) {
        (Self { code, log }, Locked { wrong: 0 }.into())
    }

    /// Whether that was the code.
    #[call(in Locked)]
    pub(crate) fn unlock(
        &mut self,
        code: u32,
        locked: &mut Locked,
        cx: &mut In<Self, Locked>,
    ) -> bool {
        if code != self.code {
            locked.wrong += 1;
            return false;
        }
        cx.goto(Open);
        true
    }

    #[on(unlock, in Open | Shut)]
    fn unlock_again(&mut self, _code: u32) -> bool {
        true
    }

    #[enter(Locked)]
    fn locked(&mut self, before: Option<&Lock>, locked: &Locked) {
        self.log
            .note(format!("locked {} after {before:?}", locked.wrong));
    }

    #[enter(Open)]
    fn opened(&mut self, cx: &mut In<Self, Enter<Open>>) {
        self.log.note("opened");
        cx.state_timeout(secs(10), DoorMsg::Close);
    }

    /// Somebody walks through.
    #[cast(in Open, postpone in Shut, ignore in Locked)]
    fn walk(&mut self, who: String) {
        self.log.note(format!("{who} walks"));
    }

    #[internal(in Open)]
    fn close(&mut self, cx: &mut In<Self, Open>) {
        cx.goto(Shut(Vec::new()));
    }

    /// Says something at the closed door.
    #[cast(in Shut)]
    async fn whisper(&mut self, word: String, shut: &mut Shut, cx: &mut In<Self, Shut>) {
        foundation::time::yield_now().await;
        shut.0.push(word.clone());
        if word == "sesame" {
            cx.goto(Open);
        }
    }

    /// What was said there.
    #[call(in Shut)]
    async fn heard(&self, shut: &Shut) -> Vec<String> {
        foundation::time::yield_now().await;
        shut.0.clone()
    }

    /// Locks it, from wherever that can be done.
    #[call(in Shut | Locked)]
    fn lock(&mut self, cx: &mut In<Self, (Shut, Locked)>) {
        cx.goto(Locked { wrong: 100 });
    }

    /// The caller is told later.
    #[call(in Open)]
    fn knock(&mut self, from: ReplyTo<String>) {
        from.send("come in".to_owned());
    }

    #[on(knock, in Shut)]
    fn knock_shut(&mut self, from: ReplyTo<String>, cx: &mut In<Self, Shut>) {
        cx.postpone(DoorMsg::Knock(from));
    }

    /// The state as text.
    #[call]
    fn state(&self, lock: &Lock) -> String {
        format!("{lock:?}")
    }
}

async fn door(node: &Node, log: &Log) -> Ref<Door> {
    node.start::<Door>((42, log.clone()))
        .await
        .expect("it starts")
}

#[foundation::test]
async fn a_handler_is_for_its_states(node: Node) {
    let log = Log::default();
    let door = door(&node, &log).await;
    assert_eq!(door.unlock(1).await, Ok(false));
    assert_eq!(door.state().await.unwrap(), "Locked(Locked { wrong: 1 })");
    // Ignored here, so it is not handled later either.
    door.walk("a thief".into()).unwrap();
    assert_eq!(door.unlock(42).await, Ok(true));
    assert_eq!(door.unlock(1).await, Ok(true));
    door.walk("a guest".into()).unwrap();
    assert_eq!(door.knock().await.unwrap(), "come in");
    assert_eq!(door.state().await.unwrap(), "Open");
    node.sleep(secs(11)).await;
    assert_eq!(door.state().await.unwrap(), "Shut(Shut([]))");
    door.walk("a ghost".into()).unwrap();
    door.whisper("abracadabra".into()).unwrap();
    assert_eq!(door.heard().await.unwrap(), ["abracadabra"]);
    door.whisper("sesame".into()).unwrap();
    assert_eq!(door.state().await.unwrap(), "Open");
    let happened = [
        "locked 0 after None",
        "opened",
        "a guest walks",
        "opened",
        "a ghost walks",
    ];
    assert_eq!(log.take(), happened);
}

/// The policy: a call is refused at once, and anything else is dropped with a word in the log.
#[foundation::test]
async fn an_event_that_no_handler_takes_is_refused(node: Node) {
    let log = Log::default();
    let door = door(&node, &log).await;
    let refused = Err(CallError::Refused(
        "Door::knock is not handled in the state Locked".into(),
    ));
    assert_eq!(door.knock().timeout(LONG).await, refused);
    door.whisper("nobody hears".into()).unwrap();
    let _ = node.send(door.pid(), crate::support::Word::Go);
    assert_eq!(door.state().await.unwrap(), "Locked(Locked { wrong: 0 })");
}

#[foundation::test]
async fn too_many_postponed_events_are_refused(node: Node) {
    let log = Log::default();
    let door = door(&node, &log).await;
    assert_eq!(door.unlock(42).await, Ok(true));
    node.sleep(secs(11)).await;
    for n in 0..5 {
        door.walk(format!("guest {n}")).unwrap();
    }
    // The caller of one too many is told at once.
    let refused = Err(CallError::Refused(
        "Door::knock was postponed, and 3 are already".into(),
    ));
    assert_eq!(door.knock().timeout(LONG).await, refused);
    door.whisper("sesame".into()).unwrap();
    door.state().await.unwrap();
    let happened = [
        "locked 0 after None",
        "opened",
        "opened",
        "guest 0 walks",
        "guest 1 walks",
        "guest 2 walks",
    ];
    assert_eq!(log.take(), happened);
}

#[foundation::test]
async fn a_postponed_call_is_answered_in_another_state(node: Node) {
    let log = Log::default();
    let door = door(&node, &log).await;
    assert_eq!(door.unlock(42).await, Ok(true));
    node.sleep(secs(11)).await;
    let mut calls = foundation::Requests::new();
    calls.add("knock", door.knock().timeout(LONG));
    let other = door.clone();
    let opens = node
        .spawn_fn(async move |_: Process<crate::support::Word>| {
            while !other.heard().await.unwrap().is_empty() {}
            other.whisper("sesame".into()).unwrap();
        })
        .unwrap();
    let (label, answer) = calls.next().await.unwrap();
    assert_eq!((label, answer), ("knock", Ok("come in".to_owned())));
    node.down(&opens).await;
}

#[foundation::test]
async fn a_handler_for_several_states_goes_where_all_may(node: Node) {
    let log = Log::default();
    let door = door(&node, &log).await;
    door.lock().await.unwrap();
    assert_eq!(door.state().await.unwrap(), "Locked(Locked { wrong: 100 })");
    let refused = door.unlock(42).await.map(|_| door.lock());
    assert!(matches!(refused.unwrap().await, Err(CallError::Refused(_))));
}

/// From another node it is the same: calls, casts, and an event that no handler takes.
#[foundation::test]
async fn on_another_node_it_is_the_same(w: World) {
    const DOOR: Name<Door> = Name::new("door");
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let log = Log::default();
    let start = b.start::<Door>((42, log.clone())).name(DOOR);
    start.await.unwrap();
    let door = a.remote("b").at(DOOR);
    assert_eq!(door.unlock(1).await, Ok(false));
    let refused = door.knock().await;
    assert_eq!(
        refused,
        Err(CallError::Refused(
            "Door::knock is not handled in the state Locked".into()
        ))
    );
    assert_eq!(door.unlock(42).await, Ok(true));
    door.walk("a guest".into()).unwrap();
    assert_eq!(door.knock().await.unwrap(), "come in");
    assert_eq!(log.count("a guest walks"), 1);
}

/// One handler for all events in all states, as in callback mode `handle_event_function`.
#[states]
#[derive(Debug, Default)]
enum Phase {
    #[default]
    Quiet,
    Loud,
}

struct Radio {
    log: Log,
}

#[statem(Phase)]
impl Radio {
    /// Switches it on or off.
    #[cast]
    fn switch(&mut self);
    /// How loud it is.
    #[call]
    fn volume(&self) -> u32;
    #[internal]
    fn hiss(&mut self, how: String);
    /// This one has a handler of its own.
    #[call]
    fn station(&self) -> String {
        "one".to_owned()
    }

    #[init]
    fn init(log: Log) -> Self {
        Self { log }
    }

    #[handle_event]
    fn handle_event(&mut self, event: RadioMsg, phase: &Phase, cx: &mut In<Self>) {
        self.log.note(format!("{phase:?}: {event:?}"));
        match (event, phase) {
            (RadioMsg::Switch, Phase::Quiet) => {
                cx.next_event(RadioMsg::Hiss("softly".into()));
                cx.goto(Loud);
            }
            (RadioMsg::Switch, Phase::Loud) => cx.goto(Quiet),
            (RadioMsg::Volume(from), Phase::Loud) => from.send(11),
            (event @ RadioMsg::Volume(_), Phase::Quiet) => cx.postpone(event),
            (RadioMsg::Hiss(how), _) => self.log.note(how),
            (RadioMsg::Station(_), _) => unreachable!("it has a handler"),
            (RadioMsg::Info(_) | RadioMsg::Exit(_) | RadioMsg::Down(_), _) => {}
        }
    }
}

#[foundation::test]
async fn one_handler_for_all_events(node: Node) {
    let log = Log::default();
    let radio = node.start::<Radio>(log.clone()).await.unwrap();
    let mut calls = foundation::Requests::new();
    calls.add((), radio.volume().timeout(LONG));
    let other = radio.clone();
    let _ = node
        .spawn_fn(async move |_: Process<crate::support::Word>| {
            assert_eq!(other.station().await.unwrap(), "one");
            other.switch().unwrap();
        })
        .unwrap();
    assert_eq!(calls.next().await.unwrap().1, Ok(11));
    let _ = node.send(radio.pid(), crate::support::Word::Go);
    radio.station().await.unwrap();
    let all = log.take();
    assert_eq!(all.last().unwrap(), "Loud: RadioMsg(Word)", "{all:?}");
    assert!(all.contains(&"softly".to_owned()), "{all:?}");
}
