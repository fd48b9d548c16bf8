//! Does a membership of 100 keep its promises?
//!
//! Role       The figures of the book at a size that a test can afford: the bench `membership` has
//!            them for 1,000.
//!
//! Seen to fail, each with one line of the machine changed: a suspicion that ends declares nobody; a
//! comparison that finds a difference sends nothing; who is heard to be down is believed to be down;
//! who is suspected and refutes it is put among those to be probed once more.

use std::time::Duration;

use foundation_cluster::Tick;
use foundation_cluster::membership::{Address, Config, Effect, Event, Input, Membership, Name};
use foundation_cluster::model::{Network, Stutter};

const HOSTS: usize = 100;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All start at once and know one.
fn network(seed: u64, config: &Config) -> Network<Membership> {
    let mut network = Network::new(seed, 997);
    let address = |host: usize| Address::new(&format!("h{host}")).unwrap();
    for host in 0..HOSTS {
        let name = Name::new(&format!("m{host}")).unwrap();
        let seed = seed << 16 | host as u64;
        let machine = Membership::new(config.clone(), name, 1, address(host), seed).unwrap();
        network.add(address(host).as_str(), machine);
    }
    (0..HOSTS).for_each(|host| network.input(host, Input::Join(vec![address(0)])));
    network
}

fn run(network: &mut Network<Membership>, span: Duration) {
    let end = network.now() + span;
    network.run_until(end);
}

fn complete(network: &Network<Membership>) -> bool {
    let running = (0..HOSTS).filter_map(|host| network.machine(host));
    let others = running.clone().count() - 1;
    running
        .into_iter()
        .all(|machine| machine.live_count() == others)
}

/// How often a host was taken for failed, by any other.
fn failures(network: &mut Network<Membership>) -> Vec<(Tick, usize, String)> {
    let told = network.told().into_iter();
    told.filter_map(|(at, host, effect)| match effect {
        Effect::Tell(Event::Failed(record)) => Some((at, host, record.name.to_string())),
        _ => None,
    })
    .collect()
}

fn join_crash_and_merge(loss: f64) {
    let mut network = network(1, &Config::default());
    network.links.loss = loss;
    run(&mut network, secs(5));
    assert!(complete(&network), "views are not complete after 5 s");
    run(&mut network, secs(25));
    assert_eq!(failures(&mut network), []);

    let crashed = network.now();
    network.crash(7);
    run(&mut network, secs(10));
    let failed = failures(&mut network);
    assert_eq!(failed.len(), HOSTS - 1, "{failed:?}");
    assert!(failed.iter().all(|(_, _, name)| name == "m7"), "{failed:?}");
    let first = failed[0].0.since(crashed);
    assert!(
        first > secs(2),
        "who is suspected has no time to object: {first:?}"
    );

    (0..HOSTS / 2).for_each(|host| network.links.set_side(host, 1));
    run(&mut network, secs(90));
    failures(&mut network);
    network.links.heal();
    run(&mut network, secs(5));
    assert!(complete(&network), "halves are not one after 5 s");
    run(&mut network, secs(30));
    assert_eq!(failures(&mut network), [], "halves believed each other");
}

#[test]
fn joins_sees_a_crash_and_merges() {
    join_crash_and_merge(0.0);
    join_crash_and_merge(0.02);
}

/// Two hosts hear and say nothing most of the time. Wrong failures of those that are well.
fn wrong(config: &Config) -> usize {
    let mut network = network(2, config);
    run(&mut network, secs(30));
    failures(&mut network);
    for host in [HOSTS - 2, HOSTS - 1] {
        let stutter = Stutter {
            blocked: secs(8),
            open: Duration::from_millis(500),
            timers: false,
        };
        network
            .links
            .set_stutter(host, Some(stutter), Duration::ZERO);
    }
    run(&mut network, secs(120));
    let failed = failures(&mut network);
    let slow = [format!("m{}", HOSTS - 2), format!("m{}", HOSTS - 1)];
    failed
        .iter()
        .filter(|(_, _, name)| !slow.contains(name))
        .count()
}

#[test]
fn lifeguard_stops_the_slow_from_accusing() {
    let config = Config::default();
    assert_eq!(wrong(&config), 0);
    let plain = wrong(&config.without_lifeguard());
    assert!(plain > 100, "without it there are only {plain}");
}

/// Where many are suspected for a moment, the others are not probed less.
#[test]
fn a_crash_is_seen_soon_when_datagrams_are_lost() {
    let mut network = network(3, &Config::default());
    network.links.loss = 0.2;
    run(&mut network, secs(90));
    for victim in [20, 40, 60, 80] {
        network.told();
        network.crash(victim);
        run(&mut network, secs(4));
        let name = format!("m{victim}");
        let suspects = network
            .told()
            .into_iter()
            .any(|(_, _, effect)| match effect {
                Effect::Tell(Event::Suspected(record)) => record.name.as_str() == name,
                _ => false,
            });
        assert!(suspects, "nobody suspects {name} after 4 s");
        run(&mut network, secs(11));
        assert!(
            complete(&network),
            "{name} is not known to be gone after 15 s"
        );
    }
}

/// Hosts that are slow come and go all the time: the others are probed all the same.
#[test]
fn a_crash_is_seen_where_many_are_slow() {
    let mut network = network(4, &Config::default());
    run(&mut network, secs(30));
    for host in HOSTS - 16..HOSTS {
        let stutter = Stutter {
            blocked: secs(8),
            open: Duration::from_millis(500),
            timers: false,
        };
        let offset = Duration::from_millis(500 * host as u64);
        network.links.set_stutter(host, Some(stutter), offset);
    }
    run(&mut network, secs(240));
    for victim in [20, 40, 60] {
        network.told();
        network.crash(victim);
        run(&mut network, secs(15));
        let name = format!("m{victim}");
        let failed = failures(&mut network);
        let well = failed.iter().filter(|(_, host, _)| *host < HOSTS - 16);
        let knows = well.filter(|(.., failed)| *failed == name).count();
        assert!(knows > HOSTS / 2, "{knows} know of {name} after 15 s");
    }
}
