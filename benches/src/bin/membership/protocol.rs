//! What is asked of a membership, whoever's it is?
//!
//! Role       The little that the scenarios need to know of a machine.

use foundation::cluster::model::{Network, Sending};

/// A membership of hosts that are called by their numbers.
pub(crate) trait Protocol: Sending + Sized {
    /// What begins it: it joins by the host 0.
    fn join() -> Self::Input;
    /// How many others it takes for members.
    fn live(&self) -> usize;
    /// Whom it takes for failed now, if that is what the effect says.
    fn failed(effect: &Self::Effect) -> Option<usize>;
    /// Whom it suspects now, if that is what the effect says and it tells at all.
    fn suspected(_: &Self::Effect) -> Option<usize> {
        None
    }
}

/// Makes the machine of a host, from a seed.
pub(crate) type Make<P> = dyn Fn(usize, u64) -> P;

pub(crate) fn address(host: usize) -> String {
    format!("10.0.{}.{}:4370", host / 250, host % 250)
}

/// A network of so many hosts that have not begun yet.
pub(crate) fn network<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>) -> Network<P> {
    let mut network = Network::new(seed, 0);
    for host in 0..nodes {
        let machine = make(host, seed.wrapping_mul(1_000_003).wrapping_add(host as u64));
        network.add(&address(host), machine);
    }
    network
}
