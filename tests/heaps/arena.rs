//! What does an arena mean for the process that fills it?

use foundation::heap::Arena;
use foundation::prelude::*;

const LIMIT: usize = 200_000;

struct Sessions {
    texts: Arena,
}

#[foundation::actor]
impl Sessions {
    #[cast(local)]
    fn fill(&mut self, texts: usize) {
        for text in 0..texts {
            self.texts.insert(&*format!("{text:0>1000}"));
        }
    }

    #[call(local)]
    fn memory(&self) -> u64 {
        let me = foundation::me().expect("an actor is a process");
        me.info().memory.expect("this program counts")
    }
}

async fn start(node: &Node) -> Ref<Sessions> {
    let texts = Arena::with_limit(LIMIT);
    node.start(Sessions { texts }).await.expect("it starts")
}

/// A process whose arena is full dies `killed`, in the handler that wanted more; its neighbour does
/// not notice.
#[foundation::test]
async fn a_full_arena_kills_its_process_at_once(node: Node) -> foundation::Result {
    let (sessions, neighbour) = (start(&node).await, start(&node).await);
    sessions.fill(100)?;
    let before: u64 = neighbour.memory().await?;
    let fills = async { sessions.fill(1000) };
    let (down, filled) = futures::join!(node.down(&sessions), fills);
    filled?;
    assert_eq!(down.reason, Reason::Killed);
    assert_eq!(neighbour.memory().await?, before);
    Ok(())
}

/// What an arena holds is charged to the process that filled it, chunks and all.
#[foundation::test]
async fn an_arena_is_charged_to_who_fills_it(node: Node) -> foundation::Result {
    let sessions = start(&node).await;
    let before: u64 = sessions.memory().await?;
    sessions.fill(100)?;
    let more = sessions.memory().await? - before;
    assert!((100_000..LIMIT as u64).contains(&more), "{more}");
    Ok(())
}
