//! Is a child that runs on another node supervised as one at home is?
//!
//! Source     otp: supervisor, child specifications: the start function may return a process of any node
//! Sabotages  Seen red: the child is not linked; only the first of its nodes is tried, or the last first;
//!            options are not looked at; the name is left out. That the bound of a start is shared by its nodes no
//!            test here sees.

use foundation::prelude::*;
use foundation::supervisor::ChildState;
use foundation::{Mailbox, Offers, SupervisorBuilder, child_at};

use crate::remote_spawn::{Chore, Errand};
use crate::scene::Scene;
use crate::support::{Death, LONG, boom, pid_of, renewed, state_of, stop, until_state};

const ERRAND: Name<Errand> = Name::new("errand");

async fn offer(node: &Node) {
    let offers = Offers::new().offer::<Errand>();
    let tree = Supervisor::one_for_one().child(offers).start(node).await;
    tree.expect("it starts");
}

/// A child of the other node.
fn errand(s: &Scene, chore: Chore, trap: bool) -> foundation::supervisor::Child<Errand> {
    let (_, there) = s.nodes();
    child_at::<Errand>([there.name()], (chore, trap)).id("errand")
}

async fn tree(s: &Scene, child: foundation::supervisor::Child<Errand>) -> Ref<Supervisor> {
    let (here, _) = s.nodes();
    let tree = Supervisor::one_for_one().child(child).start(&here).await;
    tree.expect("it starts")
}

#[foundation::test]
pub(crate) async fn a_child_there_is_restarted_there(s: Scene) {
    let (_, there) = s.nodes();
    offer(&there).await;
    let child = errand(&s, Chore::Serve(7), false).name(ERRAND);
    let tree = tree(&s, child).await;
    let first = pid_of(&tree, "errand").await;
    assert_eq!(first.node(), there.id());
    assert_eq!(there.whereis(ERRAND.as_str()), Some(first));
    let found: Ref<Errand> = tree.node().reference(first);
    assert_eq!(found.get().await, Ok(7));
    found.end(boom()).expect("it is connected");
    let second = renewed(&s.world, &tree, "errand", first).await;
    assert_eq!(second.node(), there.id());
    assert_eq!(there.at(ERRAND).get().await, Ok(7));
    stop(&tree).await;
}

/// A server that traps exits obeys its supervisor's, and is not killed.
#[foundation::test]
pub(crate) async fn a_child_there_ends_with_its_tree(s: Scene) {
    let (_, there) = s.nodes();
    offer(&there).await;
    let tree = tree(&s, errand(&s, Chore::Serve(7), true)).await;
    let child = pid_of(&tree, "errand").await;
    let death = Death::of(&there, child).await;
    stop(&tree).await;
    assert_eq!(death.reason().await, Reason::Shutdown);
}

#[foundation::test]
pub(crate) async fn a_killed_supervisor_takes_its_child_there_along(s: Scene) {
    let (here, there) = s.nodes();
    offer(&there).await;
    let tree = tree(&s, errand(&s, Chore::Serve(7), true)).await;
    let child = pid_of(&tree, "errand").await;
    let death = Death::of(&there, child).await;
    here.exit(&tree, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Killed);
}

/// The child of a node that is lost runs on the next that is there.
#[foundation::test]
pub(crate) async fn the_next_node_takes_over(s: Scene) {
    let (here, there) = s.nodes();
    offer(&there).await;
    if s.is_apart() {
        offer(&here).await;
    }
    let nodes = ["nowhere", there.name(), here.name()];
    let child = child_at::<Errand>(nodes, (Chore::Serve(7), false)).id("errand");
    let tree = tree(&s, child).await;
    let first = pid_of(&tree, "errand").await;
    assert_eq!(first.node(), there.id());
    if !s.is_apart() {
        return stop(&tree).await;
    }
    let death = Death::of(&there, first).await;
    s.cut().await;
    let second = renewed(&s.world, &tree, "errand", first).await;
    assert_eq!(second.node(), here.id());
    // It ends there, too: the link told it.
    assert_eq!(death.reason().await, Reason::NoConnection);
    stop(&tree).await;
}

#[foundation::test]
pub(crate) async fn what_does_not_start_there_fails_as_at_home(s: Scene) {
    let (here, there) = s.nodes();
    let start = async |child| Supervisor::one_for_one().child(child).start(&here).await;
    let refused = start(errand(&s, Chore::Serve(7), false)).await;
    let why = refused.expect_err("nobody offers it").to_string();
    assert!(why.contains("does not offer"), "{why}");
    offer(&there).await;
    let failed = start(errand(&s, Chore::Fail(boom()), false)).await;
    let why = failed.expect_err("its init fails").to_string();
    assert!(why.contains("boom"), "{why}");
    let none = child_at::<Errand>(Vec::<String>::new(), (Chore::Serve(7), false));
    let why = start(none).await.expect_err("there is no node").to_string();
    assert!(why.contains("a child on no node"), "{why}");
    let lost = child_at::<Errand>(["nowhere"], (Chore::Serve(7), false));
    let why = start(lost).await.expect_err("it is not there").to_string();
    assert!(why.contains("noconnection"), "{why}");
    let choosy = errand(&s, Chore::Serve(7), false).mailbox(Mailbox::unbounded());
    let why = start(choosy).await.expect_err("it takes none").to_string();
    assert!(why.contains("takes no mailbox"), "{why}");
    let slow = errand(&s, Chore::Rest, false).start_timeout(ms(50));
    let why = start(slow).await.expect_err("it rests").to_string();
    assert!(why.contains("too long"), "{why}");
    let idle = tree(&s, errand(&s, Chore::Ignore, false)).await;
    assert_eq!(state_of(&idle, "errand").await, Some(ChildState::Absent));
    stop(&idle).await;
    s.world
        .eventually(LONG, async || {
            crate::remote_spawn::errands(&there).await == 0
        })
        .await;
}

/// Offered on both nodes.
async fn offer_all(s: &Scene) {
    let (here, there) = s.nodes();
    offer(&there).await;
    if s.is_apart() {
        offer(&here).await;
    }
}

const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// Children of both nodes in turn.
fn mixed(s: &Scene, mut tree: SupervisorBuilder) -> SupervisorBuilder {
    let (here, there) = s.nodes();
    for (at, id) in IDS.into_iter().enumerate() {
        let node = if at % 2 == 0 { &here } else { &there };
        tree = tree.child(child_at::<Errand>([node.name()], (Chore::Serve(7), true)).id(id));
    }
    tree
}

async fn pids(tree: &Ref<Supervisor>) -> Vec<Pid> {
    let mut pids = Vec::new();
    for id in IDS {
        pids.push(pid_of(tree, id).await);
    }
    pids
}

/// Which children a strategy starts anew does not depend on where they are (B109-B111).
#[foundation::test]
pub(crate) async fn strategies_are_the_same_for_children_of_any_node(s: Scene) {
    let (here, _) = s.nodes();
    offer_all(&s).await;
    // Who ends, and from which to which child all are new.
    let rows = [
        (Supervisor::one_for_one(), 1, 1..=1),
        (Supervisor::one_for_one(), 2, 2..=2),
        (Supervisor::one_for_all(), 1, 0..=3),
        (Supervisor::one_for_all(), 2, 0..=3),
        (Supervisor::rest_for_one(), 1, 1..=3),
        (Supervisor::rest_for_one(), 2, 2..=3),
    ];
    for (plan, ends, new) in rows {
        let tree = mixed(&s, plan).start(&here).await.expect("it starts");
        let before = pids(&tree).await;
        here.exit(before[ends], Reason::Kill);
        renewed(&s.world, &tree, IDS[ends], before[ends]).await;
        for at in new.clone() {
            renewed(&s.world, &tree, IDS[at], before[at]).await;
        }
        let after = pids(&tree).await;
        for at in 0..IDS.len() {
            let is_new = after[at] != before[at];
            assert_eq!(is_new, new.contains(&at), "{} of {new:?}", IDS[at]);
            assert_eq!(after[at].node(), before[at].node());
        }
        stop(&tree).await;
    }
}

/// Which ends count does not, either (B105-B108).
#[foundation::test]
pub(crate) async fn ends_count_the_same_on_any_node(s: Scene) {
    offer_all(&s).await;
    let normal = || Reason::Normal;
    let child = |change: fn(foundation::supervisor::Child<Errand>) -> _| {
        change(errand(&s, Chore::Serve(7), true))
    };
    let tree = self::tree(&s, child(|child| child.transient())).await;
    let first = pid_of(&tree, "errand").await;
    let found: Ref<Errand> = tree.node().reference(first);
    found.end(boom()).expect("it is connected");
    let second = renewed(&s.world, &tree, "errand", first).await;
    let found: Ref<Errand> = tree.node().reference(second);
    found.end(normal()).expect("it is connected");
    let absent = |state| state == Some(ChildState::Absent);
    until_state(&s.world, &tree, "errand", absent).await;
    let again = tree.restart_child("errand").await.expect("answers");
    assert!(matches!(again, Ok(Some(_))), "{again:?}");
    stop(&tree).await;

    let tree = self::tree(&s, child(|child| child.temporary())).await;
    let pid = pid_of(&tree, "errand").await;
    let found: Ref<Errand> = tree.node().reference(pid);
    found.end(boom()).expect("it is connected");
    until_state(&s.world, &tree, "errand", |state| state.is_none()).await;
    stop(&tree).await;
}

/// A tree that gives up ends, and with it the children of other nodes (B116).
#[foundation::test]
pub(crate) async fn who_gives_up_takes_children_of_all_nodes_along(s: Scene) {
    let (here, there) = s.nodes();
    offer_all(&s).await;
    let plan = Supervisor::one_for_one().intensity(1, secs(60));
    let tree = mixed(&s, plan).start(&here).await.expect("it starts");
    let children = pids(&tree).await;
    let mut deaths = Vec::new();
    for (at, pid) in children.iter().enumerate().skip(2) {
        let node = if at % 2 == 0 { &here } else { &there };
        deaths.push(Death::of(node, *pid).await);
    }
    let end = Death::of(&here, &tree).await;
    there.exit(children[1], Reason::Kill);
    renewed(&s.world, &tree, "b", children[1]).await;
    here.exit(children[0], Reason::Kill);
    assert_eq!(end.reason().await, Reason::Shutdown);
    for death in deaths {
        assert_eq!(death.reason().await, Reason::Shutdown);
    }
}

/// Children come and go by hand (B119-B122).
#[foundation::test]
pub(crate) async fn a_child_there_is_stopped_and_started_by_hand(s: Scene) {
    let (_, there) = s.nodes();
    offer_all(&s).await;
    let tree = tree(&s, errand(&s, Chore::Serve(7), true)).await;
    let first = pid_of(&tree, "errand").await;
    let death = Death::of(&there, first).await;
    let stopped = tree.terminate_child("errand").await.expect("answers");
    stopped.expect("it is there");
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(state_of(&tree, "errand").await, Some(ChildState::Absent));
    let again = tree.restart_child("errand").await.expect("answers");
    assert!(matches!(again, Ok(Some(_))), "{again:?}");
    let second = pid_of(&tree, "errand").await;
    assert_eq!((second.node(), second != first), (there.id(), true));
    let stopped = tree.terminate_child("errand").await.expect("answers");
    stopped.expect("it is there");
    let deleted = tree.delete_child("errand").await.expect("answers");
    deleted.expect("it does not run");
    assert_eq!(state_of(&tree, "errand").await, None);
    stop(&tree).await;
}
