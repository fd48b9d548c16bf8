//! What does a member do about what others say of it?

use foundation_cluster::membership::{Input, REVISION_MAX, State};

use crate::one::{ME, One, ms, still};
use crate::words::{Body, claim};

use State::{Alive, Down, Evicted, Left, Suspect};

/// What is heard of `a`, started as 5 with revision 2: the revision after that, the doubt, whether
/// there are news, and what is told.
#[test]
fn what_it_does_about_claims_of_itself() {
    let rows: &[(State, u64, u32, u32, u32, bool, &[&str])] = &[
        (Alive, 5, 2, 2, 0, false, &[]),
        (Suspect, 5, 1, 2, 0, false, &[]),
        (Suspect, 5, 2, 3, 1, true, &[]),
        (Down, 5, 2, 3, 1, true, &[]),
        (Left, 5, 2, 3, 1, true, &[]),
        (Suspect, 5, 7, 8, 1, true, &[]),
        (Alive, 5, 7, 8, 1, true, &[]),
        (Evicted, 5, 0, 2, 0, false, &["ousted Evicted"]),
        (Suspect, 5, REVISION_MAX, 2, 0, false, &["ousted Evicted"]),
        (Alive, 6, 0, 2, 0, false, &["ousted Replaced"]),
        (Down, 6, 0, 2, 0, false, &["ousted Replaced"]),
        // Others take an earlier start for a member, or not.
        (Alive, 4, 9, 2, 0, true, &[]),
        (Suspect, 4, 0, 2, 0, true, &[]),
        (Down, 4, 9, 2, 0, false, &[]),
        (Evicted, 4, 9, 2, 0, false, &[]),
    ];
    for (state, incarnation, revision, after, doubt, news, told) in rows {
        let mut a = One::new(still(), &[]);
        for _ in 0..2 {
            a.give(Input::Describe(Vec::new()));
        }
        while a.machine.news() > 0 {
            a.say("carrier", Body::Ping(1, ME.0.to_owned(), ME.1), &[]);
        }
        a.hear(&[claim(*state, ME.0, *incarnation, *revision)]);
        let row = format!("{state:?} of {incarnation}, {revision}");
        assert_eq!(a.machine.me().revision, *after, "{row}");
        assert_eq!(a.machine.doubt(), *doubt, "{row}");
        assert_eq!(a.machine.news() > 0, *news, "{row}");
        assert_eq!(a.told(), *told, "{row}");
    }
}

/// Who takes an earlier start for a member is told of this one.
#[test]
fn an_old_start_is_corrected() {
    let mut a = One::new(still(), &["b"]);
    a.say("b", Body::Gossip, &[claim(Alive, ME.0, 4, 9)]);
    a.take();
    a.wait(ms(1_000));
    let sent = a.take();
    let mut claims = sent.iter().flat_map(|(_, _, said)| &said.claims);
    let own = claims.find(|claim| claim.name == ME.0);
    let own = own.expect("it says who it is");
    assert_eq!((own.state, own.incarnation), (Alive, ME.1));
}

#[test]
fn who_leaves_does_not_refute() {
    let mut a = One::new(still(), &["b"]);
    a.give(Input::Leave);
    a.hear(&[claim(Suspect, ME.0, ME.1, 3)]);
    assert_eq!(a.machine.me().revision, 0);
    assert_eq!(a.machine.me().state, Left);
    assert_eq!(a.machine.doubt(), 0);
    // It answers, but does not begin anything.
    a.take();
    a.say("b", Body::Ping(4, ME.0.to_owned(), ME.1), &[]);
    a.say("b", Body::Compare(vec![0; 64]), &[]);
    let bodies: Vec<Body> = a.take().into_iter().map(|(_, _, said)| said.body).collect();
    assert_eq!(bodies, [Body::Ack(4)]);
    a.wait(ms(2_000));
    assert_eq!(a.told(), ["departed"]);
}

/// Its good-bye is said to others until they know it.
#[test]
fn a_good_bye_is_said_at_once_and_again() {
    let mut a = One::new(still(), &["b", "c"]);
    a.give(Input::Leave);
    let mut said = 0;
    for _ in 0..3 {
        let sent = a.take();
        let claims = sent.iter().flat_map(|(_, _, said)| &said.claims);
        said += claims
            .filter(|claim| claim.name == ME.0 && claim.state == Left)
            .count();
        a.wait(ms(200));
    }
    assert_eq!(said, 3);
}
