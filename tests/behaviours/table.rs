//! Do tables keep ETS's rules: who reads, who writes, and who has them after the owner?
//!
//! Source     otp: ets

use std::sync::Arc;

use foundation::Term;
use foundation::prelude::*;
use foundation::table::{Access, Bag, DuplicateBag, OrderedSet, Table, TableError, TableTransfer};

use crate::support::{LONG, Word, inside};

/// A process that lives until it is killed.
fn owner(node: &Node) -> Pid {
    let body = |_: Process<Word>| std::future::pending::<()>();
    node.spawn_fn(body).expect("spawned").pid()
}

fn public(node: &Node, owner: Pid) -> Table<u32, u32> {
    let table = Table::set(node).access(Access::Public).owner(owner);
    table.create().expect("the owner lives")
}

async fn end(node: &Node, pid: Pid) {
    node.exit(pid, Reason::Kill);
    node.down(pid).await;
}

/// A table goes with its owner, before anybody is told of that.
#[foundation::test]
async fn a_table_goes_with_its_owner(node: Node) {
    for _ in 0..3 {
        let owner = owner(&node);
        let named = || {
            Table::<u32, u32>::set(&node)
                .name("t")
                .owner(owner)
                .access(Access::Public)
        };
        let table = named().create().expect("the name is free at once");
        assert_eq!(
            named().create().map(drop),
            Err(TableError::NameTaken("t".into()))
        );
        assert_eq!(table.insert(1, 10), Ok(None));
        let same = Table::<u32, u32>::find(&node, "t").expect("it has the name");
        assert_eq!(same.get(&1), Ok(Some(Arc::new(10))));
        end(&node, owner).await;
        assert_eq!(table.get(&1), Err(TableError::Gone));
        assert_eq!(same.insert(1, 2), Err(TableError::Gone));
        assert_eq!(table.len(), Err(TableError::Gone));
        let found = Table::<u32, u32>::find(&node, "t");
        assert!(
            matches!(found, Err(TableError::Gone | TableError::NoName(_)))
                || found.is_ok_and(|t| t.len() == Err(TableError::Gone))
        );
    }
}

/// An heir gets the table and is told; a dead one is none.
#[foundation::test]
async fn an_heir_gets_the_table(w: World) {
    let node = w.node();
    let (reply, heard) = foundation::promise(&node);
    let heir = node.spawn_fn(move |mut me: Process<Word>| async move {
        let Mail::Info(info) = me.recv().await else {
            panic!("a transfer comes first")
        };
        let transfer = info.take::<TableTransfer>().expect("it is one");
        assert!(
            transfer
                .table::<u32, String, foundation::table::Set>()
                .is_none()
        );
        let table: Table<u32, u32> = transfer.table().expect("of these types");
        // It is the heir's own now: only it may write.
        assert_eq!(table.insert(2, 20), Ok(None));
        reply.send((transfer.from, transfer.data.clone(), table));
        std::future::pending::<()>().await;
    });
    let heir = heir.expect("spawned");
    let first = owner(&node);
    let left = Table::<u32, u32>::set(&node)
        .owner(first)
        .heir(&heir, Term::atom("yours"))
        .name("left")
        .create()
        .expect("the owner lives");
    assert_eq!(left.info().expect("there").heir, Some(heir.pid()));
    end(&node, first).await;
    let (from, data, table) = heard.await.expect("it is told");
    assert_eq!((from, data), (first, Term::atom("yours")));
    assert_eq!(left.get(&2), Ok(Some(Arc::new(20))));
    let info = table.info().expect("there");
    assert_eq!((info.owner, info.heir, info.len), (heir.pid(), None, 1));
    assert_eq!(table.insert(3, 3), Err(TableError::Denied(heir.pid())));
    end(&node, heir.pid()).await;
    assert_eq!(table.len(), Err(TableError::Gone));
    // An heir that is dead is none.
    let (owner, gone) = (owner(&node), owner(&node));
    end(&node, gone).await;
    let table = Table::<u32, u32>::set(&node)
        .owner(owner)
        .heir(gone, Term::atom("x"));
    let table = table.create().expect("the owner lives");
    end(&node, owner).await;
    assert_eq!(table.len(), Err(TableError::Gone));
}

/// Who may do what is the table's, and whose it is.
#[foundation::test]
async fn access_is_kept(w: World) {
    let node = w.node();
    inside(&node, |me| async move {
        let node = me.node();
        for (access, reads, writes) in [
            (Access::Public, true, true),
            (Access::Protected, true, false),
            (Access::Private, false, false),
        ] {
            let table = Table::<u32, u32>::set(&node)
                .access(access)
                .create()
                .expect("mine");
            assert_eq!(table.insert(1, 1), Ok(None));
            let other = table.clone();
            let (own, stranger) = (me.pid(), node.clone());
            let seen = Task::spawn_nolink(&stranger, async move {
                (other.get(&1), other.insert(1, 2), other.delete())
            });
            let (read, wrote, deleted) = seen.expect("spawned").await.expect("done");
            let denied = TableError::Denied(own);
            assert_eq!(read.is_ok(), reads, "{access:?}");
            assert_eq!(wrote.is_ok(), writes, "{access:?}");
            assert_eq!(deleted, Err(denied), "{access:?}");
            assert_eq!(table.delete(), Ok(()));
            assert_eq!(table.get(&1), Err(TableError::Gone));
        }
    })
    .await;
    let nobody = Table::<u32, u32>::set(&node).create();
    assert_eq!(nobody.map(drop), Err(TableError::NoOwner));
    let dead = owner(&node);
    end(&node, dead).await;
    let of_dead = Table::<u32, u32>::set(&node).name("n").owner(dead).create();
    assert_eq!(of_dead.map(drop), Err(TableError::NoProc));
    let away = w.start("away");
    let there = owner(&away);
    let of_there = Table::<u32, u32>::set(&node)
        .name("n")
        .owner(there)
        .create();
    assert_eq!(of_there.map(drop), Err(TableError::OtherNode));
    let own = owner(&node);
    let named = Table::<u32, u32>::set(&node).name("n").owner(own).create();
    assert!(
        named.is_ok(),
        "a table that was not made leaves its name free"
    );
    let other = Table::<u32, String>::find(&node, "n");
    assert_eq!(other.map(drop), Err(TableError::OtherType("n".into())));
    let none = Table::<u32, u32>::find(&node, "none");
    assert_eq!(none.map(drop), Err(TableError::NoName("none".into())));
}

/// Given away, a table is another's, with the news, and no longer goes with the giver.
#[foundation::test]
async fn a_table_is_given_away(w: World) {
    let node = w.node();
    let taker = owner(&node);
    let to = taker;
    let given = inside(&node, move |me| async move {
        let node = me.node();
        let table = Table::<u32, u32>::set(&node).create().expect("mine");
        table.insert(1, 1).expect("mine");
        table.give_away(to, Term::atom("take")).expect("it lives");
        assert_eq!(table.insert(1, 2), Err(TableError::Denied(to)));
        assert_eq!(
            table.give_away(me.pid(), Term::atom("x")),
            Err(TableError::Denied(to))
        );
        table
    })
    .await;
    // The giver has ended by now.
    assert_eq!(given.get(&1), Ok(Some(Arc::new(1))));
    let info = node
        .info(taker, LONG)
        .await
        .expect("answers")
        .expect("alive");
    assert_eq!(info.message_queue_len, 1, "it is told");
    end(&node, taker).await;
    assert_eq!(given.len(), Err(TableError::Gone));
}

/// One value a key, changed as a whole.
#[foundation::test]
async fn a_set_has_one_value_a_key(node: Node) {
    let table = public(&node, owner(&node));
    assert_eq!(table.insert(1, 10), Ok(None));
    assert_eq!(table.insert(1, 11), Ok(Some(Arc::new(10))));
    assert_eq!(table.insert_new(1, 12), Ok(false));
    assert_eq!(table.insert_new(2, 20), Ok(true));
    assert_eq!(table.update(&1, |n| n + 1), Ok(Some(Arc::new(12))));
    assert_eq!(table.update(&9, |n| n + 1), Ok(None));
    assert_eq!(table.upsert(9, || 90, |n| n + 1), Ok(Arc::new(90)));
    assert_eq!(table.upsert(9, || 0, |n| n + 1), Ok(Arc::new(91)));
    assert_eq!((table.len(), table.contains(&2)), (Ok(3), Ok(true)));
    assert_eq!(table.take(&2), Ok(Some(Arc::new(20))));
    assert_eq!(table.take(&2), Ok(None));
    let panics = std::panic::AssertUnwindSafe(|| table.update(&1, |_| panic!("half way")));
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(table.get(&1), Ok(Some(Arc::new(12))), "nothing was changed");
    let chosen = table.select(|key, value| (**value > 50).then_some(*key));
    assert_eq!(chosen, Ok(vec![9]));
    assert_eq!(table.retain(|key, _| *key == 1), Ok(1));
    assert_eq!(table.to_vec(), Ok(vec![(1, Arc::new(12))]));
    assert_eq!((table.clear(), table.is_empty()), (Ok(1), Ok(true)));
    let small = Table::<u32, u32>::set(&node).limit(1).owner(owner(&node));
    let small = small.access(Access::Public).create().expect("made");
    assert_eq!(small.insert(1, 1), Ok(None));
    assert_eq!(small.insert(2, 2), Err(TableError::Full(1)));
    assert_eq!(
        small.insert(1, 3),
        Ok(Some(Arc::new(1))),
        "what is there may change"
    );
}

/// Nobody's change is lost, whoever else changes the same.
#[foundation::test]
async fn changes_are_not_lost(node: Node) {
    let table = public(&node, owner(&node));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let table = table.clone();
        let work = async move {
            for n in 0..200 {
                table.upsert(n % 3, || 1, |sum| sum + 1).expect("there");
                foundation::time::yield_now().await;
            }
        };
        tasks.push(Task::spawn_nolink(&node, work).expect("spawned"));
    }
    for task in tasks {
        task.await.expect("done");
    }
    let sum: u32 = table
        .to_vec()
        .expect("there")
        .iter()
        .map(|(_, n)| **n)
        .sum();
    assert_eq!(sum, 8 * 200);
}

/// An ordered set is walked in the order of its keys.
#[foundation::test]
async fn an_ordered_set_has_an_order(node: Node) {
    let table = Table::<u32, char, OrderedSet>::ordered_set(&node);
    let table = table
        .owner(owner(&node))
        .access(Access::Public)
        .create()
        .expect("made");
    assert_eq!((table.first(), table.last()), (Ok(None), Ok(None)));
    for (key, value) in [(5, 'e'), (1, 'a'), (9, 'i'), (3, 'c')] {
        table.insert(key, value).expect("there is room");
    }
    let one = |key, value| Ok(Some((key, Arc::new(value))));
    assert_eq!((table.first(), table.last()), (one(1, 'a'), one(9, 'i')));
    assert_eq!((table.next(&3), table.next(&4)), (one(5, 'e'), one(5, 'e')));
    assert_eq!((table.prev(&3), table.prev(&1)), (one(1, 'a'), Ok(None)));
    assert_eq!(table.next(&9), Ok(None));
    let keys = |found: Result<Vec<(u32, Arc<char>)>, TableError>| {
        found
            .expect("there")
            .into_iter()
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(table.range(2..9, 10)), [3, 5]);
    assert_eq!(keys(table.range(.., 2)), [1, 3]);
    let (start, close) = (9, 2);
    assert_eq!(keys(table.range(start..close, 10)), [0; 0]);
    assert_eq!(keys(table.range(5..5, 10)), [0; 0]);
    assert_eq!(keys(table.to_vec()), [1, 3, 5, 9]);
}

/// A bag has a value once, a duplicate bag as often as it was added.
#[foundation::test]
async fn bags_have_several_values(node: Node) {
    let bag = Table::<u8, u32, Bag>::bag(&node)
        .owner(owner(&node))
        .access(Access::Public);
    let bag = bag.create().expect("made");
    let twice = Table::<u8, u32, DuplicateBag>::duplicate_bag(&node).owner(owner(&node));
    let twice = twice.access(Access::Public).create().expect("made");
    for (value, adds) in [(1, true), (2, true), (1, false)] {
        assert_eq!(bag.add(7, value), Ok(adds));
        assert_eq!(twice.add(7, value), Ok(true));
    }
    let values = |found: Result<Vec<Arc<u32>>, TableError>| {
        found
            .expect("there")
            .iter()
            .map(|value| **value)
            .collect::<Vec<_>>()
    };
    assert_eq!(values(bag.get_all(&7)), [1, 2]);
    assert_eq!(values(twice.get_all(&7)), [1, 2, 1]);
    assert_eq!((bag.len(), twice.len()), (Ok(2), Ok(3)));
    assert_eq!(values(twice.take_all(&7)), [1, 2, 1]);
    assert_eq!((twice.len(), values(twice.get_all(&7))), (Ok(0), vec![]));
}
