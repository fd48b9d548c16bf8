//! The same body on one node and across two: every operation is location-transparent.
//!
//! Source     otp: erts, "Distributed Erlang"

use std::time::Duration;

use foundation::prelude::*;
use foundation::{AliasMode, DeadReason, Destination, Envelope, LinkError};

use crate::scene::Scene;
use crate::support::{Death, Got, LONG, Note, Puppet, boom, order};

/// Messages arrive in order, among aliases and named sends as well.
#[foundation::test]
pub(crate) async fn sends_keep_their_order_here_and_there(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::start(&there));
    let alias = b.ask(|me| me.alias(AliasMode::ExplicitUnalias)).await;
    let old = b.ask(|me| me.alias(AliasMode::Reply)).await;
    there.register("b", &b).expect("free");
    let (to, name) = (b.pid(), Destination::Name(there.id(), "b".into()));
    a.ask(move |me| {
        for n in 0..30 {
            match n % 3 {
                0 => me.send(to, Note(n)).expect("portable"),
                1 => me.send_alias(alias, Note(n)),
                _ => {
                    let message = Envelope::plain(Note(n));
                    me.node().send_envelope(&name, message).expect("portable");
                }
            }
        }
        me.send_alias(old, Note(30));
        me.send_alias(old, Note(31));
    })
    .await;
    a.reached(&b).await;
    let expected: Vec<Got> = (0..=30).map(Got::Note).collect();
    assert_eq!(b.log().await, expected);
    there.unregister("b").expect("held");
}

/// An unknown name on another node is no error, as OTP has it; the message is a dead letter there.
pub(crate) async fn a_send_to_a_name_elsewhere_never_fails(s: Scene) {
    let (here, there) = s.nodes();
    let name = Destination::Name(there.id(), "nobody".into());
    let sent = here.send_envelope(&name, Envelope::plain(Note(1)));
    assert_eq!(sent, Ok(()));
    // It comes behind the message.
    assert_eq!(here.whereis_at(there.id(), "nobody", LONG).await, Ok(None));
    assert_eq!(there.dead_letter_count(DeadReason::NoName), 1);
    let p = Puppet::start(&there);
    there.register("p", &p).expect("free");
    let found = here.whereis_at(there.id(), "p", LONG).await;
    assert_eq!(found, Ok(Some(p.pid())));
}

/// Links: both sides know, exits arrive with their reason, an unlink ends it.
#[foundation::test]
pub(crate) async fn links_work_here_and_there(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
    a.link(&b).await;
    assert_eq!(b.info().await.links, [a.pid()]);
    a.unlink(&b).await;
    assert_eq!(b.info().await.links, []);
    a.link(&b).await;
    let death = Death::of(&here, &b).await;
    b.end(boom());
    assert_eq!(death.reason().await, boom());
    assert_eq!(a.log_of(1).await, [Got::Exit(b.pid(), boom())]);
    assert_eq!(a.info().await.links, []);
    let (plain, far) = (Puppet::start(&here), Puppet::start(&there));
    far.link(&plain).await;
    let death = Death::of(&there, &plain).await;
    far.end(boom());
    assert_eq!(death.reason().await, boom());
}

/// A link with a dead process elsewhere is no error: the exit `noproc` comes, and one that does
/// not trap exits dies of it.
pub(crate) async fn a_link_with_the_dead_elsewhere_never_fails(s: Scene) {
    let (here, there) = s.nodes();
    let dead = Puppet::dead(&there).await.pid();
    for reason in [Reason::NoProc, Reason::NoConnection] {
        let (trapping, plain) = (Puppet::trapping(&here), Puppet::start(&here));
        let linked = trapping.ask(move |me| me.link(dead)).await;
        assert_eq!(linked, Ok(()));
        assert_eq!(trapping.log_of(1).await, [Got::Exit(dead, reason.clone())]);
        let death = Death::of(&here, &plain).await;
        plain.tell(move |me| assert_ne!(me.link(dead), Err(LinkError::NoProc)));
        assert_eq!(death.reason().await, reason);
        if reason == Reason::NoProc {
            s.cut().await;
        }
    }
}

/// Monitors, by pid: a DOWN with the reason, also of a dead process, and none after a demonitor.
#[foundation::test]
pub(crate) async fn monitors_work_here_and_there(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::start(&there));
    let taken_back = a.monitor(&b).await;
    assert!(a.demonitor(taken_back, &b).await);
    let target = b.pid();
    let (monitor, alias) = a
        .ask(move |me| me.monitor_alias(target, AliasMode::ReplyDemonitor))
        .await;
    let tagged = a
        .ask(move |me| me.monitor_tagged(target, Term::atom("t")))
        .await;
    a.reached(&b).await;
    assert_eq!(b.info().await.monitored_by, [a.pid(); 2]);
    b.ask(move |me| me.send_alias(alias, Note(1))).await;
    assert_eq!(a.log_of(1).await, [Got::Note(1)]);
    assert!(!a.demonitor(monitor, &b).await);
    assert_eq!(b.info().await.monitored_by, [a.pid()]);
    let outside = here.down(&b);
    let death = Death::of(&there, &b).await;
    b.end(boom());
    assert_eq!(death.reason().await, boom());
    let log = a.log_of(2).await;
    let Got::Down(down) = &log[1] else {
        panic!("{log:?}");
    };
    assert_eq!((down.monitor, &down.reason), (tagged, &boom()));
    assert_eq!(down.tag.as_deref(), Some(&Term::atom("t")));
    assert_eq!(outside.await.reason, Reason::NoProc);
    let late = a.monitor(&b).await;
    let log = a.log_of(3).await;
    assert!(
        matches!(&log[2], Got::Down(down)
            if down.monitor == late && down.reason == Reason::NoProc),
        "{log:?}"
    );
}

/// Exit signals and questions.
#[foundation::test]
pub(crate) async fn exits_and_questions_work_here_and_there(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::trapping(&there));
    a.exit(&b, Reason::Normal).await;
    assert_eq!(b.log().await, [Got::Exit(a.pid(), Reason::Normal)]);
    let info = here.info(&b, LONG).await.expect("answered");
    assert!(info.expect("alive").trap_exit);
    let to = b.pid();
    let info = a.wait(move |me| async move { me.node().info(to, LONG).await });
    assert!(info.await.expect("answered").is_some());
    let death = Death::of(&here, &b).await;
    a.exit(&b, Reason::Kill).await;
    assert_eq!(death.reason().await, Reason::Killed);
    assert_eq!(here.info(&b, LONG).await, Ok(None));
}

/// What is marked local is refused at the sender when its target is elsewhere.
#[foundation::test]
pub(crate) async fn a_local_message_does_not_leave_its_node(s: Scene) {
    let (here, there) = s.nodes();
    let (a, b) = (Puppet::start(&here), Puppet::start(&there));
    let to = b.pid();
    let sent = a.ask(move |me| me.send(to, order())).await;
    match s.is_apart() {
        false => assert_eq!(sent, Ok(())),
        true => assert_eq!(sent, Err(SendError::NotPortable("Order"))),
    }
    assert_eq!(b.log().await, []);
}

/// Nobody elsewhere has a name that nobody can have: as with any other name, that is no error.
#[foundation::test]
pub(crate) async fn a_name_that_is_too_long_is_nobodys(s: Scene) {
    let (here, there) = s.nodes();
    let name = "n".repeat(1025);
    let id = there.id();
    assert_eq!(here.whereis_at(id, &name, LONG).await, Ok(None));
    let a = Puppet::start(&here);
    let watched = name.clone();
    a.ask(move |me| me.monitor_name_at(id, &watched)).await;
    let log = a.log_of(1).await;
    assert!(
        matches!(&log[0], Got::Down(down) if down.reason == Reason::NoProc),
        "{log:?}"
    );
    if !s.is_apart() {
        return;
    }
    let to = Destination::Name(id, name.into());
    let sent = here.send_envelope(&to, Envelope::plain(Note(1)));
    assert_eq!(sent, Ok(()));
    assert_eq!(here.dead_letter_count(DeadReason::NoName), 1);
}

/// Two nodes that are not connected do not see each other.
#[foundation::test]
async fn unconnected_nodes_do_not_see_each_other(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    let (a, b) = (Puppet::trapping(&here), Puppet::start(&there));
    let to = b.pid();
    assert_eq!((here.peer("there"), there.peer("main")), (None, None));
    assert!(!here.is_alive(to));
    assert_eq!(a.ask(move |me| me.send(to, Note(1))).await, Ok(()));
    assert_eq!(here.dead_letter_count(DeadReason::NoConnection), 1);
    a.exit(&b, Reason::Kill).await;
    assert_eq!(a.ask(move |me| me.link(to)).await, Ok(()));
    let monitor = a.monitor(&b).await;
    let log = a.log_of(2).await;
    assert_eq!(log[0], Got::Exit(to, Reason::NoConnection));
    assert!(
        matches!(&log[1], Got::Down(down)
            if down.monitor == monitor && down.reason == Reason::NoConnection),
        "{log:?}"
    );
    assert_eq!(here.down(to).await.reason, Reason::NoConnection);
    let info = here.info(to, LONG).await;
    assert_eq!(info, Err(CallError::NoConnection));
    there.register("b", &b).expect("free");
    assert_eq!(here.whereis("b"), None);
    assert_eq!(b.log().await, []);
    assert!(b.is_alive());
}

/// A cut: links and monitors say `noconnection` on both sides, after everything that was sent
/// before; nothing comes after. A new connection works as the first did.
#[foundation::test]
async fn a_cut_ends_what_went_across(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    let wire = w.connect(&here, &there);
    let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
    a.link(&b).await;
    let ours = a.monitor(&b).await;
    let theirs = b.monitor(&a).await;
    let outside = Death::of(&here, &b).await;
    let to = a.pid();
    for n in 0..5 {
        b.ask(move |me| me.send(to, Note(n)).expect("portable"))
            .await;
    }
    wire.cut();
    assert_eq!(outside.reason().await, Reason::NoConnection);
    b.note(&a, 99).await;
    for (puppet, other, monitor, notes) in [(&a, &b, ours, 5), (&b, &a, theirs, 0)] {
        let log = puppet.log_of(notes + 2).await;
        assert_eq!(log.len(), notes + 2, "{log:?}");
        for (at, got) in log.iter().take(notes).enumerate() {
            assert_eq!(*got, Got::Note(at as u64));
        }
        let exit = Got::Exit(other.pid(), Reason::NoConnection);
        assert!(log[notes..].contains(&exit), "{log:?}");
        let is_down = |got: &Got| {
            matches!(got, Got::Down(down)
                if down.monitor == monitor && down.reason == Reason::NoConnection)
        };
        assert!(log[notes..].iter().any(is_down), "{log:?}");
        let info = puppet.info().await;
        assert_eq!((info.links, info.monitored_by), (vec![], vec![]));
    }
    let _again = w.connect(&here, &there);
    a.link(&b).await;
    assert_eq!(b.info().await.links, [a.pid()]);
    b.note(&a, 100).await;
    assert_eq!(a.log().await.last(), Some(&Got::Note(100)));
}

/// A link or monitor under way while the connection is cut ends with `noconnection` as well: no
/// process keeps a link that the other side has lost.
#[foundation::test]
async fn a_link_under_way_ends_with_the_connection(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    for _ in 0..crate::support::times(&w, 50, 4) {
        let wire = w.connect(&here, &there);
        let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
        let to = b.pid();
        // While b is busy, the link lies in its inbox.
        b.tell(|_| ());
        a.tell(move |me| me.link(to).expect("elsewhere"));
        here.sleep(Duration::from_micros(w.random() % 50)).await;
        wire.cut();
        w.settle().await;
        assert_eq!(a.info().await.links, []);
        assert_eq!(b.info().await.links, []);
    }
}

/// A link or monitor that lies unread while the connection is lost and made anew ends as well: what
/// comes over the new one is not the old one's.
#[foundation::test]
async fn a_new_connection_revives_nothing(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    let mut wire = w.connect(&here, &there);
    for _ in 0..crate::support::times(&w, 50, 4) {
        let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
        let to = b.pid();
        let monitor = a
            .ask(move |me| {
                me.link(to).expect("elsewhere");
                me.monitor(to)
            })
            .await;
        wire.cut();
        wire = w.connect(&here, &there);
        w.settle().await;
        let log = a.log().await;
        assert!(
            log.contains(&Got::Exit(to, Reason::NoConnection)),
            "{log:?}"
        );
        let is_down = |got: &Got| {
            matches!(got, Got::Down(down)
                if down.monitor == monitor && down.reason == Reason::NoConnection)
        };
        assert!(log.iter().any(is_down), "{log:?}");
        assert_eq!(b.log().await, [Got::Exit(a.pid(), Reason::NoConnection)]);
        let info = b.info().await;
        assert_eq!((info.links, info.monitored_by), (vec![], vec![]));
    }
}

/// What is asked for over a new connection, by a process that has not learned yet that the old one
/// was lost, does not end with the old one.
#[foundation::test]
async fn an_old_loss_does_not_end_what_is_new(w: World) {
    let (here, there) = (w.node(), w.start("there"));
    let mut wire = w.connect(&here, &there);
    for _ in 0..crate::support::times(&w, 50, 4) {
        let (a, b) = (Puppet::trapping(&here), Puppet::trapping(&there));
        let (old, to) = (a.monitor(&b).await, b.pid());
        a.tell(move |me| {
            me.link(to).expect("elsewhere");
            me.monitor(to);
        });
        wire.cut();
        wire = w.connect(&here, &there);
        w.settle().await;
        let (ours, theirs) = (a.info().await, b.info().await);
        let (linked, watched) = (ours.links == [to], ours.monitors == [to]);
        assert_eq!(theirs.links == [a.pid()], linked);
        assert_eq!(theirs.monitored_by == [a.pid()], watched);
        // On threads either may have been asked for before, the link rather than the monitor.
        assert!(watched || !linked);
        assert!(linked || !w.is_simulated());
        let log = a.log().await;
        let is_old = |got: &&Got| {
            matches!(got, Got::Down(down)
                if down.monitor == old && down.reason == Reason::NoConnection)
        };
        assert_eq!(log.iter().filter(is_old).count(), 1, "{log:?}");
    }
}
