//! What does a member believe of others?

use foundation_cluster::membership::{Config, State};

use crate::one::{One, ms, still};
use crate::words::{Body, Claim, claim};

use State::{Alive, Down, Evicted, Left, Suspect};

type Said = (State, u64, u32);

fn of(said: Said) -> Claim {
    claim(said.0, "b", said.1, said.2)
}

/// What a member believes of `b` that believed this and hears that, and what it tells.
#[test]
fn which_claim_is_kept() {
    let rows: &[(Said, Said, Said, &[&str])] = &[
        // The greater start, whatever its state.
        ((Alive, 2, 9), (Alive, 1, 9), (Alive, 2, 9), &[]),
        ((Alive, 2, 0), (Evicted, 1, 9), (Alive, 2, 0), &[]),
        (
            (Alive, 1, 9),
            (Alive, 2, 0),
            (Alive, 2, 0),
            &["failed b", "joined b"],
        ),
        ((Evicted, 1, 9), (Alive, 2, 0), (Alive, 2, 0), &["joined b"]),
        ((Left, 1, 0), (Alive, 2, 0), (Alive, 2, 0), &["joined b"]),
        (
            (Suspect, 1, 0),
            (Suspect, 2, 0),
            (Suspect, 2, 0),
            &["failed b", "joined b", "suspected b"],
        ),
        // A start that is down already was never heard of: it is believed.
        ((Alive, 1, 0), (Down, 2, 0), (Down, 2, 0), &["failed b"]),
        // The greater revision of one start.
        ((Alive, 1, 1), (Suspect, 1, 0), (Alive, 1, 1), &[]),
        (
            (Suspect, 1, 0),
            (Alive, 1, 1),
            (Alive, 1, 1),
            &["recovered b"],
        ),
        ((Suspect, 1, 0), (Suspect, 1, 1), (Suspect, 1, 1), &[]),
        ((Left, 1, 0), (Alive, 1, 1), (Alive, 1, 1), &["joined b"]),
        // The state, of one revision.
        ((Suspect, 1, 0), (Alive, 1, 0), (Suspect, 1, 0), &[]),
        (
            (Alive, 1, 0),
            (Suspect, 1, 0),
            (Suspect, 1, 0),
            &["suspected b"],
        ),
        ((Suspect, 1, 0), (Down, 1, 0), (Down, 1, 0), &["failed b"]),
        ((Alive, 1, 0), (Left, 1, 0), (Left, 1, 0), &["left b"]),
        ((Left, 1, 0), (Suspect, 1, 0), (Left, 1, 0), &[]),
        // An eviction stands above all revisions of its start.
        ((Alive, 1, 9), (Evicted, 1, 0), (Evicted, 1, 0), &["left b"]),
        ((Evicted, 1, 0), (Alive, 1, 9), (Evicted, 1, 0), &[]),
        // Down is hearsay unless it was suspected here.
        (
            (Alive, 1, 0),
            (Down, 1, 0),
            (Suspect, 1, 0),
            &["suspected b"],
        ),
        (
            (Alive, 1, 0),
            (Down, 1, 3),
            (Suspect, 1, 3),
            &["suspected b"],
        ),
        ((Alive, 1, 3), (Down, 1, 0), (Alive, 1, 3), &[]),
    ];
    for (before, heard, after, told) in rows {
        let mut a = One::new(still(), &[]);
        a.hear(&[of(*before)]);
        a.told();
        a.hear(&[of(*heard)]);
        let row = format!("{before:?}, then {heard:?}");
        assert_eq!(a.view("b"), Some(*after), "{row}");
        assert_eq!(a.told(), *told, "{row}");
    }
}

/// Who was heard to be down by two is still hearsay.
#[test]
fn hearsay_stays_hearsay() {
    let mut a = One::new(still(), &["b"]);
    a.hear(&[of((Down, 1, 0))]);
    a.hear(&[of((Down, 1, 0))]);
    assert_eq!(a.view("b"), Some((Suspect, 1, 0)));
    a.hear(&[of((Suspect, 1, 0))]);
    a.hear(&[of((Down, 1, 0))]);
    assert_eq!(a.view("b"), Some((Down, 1, 0)), "somebody did try");
}

#[test]
fn what_a_claim_says_is_taken() {
    let mut a = One::new(still(), &["b"]);
    let mut moved = of((Alive, 1, 1));
    (moved.address, moved.metadata) = ("elsewhere".to_owned(), b"role".to_vec());
    a.hear(&[moved]);
    assert_eq!(a.told(), ["updated b"]);
    let record = a.machine.member("b").unwrap();
    assert_eq!(record.address.as_str(), "elsewhere");
    assert_eq!(*record.metadata, *b"role");
}

/// After how many seconds of which age somebody unknown, who is gone, is remembered.
#[test]
fn who_is_gone_is_remembered_for_a_time() {
    let config = Config {
        remember: ms(100_000),
        ..still()
    };
    for (age, for_so_long) in [(0, 100), (40, 60), (99, 1), (100, 0), (u32::MAX, 0)] {
        let mut a = One::new(config.clone(), &[]);
        let mut gone = of((Left, 1, 0));
        gone.age = age;
        a.hear(&[gone]);
        assert_eq!(a.told(), [""; 0], "nobody has joined");
        let mut seconds = 0;
        while a.view("b").is_some() && seconds < 1_000 {
            a.wait(ms(1_000));
            seconds += 1;
        }
        assert_eq!(seconds, for_so_long, "of age {age}");
    }
}

/// How old a death is goes with the news of it.
#[test]
fn a_death_has_an_age() {
    let mut a = One::new(still(), &["b", "c"]);
    let mut gone = of((Left, 1, 0));
    gone.age = 40;
    a.hear(&[gone]);
    a.sleep(ms(7_000));
    a.say("carrier", Body::Ping(1, "a".to_owned(), 5), &[]);
    let sent = a.take();
    let mut claims = sent.iter().flat_map(|(_, _, said)| &said.claims);
    assert_eq!(claims.next().unwrap().age, 47);
    // Hearsay is of somebody who may live: it has none.
    let mut down = claim(Down, "c", 1, 0);
    down.age = 40;
    a.hear(&[down]);
    a.say("carrier", Body::Ping(1, "a".to_owned(), 5), &[]);
    let sent = a.take();
    let of_c = |said: &&Claim| said.name == "c";
    let found = sent.iter().flat_map(|(_, _, said)| &said.claims).find(of_c);
    assert_eq!(found.unwrap().state, Suspect);
}

/// When a suspect is down, with accusers of these numbers heard one after the other.
fn down_after(config: Config, accusers: &[u64]) -> u64 {
    let others = ["b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut a = One::new(config, &others);
    for accuser in accusers {
        let mut suspect = of((Suspect, 1, 0));
        suspect.accusers = vec![*accuser];
        a.hear(&[suspect]);
    }
    let begun = a.now();
    while a.view("b").unwrap().0 == Suspect {
        a.wait(ms(1_000));
        for (to, _, said) in a.take() {
            if let Body::Ping(number, ..) = said.body {
                a.say(&to, Body::Ack(number), &[]);
            }
        }
    }
    a.now().since(begun).as_millis() as u64
}

#[test]
fn others_who_confirm_make_it_short() {
    let config = Config {
        probe_interval: ms(1_000_000),
        ..still()
    };
    let seconds = |accusers: &[u64]| down_after(config.clone(), accusers) / 1_000;
    assert_eq!(seconds(&[1]), 18_000);
    assert_eq!(seconds(&[1, 1]), 18_000, "it is the same one");
    assert_eq!(seconds(&[1, 2]), 8_531);
    assert_eq!(seconds(&[1, 2, 3]), 3_000);
    assert_eq!(seconds(&[1, 2, 3, 4, 5]), 3_000);
}

/// A confirmation is news once, and only as long as it changes anything.
#[test]
fn confirmations_are_passed_on() {
    let mut a = One::new(still(), &["b", "c", "d", "e"]);
    for (accuser, is_news) in [(1, true), (1, false), (2, true), (3, true), (4, false)] {
        let mut suspect = of((Suspect, 1, 0));
        suspect.accusers = vec![accuser];
        a.hear(&[suspect]);
        assert_eq!(a.machine.news() > 0, is_news, "of {accuser}");
        let mut named = 0;
        while a.machine.news() > 0 {
            a.say("carrier", Body::Ping(1, "a".to_owned(), 5), &[]);
            let sent = a.take();
            let claims = sent.iter().flat_map(|(_, _, said)| &said.claims);
            named = claims
                .map(|claim| claim.accusers.len())
                .max()
                .unwrap_or(0)
                .max(named);
        }
        assert!(
            !is_news || named == accuser as usize,
            "{named} of {accuser}"
        );
    }
}

/// Two confirm what the third of them said: a probe of its own is a confirmation, too.
#[test]
fn its_own_probe_confirms() {
    let config = Config {
        probe_interval: ms(10_000),
        confirmations: 1,
        ..still()
    };
    let mut a = One::new(config, &["b", "c"]);
    let mut suspect = of((Suspect, 1, 0));
    suspect.accusers = vec![1];
    a.hear(&[suspect]);
    while a.probe().1 != "b" {}
    a.wait(ms(60_000));
    assert_eq!(
        a.view("b"),
        Some((Down, 1, 0)),
        "not in the 180 s of one accuser alone"
    );
}
