//! What goes out with the messages of a member?

use std::collections::BTreeMap;

use foundation_cluster::membership::{Config, State};

use crate::one::{ME, One, ms, still};
use crate::words::{Body, Claim, claim};

fn ping() -> Body {
    Body::Ping(1, ME.0.to_owned(), ME.1)
}

fn claims(a: &mut One) -> Vec<(String, Claim)> {
    let sent = a.take().into_iter();
    sent.flat_map(|(to, _, said)| {
        said.claims
            .into_iter()
            .map(move |claim| (to.clone(), claim))
    })
    .collect()
}

/// Each piece of news is passed on three times for each digit of the number of members.
#[test]
fn news_are_told_so_often() {
    for (count, times) in [(4, 3), (9, 6), (60, 6), (120, 9)] {
        let names: Vec<String> = (0..count).map(|at| format!("n{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut a = One::new(still(), &names);
        a.hear(&[claim(State::Alive, "n0", 1, 1)]);
        let mut told = 0;
        for _ in 0..20 {
            a.say("carrier", ping(), &[]);
            told += claims(&mut a).len();
        }
        assert_eq!(told, times, "{count} members");
    }
}

/// What was told least comes first, the newest of it before the others; nobody is told of itself.
#[test]
fn the_least_told_comes_first() {
    let mut a = One::new(still(), &["b", "c", "d"]);
    a.hear(&[claim(State::Alive, "b", 1, 1)]);
    a.hear(&[claim(State::Alive, "c", 1, 1)]);
    let names = |a: &mut One, to: &str| -> Vec<String> {
        a.say(to, ping(), &[]);
        claims(a).into_iter().map(|(_, claim)| claim.name).collect()
    };
    assert_eq!(names(&mut a, "d"), ["c", "b"]);
    assert_eq!(names(&mut a, "b"), ["c"]);
    assert_eq!(names(&mut a, "d"), ["b", "c"]);
    assert_eq!(names(&mut a, "d"), ["b"]);
    assert_eq!(names(&mut a, "d"), [""; 0]);
}

/// What is sent to somebody who is accused begins with that, whatever it is for. Without this it is
/// told as others are, by news: or else it could not object.
#[test]
fn the_accused_are_told() {
    for (state, buddy, by_news, told) in [
        (State::Alive, true, true, false),
        (State::Suspect, true, true, true),
        (State::Suspect, true, false, true),
        (State::Suspect, false, true, true),
        (State::Suspect, false, false, false),
        (State::Left, true, true, false),
    ] {
        let config = Config { buddy, ..still() };
        let mut a = One::new(config, &["b", "c"]);
        a.hear(&[claim(State::Alive, "x", 1, 0), claim(state, "b", 1, 0)]);
        while !by_news && a.machine.news() > 0 {
            a.say("carrier", ping(), &[]);
        }
        a.take();
        // A helper's request is sent to it, whatever is believed of it.
        a.say("c", Body::Help(1, "b".to_owned(), 1, "b".to_owned()), &[]);
        let sent = claims(&mut a).into_iter();
        let about = sent.filter(|(to, claim)| to == "b" && claim.name == "b");
        let row = format!("{state:?}, {buddy}, {by_news}");
        assert_eq!(about.count(), usize::from(told), "{row}");
    }
}

/// Rounds of gossip go to three, as long as there are news.
#[test]
fn a_round_of_gossip() {
    let others = ["b", "c", "d", "e", "f", "g"];
    let mut a = One::new(still(), &others);
    a.wait(ms(1_000));
    a.take();
    a.wait(ms(1_000));
    assert_eq!(a.take(), [], "there is nothing to tell");
    a.hear(&[claim(State::Alive, "x", 1, 1)]);
    let mut rounds: BTreeMap<u128, usize> = BTreeMap::new();
    let begun = a.now();
    for _ in 0..2_000 {
        let sent = a.take();
        if !sent.is_empty() {
            rounds.insert(a.now().since(begun).as_millis(), sent.len());
        }
        a.wait(ms(1));
    }
    assert_eq!(rounds.into_iter().collect::<Vec<_>>(), [(200, 3)]);
}
