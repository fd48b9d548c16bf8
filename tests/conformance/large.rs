//! What is too large to travel (S93, S94)?
//!
//! Role       Bodies that take their time: each has few seeds.
//! Source     the book's page on processes and signals

use foundation::prelude::*;

use crate::scene::Scene;
use crate::support::{Got, Puppet};

/// Says what it is told, as often as it is told.
struct Echo;

#[actor]
impl Echo {
    #[call]
    fn say(&mut self, text: String, times: usize) -> String {
        text.repeat(times)
    }

    #[cast]
    fn hear(&mut self, _text: String) {}
}

/// What is larger than one node takes from another is refused, to whoever sent it or waits for it.
#[foundation::test(seeds = 1)]
pub(crate) async fn what_is_too_large_is_refused(s: Scene) {
    let (here, there) = s.nodes();
    let echo = there.spawn(Echo).expect("there is room");
    let echo = here.reference::<Echo>(echo.pid());
    let short = echo.say("ab".into(), 2).await;
    assert_eq!(short.as_deref(), Ok("abab"));
    let large = "x".repeat(64 << 20);
    let (sent, request) = (echo.hear(large.clone()), echo.say(large, 1).await);
    let answer = echo.say("x".into(), 64 << 20).await;
    if !s.is_apart() {
        assert_eq!(sent, Ok(()));
        assert!(request.is_ok() && answer.is_ok());
        return;
    }
    assert!(matches!(sent, Err(SendError::Refused(_))), "{sent:?}");
    for refused in [request, answer] {
        let error = refused.expect_err("it is too large");
        assert!(matches!(error, CallError::Refused(_)), "{error:?}");
    }
    let short = echo.say("still there".into(), 1).await;
    assert_eq!(short.as_deref(), Ok("still there"));
}

/// An end is told wherever it has to be, and as much of its reason as can travel.
#[foundation::test(seeds = 1)]
pub(crate) async fn a_reason_too_large_to_travel_arrives_in_part(s: Scene) {
    let (here, there) = s.nodes();
    let deep = |depth| {
        let list = |inner: Term, _| Term::List(vec![inner]);
        Reason::other((0..depth).fold(Term::Integer(1), list))
    };
    let large = Reason::other("x".repeat(64 << 20));
    let left_out = |depth| {
        let list = |inner: Term, _| Term::List(vec![inner]);
        Reason::other((0..depth).fold(Term::atom("..."), list))
    };
    for (reason, part) in [(deep(64), left_out(63)), (large, left_out(0))] {
        let expected = match s.is_apart() {
            false => reason.clone(),
            true => part,
        };
        let (a, b) = (Puppet::trapping(&here), Puppet::start(&there));
        a.link(&b).await;
        a.monitor(&b).await;
        b.end(reason);
        for got in a.log_of(2).await {
            let (Got::Exit(_, reason) | Got::Down(Down { reason, .. })) = got else {
                panic!("{got:?}");
            };
            assert!(reason == expected);
        }
    }
}
