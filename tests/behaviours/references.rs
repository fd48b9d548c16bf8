//! Does a reference work wherever it is sent?
//!
//! Source     otp: a pid in a message is a pid everywhere; here references carry their node

use foundation::prelude::*;
use foundation::{ProcessRef, promise};

use crate::support::{LONG, inside};

struct Shop {
    stock: u32,
}

#[actor]
impl Shop {
    #[call]
    fn stock(&self) -> u32 {
        self.stock
    }
}

const SHOP: Name<Shop> = Name::new("shop");

/// Knows shops of any node.
#[derive(Default)]
struct Directory {
    shops: Vec<Ref<Shop>>,
    told: Vec<ProcessRef<Answer>>,
}

const DIRECTORY: Name<Directory> = Name::new("directory");

#[derive(Debug, Message, PartialEq, serde::Serialize, serde::Deserialize)]
struct Answer(u32);

#[actor]
impl Directory {
    #[call]
    fn enter(&mut self, shop: Ref<Shop>) -> usize {
        self.shops.push(shop);
        self.shops.len()
    }

    #[call]
    fn all(&self) -> Vec<Ref<Shop>> {
        self.shops.clone()
    }

    /// Asks the shops, wherever they are.
    #[call]
    async fn total(&mut self) -> Result<u32, String> {
        let mut total = 0;
        for shop in &self.shops {
            total += shop.stock().await.map_err(|error| error.to_string())?;
        }
        for process in self.told.drain(..) {
            process
                .send(Answer(total))
                .map_err(|error| error.to_string())?;
        }
        Ok(total)
    }

    #[cast]
    fn tell(&mut self, process: ProcessRef<Answer>) {
        self.told.push(process);
    }
}

/// A reference is an argument, is kept, is used and is returned: on the node it came from and on
/// another.
#[foundation::test]
async fn a_reference_leads_from_where_it_is_read(w: World) {
    let (a, b) = (w.start("a"), w.start("b"));
    let _wire = w.connect(&a, &b);
    let mine = a.spawn(Shop { stock: 3 }).expect("spawned");
    a.register(SHOP.as_str(), &mine).expect("free");
    let theirs = b.spawn(Shop { stock: 4 }).expect("spawned");
    let directory = b.spawn(Directory::default()).expect("spawned");
    b.register(DIRECTORY.as_str(), &directory).expect("free");

    let directory = a.remote("b").at(DIRECTORY);
    assert_eq!(directory.enter(mine.clone()).await, Ok(1));
    assert_eq!(directory.enter(a.at(SHOP)).await, Ok(2));
    assert_eq!(directory.enter(theirs).await, Ok(3));

    let (reply, answer) = promise(&a);
    let listen = move |mut me: Process<Answer>| async move {
        if let Mail::Msg(Answer(total)) = me.recv().await {
            reply.send(total);
        }
    };
    let listener = a.spawn_fn(listen).expect("spawned");
    directory.tell(listener).expect("it can travel");
    assert_eq!(directory.total().await, Ok(Ok(3 + 3 + 4)));
    assert_eq!(answer.timeout(LONG).await, Ok(10));

    // Read by a process, and by whoever runs this.
    let (node, here) = (a.clone(), directory.clone());
    let read = inside(&a, move |_| async move { here.all().await }).await;
    for back in [read, directory.all().await] {
        let back = back.expect("answered");
        assert_eq!((&back[0], &back[1]), (&mine, &a.at(SHOP)));
        for (shop, stock) in back.iter().zip([3, 3, 4]) {
            assert_eq!(
                shop.node().id(),
                node.id(),
                "it leads from where it was read"
            );
            assert_eq!(shop.stock().await, Ok(stock));
        }
    }
}

/// Bytes do not say from which node they are to be used; where nothing else does, they are refused.
#[test]
fn outside_of_a_node_a_reference_is_refused() {
    let node = Node::builder().workers(1).start().expect("started");
    let shop = node.spawn(Shop { stock: 5 }).expect("spawned");
    let bytes = serde_json::to_string(&shop).expect("anybody may write it");
    let error = serde_json::from_str::<Ref<Shop>>(&bytes).expect_err("there is no node");
    assert!(
        error.to_string().contains("within `Node::enter`"),
        "{error}"
    );
    assert!(Node::current().is_none());
    let read = node.enter(|| {
        assert!(Node::current().is_some_and(|current| current.id() == node.id()));
        serde_json::from_str::<Ref<Shop>>(&bytes)
    });
    assert_eq!(read.expect("read"), shop);
    assert!(Node::current().is_none());
    node.shutdown_blocking(secs(5)).expect("stopped");
}
