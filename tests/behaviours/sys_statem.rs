//! Can the state of a state machine be seen and replaced, with its type?
//!
//! Source     otp: sys:get_state/1, sys:replace_state/2; gen_statem, system_replace_state/2

use foundation::prelude::*;
use foundation::sys::{self, SysError};

use crate::statem_support::{Bot, Busy, Idle, Mode, bot, own, told};
use crate::support::{LONG, Log};

/// A valve, whose state and data can both be copied.
#[states]
#[derive(Clone, Debug, PartialEq)]
enum Flow {
    #[to(Running)]
    Shut,
    #[to(Shut)]
    Running { litres: u32 },
    #[to()]
    Burst,
}

#[derive(Clone, Debug, PartialEq)]
struct Valve {
    turns: u32,
}

#[statem(Flow)]
impl Valve {
    #[init]
    fn init(turns: u32) -> (Self, Flow) {
        (Self { turns }, Shut.into())
    }

    /// Opens it.
    #[cast(in Shut)]
    fn open(&mut self, litres: u32, cx: &mut In<Self, Shut>) {
        self.turns += 1;
        cx.goto(Running { litres });
    }

    /// What runs through.
    #[call(in Running)]
    fn litres(&self, running: &Running) -> u32 {
        running.litres
    }
}

/// The state and the data, as OTP's `{State, Data}`: a copy of both, or a look at them.
#[foundation::test]
async fn state_and_data_are_seen(node: Node) {
    let valve = node.start::<Valve>(1).await.expect("it starts");
    let seen = sys::get_statem(&valve).await;
    assert_eq!(seen, Ok((Flow::Shut, Valve { turns: 1 })));
    valve.open(7).expect("portable");
    let (flow, data) = sys::get_statem(&valve).await.expect("it answers");
    assert_eq!((flow, data.turns), (Running { litres: 7 }.into(), 2));
    // The data alone, as of any actor.
    assert_eq!(sys::get_state(&valve).await, Ok(Valve { turns: 2 }));
    let seen = sys::with_statem(&valve, |flow, valve| match flow {
        Flow::Running(running) => running.litres + valve.turns,
        Flow::Shut | Flow::Burst => 0,
    });
    assert_eq!(seen.timeout(LONG).await, Ok(9));
    let failed = sys::with_statem(&valve, |_, _| -> u32 { panic!("no") }).await;
    assert_eq!(failed, Err(SysError::Panicked("no".into())));
    // Also while it is suspended.
    sys::suspend(&valve).await.expect("it answers");
    assert!(sys::get_statem(&valve).await.is_ok());
}

/// Both are replaced, to whatever state; a function that panics leaves both as they were.
#[foundation::test]
async fn state_and_data_are_replaced(node: Node) {
    let valve = node.start::<Valve>(1).await.expect("it starts");
    let replaced = sys::replace_statem(&valve, |flow, valve| {
        assert_eq!(*flow, Flow::Shut);
        let turns = valve.turns + 10;
        (Running { litres: 3 }.into(), Valve { turns })
    });
    assert_eq!(replaced.await, Ok(()));
    assert_eq!(valve.litres().await, Ok(3));
    let failed = sys::replace_statem(&valve, |_, _| panic!("half way")).await;
    assert_eq!(failed, Err(SysError::Panicked("half way".into())));
    let seen = sys::get_statem(&valve).await.expect("it answers");
    assert_eq!(seen, (Running { litres: 3 }.into(), Valve { turns: 11 }));
    // No `#[to]` leads there from here.
    let burst = sys::replace_statem(&valve, |_, valve| (Flow::Burst, valve.clone()));
    assert_eq!(burst.await, Ok(()));
    let refused = valve.litres().await;
    assert!(matches!(refused, Err(CallError::Refused(_))), "{refused:?}");
}

/// To replace the state is no transition: nothing is entered, what is postponed waits on, and the
/// state timeout runs on.
#[foundation::test]
async fn to_replace_the_state_is_no_transition(node: Node) {
    let log = Log::default();
    let bot = bot(&node, &log).await;
    bot.later("postponed".into()).expect("portable");
    told(&bot, |_, cx| cx.state_timeout(ms(20), own("timeout")));
    let own_log = log.clone();
    let replaced = sys::replace_statem(&bot, |_, _| {
        let (log, on_enter) = (own_log, None);
        let state = Busy { jobs: 2 }.into();
        (state, Bot { log, on_enter })
    });
    assert_eq!(replaced.await, Ok(()));
    let jobs = sys::with_statem(&bot, |mode, _| match mode {
        Mode::Busy(busy) => Some(busy.jobs),
        Mode::Idle | Mode::Over => None,
    });
    assert_eq!(jobs.await, Ok(Some(2)));
    node.sleep(ms(50)).await;
    assert_eq!(bot.jobs().await, Ok(2));
    assert_eq!(log.take(), ["Busy: timeout"]);
    told(&bot, |_, cx| cx.goto(Idle));
    told(&bot, |_, cx| cx.goto(Busy { jobs: 0 }));
    bot.mode().await.expect("it is there");
    let happened = [
        "Idle: enter after Busy",
        "Busy: enter after Idle",
        "Busy: postponed",
    ];
    assert_eq!(log.take(), happened);
}

/// Not of another type, and not from another node.
#[foundation::test]
async fn the_types_must_fit(w: World) {
    let node = w.start("a");
    let log = Log::default();
    let bot = bot(&node, &log).await;
    let other: Ref<Valve> = node.reference(bot.pid());
    match sys::get_statem(&other).await {
        Err(SysError::WrongState { code }) => assert_eq!(code, "Bot"),
        other => panic!("{other:?}"),
    }
    let far = w.start("b");
    let _wire = w.connect(&node, &far);
    let valve = far.start::<Valve>(1).await.expect("it starts");
    let valve: Ref<Valve> = node.reference(valve.pid());
    assert_eq!(sys::get_statem(&valve).await, Err(SysError::NotLocal));
}
