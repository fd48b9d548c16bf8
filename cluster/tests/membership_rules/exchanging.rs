//! Does a member compare views with others, and tell those that it holds to be gone?

use std::collections::BTreeMap;
use std::time::Duration;

use foundation_cluster::Tick;
use foundation_cluster::membership::{Config, Input, Name, State};

use crate::one::{ME, One, ms, still};
use crate::words::{Body, Claim, claim};

/// Views are compared every 1 to 16 s, and nothing else happens.
fn comparing() -> Config {
    Config {
        exchange_interval_min: ms(1_000),
        exchange_interval_max: ms(16_000),
        reconnect_interval: ms(1_000),
        ..still()
    }
}

const ALL: u64 = u64::MAX;

fn names(claims: &[Claim]) -> Vec<&str> {
    let mut names: Vec<&str> = claims.iter().map(|claim| claim.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// Who sent a comparison and got claims back answers with what the other lacks, and no more.
#[test]
fn an_answer_sends_back_what_the_other_lacks() {
    let (alive, left) = (State::Alive, State::Left);
    let rows: &[(&str, u64, Vec<Claim>, &[&str])] = &[
        ("all", ALL, vec![], &["a", "b", "c"]),
        ("no mask", 0, vec![], &[]),
        (
            "what is equal",
            ALL,
            vec![claim(alive, "c", 1, 0)],
            &["a", "b"],
        ),
        (
            "what is older",
            ALL,
            vec![claim(alive, "c", 0, 7)],
            &["a", "b", "c"],
        ),
        (
            "what is newer",
            ALL,
            vec![claim(alive, "c", 1, 1)],
            &["a", "b"],
        ),
        (
            "who has left",
            ALL,
            vec![claim(left, "b", 1, 0), claim(alive, "a", 5, 0)],
            &["c"],
        ),
    ];
    for (what, mask, claims, answer) in rows {
        let mut a = One::new(comparing(), &["b", "c"]);
        a.take();
        a.say("b", Body::Differ(*mask), claims);
        let sent = a.take();
        let differs = |said: &Body| matches!(said, Body::Differ(_));
        let sent: Vec<_> = sent
            .iter()
            .filter(|(to, _, said)| to == "b" && differs(&said.body))
            .collect();
        match &sent[..] {
            [] => assert!(answer.is_empty(), "{what}: there is no answer"),
            [(_, false, said)] => {
                assert_eq!(said.body, Body::Differ(0), "{what}");
                assert_eq!(names(&said.claims), *answer, "{what}");
            }
            more => panic!("{what}: {more:?}"),
        }
    }
}

/// The same view is not answered; another one is, bucket by bucket.
#[test]
fn a_comparison_is_answered_where_views_differ() {
    let mut a = One::new(comparing(), &["b", "c"]);
    let own = a.until(ms(60_000), |(_, _, said)| match &said.body {
        Body::Compare(sums) => Some(sums.clone()),
        _ => None,
    });
    let own = own.expect("it compares");
    a.take();
    a.say("b", Body::Compare(own.clone()), &[]);
    assert_eq!(a.take(), [], "the views are equal");
    let mut other = own.clone();
    let filled = own.iter().position(|sum| *sum != 0).unwrap();
    let empty = own.iter().position(|sum| *sum == 0).unwrap();
    (other[filled], other[empty]) = (1, 1);
    a.say("b", Body::Compare(other), &[]);
    let sent = a.take();
    let [(to, false, said)] = &sent[..] else {
        panic!("one answer: {sent:?}");
    };
    assert_eq!(
        (to.as_str(), &said.body),
        ("b", &Body::Differ(1 << filled | 1 << empty))
    );
    assert!(!said.claims.is_empty() && said.claims.len() < 3, "{said:?}");
}

/// When it compares views, in the time from now.
fn compares(a: &mut One, span: Duration) -> Vec<Tick> {
    let end = a.now() + span;
    let mut times = Vec::new();
    while a.now() < end {
        let found = a.until(end.since(a.now()), |(_, _, said)| {
            matches!(said.body, Body::Compare(_)).then_some(())
        });
        match found {
            Some(()) => times.push(a.now()),
            None => break,
        }
    }
    times
}

#[test]
fn comparisons_become_rare_and_often_again() {
    let mut a = One::new(comparing(), &["b", "c"]);
    let times = compares(&mut a, ms(120_000));
    let pauses: Vec<u128> = times
        .windows(2)
        .map(|two| two[1].since(two[0]).as_millis())
        .collect();
    assert!(pauses.len() > 7, "{pauses:?}");
    for (pause, least) in pauses.iter().zip([2_000, 4_000, 8_000, 16_000, 16_000]) {
        assert!((least..=least * 5 / 4).contains(pause), "{pauses:?}");
    }
    assert!(pauses.iter().all(|pause| *pause <= 20_000), "{pauses:?}");
    // A difference that was found: at once, and once more after that.
    let mut sums = vec![0; 64];
    sums[0] = 1;
    a.say("b", Body::Compare(sums), &[]);
    a.take();
    let now = a.now();
    let times = compares(&mut a, ms(10_000));
    let after: Vec<u128> = times.iter().map(|at| at.since(now).as_millis()).collect();
    assert_eq!(after[0], 1_000, "{after:?}");
    assert!(after[1] <= 2_250, "{after:?}");
    // What was learned by comparing is a difference; what came as news is none.
    for (body, hurries) in [(Body::Differ(0), true), (Body::Gossip, false)] {
        let mut a = One::new(comparing(), &["b", "c"]);
        compares(&mut a, ms(120_000));
        a.say("b", body, &[claim(State::Alive, "x", 1, 0)]);
        a.take();
        let now = a.now();
        let next = compares(&mut a, ms(1_000));
        assert_eq!(
            next.first().map(|at| at.since(now)),
            hurries.then_some(ms(1_000))
        );
    }
}

/// What comes by comparing is not passed on as news: comparing spreads it.
#[test]
fn what_is_learned_by_comparing_is_no_news() {
    let mut a = One::new(still(), &["b", "c"]);
    a.say("b", Body::Differ(0), &[claim(State::Alive, "x", 1, 0)]);
    assert_eq!(a.machine.news(), 0);
    a.say("b", Body::Gossip, &[claim(State::Alive, "y", 1, 0)]);
    assert_eq!(a.machine.news(), 1);
}

/// Whom it tries again, where nobody answers: those that are down, and seeds that are no members.
#[test]
fn who_is_tried_again() {
    let config = Config {
        reconnect_interval: ms(1_000),
        ..still()
    };
    let mut a = One::seeded(config, &["b", "c", "s"], &["s", "t"], 1);
    a.hear(&[
        claim(State::Suspect, "b", 1, 0),
        claim(State::Left, "d", 1, 0),
        claim(State::Down, "e", 1, 0),
    ]);
    a.hear(&[claim(State::Down, "b", 1, 0)]);
    a.take();
    a.wait(ms(60_000));
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for (to, _, said) in a.take() {
        if matches!(said.body, Body::Compare(_)) {
            *tried.entry(to).or_default() += 1;
        }
    }
    // Members are compared with after 1 s, 2 s, 4 s and so on.
    let others = tried.remove("c").unwrap_or(0) + tried.remove("s").unwrap_or(0);
    assert!(others <= 7, "{others}");
    let whom: Vec<&str> = tried.keys().map(String::as_str).collect();
    assert_eq!(whom, ["b", "e", "t"]);
    assert!(tried.values().all(|times| *times >= 8), "{tried:?}");
}

/// Who is held to be gone, or was started anew since, is told so when it says anything; it is told
/// what it has to answer to, not for each message, and it is heard if it can come back.
#[test]
fn who_is_held_to_be_gone_is_told_so() {
    let rows = [
        (State::Down, 1, true),
        (State::Left, 1, true),
        (State::Evicted, 1, false),
        (State::Alive, 2, false),
    ];
    for (state, incarnation, is_answered) in rows {
        let mut a = One::new(still(), &["c"]);
        a.hear(&[claim(state, "b", incarnation, 4)]);
        a.take();
        let mut told = Vec::new();
        for _ in 0..5 {
            a.say("b", Body::Ping(3, ME.0.to_owned(), ME.1), &[]);
            let sent = a.take();
            let to_b: Vec<_> = sent.into_iter().filter(|(to, ..)| to == "b").collect();
            let acks = to_b
                .iter()
                .filter(|(_, _, said)| said.body == Body::Ack(3))
                .count();
            assert_eq!(acks, usize::from(is_answered), "{state:?} of {incarnation}");
            told.push(
                to_b.iter()
                    .filter(|(_, _, said)| {
                        let first = said.claims.first();
                        let is = |first: &Claim| {
                            (
                                first.name.as_str(),
                                first.state,
                                first.incarnation,
                                first.revision,
                            ) == ("b", state, incarnation, 4)
                        };
                        // It may believe the same of this member, which says that it lives.
                        let own = said.claims.get(1).is_some_and(|own| own.name == ME.0);
                        said.body == Body::Gossip && first.is_some_and(is) && own
                    })
                    .count(),
            );
            a.wait(ms(150));
        }
        assert_eq!(told, [1, 0, 1, 0, 1], "{state:?} of {incarnation}");
    }
}

/// A comparison with somebody who is down says so first: it may not know.
#[test]
fn who_is_tried_again_is_told_that_it_is_down() {
    let config = Config {
        reconnect_interval: ms(1_000),
        ..still()
    };
    let mut a = One::new(config, &["c"]);
    a.hear(&[claim(State::Down, "b", 1, 4)]);
    while a.machine.news() > 0 {
        a.say("carrier", Body::Ping(1, ME.0.to_owned(), ME.1), &[]);
    }
    a.take();
    let claims = a.until(ms(2_000), |(to, _, said)| {
        (to == "b").then(|| said.claims.clone())
    });
    let claims = claims.expect("it is tried again");
    let about = |claim: &Claim| (claim.name.clone(), claim.state);
    let about: Vec<_> = claims.iter().map(about).collect();
    assert_eq!(
        about,
        [
            ("b".to_owned(), State::Down),
            (ME.0.to_owned(), State::Alive)
        ]
    );
}

/// A stranger is asked for its view, but not each one at once.
#[test]
fn strangers_are_greeted() {
    let mut a = One::new(comparing(), &["c"]);
    a.wait(ms(1_000));
    a.take();
    for (name, greeted) in [("x", 1), ("x", 0), ("y", 0)] {
        a.say(name, Body::Gossip, &[]);
        let sent = a.take();
        let compares = |said: &Body| matches!(said, Body::Compare(_));
        let count = sent
            .iter()
            .filter(|(to, _, said)| to == name && compares(&said.body))
            .count();
        assert_eq!(count, greeted, "{name}");
    }
    a.wait(ms(1_000));
    a.take();
    a.say("y", Body::Gossip, &[]);
    assert!(
        a.take().iter().any(|(to, ..)| to == "y"),
        "it is its turn now"
    );
}

/// Who is evicted is told at once.
#[test]
fn the_evicted_are_told() {
    let mut a = One::new(still(), &["b", "c"]);
    a.give(Input::Evict(Name::new("b").unwrap()));
    let sent = a.take();
    let told = |(to, _, said): &&(String, bool, crate::words::Message)| {
        let first = said.claims.first();
        to == "b" && first.is_some_and(|claim| claim.state == State::Evicted)
    };
    assert!(sent.iter().any(|sent| told(&sent)), "{sent:?}");
}
