//! What does an exchange of groups do with one word after the other?
//!
//! Role       Tables of what a walk comes to seldom.
//! Sabotages  Seen red: the number of a scope is ignored; a word counts before its sender was discovered;
//!            a scope beyond the limit is taken.

use foundation_actors::pg::machine::{self as scope, Member};
use foundation_cluster::groups::{Effect, Exchange, Input, Word};
use foundation_cluster::{Effects, Machine as _, Tick};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct P(u8, u16);

impl Member for P {
    type Node = u8;
    fn node(self) -> u8 {
        self.0
    }
}

const OWN: P = P(0, 1000);
const THERE: P = P(1, 1000);

/// An exchange that one node is connected to, and has discovered.
fn discovered(scopes_max: usize) -> Exchange<P> {
    let mut exchange = Exchange::with_limit(OWN, scopes_max);
    step(&mut exchange, Input::Up(1));
    let (from, is_answer) = (THERE, true);
    step(
        &mut exchange,
        Input::Heard(Word::Discover { from, is_answer }),
    );
    exchange
}

fn step(exchange: &mut Exchange<P>, input: Input<P>) -> Vec<Effect<P>> {
    let mut effects = Effects::new();
    exchange.step(Tick::ZERO, input, &mut effects);
    exchange.check();
    effects.drain().collect()
}

/// What an exchange asks for when it hears this.
fn heard(exchange: &mut Exchange<P>, word: Word<P>) -> Vec<Effect<P>> {
    step(exchange, Input::Heard(word))
}

fn joined(scope: &str, number: u64, pid: P) -> Word<P> {
    Word::Changed {
        from: THERE,
        scope: scope.to_owned(),
        number,
        is_join: true,
        group: "g".to_owned(),
        pids: vec![pid],
    }
}

fn feed(scope: &str, input: scope::Input<P>) -> Effect<P> {
    Effect::Feed(1, scope.into(), input)
}

fn feed_joined(scope: &str, pid: P) -> Effect<P> {
    let (node, group, pids) = (1, "g".into(), vec![pid]);
    feed(scope, scope::Input::PeerJoined { node, group, pids })
}

fn feed_empty(scope: &str) -> Effect<P> {
    let (node, groups) = (1, Vec::new());
    feed(scope, scope::Input::PeerSync { node, groups })
}

/// A scope that was given up and opened again has none of the members that it had, and is not taken for
/// one that its node has not named.
#[test]
fn a_scope_of_the_same_name_is_another_one() {
    let mut exchange = discovered(10);
    let (one, two) = (P(1, 1), P(1, 2));
    let first = heard(&mut exchange, joined("s", 1, one));
    assert_eq!(first, [feed_empty("s"), feed_joined("s", one)]);
    let again = heard(&mut exchange, joined("s", 1, one));
    assert_eq!(again, [feed_joined("s", one)]);
    assert_eq!(heard(&mut exchange, Word::Begin { from: THERE }), []);
    let other = heard(&mut exchange, joined("s", 2, two));
    assert_eq!(other, [feed_empty("s"), feed_joined("s", two)]);
    assert_eq!(heard(&mut exchange, Word::End { from: THERE }), []);
    // Not named at all, it is gone.
    assert_eq!(heard(&mut exchange, Word::Begin { from: THERE }), []);
    let gone = [
        feed("s", scope::Input::PeerDown { node: 1 }),
        Effect::Release(1, "s".into()),
    ];
    assert_eq!(heard(&mut exchange, Word::End { from: THERE }), gone);
}

#[test]
fn a_word_counts_from_whoever_was_discovered() {
    let mut exchange = Exchange::new(OWN);
    assert_eq!(heard(&mut exchange, joined("s", 1, P(1, 1))), []);
    step(&mut exchange, Input::Up(1));
    assert_eq!(heard(&mut exchange, joined("s", 1, P(1, 1))), []);
    let mut exchange = discovered(10);
    assert_eq!(heard(&mut exchange, joined("s", 1, P(1, 1))).len(), 2);
}

#[test]
fn more_scopes_than_may_be_are_not_taken() {
    let mut exchange = discovered(1);
    assert_eq!(heard(&mut exchange, joined("s", 1, P(1, 1))).len(), 2);
    let beyond = heard(&mut exchange, joined("t", 2, P(1, 1)));
    assert_eq!(beyond, [Effect::Beyond(1, "t".to_owned())]);
    assert_eq!(heard(&mut exchange, joined("s", 1, P(1, 1))).len(), 1);
}
