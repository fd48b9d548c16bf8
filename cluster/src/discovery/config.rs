//! How often does a node look for others?
//!
//! Role       Times and limits of its finders, with their defaults, checked once. Errors name the
//!            value as the configuration file does.

use std::fmt;
use std::time::Duration;

/// Times and limits of a node's finders.
///
/// ```
/// use foundation_cluster::discovery::{BadDiscovery, DiscoveryConfig};
/// use std::time::Duration;
/// let config = DiscoveryConfig { retry: Duration::ZERO, ..DiscoveryConfig::default() };
/// assert_eq!(config.check(), Err(BadDiscovery::Zero("retry")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryConfig {
    /// How long an answer is good at least, however short its time to live. 5 s unless set.
    pub ttl_min: Duration,
    /// How long an answer is good at most, however long its time to live. 60 s unless set.
    pub ttl_max: Duration,
    /// How long after a question that found nobody the next one comes, at first; it doubles.
    /// 500 ms unless set.
    pub retry: Duration,
    /// The longest time between two questions that find nobody. 30 s unless set.
    pub retry_max: Duration,
    /// How long a question may take. 5 s unless set.
    pub bound: Duration,
    /// How many addresses of one answer count. 256 unless set.
    pub results_max: usize,
    /// How many addresses all finders together may yield. 1,000 unless set.
    pub candidates_max: usize,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            ttl_min: Duration::from_secs(5),
            ttl_max: Duration::from_secs(60),
            retry: Duration::from_millis(500),
            retry_max: Duration::from_secs(30),
            bound: Duration::from_secs(5),
            results_max: 256,
            candidates_max: 1000,
        }
    }
}

/// Why finders cannot be so. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadDiscovery {
    /// A time or a number is zero: its name.
    Zero(&'static str),
    /// The first of these is longer than the second.
    Order(&'static str, &'static str),
    /// No name that DNS could know: which, and where it stands.
    Name(&'static str, Box<str>),
    /// The port of these hosts is 0.
    NoPort(Box<str>),
    /// No address for multicast in IPv4: what was said.
    Group(Box<str>),
    /// Without TLS nothing leaves this machine, and this interface leads away from it.
    Interface(Box<str>),
    /// More finders than [`FINDERS_MAX`].
    TooMany(usize),
    /// The network of a world has names, but no multicast.
    NotSimulated,
}

/// The most finders of one node.
pub const FINDERS_MAX: usize = 32;

impl fmt::Display for BadDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(name) => write!(f, "`discovery.{name}` is 0"),
            Self::Order(less, more) => {
                write!(f, "`discovery.{less}` is longer than `discovery.{more}`")
            }
            Self::Name(key, name) => write!(
                f,
                "`discovery.{key}`: `{name}` is no name that DNS could know: labels of at most 63 \
                 letters, digits, `-` and `_`, with dots between, 253 bytes in all"
            ),
            Self::NoPort(name) => write!(
                f,
                "`discovery.hosts`: the port of `{name}` is 0; it takes the one that the nodes \
                 listen at"
            ),
            Self::Group(group) => write!(
                f,
                "`discovery.multicast.group`: `{group}` is no address for multicast: 224.0.0.0 to \
                 239.255.255.255"
            ),
            Self::Interface(interface) => write!(
                f,
                "`discovery.multicast.interface`: `{interface}` leads away from this machine, and \
                 nodes on several machines speak over TLS only"
            ),
            Self::TooMany(many) => {
                write!(f, "`discovery` has {many} finders: {FINDERS_MAX} may be")
            }
            Self::NotSimulated => f.write_str("the network of a world has no multicast"),
        }
    }
}

impl std::error::Error for BadDiscovery {}

impl DiscoveryConfig {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadDiscovery`] names the first value that does not.
    pub fn check(&self) -> Result<(), BadDiscovery> {
        let zero = [
            ("ttl_min", self.ttl_min.is_zero()),
            ("retry", self.retry.is_zero()),
            ("bound", self.bound.is_zero()),
            ("results_max", self.results_max == 0),
            ("candidates_max", self.candidates_max == 0),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, zero)| *zero) {
            return Err(BadDiscovery::Zero(name));
        }
        if self.ttl_max < self.ttl_min {
            return Err(BadDiscovery::Order("ttl_min", "ttl_max"));
        }
        match self.retry_max < self.retry {
            true => Err(BadDiscovery::Order("retry", "retry_max")),
            false => Ok(()),
        }
    }
}
