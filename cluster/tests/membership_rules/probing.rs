//! How does a member probe others, answer them, and help them?

use std::collections::BTreeMap;

use foundation_cluster::membership::{Config, RELAYS_MAX, State};

use crate::one::{ME, One, ms, quiet, still};
use crate::words::{Body, claim};

/// Probes every 10 s, waits 1 s for an answer.
fn slow() -> Config {
    Config {
        probe_interval: ms(10_000),
        probe_timeout: ms(1_000),
        ..quiet()
    }
}

fn ping(number: u32) -> Body {
    Body::Ping(number, ME.0.to_owned(), ME.1)
}

#[test]
fn who_does_not_answer_is_probed_through_helpers_and_over_a_connection() {
    for seed in 0..20 {
        let others = ["b", "c", "d", "e"];
        let mut a = One::seeded(slow(), &others, &[], seed);
        a.hear(&[claim(State::Suspect, "f", 1, 0)]);
        let (_, target, number) = a.probe();
        a.wait(ms(999));
        let about = |body: &Body| !matches!(body, Body::Gossip);
        assert!(!a.take().iter().any(|(.., said)| about(&said.body)));
        a.wait(ms(1));
        let mut helpers = Vec::new();
        for (to, stream, said) in a.take() {
            match said.body {
                Body::Help(asked, name, 1, address) => {
                    assert_eq!((asked, &name, &address), (number, &target, &target));
                    assert!(to != target && to != "f" && !stream, "{to} is to help");
                    helpers.push(to);
                }
                Body::StreamPing(asked, name, 1) => {
                    assert!(stream && to == target && name == target && asked == number);
                    helpers.push("itself".to_owned());
                }
                Body::Gossip => {}
                other => panic!("{other:?} to {to}"),
            }
        }
        helpers.sort_unstable();
        helpers.dedup();
        assert_eq!(helpers.len(), 4, "seed {seed}: {helpers:?}");
    }
}

#[test]
fn who_answers_is_not_asked_of_others() {
    let mut a = One::new(slow(), &["b", "c", "d", "e"]);
    let (_, target, number) = a.probe();
    a.say(&target, Body::Ack(number), &[]);
    a.wait(ms(9_000));
    assert_eq!(a.take(), []);
}

/// Who refuted, or was started anew, while it was probed is not accused by that probe.
#[test]
fn a_probe_is_judged_by_the_claim_that_was_probed() {
    let rows = [
        ("nothing new", None, State::Suspect),
        ("a revision", Some((1, 1)), State::Alive),
        ("a start", Some((2, 0)), State::Alive),
    ];
    for (what, news, state) in rows {
        let mut a = One::new(slow(), &["b"]);
        a.probe();
        if let Some((incarnation, revision)) = news {
            a.hear(&[claim(State::Alive, "b", incarnation, revision)]);
        }
        a.wait(ms(10_000));
        assert_eq!(a.view("b").unwrap().0, state, "{what}");
    }
}

/// How far it doubts itself after one probe that was not answered.
#[test]
fn missing_answers_are_doubts_of_oneself() {
    let rows: [(&[&str], usize, u32); 6] = [
        (&["b"], 0, 1),
        (&["b", "c"], 0, 1),
        (&["b", "c"], 1, 0),
        (&["b", "c", "d", "e"], 0, 3),
        (&["b", "c", "d", "e"], 2, 1),
        (&["b", "c", "d", "e"], 3, 0),
    ];
    for (others, nacks, doubt) in rows {
        let mut a = One::new(slow(), others);
        let (_, _, number) = a.probe();
        a.wait(ms(1_500));
        for helper in others.iter().take(nacks) {
            a.say(helper, Body::Nack(number), &[]);
        }
        // Of another probe: it does not count.
        a.say("carrier", Body::Nack(number + 1), &[]);
        a.wait(ms(8_500));
        assert_eq!(a.machine.doubt(), doubt, "{others:?}, {nacks} answers");
    }
}

#[test]
fn who_doubts_itself_is_slower_and_an_answer_makes_it_better() {
    let mut a = One::new(slow(), &["b", "c", "d", "e"]);
    a.probe();
    let (begun, target, number) = a.probe();
    assert_eq!(a.machine.doubt(), 3);
    let (asked, helped) = a
        .until(ms(20_000), |(_, _, said)| match said.body {
            Body::Help(asked, ..) => Some(asked),
            _ => None,
        })
        .map(|asked| (asked, a.now()))
        .expect("it asks for help");
    assert_eq!((asked, helped.since(begun)), (number, ms(4_000)));
    // The answer to another probe is none to this one; a second answer counts once.
    a.say(&target, Body::Ack(number + 1), &[]);
    assert_eq!(a.machine.doubt(), 3);
    a.say(&target, Body::Ack(number), &[]);
    a.say(&target, Body::Ack(number), &[]);
    assert_eq!(a.machine.doubt(), 2);
    let (next, ..) = a.probe();
    assert_eq!(next.since(begun), ms(40_000));
    assert_eq!(a.machine.doubt(), 2, "it was answered");
}

#[test]
fn who_is_heard_to_be_down_is_probed_first_and_judged_at_once() {
    for answers in [true, false] {
        let mut a = One::new(slow(), &["b", "c", "d", "e", "f", "g"]);
        a.probe();
        a.hear(&[claim(State::Down, "g", 1, 0)]);
        assert_eq!(a.told(), ["suspected g"]);
        let (_, target, number) = a.probe();
        assert_eq!(target, "g", "before the others");
        a.told();
        if answers {
            a.say("g", Body::Ack(number), &[]);
        }
        a.wait(ms(80_000).min(a.machine.doubt() * ms(10_000) + ms(10_000)));
        let failed = a.told().contains(&"failed g".to_owned());
        assert_eq!(failed, !answers);
    }
}

/// How often others are probed in 70 probes, while two do this after each of them.
fn probed(flap: impl Fn(&mut One, u32)) -> BTreeMap<String, usize> {
    let mut a = One::new(slow(), &["b", "c", "d", "e", "f", "y", "z"]);
    let mut counts = BTreeMap::new();
    for revision in 0..70 {
        let (_, target, number) = a.probe();
        a.say(&target, Body::Ack(number), &[]);
        flap(&mut a, revision);
        *counts.entry(target).or_default() += 1;
    }
    counts
}

/// Who comes and goes all the time, because it is slow, keeps nobody from being probed.
#[test]
fn all_are_probed_whoever_comes_and_goes() {
    let rest = |counts: &BTreeMap<String, usize>| {
        let others = ["b", "c", "d", "e", "f"].map(|name| counts.get(name).copied());
        others.map(|count| count.unwrap_or(0))
    };
    let leaves = probed(|a, revision| {
        for name in ["y", "z"] {
            a.hear(&[claim(State::Left, name, 1, 2 * revision)]);
            a.hear(&[claim(State::Alive, name, 1, 2 * revision + 1)]);
        }
    });
    assert!(rest(&leaves).iter().all(|count| *count >= 9), "{leaves:?}");
    let hearsay = probed(|a, revision| {
        for name in ["y", "z"] {
            a.hear(&[claim(State::Alive, name, 1, revision + 1)]);
            a.hear(&[claim(State::Down, name, 1, revision + 1)]);
        }
    });
    assert!(
        rest(&hearsay).iter().all(|count| *count >= 4),
        "{hearsay:?}"
    );
    assert!(hearsay["y"] + hearsay["z"] >= 35, "{hearsay:?}");
}

#[test]
fn what_is_answered_to_a_probe() {
    let other = |name: &str, incarnation| Body::Ping(9, name.to_owned(), incarnation);
    let rows = [
        ("me", ping(9), Some((false, Body::Ack(9)))),
        (
            "over a connection",
            Body::StreamPing(9, ME.0.to_owned(), ME.1),
            Some((true, Body::Ack(9))),
        ),
        ("one before me", other(ME.0, 4), Some((false, Body::Gossip))),
        ("somebody else", other("x", 5), None),
    ];
    for (what, asked, answer) in rows {
        let mut a = One::new(still(), &["b"]);
        a.say("b", asked, &[]);
        let sent: Vec<_> = a
            .take()
            .into_iter()
            .map(|(_, way, said)| (way, said.body))
            .collect();
        assert_eq!(sent, answer.into_iter().collect::<Vec<_>>(), "{what}");
    }
}

/// The answers that `b` gets, who asks `a` to probe `z`.
fn relayed(answered_after: Option<u64>) -> Vec<(u64, Body)> {
    let config = Config {
        probe_interval: ms(10_000_000),
        probe_timeout: ms(1_000),
        ..quiet()
    };
    let mut a = One::new(config, &["b", "z"]);
    a.say("b", Body::Help(70, "z".to_owned(), 1, "z".to_owned()), &[]);
    let asked = a.take();
    let [(to, false, said)] = &asked[..] else {
        panic!("one probe: {asked:?}");
    };
    let Body::Ping(number, name, 1) = &said.body else {
        panic!("no probe: {said:?}");
    };
    assert_eq!((to.as_str(), name.as_str()), ("z", "z"));
    let (begun, mut got) = (a.now(), Vec::new());
    for millis in 0..2_000 {
        if answered_after == Some(millis) {
            a.say("z", Body::Ack(*number), &[]);
        }
        for (to, _, said) in a.take() {
            assert_eq!(to, "b");
            got.push((a.now().since(begun).as_millis() as u64, said.body));
        }
        a.wait(ms(1));
    }
    got
}

#[test]
fn a_helper_says_what_it_got() {
    let (yes, no) = (Body::Ack(70), Body::Nack(70));
    assert_eq!(relayed(Some(100)), [(100, yes.clone())]);
    // In time for the one who asked, and a late answer is an answer.
    assert_eq!(relayed(None), [(800, no.clone())]);
    assert_eq!(relayed(Some(900)), [(800, no), (900, yes)]);
}

#[test]
fn a_helper_has_a_limit() {
    let mut a = One::new(slow(), &[]);
    for number in 0..300 {
        a.say(
            "b",
            Body::Help(number, "z".to_owned(), 1, "z".to_owned()),
            &[],
        );
    }
    let sent = a.take();
    let pings = sent.iter().filter(|(to, ..)| to == "z").count();
    assert_eq!(pings, RELAYS_MAX);
}

#[test]
fn a_helper_forgets_in_time() {
    let config = Config {
        probe_interval: ms(500),
        ..quiet()
    };
    let mut a = One::new(config, &[]);
    a.say("b", Body::Help(70, "z".to_owned(), 1, "z".to_owned()), &[]);
    let number = a
        .take()
        .into_iter()
        .find_map(|(_, _, said)| match said.body {
            Body::Ping(number, ..) => Some(number),
            _ => None,
        });
    a.wait(ms(700));
    a.take();
    a.say("z", Body::Ack(number.unwrap()), &[]);
    let sent = a.take();
    assert!(!sent.iter().any(|(to, ..)| to == "b"), "{sent:?}");
}

/// A member that was not woken in time judges nobody by the time that it missed.
#[test]
fn who_overslept_judges_nobody() {
    let mut a = One::new(slow(), &["b", "c"]);
    a.hear(&[claim(State::Suspect, "c", 1, 0)]);
    a.probe();
    a.sleep(ms(60_000));
    a.wait(ms(1));
    assert_eq!(a.machine.doubt(), 1);
    assert_eq!(a.view("b").unwrap().0, State::Alive);
    assert_eq!(a.view("c").unwrap().0, State::Suspect);
    // It has as long as it would have had.
    a.wait(ms(15_000));
    assert_eq!(a.view("c").unwrap().0, State::Suspect);
}
