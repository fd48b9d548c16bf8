//! What may an observer cost, whatever it does?
//!
//! Role  Rows for the machine of a session, and a walk of random inputs beside its limits.

#![cfg(feature = "observe")]

use std::time::Duration;

use foundation_actors::observe::frame::{Decoder, FrameError, encode, greeting};
use foundation_actors::observe::protocol::{Answer, PageQuery, Request, Sort};
use foundation_actors::observe::session::{
    BURST, Effect, GREET, Input, RATE, REST, STALL, Session, WHOLE,
};
use foundation_runtime::{NodeId, Pid, Rng};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn page() -> Request {
    Request::Processes(PageQuery {
        sort: Sort::Recent,
        skip: 0,
        rows: 10,
        code: None,
    })
}

fn step(session: &mut Session, now: Duration, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    session.step(now, input, &mut effects);
    effects
}

fn open(now: Duration) -> Session {
    let mut session = Session::new(now, false);
    assert_eq!(step(&mut session, now, Input::Greeted), [Effect::Welcome]);
    session
}

#[test]
fn figures_come_so_often_and_rest_as_long_as_they_cost() {
    let mut session = open(ms(0));
    let watch = Input::Asked(Request::Watch(ms(1000)));
    assert_eq!(step(&mut session, ms(0), watch), [Effect::Figures]);
    assert!(!session.may_read(ms(0)), "one thing at a time");
    assert_eq!(step(&mut session, ms(1), Input::Gathered(ms(1))), []);
    assert_eq!(session.wake_at(ms(1)), Some(ms(1 + u64::from(REST))));
    assert_eq!(step(&mut session, ms(999), Input::Tick), []);
    assert_eq!(step(&mut session, ms(1000), Input::Tick), [Effect::Figures]);
    // A costly look: 100 ms are followed by 5 s, and a moment in which it is listened to.
    step(&mut session, ms(1100), Input::Gathered(ms(100)));
    assert!(!session.may_read(ms(6099)) && session.may_read(ms(6100)));
    assert_eq!(step(&mut session, ms(6199), Input::Tick), []);
    assert_eq!(step(&mut session, ms(6200), Input::Tick), [Effect::Figures]);
}

#[test]
fn who_does_not_read_misses_figures_and_then_the_session() {
    let mut session = open(ms(0));
    step(&mut session, ms(0), Input::Asked(Request::Watch(ms(100))));
    step(&mut session, ms(0), Input::Gathered(ms(0)));
    step(&mut session, ms(0), Input::Queued { unsent: 500 });
    assert!(!session.may_read(ms(1)));
    for at in 1..=5 {
        assert_eq!(step(&mut session, ms(at * 100), Input::Tick), []);
    }
    assert_eq!(session.skipped(), 5);
    step(&mut session, ms(600), Input::Sent { unsent: 200 });
    let late = ms(600) + STALL;
    let closed = step(&mut session, late, Input::Tick);
    assert!(matches!(&closed[..], [Effect::Close(why)] if why.contains("not read")));
    assert_eq!(step(&mut session, late, Input::Tick), []);
    assert_eq!(session.wake_at(late), None);
}

#[test]
fn who_does_not_greet_is_not_waited_for() {
    let mut session = Session::new(ms(0), false);
    assert_eq!(session.wake_at(ms(0)), Some(GREET));
    let closed = step(&mut session, GREET, Input::Tick);
    assert!(matches!(&closed[..], [Effect::Close(why)] if why.contains("greeting")));
}

#[test]
fn a_request_that_has_begun_is_waited_for_and_no_longer() {
    // Half a greeting is no request.
    let mut session = Session::new(ms(0), false);
    step(&mut session, ms(0), Input::Half);
    step(&mut session, ms(1), Input::Greeted);
    assert_eq!(step(&mut session, ms(1) + WHOLE, Input::Quiet), []);
    let begun = ms(10_000);
    step(&mut session, begun, Input::Half);
    assert_eq!(session.wake_at(begun), Some(begun + WHOLE));
    // Some more of it gives it no more time.
    step(&mut session, begun + ms(1000), Input::Half);
    assert_eq!(step(&mut session, begun + ms(1000), Input::Quiet), []);
    // All of it is there: the next has its own time.
    let effects = step(&mut session, begun + ms(2000), Input::Asked(page()));
    assert_eq!(effects, [Effect::Gather(page())]);
    step(&mut session, begun + ms(2000), Input::Gathered(ms(0)));
    assert_eq!(step(&mut session, begun + WHOLE, Input::Quiet), []);
    let begun = begun + WHOLE;
    step(&mut session, begun, Input::Half);
    // While figures are gathered, and in the rest after that, it is not listened to.
    step(&mut session, begun, Input::Asked(Request::Watch(ms(1000))));
    step(&mut session, begun, Input::Half);
    step(&mut session, begun, Input::Gathered(ms(200)));
    let late = begun + ms(200) * REST;
    assert!(!session.may_read(begun + WHOLE));
    assert_eq!(session.wake_at(begun + WHOLE), Some(late));
    assert_eq!(step(&mut session, late, Input::Tick), []);
    // Then nothing came.
    let closed = step(&mut session, late, Input::Quiet);
    assert!(matches!(&closed[..], [Effect::Close(why)] if why.contains("rest of a request")));
}

#[test]
fn who_may_only_look_neither_kills_nor_traces() {
    let mut session = Session::new(ms(0), true);
    step(&mut session, ms(0), Input::Greeted);
    let pid = Pid::nobody(NodeId::unconnected("a"));
    for request in [Request::Kill(pid), Request::Trace(Some(pid))] {
        let effects = step(&mut session, ms(0), Input::Asked(request));
        assert!(matches!(&effects[..], [Effect::Send(Answer::Refused(_))]));
    }
    let looks = step(&mut session, ms(0), Input::Asked(page()));
    assert_eq!(looks, [Effect::Gather(page())]);
}

#[test]
fn a_trace_ends_with_its_session() {
    let mut session = open(ms(0));
    let pid = Pid::nobody(NodeId::unconnected("a"));
    let trace = Request::Trace(Some(pid));
    step(&mut session, ms(0), Input::Asked(trace));
    step(&mut session, ms(0), Input::Gathered(ms(0)));
    let closed = step(&mut session, ms(1), Input::Nonsense("x".to_owned()));
    assert_eq!(closed, [Effect::Untrace, Effect::Close("x".to_owned())]);
}

/// An observer that asks whenever it is listened to, for gathering that takes anything: over any
/// stretch no more is gathered than the limits allow.
#[test]
fn no_observer_gets_more_than_its_share() {
    for seed in 0..200 {
        let mut random = Rng::new(seed);
        let mut now = ms(0);
        let mut session = open(now);
        let (mut asked, mut cost, mut last) = (0_u64, ms(0), ms(0));
        let mut gathering = None;
        for _ in 0..2000 {
            if let Some(took) = gathering.take() {
                now += took;
                (cost, last) = (cost + took, took);
                step(&mut session, now, Input::Gathered(took));
            } else if session.may_read(now) {
                asked += 1;
                let request = match random.below(4) {
                    0 => Request::Watch(ms(random.below(300) as u64)),
                    _ => page(),
                };
                let effects = step(&mut session, now, Input::Asked(request));
                let wanted =
                    |effect: &Effect| matches!(effect, Effect::Figures | Effect::Gather(_));
                if effects.iter().any(wanted) {
                    gathering = Some(Duration::from_micros(random.below(20_000) as u64));
                }
            } else {
                let wake = session.wake_at(now);
                assert!(
                    wake.is_some_and(|at| now <= at),
                    "seed {seed}: it never wakes"
                );
                now = wake.unwrap_or(now).max(now + Duration::from_micros(1));
                if step(&mut session, now, Input::Tick).contains(&Effect::Figures) {
                    gathering = Some(Duration::from_micros(random.below(20_000) as u64));
                }
            }
        }
        let allowed = u64::from(BURST) + 1 + now.as_millis() as u64 * u64::from(RATE) / 1000;
        assert!(asked <= allowed, "seed {seed}: {asked} in {now:?}");
        let share = (cost - last) * REST;
        assert!(share <= now, "seed {seed}: {cost:?} of {now:?}");
        assert!(asked > 50, "seed {seed}: it was hardly listened to");
    }
}

#[test]
fn any_bytes_are_understood_or_refused() {
    for seed in 0..2000 {
        let mut random = Rng::new(seed);
        let mut bytes = [&greeting()[..], &encode(&page(), 1000).unwrap()].concat();
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] = random.below(256) as u8;
        }
        let mut decoder = Decoder::new(1000);
        let mut greeted = false;
        for byte in bytes {
            decoder.push(&[byte]);
            if !greeted {
                match decoder.greeted() {
                    Ok(there) => greeted = there,
                    Err(_) => break,
                }
            } else if decoder.take::<Request>().is_err() {
                break;
            }
        }
        assert!(decoder.waiting() <= 1004, "seed {seed}");
    }
    let mut decoder = Decoder::new(10);
    decoder.push(&11_u32.to_be_bytes());
    assert_eq!(decoder.take::<u8>(), Err(FrameError::TooLong(11)));
}
