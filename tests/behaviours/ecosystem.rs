//! Are a coordinator and its workers one, and what is said of them true?
//!
//! Role  Ecosystems: how they start, who falls with whom, how they are, what is refused.

use foundation::prelude::*;
use foundation::{
    BadMailbox, Ecosystem, EcosystemError, EcosystemRef, Mailbox, Supervision, WhenFull, Workers,
};

use crate::support::LONG;

#[derive(Default)]
struct Part;

#[actor]
impl Part {
    #[cast]
    fn fall(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::other("fell"));
    }
}

fn shop(supervision: Supervision) -> Ecosystem<Part, Part> {
    let shop = Ecosystem::new("shop", child(Part::default), |_| child(Part::default));
    shop.workers(Workers::Count(3))
        .supervision(supervision)
        .intensity(10, secs(5))
}

/// All of them: the coordinator, then the workers.
async fn all(shop: &EcosystemRef) -> Vec<Pid> {
    let health = shop.health().await.expect("it lives");
    let workers = shop.workers().await.expect("it lives");
    health.coordinator.into_iter().chain(workers).collect()
}

#[foundation::test]
async fn a_death_concerns_whom_it_is_to_concern(w: World) {
    let node = w.node();
    // Who falls, and who is another one afterwards.
    let rows = [
        (Supervision::OneForOne, 1, [false, true, false, false]),
        (Supervision::OneForAll, 1, [true; 4]),
        (Supervision::RestForOne, 2, [false, false, true, true]),
        (Supervision::RestForOne, 0, [true; 4]),
    ];
    for (supervision, falls, changed) in rows {
        let shop = shop(supervision).start(&node).await.expect("started");
        let before = all(&shop).await;
        assert_eq!(before.len(), 4);
        let falling: Ref<Part> = node.reference(before[falls]);
        falling.fall().expect("local");
        w.eventually(LONG, async || {
            let now = all(&shop).await;
            let others = now.iter().zip(&before).map(|(now, before)| now != before);
            now.len() == 4 && others.collect::<Vec<bool>>() == changed
        })
        .await;
        let health = shop.health().await.expect("it lives");
        assert!(health.is_healthy(), "{health:?}");
        assert_eq!(node.whereis("shop"), Some(shop.supervisor().pid()));
        shop.stop(LONG).await.expect("stopped");
        assert!(shop.health().await.is_err(), "it has ended");
    }
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
}

#[foundation::test]
async fn what_cannot_be_is_refused_before_anything_starts(w: World) {
    let node = w.node();
    let refused =
        async |shop: Ecosystem<Part, Part>| shop.start(&node).await.expect_err("it cannot be");
    let one = || shop(Supervision::OneForOne);
    let error = refused(one().workers(Workers::Count(0))).await;
    assert_eq!(error, EcosystemError::Workers(0));
    assert_eq!(
        error.to_string(),
        "an ecosystem has 1 to 100000 workers, not 0"
    );
    let bad = Mailbox::bounded(0, WhenFull::Block);
    let error = refused(one().mailbox(bad)).await;
    assert_eq!(error, EcosystemError::Mailbox(BadMailbox::NoRoom));
    let nameless = Ecosystem::new("", child(Part::default), |_| child(Part::default));
    assert_eq!(refused(nameless).await, EcosystemError::NoName);
    assert_eq!(node.stats().spawned, 0);
    let first = one().start(&node).await.expect("started");
    assert!(
        matches!(refused(one()).await, EcosystemError::Start(_)),
        "the name is taken"
    );
    assert_eq!(node.stats().processes, 5);
    first.stop(LONG).await.expect("stopped");
}

#[foundation::test]
async fn workers_have_the_mailbox_and_the_count_that_was_asked_for(w: World) {
    let node = w.node();
    let bounded = Mailbox::bounded(7, WhenFull::Reject);
    let shop = shop(Supervision::OneForOne)
        .workers(Workers::CpuCount)
        .mailbox(bounded)
        .start(&node)
        .await
        .expect("started");
    let schedulers = node.load().schedulers.len();
    let workers = shop.workers().await.expect("it lives");
    assert_eq!(workers.len(), schedulers);
    for worker in workers {
        let info = node
            .info(worker, LONG)
            .await
            .expect("it yields")
            .expect("it lives");
        assert_eq!(info.mailbox, bounded.bound());
    }
    let coordinator = shop
        .coordinator::<Part>()
        .await
        .expect("it lives")
        .expect("it runs");
    let info = node
        .info(&coordinator, LONG)
        .await
        .expect("it yields")
        .expect("it lives");
    assert_eq!(info.mailbox, None);
    shop.stop(LONG).await.expect("stopped");
}
