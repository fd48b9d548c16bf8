//! Are events shown, and handlers added, asked, swapped and removed, as gen_event does?
//!
//! Source     otp: gen_event

use foundation::prelude::*;
use foundation::{
    AddHandlerError, EventCx, EventExit, EventHandler, EventManager, HandleCall, HandlerCallError,
    HandlerExit, HandlerId, Removal, RemoveHandlerError, time,
};

use crate::support::{Death, LONG, Log, Word, assert_crash, boom, inside};

/// What the managers of these tests show.
#[derive(Debug, Clone, PartialEq, Message, serde::Serialize, serde::Deserialize)]
pub(crate) enum Tick {
    Say(String),
    /// A handler of this word panics.
    Crash(String),
    /// A handler of this word asks to be removed.
    Remove(String),
    /// A handler of this word puts `Other` in its place.
    Swap(String),
}

pub(crate) fn say(word: &str) -> Tick {
    Tick::Say(word.to_owned())
}

/// Notes all that it sees.
pub(crate) struct Noter {
    word: &'static str,
    log: Log,
    /// It fails so where it is told to: `init`, `panic in init`, `terminate`, `drop`.
    fails: &'static str,
}

pub(crate) fn noter(log: &Log, word: &'static str) -> Noter {
    failing(log, word, "")
}

pub(crate) fn failing(log: &Log, word: &'static str, fails: &'static str) -> Noter {
    let log = log.clone();
    Noter { word, log, fails }
}

pub(crate) fn id(word: &'static str) -> HandlerId<Noter> {
    HandlerId::new(word)
}

impl EventHandler<Tick> for Noter {
    fn init(&mut self, cx: &mut EventCx<Tick>) -> Result<(), Reason> {
        match self.fails {
            "init" => return Err(boom()),
            "panic in init" => panic!("no init"),
            "remove in init" => cx.remove(),
            _ => {}
        }
        self.log.note(format!("{} init", self.word));
        Ok(())
    }

    fn handle_event(&mut self, event: &Tick, cx: &mut EventCx<Tick>) {
        match event {
            Tick::Say(text) => self.log.note(format!("{} {text}", self.word)),
            Tick::Crash(word) => assert!(word != self.word, "no luck"),
            Tick::Remove(word) if word == self.word => cx.remove(),
            Tick::Swap(word) if word == self.word => {
                cx.swap(&OTHER, |old: Option<Self>| Other(old.map(|old| old.word)));
            }
            Tick::Remove(_) | Tick::Swap(_) => {}
        }
    }

    fn handle_down(&mut self, down: &Down, _: &mut EventCx<Tick>) {
        self.log.note(format!("{} down {}", self.word, down.reason));
    }

    fn terminate(&mut self, why: &Removal, _: &mut EventCx<Tick>) {
        let why = match why {
            Removal::Swapped(by) => format!("Swapped {:?}", by.word()),
            Removal::Failed(_) => "Failed".to_owned(),
            why => format!("{why:?}"),
        };
        self.log.note(format!("{} {why}", self.word));
        assert!(self.fails != "terminate", "no end");
    }

    fn describe(&self) -> Option<String> {
        Some(format!("noter {}", self.word))
    }
}

impl Drop for Noter {
    fn drop(&mut self) {
        assert!(self.fails != "drop" || std::thread::panicking(), "no drop");
    }
}

/// What a noter may be asked.
struct Word1;
struct Crash1;
pub(crate) struct Watch(pub(crate) Pid);

impl HandleCall<Tick, Word1> for Noter {
    type Reply = &'static str;

    fn handle_call(&mut self, _: Word1, _: &mut EventCx<Tick>) -> &'static str {
        self.word
    }
}

impl HandleCall<Tick, Crash1> for Noter {
    type Reply = ();

    fn handle_call(&mut self, _: Crash1, _: &mut EventCx<Tick>) {
        panic!("asked too much")
    }
}

impl HandleCall<Tick, Watch> for Noter {
    type Reply = ();

    fn handle_call(&mut self, watch: Watch, cx: &mut EventCx<Tick>) {
        cx.monitor(watch.0);
    }
}

/// A handler of another type, made from what a noter left.
pub(crate) struct Other(pub(crate) Option<&'static str>);

pub(crate) const OTHER: HandlerId<Other> = HandlerId::new("other");

impl EventHandler<Tick> for Other {
    fn handle_event(&mut self, _: &Tick, _: &mut EventCx<Tick>) {}
}

impl HandleCall<Tick, Word1> for Other {
    type Reply = Option<&'static str>;

    fn handle_call(&mut self, _: Word1, _: &mut EventCx<Tick>) -> Option<&'static str> {
        self.0
    }
}

pub(crate) async fn manager(node: &Node) -> Ref<EventManager<Tick>> {
    let started = EventManager::<Tick>::builder().start(node).await;
    started.expect("started")
}

/// Adds noters, the first one first.
pub(crate) async fn with_noters(
    node: &Node,
    log: &Log,
    words: &[&'static str],
) -> Ref<EventManager<Tick>> {
    let manager = manager(node).await;
    for word in words {
        let added = manager.add_handler(&id(word), noter(log, word)).await;
        assert_eq!(added, Ok(Ok(())));
    }
    log.take();
    manager
}

pub(crate) async fn words(manager: &Ref<EventManager<Tick>>) -> Vec<String> {
    let keys = manager.which_handlers().await.expect("answers");
    keys.iter().map(|key| key.word().to_owned()).collect()
}

/// B171: all handlers see an event, the latest first, and events one after the other.
#[foundation::test]
async fn b171_all_handlers_see_an_event_the_latest_first(node: Node) {
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a", "b", "c"]).await;
    manager.notify(say("1")).expect("local");
    // A plain message is an event, too.
    node.send(&manager, say("2")).expect("local");
    manager.sync_notify(say("3")).await.expect("answers");
    let seen = [
        "c 1", "b 1", "a 1", "c 2", "b 2", "a 2", "c 3", "b 3", "a 3",
    ];
    assert_eq!(log.take(), seen);
    assert_eq!(words(&manager).await, ["c", "b", "a"]);
    // One more time added, a handler is the latest.
    let a = manager.delete_handler(&id("a")).await;
    let a = a.expect("answers").expect("was there");
    assert_eq!(manager.add_handler(&id("a"), a).await, Ok(Ok(())));
    assert_eq!(words(&manager).await, ["a", "c", "b"]);
}

/// B172: a handler that panics is gone, the others and the manager go on; the event still reaches
/// those after it.
#[foundation::test]
async fn b172_a_panic_removes_its_handler_alone(node: Node) {
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a", "b", "c"]).await;
    manager.notify(Tick::Crash("b".to_owned())).expect("local");
    manager.sync_notify(say("1")).await.expect("answers");
    assert_eq!(log.take(), ["b Failed", "c 1", "a 1"]);
    assert_eq!(words(&manager).await, ["c", "a"]);
    // In a call it is told to the caller as well.
    let Ok(Err(HandlerCallError::Failed(reason))) = manager.call(&id("c"), Crash1).await else {
        panic!("it answered")
    };
    assert_crash(&reason, "asked too much");
    assert_eq!(words(&manager).await, ["a"]);
    assert!(manager.is_alive());
}

/// B174: a handler whose owner ends is removed, with that reason; other owners' are not.
#[foundation::test]
async fn b174_a_handler_ends_with_its_owner(w: World) {
    let node = w.node();
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a"]).await;
    for reason in [boom(), Reason::Shutdown, Reason::Kill] {
        let (of, notes) = (manager.clone(), log.clone());
        let owner = async move |mut me: Process<Word>| {
            for word in ["b", "c"] {
                let added = of.add_sup_handler(&id(word), noter(&notes, word)).await;
                assert_eq!(added, Ok(Ok(())));
            }
            me.recv().await;
        };
        let owner = node.spawn_fn(owner).expect("spawned");
        w.eventually(LONG, async || words(&manager).await.len() == 3)
            .await;
        log.take();
        node.exit(&owner, reason.clone());
        w.eventually(LONG, async || words(&manager).await == ["a"])
            .await;
        let why = match reason {
            Reason::Kill => Reason::Killed,
            reason => reason,
        };
        let ends = ["c", "b"].map(|word| format!("{word} OwnerDown({why:?})"));
        assert_eq!(log.take(), ends);
    }
    // One that had ended before its handler was there, and one that ends normally.
    inside(&node, {
        let (of, notes) = (manager.clone(), log.clone());
        async move |_| {
            let added = of.add_sup_handler(&id("b"), noter(&notes, "b")).await;
            assert_eq!(added, Ok(Ok(())));
        }
    })
    .await;
    w.eventually(LONG, async || words(&manager).await == ["a"])
        .await;
    // Nobody owns what code outside any process adds.
    let added = manager.add_sup_handler(&id("b"), noter(&log, "b")).await;
    assert_eq!(added, Ok(Err(AddHandlerError::NoOwner)));
}

/// B175: what the old handler left reaches the new one, and no event comes between.
#[foundation::test]
async fn b175_a_swap_hands_over_what_the_old_handler_left(node: Node) {
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a", "b"]).await;
    let swap = |old: Option<Noter>| Other(old.map(|old| old.word));
    let swapped = manager.swap_handler(&id("a"), &OTHER, swap).await;
    assert_eq!(swapped, Ok(Ok(())));
    assert_eq!(log.take(), ["a Swapped \"other\""]);
    assert_eq!(manager.call(&OTHER, Word1).await, Ok(Ok(Some("a"))));
    assert_eq!(words(&manager).await, ["other", "b"]);
    // Nobody was there: the new one is added all the same.
    assert!(
        manager
            .delete_handler(&OTHER)
            .await
            .expect("answers")
            .is_ok()
    );
    let swapped = manager.swap_handler(&id("a"), &OTHER, swap).await;
    assert_eq!(swapped, Ok(Ok(())));
    assert_eq!(manager.call(&OTHER, Word1).await, Ok(Ok(None)));
    // The new one is there already: nothing changes.
    let swapped = manager.swap_handler(&id("b"), &OTHER, swap).await;
    assert_eq!(swapped, Ok(Err(AddHandlerError::AlreadyPresent)));
    assert_eq!(words(&manager).await, ["other", "b"]);
    // By the handler itself.
    assert!(
        manager
            .delete_handler(&OTHER)
            .await
            .expect("answers")
            .is_ok()
    );
    manager
        .sync_notify(Tick::Swap("b".to_owned()))
        .await
        .expect("answers");
    assert_eq!(manager.call(&OTHER, Word1).await, Ok(Ok(Some("b"))));
    assert_eq!(words(&manager).await, ["other"]);
    // In place of itself.
    let renew = |old: Option<Other>| old.expect("there");
    let swapped = manager.swap_handler(&OTHER, &OTHER, renew).await;
    assert_eq!(swapped, Ok(Ok(())));
    assert_eq!(manager.call(&OTHER, Word1).await, Ok(Ok(Some("b"))));
    // A new one that fails leaves neither; a terminate that panics hands over nothing.
    let fails = |_: Option<Other>| -> Noter { panic!("no swap") };
    let swapped = manager.swap_handler(&OTHER, &id("x"), fails).await;
    let Ok(Err(AddHandlerError::Failed(reason))) = swapped else {
        panic!("it was added")
    };
    assert_crash(&reason, "no swap");
    assert!(words(&manager).await.is_empty());
    let bad = failing(&log, "bad", "terminate");
    assert_eq!(manager.add_handler(&id("bad"), bad).await, Ok(Ok(())));
    assert_eq!(
        manager.swap_handler(&id("bad"), &OTHER, swap).await,
        Ok(Ok(()))
    );
    assert_eq!(manager.call(&OTHER, Word1).await, Ok(Ok(None)));
}

/// B176: a synchronous event returns when all handlers have seen it; one that is late does not
/// disturb the manager.
#[foundation::test]
async fn b176_sync_notify_returns_after_all_handlers(node: Node) {
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a", "b"]).await;
    for n in 0..10 {
        let text = n.to_string();
        manager
            .sync_notify(Tick::Say(text.clone()))
            .await
            .expect("answers");
        assert_eq!(log.take(), [format!("b {text}"), format!("a {text}")]);
    }
    let late = manager.sync_notify(say("late")).timeout(ms(0)).await;
    assert!(matches!(late, Ok(()) | Err(CallError::Timeout)), "{late:?}");
    manager.sync_notify(say("on")).await.expect("answers");
    assert_eq!(log.take(), ["b late", "a late", "b on", "a on"]);
}

/// B177: a call of a handler that is not there says so.
#[foundation::test]
async fn b177_a_call_of_an_absent_handler_says_so(node: Node) {
    let log = Log::default();
    let manager = with_noters(&node, &log, &["a"]).await;
    assert_eq!(manager.call(&id("a"), Word1).await, Ok(Ok("a")));
    let absent = Ok(Err(HandlerCallError::NoHandler));
    assert_eq!(manager.call(&id("b"), Word1).await, absent);
    // A handler of another type with the same word is another one.
    let other = HandlerId::<Other>::new("a");
    assert_eq!(
        manager.call(&other, Word1).await,
        Ok(Err(HandlerCallError::NoHandler))
    );
    assert_eq!(
        manager.add_handler(&other, Other(Some("x"))).await,
        Ok(Ok(()))
    );
    assert_eq!(manager.call(&other, Word1).await, Ok(Ok(Some("x"))));
    assert_eq!(manager.call(&id("a"), Word1).await, Ok(Ok("a")));
    let deleted = manager.delete_handler(&id("b")).await.expect("answers");
    assert_eq!(deleted.err(), Some(RemoveHandlerError::NoHandler));
}

/// Swapped by its own wish, a handler leaves the new one to its owner. Erlang/OTP 25, run: the owner
/// is told `{swapped, h2, Owner}`, and `normal` when the new one is deleted.
#[foundation::test]
async fn b175_a_handler_that_swaps_itself_keeps_its_owner(w: World) {
    let node = w.node();
    let log = Log::default();
    let manager = with_noters(&node, &log, &[]).await;
    let (of, notes) = (manager.clone(), log.clone());
    inside(&node, async move |mut me| {
        let added = of.add_sup_handler(&id("a"), noter(&notes, "a")).await;
        assert_eq!(added, Ok(Ok(())));
        let swap = Tick::Swap("a".to_owned());
        of.sync_notify(swap).await.expect("answers");
        let exit = exit_of(&mut me).await;
        assert_eq!(exit.handler, id("a").key());
        let swapped = HandlerExit::Swapped(OTHER.key(), Some(me.pid()));
        assert_eq!(exit.why, swapped);
        let deleted = of.delete_handler(&OTHER).await.expect("answers");
        assert!(deleted.is_ok());
        let exit = exit_of(&mut me).await;
        assert_eq!((exit.handler, exit.why), (OTHER.key(), HandlerExit::Normal));
    })
    .await;
}

/// The owner of a handler is told of every removal, whatever the reason, and of nothing else.
#[foundation::test]
async fn the_owner_is_told_of_every_removal(w: World) {
    let node = w.node();
    let log = Log::default();
    let manager = with_noters(&node, &log, &[]).await;
    let (of, notes) = (manager.clone(), log.clone());
    inside(&node, async move |mut me| {
        let add = async || {
            let added = of.add_sup_handler(&id("a"), noter(&notes, "a")).await;
            assert_eq!(added, Ok(Ok(())));
        };
        let other = OTHER.key();
        for round in 0..6 {
            add().await;
            assert!(me.is_linked(&of) || me.info().links.contains(&of.pid()));
            let expected = remove_somehow(&of, *me, round).await;
            let exit = exit_of(&mut me).await;
            assert_eq!(exit.manager, of.pid());
            match (exit.why, expected) {
                (HandlerExit::Failed(reason), HandlerExit::Failed(_)) => {
                    assert_crash(&reason, "no luck");
                }
                (why, expected) => assert_eq!(why, expected),
            }
            match round {
                3 => assert_eq!(exit.handler, id("a").key()),
                4 => {
                    assert_eq!(exit.handler, other);
                    // The one in its place was deleted, and so was the one of this round.
                    assert_eq!(exit_of(&mut me).await.why, HandlerExit::Normal);
                    assert!(of.delete_handler(&id("a")).await.expect("answers").is_ok());
                    assert_eq!(exit_of(&mut me).await.why, HandlerExit::Normal);
                }
                _ => assert_eq!(exit.handler, id("a").key()),
            }
        }
        time::yield_now().await;
        assert_eq!(me.info().message_queue_len, 0);
    })
    .await;
}

/// Removes the handler `a` in one of six ways: what its owner is to be told.
async fn remove_somehow(of: &Ref<EventManager<Tick>>, me: Me, round: usize) -> HandlerExit {
    match round {
        0 => {
            assert!(of.delete_handler(&id("a")).await.expect("answers").is_ok());
            HandlerExit::Normal
        }
        1 => {
            of.notify(Tick::Remove("a".to_owned())).expect("local");
            HandlerExit::Normal
        }
        2 => {
            of.notify(Tick::Crash("a".to_owned())).expect("local");
            HandlerExit::Failed(Reason::Normal)
        }
        3 => {
            let swap = |_: Option<Noter>| Other(None);
            let swapped = of.swap_sup_handler(&id("a"), &OTHER, swap).await;
            assert_eq!(swapped, Ok(Ok(())));
            HandlerExit::Swapped(OTHER.key(), Some(me.pid()))
        }
        4 => {
            // Swapped by somebody else, it is still this process's.
            let swap = |_: Option<Other>| Other(None);
            let id = HandlerId::<Other>::new("again");
            let swapped = of.swap_handler(&OTHER, &id, swap).await;
            assert_eq!(swapped, Ok(Ok(())));
            assert!(of.delete_handler(&id).await.expect("answers").is_ok());
            HandlerExit::Swapped(id.key(), Some(me.pid()))
        }
        _ => {
            let stopped = me.node().stop(of, Reason::Shutdown, LONG).await;
            assert_eq!(stopped, Ok(()));
            HandlerExit::Shutdown
        }
    }
}

async fn exit_of(me: &mut Process<Word>) -> EventExit {
    let exit = me.receive(|mail| match mail {
        Mail::Info(info) => info.take::<EventExit>().map_err(Mail::Info),
        other => Err(other),
    });
    exit.timeout(LONG).await.expect("told")
}

/// A killed manager takes the owners of its handlers along, as a link does; one that no longer has a
/// handler there is not hit.
#[foundation::test]
async fn a_killed_manager_takes_owners_along(node: Node) {
    for keeps in [true, false] {
        let log = Log::default();
        let manager = with_noters(&node, &log, &[]).await;
        let (of, notes) = (manager.clone(), log.clone());
        let owner = async move |mut me: Process<Word>| {
            me.recv().await;
            let added = of.add_sup_handler(&id("a"), noter(&notes, "a")).await;
            assert_eq!(added, Ok(Ok(())));
            if !keeps {
                assert!(of.delete_handler(&id("a")).await.expect("answers").is_ok());
                exit_of(&mut me).await;
            }
            me.node().exit(&of, Reason::Kill);
            me.node().down(&of).await;
            if keeps {
                std::future::pending::<()>().await;
            }
        };
        let owner = node.spawn_fn(owner).expect("spawned");
        let death = Death::of(&node, &owner).await;
        owner.send(Word::Go).expect("local");
        let reason = death.reason().await;
        let expected = if keeps {
            Reason::Killed
        } else {
            Reason::Normal
        };
        assert_eq!(reason, expected);
        assert_eq!(log.count("a Stopping(Killed)"), 0);
    }
}
