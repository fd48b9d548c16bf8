//! Is a child that runs on another node supervised as one at home is?
//!
//! Source     otp: supervisor, child specifications: the start function may return a process of any node
//! Sabotages  Seen red: the child is not linked; only the first of its nodes is tried, or the last first;
//!            options are not looked at; the name is left out. That the bound of a start is shared by its nodes no
//!            test here sees.

use foundation::prelude::*;
use foundation::supervisor::ChildState;
use foundation::{Mailbox, Offers, child_at};

use crate::remote_spawn::{Chore, Errand};
use crate::scene::Scene;
use crate::support::{Death, LONG, boom, pid_of, renewed, state_of, stop};

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
