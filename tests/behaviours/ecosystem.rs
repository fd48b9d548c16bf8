//! Are a coordinator and its workers one, and what is said of them true?
//!
//! Role  Ecosystems: how they start, who falls with whom, how they are, what is refused.

use foundation::prelude::*;
use foundation::{
    AutoScale, BadAutoScale, BadMailbox, Ecosystem, EcosystemError, EcosystemRef, Mailbox,
    Supervision, WhenFull, Workers,
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

/// Handles so many messages as it is told, and waits in each.
#[derive(Default)]
struct Slow;

#[actor]
impl Slow {
    #[cast]
    async fn work(&mut self) {
        foundation::time::sleep(foundation::ms(20)).await;
    }
}

/// Workers come with the load and go without it, and no message of theirs is lost by it.
#[foundation::test]
async fn the_number_of_workers_follows_the_load(w: World) {
    let node = w.node();
    let mut dead = node.dead_letters(100);
    let scale = AutoScale::between(2, 5)
        .every(foundation::ms(10))
        .grow_above(3)
        .shrink_after(2);
    let shop = Ecosystem::new("shop", child(Part::default), |_| child(Slow::default))
        .workers(Workers::AutoScale(scale))
        .start(&node)
        .await
        .expect("started");
    let workers = async || shop.workers().await.expect("it lives").len();
    assert_eq!(workers().await, 2);
    w.eventually(LONG, async || {
        let all = shop.workers().await.expect("it lives");
        let first: Ref<Slow> = node.reference(all[0]);
        for _ in 0..20 {
            first.work().expect("local");
        }
        node.sleep(foundation::ms(20)).await;
        let health = shop.health().await.expect("it lives");
        assert!(health.workers <= 5, "{health:?}");
        health.workers == 5
    })
    .await;
    let grown = shop.workers().await.expect("it lives");
    // The one with the load is the first: it stays, and is done with all of it.
    w.eventually(4 * LONG, async || workers().await == 2).await;
    let left = shop.workers().await.expect("it lives");
    assert_eq!(left, grown[..2]);
    w.eventually(LONG, async || {
        shop.health().await.expect("it lives").messages == 0
    })
    .await;
    assert!(dead.try_next().is_none(), "nothing was lost");
    shop.stop(LONG).await.expect("stopped");
    // Who is told of an end is told before the place is given back.
    w.eventually(LONG, async || node.stats().processes == 0)
        .await;
}

#[foundation::test]
async fn a_scale_that_cannot_be_is_refused(w: World) {
    let node = w.node();
    let one = AutoScale::between(1, 2);
    let rows = [
        (
            AutoScale::between(3, 2),
            EcosystemError::AutoScale(BadAutoScale::LeastAboveMost(3, 2)),
            "there cannot be at least 3 workers and at most 2",
        ),
        (
            one.every(std::time::Duration::ZERO),
            EcosystemError::AutoScale(BadAutoScale::NoPeriod),
            "between two looks at the load there must be some time",
        ),
        (
            one.shrink_after(0),
            EcosystemError::AutoScale(BadAutoScale::NoLooks),
            "it takes at least one look to see that there is no load",
        ),
        (
            AutoScale::between(0, 2),
            EcosystemError::Workers(0),
            "an ecosystem has 1 to 100000 workers, not 0",
        ),
        (
            AutoScale::between(1, 200_000),
            EcosystemError::Workers(200_000),
            "an ecosystem has 1 to 100000 workers, not 200000",
        ),
    ];
    for (scale, expected, text) in rows {
        let shop = shop(Supervision::OneForOne).workers(Workers::AutoScale(scale));
        let error = shop.start(&node).await.expect_err("it cannot be");
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(node.stats().spawned, 0);
}
