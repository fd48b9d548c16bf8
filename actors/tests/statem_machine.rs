//! Does the state machine keep the order that gen_statem keeps?
//!
//! Role       A table, one script a row. The seeded walk is in `statem_walk.rs`.
//! Inputs     Scripts `input => effects` in a small notation: see `parse` and `show`.
//! Source     otp: gen_statem, loop_state_transition/9 and what follows it; rows B159-B168, B223

use std::time::Duration;

use foundation_actors::statem::machine::*;

type Event = String;

// ---------------------------------------------------------------------------------------------
// Notation
// ---------------------------------------------------------------------------------------------

fn timeout(text: &str) -> Timeout {
    match text {
        "event" => Timeout::Event,
        "state" => Timeout::State,
        "a" => Timeout::Named("a".into()),
        "a.1" => Timeout::Named(TimeoutName::new("a").of(1)),
        _ => panic!("no such timeout: {text}"),
    }
}

fn name(timeout: Timeout) -> String {
    match timeout {
        Timeout::Event => "event".into(),
        Timeout::State => "state".into(),
        Timeout::Named(name) => name.to_string().replace(' ', "."),
    }
}

/// `state=5:x` starts, `state~x` updates, `state!` cancels.
fn ask(word: &str) -> (Timeout, Ask<Event>) {
    if let Some((name, rest)) = word.split_once('=') {
        let (after, event) = rest.split_once(':').expect("a time and an event");
        let after = Duration::from_millis(after.parse().unwrap());
        (timeout(name), Ask::Start(after, event.into()))
    } else if let Some((name, event)) = word.split_once('~') {
        (timeout(name), Ask::Update(event.into()))
    } else {
        let name = word.strip_suffix('!').expect("a word of the notation");
        (timeout(name), Ask::Cancel)
    }
}

/// `done move post:x ins:i1,i2 state=5:x`, `got`, `fire state#1`, `next`.
fn parse(text: &str) -> Input<Event> {
    let mut words = text.split(' ');
    match words.next().unwrap() {
        "got" => Input::Received,
        "next" => Input::Next,
        "fire" => {
            let (name, id) = words.next().unwrap().split_once('#').unwrap();
            Input::Fired(timeout(name), TimerId(id.parse().unwrap()))
        }
        "done" => {
            let mut change = Change::Keep;
            let mut asks = Asks::default();
            for word in words {
                match word.split_once(':').unwrap_or((word, "")) {
                    ("move", _) => change = Change::Move,
                    ("repeat", _) => change = Change::Repeat,
                    ("post", event) => asks.postponed = Some(event.into()),
                    ("ins", events) => asks.inserted = events.split(',').map(Into::into).collect(),
                    _ => asks.timeouts.push(ask(word)),
                }
            }
            let asks = Some(Box::new(asks));
            Input::Done(Outcome { change, asks })
        }
        other => panic!("no such input: {other}"),
    }
}

fn show(effect: &Effect<Event>) -> String {
    match effect {
        Effect::Handle(event) => event.clone(),
        Effect::Enter => "enter".into(),
        Effect::Arm {
            timeout,
            timer,
            after,
        } => format!("arm {}#{} {}", name(*timeout), timer.0, after.as_millis()),
        Effect::Disarm { timeout } => format!("disarm {}", name(*timeout)),
        Effect::Refuse(event) => format!("refuse {event}"),
    }
}

fn started(enters: bool, max: usize) -> Machine<Event> {
    let mut machine = Machine::new(enters, max);
    let mut effects = Vec::new();
    machine.step(Input::Done(Outcome::plain()), &mut effects);
    assert!(effects.is_empty());
    machine
}

/// Each line is `input`, or `input => effect; effect`. At the end nothing waits.
fn run(mut machine: Machine<Event>, script: &str) {
    for line in script.trim().lines().map(str::trim) {
        let (input, expected) = line.split_once(" => ").unwrap_or((line, ""));
        let mut effects = Vec::new();
        machine.step(parse(input), &mut effects);
        machine.check();
        let shown: Vec<String> = effects.iter().map(show).collect();
        assert_eq!(shown.join("; "), expected, "after `{input}` of\n{script}");
    }
    assert!(!machine.waits(), "something waits at the end of\n{script}");
    assert!(!machine.is_handling(), "it handles at the end of\n{script}");
}

/// Without enter handlers.
fn plain(script: &str) {
    run(started(false, POSTPONED_MAX), script);
}

/// With enter handlers.
fn enters(script: &str) {
    run(started(true, POSTPONED_MAX), script);
}

// ---------------------------------------------------------------------------------------------
// Tables
// ---------------------------------------------------------------------------------------------

#[test]
fn postponed_events_are_retried_in_order_after_a_change() {
    plain(
        "got\n done post:e1\n got\n done post:e2\n got\n done\n got\n done move\n next => e1\n done\n next => e2\n done\n next",
    );
    // The event that changes the state may itself be postponed: it is the newest of them.
    plain("got\n done post:e1\n got\n done move post:e2\n next => e1\n done\n next => e2\n done");
    // Postponed again, they wait for the next change, and come before what was postponed later.
    plain(
        "got\n done post:e1\n got\n done post:e2\n got\n done move\n next => e1\n done post:e1\n next => e2\n done move\n next => e1\n done",
    );
    // A change while some are retried: the older ones go before those that were not tried yet.
    plain(
        "got\n done post:e1\n got\n done post:e2\n got\n done post:e3\n got\n done move\n next => e1\n done post:e1\n next => e2\n done move\n next => e1\n done\n next => e3\n done",
    );
}

#[test]
fn a_state_that_stays_or_repeats_retries_nothing() {
    plain(
        "got\n done post:e1\n got\n done repeat\n got\n done\n got\n done move\n next => e1\n done",
    );
}

#[test]
fn inserted_events_come_first_and_in_order() {
    plain("got\n done ins:i1,i2\n next => i1\n done\n next => i2\n done");
    plain(
        "got\n done ins:i1,i2\n next => i1\n done ins:j1,j2\n next => j1\n done\n next => j2\n done\n next => i2\n done",
    );
    plain(
        "got\n done post:e1\n got\n done move ins:i1,i2\n next => i1\n done\n next => i2\n done\n next => e1\n done",
    );
}

#[test]
fn the_event_timeout_ends_with_any_event() {
    plain("got\n done event=5:t => arm event#1 5\n got\n done => disarm event");
    plain("got\n done event=5:t => arm event#1 5\n fire event#1 => t\n done");
    // An inserted event is an event.
    plain("got\n done ins:i event=5:t => arm event#1 5\n next => i\n done => disarm event");
    // So is another timeout.
    plain(
        "got\n done event=5:t state=3:s => arm event#1 5; arm state#2 3\n fire state#2 => s\n done => disarm event",
    );
    // Set afresh by each event, it is afresh.
    plain(
        "got\n done event=5:t => arm event#1 5\n got\n done event=5:t => disarm event; arm event#2 5\n fire event#1\n fire event#2 => t\n done",
    );
}

#[test]
fn the_state_timeout_ends_with_the_state() {
    plain(
        "got\n done state=5:t => arm state#1 5\n got\n done\n got\n done repeat\n got\n done move => disarm state\n fire state#1",
    );
    plain("got\n done move state=5:t => arm state#1 5\n fire state#1 => t\n done");
    plain(
        "got\n done state=5:t => arm state#1 5\n got\n done state=6:u => disarm state; arm state#2 6\n fire state#1\n fire state#2 => u\n done",
    );
    plain(
        "got\n done state=5:t => arm state#1 5\n got\n done state! => disarm state\n got\n done state!",
    );
}

#[test]
fn named_timeouts_end_by_hand_only() {
    plain(
        "got\n done a=5:t a.1=6:u => arm a#1 5; arm a.1#2 6\n got\n done move\n fire a.1#2 => u\n done\n fire a#1 => t\n done",
    );
    plain("got\n done a=5:t => arm a#1 5\n got\n done a! => disarm a\n fire a#1");
    plain(
        "got\n done a=5:t => arm a#1 5\n got\n done a=7:u => disarm a; arm a#2 7\n fire a#1\n fire a#2 => u\n done",
    );
}

#[test]
fn an_update_changes_the_event_and_not_the_time() {
    plain("got\n done a=5:t => arm a#1 5\n got\n done a~u\n fire a#1 => u\n done");
    plain("got\n done state=5:t => arm state#1 5\n got\n done state~u\n fire state#1 => u\n done");
    // What does not run is over now.
    plain("got\n done a~u\n next => u\n done");
    // The event timeout does not run any more when the handler of the next event has it updated.
    plain(
        "got\n done event=5:t => arm event#1 5\n got\n done event~u => disarm event\n next => u\n done",
    );
    plain("got\n done a=0:t ins:i\n next => i\n done a~u\n next => u\n done");
}

#[test]
fn of_several_asks_for_one_timeout_the_last_counts() {
    plain("got\n done a=5:t a=6:u => arm a#1 6\n fire a#1 => u\n done");
    plain("got\n done a=5:t a!");
    plain("got\n done a! a=5:t => arm a#1 5\n fire a#1 => t\n done");
    plain("got\n done a=0:t a.1=0:u a=0:v\n next => u\n done\n next => v\n done");
}

#[test]
fn timeouts_of_no_time_come_after_the_queue_and_before_the_mailbox() {
    plain("got\n done a=0:t ins:i1,i2\n next => i1\n done\n next => i2\n done\n next => t\n done");
    plain("got\n done state=0:s a=0:t\n next => s\n done\n next => t\n done");
    plain("got\n done post:e1\n got\n done move a=0:t\n next => e1\n done\n next => t\n done");
    // One set later is due later, whatever its name.
    plain(
        "got\n done a=0:t ins:i\n next => i\n done state=0:s\n next => t\n done\n next => s\n done",
    );
    // An event timeout of no time is dropped when another event comes first.
    plain("got\n done event=0:t\n next => t\n done");
    plain("got\n done event=0:t ins:i\n next => i\n done\n next");
    plain("got\n done post:e1\n got\n done move event=0:t\n next => e1\n done\n next");
    plain("got\n done a=0:u event=0:t\n next => u\n done\n next");
    // A state timeout of no time is dropped when the state changes first.
    plain("got\n done state=0:t ins:i\n next => i\n done move\n next");
    plain("got\n done a=0:t ins:i\n next => i\n done a!\n next");
    plain(
        "got\n done a=0:t ins:i\n next => i\n done a=5:u => arm a#1 5\n next\n fire a#1 => u\n done",
    );
}

#[test]
fn a_state_is_entered_after_a_change_and_when_repeated() {
    enters(
        "got\n done\n got\n done move\n next => enter\n done\n got\n done repeat\n next => enter\n done",
    );
}

/// As `started`, but the first enter handler is still to be called.
fn fresh() -> Machine<Event> {
    let mut machine = Machine::new(true, POSTPONED_MAX);
    let change = Change::Repeat;
    let outcome = Outcome { change, asks: None };
    machine.step(Input::Done(outcome), &mut Vec::new());
    machine
}

#[test]
fn the_first_state_is_entered() {
    run(fresh(), "next => enter\n done\n got\n done");
    run(
        fresh(),
        "next => enter\n done repeat\n next => enter\n done",
    );
    run(
        fresh(),
        "next => enter\n done a=0:t\n next => t\n done\n got\n done",
    );
}

#[test]
fn the_order_after_a_change() {
    // Enter, inserted, postponed, timeouts of no time, and only then what comes from outside.
    enters(
        "got\n done post:e1\n got\n done post:e2\n got\n done move ins:i1,i2 a=0:z1\n next => enter\n done state=0:z2\n next => i1\n done\n next => i2\n done\n next => e1\n done\n next => e2\n done\n next => z1\n done\n next => z2\n done\n next\n got\n done",
    );
    // The state timeout of the state before is gone before the enter handler's is set.
    enters(
        "got\n done state=5:t => arm state#1 5\n got\n done move\n next => enter\n done state=6:u => disarm state; arm state#2 6\n fire state#2 => u\n done",
    );
    // The enter handler has the last word.
    enters(
        "got\n done move a=5:t\n next => enter\n done a=6:u => arm a#1 6\n fire a#1 => u\n done",
    );
}

#[test]
fn too_many_postponed_events() {
    let machine = started(false, 2);
    run(
        machine,
        "got\n done post:e1\n got\n done post:e2\n got\n done post:e3 => refuse e3\n got\n done move post:e4\n next => e1\n done\n next => e2\n done\n next => e4\n done",
    );
}

/// A handler is done that asks for this.
fn asked(machine: &mut Machine<()>, asks: Asks<()>, effects: &mut Vec<Effect<()>>) {
    let (change, asks) = (Change::Keep, Some(Box::new(asks)));
    machine.step(Input::Done(Outcome { change, asks }), effects);
    machine.check();
}

/// Panics, and says of what there is too much.
#[track_caller]
fn too_many(more: impl FnOnce(), what: &str) {
    let more = std::panic::AssertUnwindSafe(more);
    let payload = std::panic::catch_unwind(more).expect_err("one too many");
    let text = payload.downcast_ref::<String>().expect("a text");
    assert!(text.contains("at most") && text.contains(what), "{text}");
}

/// As many timeouts as there may be; one that runs already may be set again, and one more ends it.
#[test]
fn as_many_timeouts_as_there_may_be() {
    const MANY: TimeoutName = TimeoutName::new("many");
    let timeout = |n: usize| Timeout::Named(MANY.of(n as u64));
    let start = |n| (timeout(n), Ask::Start(Duration::from_secs(1), ()));
    let (mut machine, mut effects) = (Machine::new(false, POSTPONED_MAX), Vec::new());
    let timeouts = (0..TIMEOUTS_MAX).map(start).collect();
    let asks = Asks {
        timeouts,
        ..Asks::default()
    };
    asked(&mut machine, asks, &mut effects);
    assert_eq!(effects.len(), TIMEOUTS_MAX);
    let one = |ask| Asks {
        timeouts: vec![ask],
        ..Asks::default()
    };
    machine.step(Input::Received, &mut effects);
    asked(&mut machine, one(start(7)), &mut effects);
    machine.step(Input::Received, &mut effects);
    asked(&mut machine, one((timeout(7), Ask::Cancel)), &mut effects);
    machine.step(Input::Received, &mut effects);
    let new = (Timeout::State, Ask::Start(Duration::ZERO, ()));
    asked(&mut machine, one(new), &mut effects);
    machine.step(Input::Next, &mut effects);
    asked(&mut machine, one(start(7)), &mut effects);
    machine.step(Input::Received, &mut effects);
    let more = || asked(&mut machine, one(start(TIMEOUTS_MAX)), &mut effects);
    too_many(more, "timeouts");
}

/// As many events of its own as there may be, and one more.
#[test]
fn as_many_inserted_events_as_there_may_be() {
    let (mut machine, mut effects) = (Machine::new(false, POSTPONED_MAX), Vec::new());
    let insert = |count| Asks {
        inserted: vec![(); count],
        ..Asks::default()
    };
    asked(&mut machine, insert(QUEUED_MAX), &mut effects);
    // The one that is handled is none of them.
    machine.step(Input::Next, &mut effects);
    asked(&mut machine, insert(1), &mut effects);
    machine.step(Input::Next, &mut effects);
    too_many(|| asked(&mut machine, insert(2), &mut effects), "events");
}

#[test]
fn what_cannot_happen_is_found() {
    let broken = [
        "next",
        "got\n got",
        "got\n done\n done",
        "got\n fire a#1",
        "got\n done ins:i\n got",
        "got\n done ins:i\n fire a#1",
        "got\n done move\n next => enter\n next",
        "got\n done move\n next => enter\n done move",
        "got\n done move\n next => enter\n done post:e",
        "got\n done move\n next => enter\n done ins:i",
    ];
    for script in broken {
        let machine = || match script {
            "next" => Machine::new(true, POSTPONED_MAX),
            _ => started(true, POSTPONED_MAX),
        };
        let ran = std::panic::catch_unwind(|| run(machine(), script));
        assert!(ran.is_err(), "accepted: {script}");
    }
}
