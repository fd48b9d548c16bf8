//! What does a member refuse?
//!
//! Role       Inputs that have no effect and say why, and configurations that cannot be.

use std::time::Duration;

use foundation_cluster::membership::{
    Address, Config, ConfigError, DecodeError, Effect, Input, METADATA_MAX, Membership, Name,
    Refusal,
};
use foundation_cluster::{Effects, Machine, Tick};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::new(text).unwrap()
}

fn step(machine: &mut Membership, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    machine.step(Tick::ZERO, input, &mut effects);
    machine.check();
    effects.drain().collect()
}

#[test]
fn refusals() {
    let config = Config::default();
    let mut a = Membership::new(config, name("a"), 1, address("a"), 1).unwrap();
    let refused = |refusal| vec![Effect::Refused(refusal)];
    let received = |bytes: &[u8]| Input::Received(bytes.to_vec());
    assert_eq!(step(&mut a, received(b"x")), refused(Refusal::NotRunning));
    let evict = Input::Evict(name("b"));
    assert_eq!(step(&mut a, evict.clone()), refused(Refusal::NotRunning));
    let seeds = (0..33).map(|at| address(&format!("s{at}"))).collect();
    assert_eq!(
        step(&mut a, Input::Join(seeds)),
        refused(Refusal::TooManySeeds)
    );
    step(&mut a, Input::Join(vec![]));
    let short = Refusal::Malformed(DecodeError::Short);
    assert_eq!(step(&mut a, received(b"")), refused(short));
    let version = Refusal::Malformed(DecodeError::Version(120));
    assert_eq!(step(&mut a, received(b"x")), refused(version));
    assert_eq!(step(&mut a, evict), refused(Refusal::NoMember(name("b"))));
    let long = Input::Describe(vec![0; METADATA_MAX + 1]);
    assert_eq!(step(&mut a, long), refused(Refusal::MetadataTooLong));

    let config = Config {
        cluster: 2,
        ..Config::default()
    };
    let mut stranger = Membership::new(config, name("b"), 1, address("b"), 1).unwrap();
    let effects = step(&mut stranger, Input::Join(vec![address("a")]));
    let Some(Effect::Send { bytes, .. }) = effects.first() else {
        panic!("it sends nothing: {effects:?}");
    };
    let other = Refusal::Malformed(DecodeError::Cluster(2));
    assert_eq!(step(&mut a, received(bytes)), refused(other));
}

#[test]
fn configurations() {
    let zero = Duration::ZERO;
    let with = |change: fn(&mut Config)| {
        let mut config = Config::default();
        change(&mut config);
        config.check()
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(
        with(|config| config.probe_interval = Duration::ZERO),
        Err(ConfigError::Zero("probe_interval"))
    );
    assert_eq!(
        with(|config| config.members_max = 0),
        Err(ConfigError::Zero("members_max"))
    );
    assert_eq!(
        with(|config| config.probe_timeout = config.probe_interval),
        Err(ConfigError::ProbeTimeout)
    );
    assert_eq!(
        with(|config| config.exchange_interval_max = Duration::from_millis(1)),
        Err(ConfigError::Exchange)
    );
    assert_eq!(
        with(|config| config.confirmations = 8),
        Err(ConfigError::Confirmations)
    );
    let config = Config {
        remember: zero,
        ..Config::default()
    };
    let made = Membership::new(config, name("a"), 1, address("a"), 1);
    assert_eq!(made.err(), Some(ConfigError::Zero("remember")));
}
