//! Does an operator get to know of a cluster what is so?
//!
//! Role       Questions to the desk of a node, in simulated worlds: all is well, a node is silent, a
//!            node leaves, a node is evicted, and who may only look.

mod common;

use std::time::Duration;

use foundation_actors::{Name, NodeExt, Operable, Operation};
use foundation_cluster::desk::{self, Acted, Answer, Question, topology};
use foundation_cluster::{NodeClusterExt, mesh::Loss};
use foundation_cluster::{NodeEvent, WorldClusterExt};
use foundation_runtime::{Mail, Node, Process};

use common::simulate;

const MINUTE: Duration = Duration::from_secs(60);

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn ask(node: &Node, question: Question, may_change: bool) -> Result<Answer, String> {
    let question = rmp_serde::to_vec_named(&question).expect("it has a form");
    let desk = node.at(Name::<dyn Operable>::new(desk::PART));
    let operation = Operation {
        question,
        may_change,
    };
    let answer = desk.operate(operation).timeout(MINUTE).await;
    let answer = answer.expect("there is a desk")?;
    Ok(rmp_serde::from_slice(&answer).expect("it is an answer"))
}

async fn app(_: &Node) {}

#[test]
fn a_whole_mesh_is_shown_whole() {
    simulate(10, |world| async move {
        let [a, _b, c] = world.nodes(["a", "b", "c"], app).await;
        let Ok(Answer::Topology(topology)) = ask(&c, Question::Topology(secs(5)), false).await
        else {
            panic!("another answer")
        };
        let shown: Vec<String> = topology
            .nodes
            .iter()
            .map(|node| format!("{} {} {}", node.name, node.answered, node.peers.join(",")))
            .collect();
        assert_eq!(shown, ["a true b,c", "b true a,c", "c true a,b"]);
        assert_eq!((topology.missing, topology.one_sided.len()), (0, 0));

        let Ok(Answer::Status(status)) = ask(&a, Question::Status, false).await else {
            panic!("another answer")
        };
        assert_eq!((&*status.node, status.connected), ("a", 2));
        assert!(status.dialled.is_empty(), "{:?}", status.dialled);
        let Ok(Answer::Members(members)) = ask(&a, Question::Members, false).await else {
            panic!("another answer")
        };
        let members: Vec<String> = members
            .iter()
            .map(|member| format!("{} {} {}", member.name, member.status, member.address))
            .collect();
        assert_eq!(members, ["a here a:7000", "b up b:7000", "c up c:7000"]);
        let Ok(Answer::Pinged(pongs)) = ask(&a, Question::Ping(None, secs(5)), false).await else {
            panic!("another answer")
        };
        assert!(
            pongs.iter().all(|pong| pong.round_trip.is_ok()),
            "{pongs:?}"
        );
        assert_eq!(pongs.len(), 2);
        let Ok(Answer::Channels(rows)) = ask(&a, Question::Channels, false).await else {
            panic!("another answer")
        };
        assert!(rows.iter().all(|row| row.sent_frames > 0), "{rows:?}");
    });
}

#[test]
fn who_does_not_answer_is_said_so_within_the_bound() {
    simulate(10, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], app).await;
        world.partition(&a, &b);
        let begun = a.now();
        let shown = topology(&a, secs(1)).await.expect("it has a cluster");
        assert!(a.now() - begun < secs(2), "it was bounded");
        let answered = shown.nodes.iter().map(|node| (&*node.name, node.answered));
        let answered: Vec<_> = answered.collect();
        assert_eq!(answered, [("a", true), ("b", false), ("c", true)]);
        let pinged = ask(&a, Question::Ping(Some("b".into()), secs(1)), false).await;
        let Ok(Answer::Pinged(pongs)) = pinged else {
            panic!("{pinged:?}")
        };
        assert!(pongs[0].round_trip.is_err(), "{pongs:?}");
        // When the loss is noticed, the hole is seen from elsewhere.
        let hole = async || {
            let shown = topology(&c, secs(1)).await.expect("it has a cluster");
            shown.missing == 1 && shown.one_sided.is_empty()
        };
        world.eventually(MINUTE, hole).await;
    });
}

#[test]
fn leaving_and_evicting_are_done_and_told() {
    simulate(10, |world| async move {
        let [a, b, c] = world.nodes(["a", "b", "c"], app).await;
        let (told, hears) = foundation_runtime::promise(&b);
        let watcher = b
            .spawn_fn(async move |mut me: Process<NodeEvent>| {
                let mut seen = Vec::new();
                while let Mail::Msg(event) = me.recv().await {
                    seen.push(event);
                    if seen.last() == Some(&NodeEvent::Leaving) {
                        break;
                    }
                }
                told.send(seen);
            })
            .expect("there is room");
        b.cluster().watch(&watcher).await.expect("there is room");

        let refused = ask(&c, Question::Leave(secs(5)), false).await;
        assert_eq!(refused, Err("this node may only be looked at".to_owned()));
        let evicted = ask(&a, Question::Evict("c".into()), true).await;
        let name = "c".to_owned();
        assert_eq!(evicted, Ok(Answer::Done(Acted::Evicted { name })));
        let gone = async || b.peer("c").is_none();
        world.eventually(MINUTE, gone).await;
        let nobody = ask(&a, Question::Evict("z".into()), true).await;
        assert_eq!(nobody, Err("no node `z` is connected".to_owned()));

        let left = ask(&b, Question::Leave(secs(5)), true).await;
        assert_eq!(left, Ok(Answer::Done(Acted::Left { untold: 0 })));
        let gone = async || a.peer("b").is_none();
        world.eventually(secs(1), gone).await;
        let seen = hears.await.expect("it ended");
        // It may hear of it first, and close the connection itself.
        let evicted = [Loss::Evicted, Loss::Closed].map(|loss| NodeEvent::Down("c".into(), loss));
        assert!(seen.iter().any(|event| evicted.contains(event)), "{seen:?}");
        assert_eq!(seen.last(), Some(&NodeEvent::Leaving));
    });
}

#[test]
fn what_is_no_question_is_an_error_in_words() {
    simulate(10, |world| async move {
        let [a] = world.nodes(["a"], app).await;
        let desk = a.at(Name::<dyn Operable>::new(desk::PART));
        for bytes in [&b""[..], b"\xff\xff\xff", b"\x81\xa5Other\x01"] {
            let operation = Operation {
                question: bytes.to_vec(),
                may_change: true,
            };
            let answer = desk.operate(operation).await.expect("it goes on");
            let error = answer.expect_err("it is no question");
            assert!(error.starts_with("no question to a cluster: "), "{error}");
        }
    });
}
