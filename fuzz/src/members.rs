//! Does a member bear whatever another one says?
//!
//! Role       The whole machine of the membership, which knows some members: messages of it that are cut
//!            off its input one after the other, each behind its length.

use foundation_cluster::membership::{Address, Config, Effect, Input, Membership, Name};
use foundation_cluster::{Effects, Machine, Tick};

fn member(name: &str) -> Membership {
    let (config, address) = (Config::default(), Address::new(name));
    let name = Name::new(name).expect("a name");
    Membership::new(config, name, 1, address.expect("an address"), 1).expect("it can be")
}

fn step(member: &mut Membership, input: Input) -> Vec<Effect> {
    let mut effects = Effects::new();
    member.step(Tick::ZERO, input, &mut effects);
    member.check();
    effects.drain().collect()
}

/// Whether no message was refused.
pub(crate) fn read(mut bytes: &[u8]) -> bool {
    let mut one = member("a");
    step(&mut one, Input::Join(Vec::new()));
    let mut good = true;
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (said, rest) = rest.split_at(length);
        let effects = step(&mut one, Input::Received(said.to_vec()));
        let is_refused = |effect: &Effect| matches!(effect, Effect::Refused(_));
        good &= !effects.iter().any(is_refused);
        bytes = rest;
    }
    step(&mut one, Input::Woken);
    good
}

/// What three members say when the second and the third join by the first.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut a = member("a");
    step(&mut a, Input::Join(Vec::new()));
    let mut all = Vec::new();
    for name in ["b", "c"] {
        let mut other = member(name);
        let seed = Address::new("a").expect("an address");
        for effect in step(&mut other, Input::Join(vec![seed])) {
            let (Effect::Send { bytes, .. } | Effect::Stream { bytes, .. }) = effect else {
                continue;
            };
            let length = u16::try_from(bytes.len()).expect("messages are short");
            all.extend_from_slice(&length.to_be_bytes());
            all.extend_from_slice(&bytes);
            step(&mut a, Input::Received(bytes));
        }
    }
    vec![all]
}
