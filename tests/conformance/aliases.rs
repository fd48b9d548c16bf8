//! Aliases: addresses that can be taken back (B088-B095).
//!
//! Source     otp: erts, "Process Aliases"

use std::time::Duration;

use foundation::prelude::*;
use foundation::{Alias, AliasMode, DeadReason};

use crate::scene::Scene;
use crate::support::{Death, Got, Note, Puppet, boom, run};

const MODES: [AliasMode; 4] = [
    AliasMode::ExplicitUnalias,
    AliasMode::Reply,
    AliasMode::Demonitor,
    AliasMode::ReplyDemonitor,
];

async fn alias(of: &Puppet, mode: AliasMode) -> Alias {
    of.ask(move |me| me.alias(mode)).await
}

async fn unalias(by: &Puppet, alias: Alias) -> bool {
    by.ask(move |me| me.unalias(alias)).await
}

async fn send(by: &Puppet, alias: Alias, note: u64) {
    by.ask(move |me| me.send_alias(alias, Note(note))).await;
    by.reached(alias.pid()).await;
}

/// B088: what is sent through an active alias is delivered, in the order of everything else.
#[foundation::test]
pub(crate) async fn b088_an_alias_delivers(s: Scene) {
    let (here, there) = s.nodes();
    let (owner, sender) = (Puppet::start(&here), Puppet::start(&there));
    for mode in MODES {
        assert_eq!(alias(&owner, mode).await.pid(), owner.pid());
    }
    let alias = alias(&owner, AliasMode::ExplicitUnalias).await;
    sender.note(&owner, 0).await;
    for note in 1..=3 {
        send(&sender, alias, note).await;
    }
    sender.note(&owner, 4).await;
    assert_eq!(owner.log().await, [0, 1, 2, 3, 4].map(Got::Note));
}

/// B089: an alias can be taken back once.
#[foundation::test]
async fn b089_an_alias_is_taken_back_once(node: Node) {
    let owner = Puppet::start(&node);
    for mode in MODES {
        let alias = alias(&owner, mode).await;
        assert!(unalias(&owner, alias).await);
        assert!(!unalias(&owner, alias).await);
    }
}

/// B090: a message through an inactive alias is dropped, and is a dead letter.
#[foundation::test]
pub(crate) async fn b090_an_inactive_alias_delivers_nothing(s: Scene) {
    let (here, there) = s.nodes();
    let (owner, sender) = (Puppet::start(&here), Puppet::start(&there));
    let old = alias(&owner, AliasMode::ExplicitUnalias).await;
    let other = alias(&owner, AliasMode::ExplicitUnalias).await;
    assert!(unalias(&owner, old).await);
    send(&sender, old, 1).await;
    send(&sender, other, 2).await;
    assert_eq!(owner.log().await, [Got::Note(2)]);
    assert_eq!(here.dead_letter_count(DeadReason::InactiveAlias), 1);
}

/// B091: a reply alias delivers the first message only.
#[foundation::test]
pub(crate) async fn b091_a_reply_alias_delivers_once(s: Scene) {
    let (here, there) = s.nodes();
    let (owner, sender) = (Puppet::start(&here), Puppet::start(&there));
    let alias = alias(&owner, AliasMode::Reply).await;
    send(&sender, alias, 1).await;
    send(&sender, alias, 2).await;
    assert_eq!(owner.log().await, [Got::Note(1)]);
    assert!(!unalias(&owner, alias).await);
}

/// B093: an alias of a monitor: with mode `Demonitor` it ends with the monitor, taken back or
/// fired; `ExplicitUnalias` survives both; `ReplyDemonitor` ends both with the first message.
#[foundation::test]
pub(crate) async fn b093_an_alias_of_a_monitor_lives_as_its_mode_says(s: Scene) {
    let (here, there) = s.nodes();
    let sender = Puppet::start(&there);
    for (mode, survives) in [
        (AliasMode::Demonitor, false),
        (AliasMode::ReplyDemonitor, false),
        (AliasMode::ExplicitUnalias, true),
    ] {
        for by_down in [false, true] {
            let (owner, p) = (Puppet::start(&here), Puppet::start(&there));
            let target = p.pid();
            let (monitor, alias) = owner.ask(move |me| me.monitor_alias(target, mode)).await;
            let mut expected = 0;
            if by_down {
                let death = Death::of(&here, &p).await;
                p.end(boom());
                death.reason().await;
                owner.log_of(1).await;
                expected = 1;
            } else {
                assert!(owner.ask(move |me| me.demonitor(monitor)).await);
            }
            send(&sender, alias, 1).await;
            let log = owner.log().await;
            expected += usize::from(survives);
            assert_eq!(log.len(), expected, "{mode:?}, by DOWN: {by_down}");
            assert_eq!(log.contains(&Got::Note(1)), survives);
            assert_eq!(unalias(&owner, alias).await, survives);
        }
    }
    let (owner, p) = (Puppet::start(&here), Puppet::start(&there));
    let target = p.pid();
    let both =
        move |me: &mut crate::support::Hands| me.monitor_alias(target, AliasMode::ReplyDemonitor);
    let (monitor, alias) = owner.ask(both).await;
    send(&sender, alias, 1).await;
    send(&sender, alias, 2).await;
    assert_eq!(owner.log().await, [Got::Note(1)]);
    owner.reached(&p).await;
    assert_eq!(p.info().await.monitored_by, []);
    assert!(!owner.ask(move |me| me.demonitor(monitor)).await);
    let death = Death::of(&here, &p).await;
    p.end(boom());
    death.reason().await;
    assert_eq!(owner.log().await, [Got::Note(1)], "no DOWN came");
}

/// B094: another process cannot take an alias back: no error, and it stays active.
#[foundation::test]
pub(crate) async fn b094_only_the_owner_takes_an_alias_back(s: Scene) {
    let (here, there) = s.nodes();
    let (owner, other) = (Puppet::start(&here), Puppet::start(&there));
    let theirs = alias(&owner, AliasMode::ExplicitUnalias).await;
    let own = alias(&other, AliasMode::ExplicitUnalias).await;
    assert!(!unalias(&other, theirs).await);
    send(&other, theirs, 1).await;
    send(&owner, own, 2).await;
    assert_eq!(owner.log().await, [Got::Note(1)]);
    assert_eq!(other.log().await, [Got::Note(2)], "its own is untouched");
}

/// B095: whether an alias is active is asked when the message is received: one that lies in the
/// queue stays, one still on its way is dropped.
#[foundation::test]
async fn b095_activity_is_asked_on_arrival(node: Node) {
    run(&node, |mut me: Process<Note>| async move {
        let (queued, coming) = (
            me.alias(AliasMode::ExplicitUnalias),
            me.alias(AliasMode::ExplicitUnalias),
        );
        me.send_alias(queued, Note(1));
        let look = me.receive(|mail: Mail<Note>| Err::<(), _>(mail));
        assert!(look.timeout(Duration::ZERO).await.is_err());
        me.send_alias(coming, Note(2));
        assert!(me.unalias(queued) && me.unalias(coming));
        me.send(me.pid(), Note(3)).expect("local");
        for expected in [1, 3] {
            assert!(matches!(me.recv().await, Mail::Msg(Note(n)) if n == expected));
        }
        assert_eq!(me.info().message_queue_len, 0);
    })
    .await;
}
