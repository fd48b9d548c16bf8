//! Can actors of several kinds be asked alike, here and on another node?
//!
//! Source     the book: a reference leads to whoever speaks a protocol

use foundation::prelude::*;

use crate::support::{LONG, inside};

/// What can be asked of any account.
#[protocol]
trait Account {
    /// What is in it.
    #[call]
    fn balance(&self) -> i64;

    /// Adds to it.
    #[cast]
    fn put(&mut self, amount: i64, what: String);

    /// Takes from it, which may take time.
    #[call]
    async fn take(&mut self, amount: i64) -> Result<i64, String>;

    /// Answers later.
    #[call]
    fn later(&mut self, from: ReplyTo<i64>);

    /// Ends it.
    #[cast]
    fn close(&mut self, cx: &mut Cx<Self>);

    /// Shares memory, and so stays on its node.
    #[call(local)]
    fn share(&self) -> std::sync::Arc<str> {
        "shared".into()
    }

    /// Waits, unless it is done otherwise.
    #[call]
    async fn patience(&self, waits: u64) -> u64 {
        foundation::time::sleep(ms(waits)).await;
        waits
    }
}

/// Nothing but a number.
#[derive(Default)]
struct Purse(i64);

/// Notes what it is given.
#[derive(Default)]
struct Book {
    entries: Vec<(i64, String)>,
    waiting: Vec<ReplyTo<i64>>,
}

impl Account for Purse {
    fn balance(&self) -> i64 {
        self.0
    }

    fn put(&mut self, amount: i64, _: String) {
        self.0 += amount;
    }

    async fn take(&mut self, amount: i64) -> Result<i64, String> {
        if self.0 < amount {
            return Err(format!("{amount} of {}", self.0));
        }
        self.0 -= amount;
        Ok(self.0)
    }

    fn later(&mut self, from: ReplyTo<i64>) {
        from.send(self.0);
    }

    fn close(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }
}

impl Account for Book {
    fn balance(&self) -> i64 {
        self.entries.iter().map(|(amount, _)| amount).sum()
    }

    fn put(&mut self, amount: i64, what: String) {
        self.entries.push((amount, what));
        for from in self.waiting.drain(..) {
            from.send(amount);
        }
    }

    async fn take(&mut self, amount: i64) -> Result<i64, String> {
        foundation::time::sleep(ms(1)).await;
        self.entries.push((-amount, "taken".to_owned()));
        Ok(self.balance())
    }

    fn later(&mut self, from: ReplyTo<i64>) {
        self.waiting.push(from);
    }

    fn close(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Shutdown);
    }

    async fn patience(&self, waits: u64) -> u64 {
        waits + 1
    }
}

#[actor(protocol(Account))]
impl Purse {}

#[actor(protocol(Account))]
impl Book {
    #[call]
    fn entries(&self) -> usize {
        self.entries.len()
    }
}

/// Speaks no protocol.
struct Mute;

#[actor]
impl Mute {}

/// What of an account is the same wherever it is, and whatever it is.
async fn use_account(node: &Node, account: &Ref<dyn Account>, keeps: bool) {
    account.put(5, "first".to_owned()).expect("portable");
    assert_eq!(account.balance().await, Ok(5));
    assert_eq!(account.take(2).await, Ok(Ok(3)));
    let patience = account.patience(3).timeout(LONG).await;
    assert_eq!(patience, Ok(if keeps { 4 } else { 3 }));
    let (asked, node) = (account.clone(), node.clone());
    let later = Task::spawn_nolink(&node, async move { asked.later().await });
    let mut later = later.expect("spawned");
    node.sleep(ms(20)).await;
    account.put(7, "second".to_owned()).expect("portable");
    let answer = later.join(LONG).await;
    assert_eq!(answer, Ok(Ok(if keeps { 7 } else { 3 })));
    assert_eq!(account.balance().await, Ok(10));
}

/// The same calls and casts reach actors of two kinds, by pid, by name and across a wire.
#[foundation::test(seeds = 50)]
async fn a_protocol_is_spoken_alike(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    for home in [&a, &b] {
        let purse = home.spawn(Purse::default()).expect("spawned");
        let book = home.spawn(Book::default()).expect("spawned");
        home.register("book", &book).expect("free");
        let named = Name::<dyn Account>::new("book");
        let named = match home == &a {
            true => a.at(named),
            false => a.remote("b").at(named),
        };
        let accounts = [(a.reference(purse.pid()), false), (named, true)];
        for (account, keeps) in &accounts {
            use_account(&a, account, *keeps).await;
        }
        assert_eq!(book.entries().await, Ok(3));
        let shared = accounts[0].0.share().await;
        match home == &a {
            true => assert_eq!(shared.as_deref(), Ok("shared")),
            false => assert!(matches!(shared, Err(CallError::NotPortable(_)))),
        }
        let theirs: [Ref<dyn Account>; 2] = [purse.protocol(), book.protocol()];
        for (account, reason) in theirs.iter().zip([Reason::Normal, Reason::Shutdown]) {
            let end = inside(home, {
                let (account, pid) = (account.clone(), account.pid());
                move |mut me| async move {
                    let watch = me.monitor(pid);
                    account.close().expect("portable");
                    match me.recv().await {
                        Mail::Down(down) if down.monitor == watch => down.reason,
                        other => panic!("{other:?}"),
                    }
                }
            });
            assert_eq!(end.await, reason);
            assert_eq!(account.balance().await, Err(CallError::NoProc));
        }
    }
}

/// Who does not speak it refuses, and lives on.
#[foundation::test(seeds = 50)]
async fn who_does_not_speak_it_refuses(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    for home in [&a, &b] {
        let mute = home.spawn(Mute).expect("spawned");
        let account: Ref<dyn Account> = a.reference(mute.pid());
        let answer = account.balance().await;
        assert_eq!(
            answer,
            Err(CallError::Refused("Mute has no such method".into()))
        );
        account.put(1, String::new()).expect("portable");
        let again = account.balance().await;
        assert!(matches!(again, Err(CallError::Refused(_))));
        assert!(mute.is_alive());
        assert_eq!(home.dead_letter_count(foundation::DeadReason::Unknown), 1);
    }
}

/// The trait is a trait: a value that is in no process has its methods.
#[test]
fn a_protocol_is_a_trait() {
    let mut purse = Purse(1);
    purse.put(2, String::new());
    assert_eq!(purse.balance(), 3);
    assert_eq!(&*purse.share(), "shared");
}
