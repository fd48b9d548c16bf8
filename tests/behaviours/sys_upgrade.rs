//! Does a state outlive its program?
//!
//! Role       Two versions of one actor: what the first wrote, the second takes up, or refuses and
//!            keeps its own.
//! Source     otp: gen_server, code_change/3; sys:change_code/4

use foundation::prelude::*;
use foundation::sys::{self, ChangeError, CodeChange, SavedState, SysError};

use crate::support::Log;

mod first {
    use super::{CodeChange, actor, sys};

    /// An account in cents.
    #[derive(Clone, Default)]
    pub(super) struct Account {
        pub(super) cents: u64,
    }

    #[actor]
    impl Account {
        #[cast]
        pub(super) fn pay(&mut self, cents: u64) {
            self.cents += cents;
        }
    }

    impl CodeChange for Account {
        type Saved = u64;

        fn export(&self) -> u64 {
            self.cents
        }

        fn import(&self, cents: u64) -> Self {
            Self { cents }
        }
    }

    /// One of another type.
    #[derive(Clone, Default)]
    pub(super) struct Other;

    #[actor]
    impl Other {}

    impl CodeChange for Other {
        type Saved = ();

        fn export(&self) {
            assert!(sys::SYS_TIMEOUT.as_secs() == 5);
        }

        fn import(&self, (): ()) -> Self {
            Self
        }
    }
}

mod second {
    use serde::{Deserialize, Serialize};

    use super::{ChangeError, CodeChange, Log, SavedState, Stop, actor};

    /// An account in euros and cents.
    #[derive(Clone, Debug, Default)]
    pub(super) struct Account {
        pub(super) euros: u64,
        pub(super) cents: u64,
        pub(super) log: Log,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Saved {
        euros: u64,
        cents: u64,
    }

    #[actor(version = 2)]
    impl Account {
        #[init]
        fn init(old: Option<SavedState>) -> Result<Self, Stop> {
            let new = Self::default();
            Ok(match old {
                Some(old) => new.import(old.restore::<Self>()?),
                None => new,
            })
        }

        #[call]
        pub(super) fn balance(&self) -> (u64, u64) {
            (self.euros, self.cents)
        }

        #[cast]
        pub(super) fn pay(&mut self, cents: u64) {
            self.cents += cents;
        }
    }

    impl CodeChange for Account {
        type Saved = Saved;

        fn export(&self) -> Saved {
            let Self { euros, cents, .. } = *self;
            Saved { euros, cents }
        }

        fn import(&self, Saved { euros, cents }: Saved) -> Self {
            assert!(euros < 1_000_000, "too much");
            Self {
                euros,
                cents,
                log: self.log.clone(),
            }
        }

        fn code_change(old: &SavedState) -> Result<Saved, ChangeError> {
            match old.version() {
                1 => {
                    let cents: u64 = old.read()?;
                    let (euros, cents) = (cents / 100, cents % 100);
                    Ok(Saved { euros, cents })
                }
                _ => Err(old.unknown()),
            }
        }
    }
}

async fn saved(node: &Node, cents: u64) -> SavedState {
    let account = node.spawn(first::Account::default()).expect("spawned");
    account.pay(cents).expect("local");
    sys::export(&account).await.expect("it answers")
}

/// What the first version wrote, the second begins with; over bytes, as from a file.
#[foundation::test]
async fn a_state_is_taken_up_at_the_start(node: Node) {
    let old = saved(&node, 1234).await;
    assert_eq!((old.actor(), old.version()), ("Account", 1));
    let old = SavedState::from_bytes(&old.to_bytes()).expect("reads");
    assert!(SavedState::from_bytes(b"nonsense").is_err());
    let account = node
        .start::<second::Account>(Some(old))
        .await
        .expect("started");
    assert_eq!(account.balance().await, Ok((12, 34)));
    let own = sys::export(&account).await.expect("it answers");
    assert_eq!(own.version(), 2);
    let again = node
        .start::<second::Account>(Some(own))
        .await
        .expect("started");
    assert_eq!(again.balance().await, Ok((12, 34)));
}

/// A suspended actor takes a state up, keeps what is no data, and goes on when it is resumed.
#[foundation::test]
async fn a_suspended_actor_changes_its_code(node: Node) {
    let old = saved(&node, 1234).await;
    let account = node.start::<second::Account>(None).await.expect("started");
    let log = sys::with_state(&account, |account| account.log.clone())
        .await
        .expect("answers");
    let early = sys::change_code(&account, old.clone()).await;
    assert_eq!(early, Err(SysError::NotSuspended));
    sys::suspend(&account).await.expect("answers");
    account.pay(1).expect("local");
    assert_eq!(sys::change_code(&account, old).await, Ok(()));
    sys::resume(&account).await.expect("answers");
    assert_eq!(account.balance().await, Ok((12, 35)));
    log.note("kept");
    let kept = sys::with_state(&account, |account| account.log.all()).await;
    assert_eq!(kept, Ok(vec!["kept".to_owned()]));
}

/// A version from the future, another actor's state, bytes that are none, and a function that
/// panics: each is told, and the old state stays.
#[foundation::test]
async fn the_old_state_stays_when_something_is_wrong(node: Node) {
    let account = node.start::<second::Account>(None).await.expect("started");
    account.pay(7).expect("local");
    sys::suspend(&account).await.expect("answers");
    let other = node.spawn(first::Other).expect("spawned");
    let other = sys::export(&other).await.expect("it answers");
    let with = |version| SavedState::as_written_by("Account", version, &"x").expect("writes");
    let failed = sys::change_code(&account, with(3)).await;
    assert_eq!(
        failed,
        Err(SysError::Change(ChangeError::UnknownVersion(3)))
    );
    for version in [1, 2] {
        let failed = sys::change_code(&account, with(version)).await;
        assert!(
            matches!(failed, Err(SysError::Change(ChangeError::Malformed(_)))),
            "{failed:?}"
        );
    }
    let failed = sys::change_code(&account, other.clone()).await;
    assert_eq!(
        failed,
        Err(SysError::Change(ChangeError::OtherActor("Other".into())))
    );
    let rich = saved(&node, 100_000_000_000).await;
    let failed = sys::change_code(&account, rich.clone()).await;
    assert_eq!(failed, Err(SysError::Panicked("too much".into())));
    sys::resume(&account).await.expect("answers");
    assert_eq!(account.balance().await, Ok((0, 7)));
    let refused = node.start::<second::Account>(Some(other)).await;
    assert!(matches!(refused, Err(StartError::Failed(_))), "{refused:?}");
}
