//! Whom does a node dial through others, and when?
//!
//! Role       The machine by tables: what comes of a member that cannot be dialled. Processes hear of its loss
//!            once, and of its return when it is connected.
//! Sabotages  Seen red: it is tried at once; it is tried twice at the same time; it is never tried again; a full
//!            mesh does so without being told to; a node that has answered is looked for; news of the
//!            membership bring back who is lost; who has failed is dialled on; who broke off is not dialled.

use std::time::Duration;

use foundation_cluster::handshake::{Refusal, Role, Who};
use foundation_cluster::mesh::{ConnectionId, Effect, Input, Loss, Machine, MeshConfig, Relaying};
use foundation_cluster::overlay::{Epoch, Overlay, client_server};
use foundation_cluster::{Effects, Machine as _, Tick};

fn who(name: &str) -> Who {
    Who {
        name: name.into(),
        incarnation: 1,
        address: format!("{name}:1").into(),
    }
}

fn at(millis: u64) -> Tick {
    Tick::ZERO + Duration::from_millis(millis)
}

/// What it asks for that has to do with other nodes' help.
fn step(machine: &mut Machine, now: u64, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(at(now), input, &mut effects);
    machine.check();
    let is_of_it = |effect: &Effect| {
        matches!(
            effect,
            Effect::DialThrough(_) | Effect::Lose(_) | Effect::Reach(_)
        )
    };
    effects.drain().filter(is_of_it).collect()
}

/// A client that is connected to its server, and knows another client.
fn client(overlay: Overlay, relaying: Relaying) -> Machine {
    let config = MeshConfig {
        relaying,
        ..MeshConfig::default()
    };
    let epoch = Epoch::first(overlay);
    let mut machine = Machine::in_epoch(config, who("m"), epoch, 7).expect("it can be");
    let id = ConnectionId(1);
    step(&mut machine, 0, Input::Proved(id, who("s"), Role::Dialler));
    step(&mut machine, 0, Input::Up(id));
    step(&mut machine, 0, Input::Member(who("z")));
    machine
}

fn star() -> Overlay {
    Overlay::ClientServer(client_server::Config::new(["s"]))
}

/// Somebody has something to say to it, and a dial comes to this.
fn fails(machine: &mut Machine, now: u64, refusal: Refusal) -> Vec<Effect> {
    step(machine, now, Input::Wanted(who("z")));
    step(machine, now, Input::Undialled("z:1".into(), refusal))
}

fn given_up() -> Vec<Effect> {
    vec![Effect::Lose(who("z"))]
}

fn through() -> Vec<Effect> {
    vec![Effect::DialThrough(who("z"))]
}

#[test]
fn who_is_silent_is_tried_through_others_and_again_later() {
    let mut machine = client(star(), Relaying::Few);
    assert_eq!(fails(&mut machine, 1000, Refusal::Deadline), through());
    assert_eq!(
        fails(&mut machine, 2000, Refusal::Deadline),
        [],
        "it is being tried"
    );
    let vain = Input::Unthrough(who("z"), Refusal::Deadline);
    assert_eq!(step(&mut machine, 6000, vain.clone()), given_up());
    assert_eq!(step(&mut machine, 6000, vain), [], "that was all");
    assert_eq!(fails(&mut machine, 9000, Refusal::Deadline), through());
}

#[test]
fn who_refuses_is_given_the_time_in_which_a_crash_is_noticed() {
    let mut machine = client(star(), Relaying::Few);
    assert_eq!(fails(&mut machine, 1000, Refusal::Closed), given_up());
    assert_eq!(fails(&mut machine, 5999, Refusal::Closed), given_up());
    assert_eq!(fails(&mut machine, 6000, Refusal::Closed), through());
    let mut machine = client(star(), Relaying::Few);
    assert_eq!(fails(&mut machine, 1000, Refusal::Closed), given_up());
    let failed = Input::Lost("z".into(), 1, Loss::Failed);
    assert_eq!(
        step(&mut machine, 2000, failed),
        [Effect::Lose(who("z"))],
        "it has crashed"
    );
    assert_eq!(fails(&mut machine, 9000, Refusal::Closed), []);
}

#[test]
fn who_answers_is_reached() {
    for refusal in [Refusal::Evicted, Refusal::Full, Refusal::Cluster] {
        let mut machine = client(star(), Relaying::Few);
        assert_eq!(fails(&mut machine, 1000, refusal), given_up());
        assert_eq!(fails(&mut machine, 60_000, refusal), given_up());
    }
}

#[test]
fn it_depends_on_the_overlay_and_on_what_was_said() {
    let rows = [
        (star(), Relaying::Never, false),
        (star(), Relaying::Few, true),
        (Overlay::FullMesh, Relaying::Never, false),
        (Overlay::FullMesh, Relaying::Few, false),
        (Overlay::FullMesh, Relaying::Always, true),
    ];
    for (overlay, relaying, expected) in rows {
        let text = format!("{overlay}, {relaying:?}");
        let mut machine = client(overlay, relaying);
        let effects = fails(&mut machine, 1000, Refusal::Deadline);
        assert_eq!(effects == through(), expected, "{text}: {effects:?}");
    }
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let mut machine = client(star(), Relaying::Few);
    step(
        &mut machine,
        500,
        Input::Down(ConnectionId(1), Loss::Closed),
    );
    assert_eq!(fails(&mut machine, 1000, Refusal::Deadline), given_up());
}

/// A step, and whether it dials that one: then it is refused.
fn dials(machine: &mut Machine, now: u64, input: Input) -> bool {
    let mut effects = Effects::new();
    machine.step(at(now), input, &mut effects);
    let dials = effects
        .drain()
        .any(|effect| effect == Effect::Dial("z:1".into()));
    if dials {
        let refused = Input::Undialled("z:1".into(), Refusal::Closed);
        assert!(!self::dials(machine, now, refused), "at once");
    }
    dials
}

#[test]
fn who_is_lost_is_dialled_ever_less_often_and_comes_back_when_it_is_connected() {
    let mut machine = client(star(), Relaying::Never);
    let (server, z) = (ConnectionId(1), ConnectionId(2));
    assert_eq!(fails(&mut machine, 1000, Refusal::Closed), given_up());
    let known = step(&mut machine, 1000, Input::Member(who("z")));
    assert_eq!(known, [], "that it is a member was known");
    let mut times = Vec::new();
    for now in (1000..60_000).step_by(100) {
        // Its server is heard, or would be lost.
        if dials(&mut machine, now, Input::Heard(server)) | dials(&mut machine, now, Input::Ticked)
        {
            times.push(now);
        }
    }
    assert!((4..=20).contains(&times.len()), "{times:?}");
    let pauses = times.windows(2).map(|two| two[1] - two[0]);
    assert!(pauses.max() <= Some(10_100), "{times:?}");
    let proved = Input::Proved(z, who("z"), Role::Dialler);
    step(&mut machine, 60_000, proved);
    step(&mut machine, 60_000, Input::Up(z));
    let next = machine.dialled().count();
    step(
        &mut machine,
        60_000,
        Input::Undialled("z:1".into(), Refusal::Simultaneous),
    );
    assert_eq!(machine.dialled().count(), next, "its address is known");
    assert!(!dials(&mut machine, 61_000, Input::Down(z, Loss::Closed)));
    let soon = (61_000..62_000).step_by(100);
    let soon = soon.filter(|now| dials(&mut machine, *now, Input::Ticked));
    assert!(soon.count() > 0, "it is lost");
    let failed = Input::Lost("z".into(), 1, Loss::Failed);
    assert!(!dials(&mut machine, 62_000, failed));
    let mut later = (62_000..80_000).step_by(100);
    let is_dialled = later.any(|now| dials(&mut machine, now, Input::Ticked));
    assert!(!is_dialled, "it is no member");
}
