//! Does the runtime run at all, on both platforms?

use std::time::Duration;

use foundation_runtime::{
    Codec, Mail, Message, Node, Process, Reason, SpawnOptions, Tag, TestOptions, World, test_real,
    test_simulated,
};

enum Msg {
    Ping(u32, foundation_runtime::ProcessRef<Msg>),
    Pong(u32),
    Boom,
}

impl Message for Msg {
    const NAME: &'static str = "Msg";
    const CODEC: Codec<Self> = Codec::local();
    fn tag() -> Tag {
        Tag::of("smoke", "Msg", "")
    }
}

async fn echo(mut me: Process<Msg>) {
    loop {
        match me.recv().await {
            Mail::Msg(Msg::Ping(n, from)) => from.send(Msg::Pong(n)).expect("local"),
            Mail::Msg(Msg::Boom) => panic!("boom"),
            other => panic!("unexpected {:?}", std::mem::discriminant(&other)),
        }
    }
}

fn ping(world: World) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let node: Node = world.node();
        let server = node.spawn_fn(echo).expect("spawned");
        let target = server.clone();
        let client = node
            .spawn_fn(move |mut me: Process<Msg>| async move {
                for n in 0..1000 {
                    target.send(Msg::Ping(n, me.address())).expect("local");
                    let got = me
                        .receive(|mail| match mail {
                            Mail::Msg(Msg::Pong(m)) => Ok(m),
                            other => Err(other),
                        })
                        .timeout(Duration::from_secs(5))
                        .await;
                    assert_eq!(got, Ok(n));
                }
                me.trap_exit(true);
                me.link(&target).expect("alive");
                target.send(Msg::Boom).expect("local");
                match me.recv().await {
                    Mail::Exit(exit) => assert!(matches!(exit.reason, Reason::Crash(_))),
                    _ => panic!("not an exit"),
                }
            })
            .expect("spawned");
        let down = node.down(&client).await;
        assert_eq!(down.reason, Reason::Normal);
        let opts = SpawnOptions::new().name("sleeper");
        let (sleeper, _) = node
            .spawn_fn_with(&opts, |me: Process<Msg>| async move {
                me.node().sleep(Duration::from_millis(20)).await;
            })
            .expect("spawned");
        assert_eq!(node.whereis("sleeper"), Some(sleeper.pid()));
        assert!(matches!(
            node.down(&sleeper).await.reason,
            Reason::Normal | Reason::NoProc
        ));
        assert_eq!(node.whereis("sleeper"), None);
    })
}

#[test]
fn real() {
    test_real("smoke::real", TestOptions::default(), ping);
}

#[test]
fn simulated() {
    test_simulated("smoke::simulated", TestOptions::default(), ping);
}
