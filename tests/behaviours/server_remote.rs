//! Is a server on another node like one here?
//!
//! Source     otp, 1.8; the architecture page: every operation is location-transparent

use foundation::StopError;
use foundation::prelude::*;

use crate::support::{Death, LONG, boom, inside};

#[derive(Default)]
struct Shelf {
    books: Vec<String>,
    kept: Vec<ReplyTo<usize>>,
}

const SHELF: Name<Shelf> = Name::new("shelf");

#[actor]
impl Shelf {
    #[call]
    fn put(&mut self, book: String) -> usize {
        self.books.push(book);
        self.books.len()
    }

    #[cast]
    fn drop_in(&mut self, book: String) {
        self.books.push(book);
    }

    #[call]
    fn locate(&self, book: String) -> Result<usize, String> {
        let found = self.books.iter().position(|other| *other == book);
        found.ok_or_else(|| format!("no {book}"))
    }

    #[call(local)]
    fn length_here(&self) -> usize {
        self.books.len()
    }

    #[cast(local)]
    fn burn_here(&mut self) {
        self.books.clear();
    }

    #[call]
    fn keep(&mut self, from: ReplyTo<usize>) {
        self.kept.push(from);
    }

    #[call]
    fn forget(&mut self, from: ReplyTo<usize>) {
        drop(from);
    }

    #[cast]
    fn release(&mut self) {
        for from in self.kept.drain(..) {
            from.send(self.books.len());
        }
    }

    #[cast]
    fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
    }
}

/// What holds of a shelf, wherever it is; `here` is the node that uses it.
async fn portable(here: &Node, shelf: &Ref<Shelf>) {
    assert_eq!(shelf.put("a".to_owned()).await, Ok(1));
    // Casts and calls of one sender keep their order.
    let other = shelf.clone();
    inside(here, async move |_| {
        for n in 0..5 {
            other.drop_in(format!("b{n}")).expect("portable");
        }
        assert_eq!(other.put("c".to_owned()).await, Ok(7));
        let late = other.keep().timeout(ms(20)).await;
        assert_eq!(late, Err(CallError::Timeout));
        other.release().expect("portable");
        assert_eq!(other.locate("b4".to_owned()).await, Ok(Ok(5)));
        assert_eq!(
            other.locate("z".to_owned()).await,
            Ok(Err("no z".to_owned()))
        );
        assert_eq!(other.forget().await, Err(CallError::NoReply));
    })
    .await;
    let asked = shelf.clone();
    let asking = Task::spawn_nolink(here, async move { asked.keep().await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(20)).await.is_err());
    shelf.release().expect("portable");
    assert_eq!(asking.join(LONG).await, Ok(Ok(7)));
    // The end of the server reaches a caller that waits.
    let asked = shelf.clone();
    let asking = Task::spawn_nolink(here, async move { asked.keep().await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(20)).await.is_err());
    shelf.end(boom()).expect("portable");
    let answer = asking.join(LONG).await;
    assert_eq!(answer, Ok(Err(CallError::Down(boom()))));
    assert_eq!(shelf.put("d".to_owned()).await, Err(CallError::NoProc));
    assert_eq!(shelf.drop_in("d".to_owned()), Ok(()));
}

/// the book: the same body on one node and across a wire, by pid and by name, with the same types
/// and the same errors.
#[foundation::test]
async fn the_same_actor_here_and_there(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    for by_name in [false, true] {
        for home in [&a, &b] {
            let shelf = home.spawn(Shelf::default()).expect("spawned");
            home.register("shelf", &shelf).expect("free");
            let reference = match (by_name, home == &a) {
                (false, _) => a.reference(shelf.pid()),
                (true, true) => a.at(SHELF),
                (true, false) => a.remote("b").at(SHELF),
            };
            let death = Death::of(home, &shelf).await;
            portable(&a, &reference).await;
            assert_eq!(death.reason().await, boom());
        }
    }
}

/// otp: a local method to another node is refused at the sender, and nothing is sent.
#[foundation::test]
async fn a_local_method_is_refused_for_another_node(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let shelf = b.spawn(Shelf::default()).expect("spawned");
    b.register("shelf", &shelf).expect("free");
    for far in [a.remote("b").at(SHELF), a.reference(shelf.pid())] {
        let refused = far.length_here().await;
        assert!(
            matches!(refused, Err(CallError::NotPortable(_))),
            "{refused:?}"
        );
        let refused = far.burn_here();
        assert!(
            matches!(refused, Err(SendError::NotPortable(_))),
            "{refused:?}"
        );
        far.put("a".to_owned()).await.expect("portable");
    }
    // At home it works.
    assert_eq!(shelf.length_here().await, Ok(2));
}

/// otp: calls to a node that is cut off end with noconnection: those under way, and those
/// made later; casts are fine.
#[foundation::test]
async fn a_cut_ends_calls_with_noconnection(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let wire = w.connect(&a, &b);
    let shelf = b.spawn(Shelf::default()).expect("spawned");
    b.register("shelf", &shelf).expect("free");
    let refs = [a.remote("b").at(SHELF), a.reference(shelf.pid())];
    let mut asking: Vec<_> = refs
        .iter()
        .map(|far| {
            let far = far.clone();
            Task::spawn_nolink(&a, async move { far.keep().await }).expect("spawned")
        })
        .collect();
    for task in &mut asking {
        assert!(task.join(ms(20)).await.is_err());
    }
    wire.cut();
    for mut task in asking {
        let lost = task.join(LONG).await;
        assert_eq!(lost, Ok(Err(CallError::NoConnection)));
    }
    for far in &refs {
        let answer = far.put("x".to_owned()).await;
        assert_eq!(answer, Err(CallError::NoConnection));
        assert_eq!(far.drop_in("x".to_owned()), Ok(()));
    }
    let (far, other) = (refs[1].clone(), a.clone());
    inside(&other, async move |_| {
        let answer = far.put("x".to_owned()).await;
        assert_eq!(answer, Err(CallError::NoConnection));
    })
    .await;
    // The server is not disturbed: the reply it sends now is dropped.
    shelf.release().expect("portable");
    assert_eq!(shelf.length_here().await, Ok(0));
    assert_eq!(
        a.remote("b").at(SHELF).put("x".into()).await,
        Err(CallError::NoConnection)
    );
}

/// The node behind a remote name is found at each use: before it is connected, while it is, after
/// the connection was lost, and when it is there again.
#[foundation::test]
async fn a_remote_name_may_be_taken_before_the_connection(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let (remote, own) = (a.remote("b"), a.remote("a"));
    let far = remote.at(SHELF);
    let shelf = b.spawn(Shelf::default()).expect("spawned");
    b.register("shelf", &shelf).expect("free");
    for round in 1..=3 {
        let lost = far.put("x".to_owned()).await;
        assert_eq!(lost, Err(CallError::NoConnection));
        assert_eq!(far.drop_in("x".to_owned()), Ok(()));
        assert_ne!(remote.id(), b.id());
        let wire = w.connect(&a, &b);
        assert_eq!(far.put("x".to_owned()).await, Ok(round));
        assert_eq!(remote.id(), b.id());
        let (asked, asker) = (far.clone(), a.clone());
        let under_way = Task::spawn_nolink(&asker, async move { asked.keep().await });
        let mut under_way = under_way.expect("spawned");
        assert!(under_way.join(ms(20)).await.is_err());
        wire.cut();
        // A call under way learns of the loss, not only of the time.
        let lost = under_way.join(LONG).await;
        assert_eq!(lost, Ok(Err(CallError::NoConnection)));
        assert_eq!(far, remote.at(SHELF));
    }
    assert_eq!(own.id(), a.id());
    a.register("shelf", a.spawn(Shelf::default()).expect("spawned"))
        .expect("free");
    assert_eq!(own.at(SHELF).length_here().await, Ok(0));
    assert!(own.at(SHELF).find().is_some());
}

/// otp: a call to a name that nobody has over there is noproc, a cast is fine.
#[foundation::test]
async fn a_name_that_nobody_has_over_there(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let nobody = a.remote("b").at(SHELF);
    assert_eq!(nobody.put("x".to_owned()).await, Err(CallError::NoProc));
    assert_eq!(nobody.drop_in("x".to_owned()), Ok(()));
    assert_eq!(nobody.find(), None);
}

/// otp: a server of another node can be stopped, by pid and by name.
#[foundation::test]
async fn a_server_of_another_node_can_be_stopped(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let wire = w.connect(&a, &b);
    for by_name in [false, true] {
        let shelf = b.spawn(Shelf::default()).expect("spawned");
        b.register("shelf", &shelf).expect("free");
        let far = match by_name {
            true => a.remote("b").at(SHELF),
            false => a.reference(shelf.pid()),
        };
        assert_eq!(a.stop(&far, Reason::Normal, LONG).await, Ok(()));
        assert!(!shelf.is_alive());
        let again = a.stop(&far, Reason::Normal, LONG).await;
        assert_eq!(again, Err(StopError::NoProc));
    }
    let far = a.remote("b").at(SHELF);
    wire.cut();
    let lost = a.stop(&far, Reason::Normal, LONG).await;
    assert_eq!(lost, Err(StopError::NoConnection));
}

/// A message of another actor, or an unknown one, is refused and not handled; the server lives.
#[foundation::test]
async fn a_request_that_is_not_understood_is_refused(w: World) {
    #[derive(Default)]
    struct Other;

    #[actor]
    impl Other {
        #[call]
        fn anything(&self) -> u8 {
            1
        }

        #[cast]
        fn nothing(&self) {}
    }

    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let shelf = b.spawn(Shelf::default()).expect("spawned");
    let wrong: Ref<Other> = a.reference(shelf.pid());
    let answer = wrong.anything().await;
    assert!(matches!(answer, Err(CallError::Refused(_))), "{answer:?}");
    assert_eq!(wrong.nothing(), Ok(()));
    // Here it ends without an answer.
    let wrong: Ref<Other> = b.reference(shelf.pid());
    assert_eq!(wrong.anything().await, Err(CallError::NoReply));
    assert_eq!(wrong.nothing(), Ok(()));
    assert_eq!(shelf.put("a".to_owned()).await, Ok(1));
}
