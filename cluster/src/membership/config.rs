//! How does a membership behave?
//!
//! Role       Every figure of the protocol, with its default; checked once, at the start.

use std::fmt;
use std::time::Duration;

use super::record::ACCUSERS_MAX;

/// The figures of the protocol. The same on all nodes of a cluster; [`Config::default`] is for one
/// site with up to some thousand nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Messages of another cluster are refused. Default 0.
    pub cluster: u64,
    /// One member is probed so often. Default 500 ms.
    pub probe_interval: Duration,
    /// Others are asked to help when a probe is not answered in this time. Default 200 ms.
    pub probe_timeout: Duration,
    /// Is it then probed over a connection too, where nothing is lost? Default yes.
    pub probe_by_stream: bool,
    /// How many are asked. Default 3.
    pub helpers: usize,
    /// News are sent so often, if there are any. Default 200 ms.
    pub gossip_interval: Duration,
    /// To how many at once. Default 3.
    pub gossip_fanout: usize,
    /// How often one piece of news is passed on: so many times the digits of the number of members.
    /// Default 3.
    pub retransmit_factor: usize,
    /// A suspect has at least so many probe intervals times log10 of the number of members (or 1) to
    /// say that it lives. Default 3.
    pub suspicion_factor: u32,
    /// And so many times that, while nobody else confirms the suspicion. 1: the time is fixed, as in
    /// SWIM. Default 6.
    pub suspicion_max_factor: u32,
    /// So many others have to confirm for the shortest time. Default 2.
    pub confirmations: usize,
    /// A member that doubts itself probes slower: at most so many times. 1: never. Default 8.
    pub health_max: u32,
    /// Is a suspect told first of all that it is one, by whoever sends it anything? Default yes.
    pub buddy: bool,
    /// Views are compared with a random member so often after a difference was found.
    /// Default 250 ms.
    pub exchange_interval_min: Duration,
    /// And so often after none was found for some time. Default 5 s.
    pub exchange_interval_max: Duration,
    /// One member that is down, or a seed that is no member, is tried again so often. Default 1 s.
    pub reconnect_interval: Duration,
    /// Members that are gone are remembered for so long: older news of them are refused.
    /// Default 1 h.
    pub remember: Duration,
    /// Good-byes are sent for so long. Default 2 s.
    pub linger: Duration,
    /// The most members, with those that are gone and remembered. Further ones are refused, after
    /// those that are gone have been forgotten. Default 10,000.
    pub members_max: usize,
    /// The most addresses to join by. Default 32.
    pub seeds_max: usize,
    /// To whom this member speaks. Default [`Reach::All`].
    pub reach: Reach,
    /// With [`Reach::Neighbours`] somebody who is no neighbour is probed so often. Default 10 s.
    pub audit_interval: Duration,
}

/// To whom a member speaks: whom it probes, tells the news, and compares views with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// Anybody.
    #[default]
    All,
    /// Those that the overlay keeps connected, as [`Input::Linked`](super::Input::Linked) says;
    /// anybody, when there are none. Who is heard to be down hears so itself through its own.
    Neighbours,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: 0,
            probe_interval: Duration::from_millis(500),
            probe_timeout: Duration::from_millis(200),
            probe_by_stream: true,
            helpers: 3,
            gossip_interval: Duration::from_millis(200),
            gossip_fanout: 3,
            retransmit_factor: 3,
            suspicion_factor: 3,
            suspicion_max_factor: 6,
            confirmations: 2,
            health_max: 8,
            buddy: true,
            exchange_interval_min: Duration::from_millis(250),
            exchange_interval_max: Duration::from_secs(5),
            reconnect_interval: Duration::from_secs(1),
            remember: Duration::from_secs(3600),
            linger: Duration::from_secs(2),
            members_max: 10_000,
            seeds_max: 32,
            reach: Reach::All,
            audit_interval: Duration::from_secs(10),
        }
    }
}

/// Which figure cannot be. No membership was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// An interval or a timeout is zero.
    Zero(&'static str),
    /// The probe's timeout leaves others no time to help: it is more than half of the interval.
    ProbeTimeout,
    /// The greatest interval of exchanges is below the smallest.
    Exchange,
    /// More confirmations than a claim can name accusers.
    Confirmations,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(field) => write!(f, "{field} is zero"),
            Self::ProbeTimeout => f.write_str("probe_timeout is over half of probe_interval"),
            Self::Exchange => f.write_str("exchange_interval_max is below exchange_interval_min"),
            Self::Confirmations => write!(f, "over {} confirmations", ACCUSERS_MAX - 1),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// SWIM as it was published, without what Lifeguard adds: for comparison.
    ///
    /// ```
    /// use foundation_cluster::membership::Config;
    /// let plain = Config::default().without_lifeguard();
    /// assert!(plain.check().is_ok());
    /// assert_eq!(plain.health_max, 1);
    /// ```
    #[must_use]
    pub fn without_lifeguard(self) -> Self {
        Self {
            suspicion_max_factor: 1,
            confirmations: 0,
            health_max: 1,
            buddy: false,
            ..self
        }
    }

    /// Can these figures be?
    ///
    /// # Errors
    /// Names the first that cannot.
    pub fn check(&self) -> Result<(), ConfigError> {
        let times = [
            ("probe_interval", self.probe_interval),
            ("probe_timeout", self.probe_timeout),
            ("gossip_interval", self.gossip_interval),
            ("exchange_interval_min", self.exchange_interval_min),
            ("reconnect_interval", self.reconnect_interval),
            ("remember", self.remember),
        ];
        if let Some((field, _)) = times.iter().find(|(_, time)| time.is_zero()) {
            return Err(ConfigError::Zero(field));
        }
        let counts = [
            ("gossip_fanout", self.gossip_fanout),
            ("retransmit_factor", self.retransmit_factor),
            ("suspicion_factor", self.suspicion_factor as usize),
            ("suspicion_max_factor", self.suspicion_max_factor as usize),
            ("health_max", self.health_max as usize),
            ("members_max", self.members_max),
        ];
        if let Some((field, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(ConfigError::Zero(field));
        }
        if self.probe_timeout > self.probe_interval / 2 {
            return Err(ConfigError::ProbeTimeout);
        }
        if self.exchange_interval_max < self.exchange_interval_min {
            return Err(ConfigError::Exchange);
        }
        if self.confirmations >= ACCUSERS_MAX {
            return Err(ConfigError::Confirmations);
        }
        Ok(())
    }
}
