//! What does the file say of finding other nodes?
//!
//! Role       The table `discovery`: names, services, a segment, times. What is not said has its
//!            default; what cannot be so the library refuses, by the name of the key.
//! Limit      A host has a port; a file that says otherwise is refused with its line.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use foundation::cluster::Builder;
use foundation::cluster::discovery::{DiscoveryConfig, Finder, Multicast};
use serde::Deserialize;

/// How other nodes are found.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Names with a port: nodes are at all of their addresses.
    #[serde(default)]
    pub hosts: Vec<HostPort>,
    /// Names of services.
    #[serde(default)]
    pub services: Vec<String>,
    /// Whom to ask, instead of the machine's name servers.
    #[serde(default)]
    pub nameservers: Vec<SocketAddr>,
    /// A segment.
    pub multicast: Option<Segment>,
    /// How long an answer is good at least.
    pub ttl_min_ms: Option<u64>,
    /// How long it is good at most.
    pub ttl_max_ms: Option<u64>,
    /// How long after a question that found nobody the next one comes, at first.
    pub retry_ms: Option<u64>,
    /// The longest time between two of them.
    pub retry_max_ms: Option<u64>,
    /// How long a question may take.
    pub bound_ms: Option<u64>,
}

/// A name and a port, as in `nodes.example.org:7001`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPort(String, u16);

impl TryFrom<String> for HostPort {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text
            .rsplit_once(':')
            .map(|(name, port)| (name, port.parse()));
        match parts {
            Some((name, Ok(port))) if !name.is_empty() => Ok(Self(name.to_owned(), port)),
            _ => Err(format!(
                "`{text}` is no name with a port, as in `nodes.example.org:7001`"
            )),
        }
    }
}

/// A segment of the network: see the library's `Multicast`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The group.
    pub group: Option<Ipv4Addr>,
    /// The port.
    pub port: Option<u16>,
    /// The address of this machine on the segment.
    pub interface: Option<Ipv4Addr>,
    /// How many routers it may pass, and one.
    pub ttl: Option<u8>,
    /// How often a node says where it is.
    pub beat_ms: Option<u64>,
    /// How many datagrams a second are looked at.
    pub rate_max: Option<u32>,
}

impl Search {
    pub(super) fn apply(&self, builder: Builder) -> Builder {
        let hosts = self.hosts.iter();
        let hosts = hosts.map(|HostPort(name, port)| Finder::hosts(name.as_str(), *port));
        let services = self
            .services
            .iter()
            .map(|name| Finder::service(name.as_str()));
        let segments = self
            .multicast
            .iter()
            .map(|it| Finder::multicast(it.multicast()));
        let builder = builder.discovery(self.config());
        let builder = hosts
            .chain(services)
            .chain(segments)
            .fold(builder, Builder::find);
        self.nameservers
            .iter()
            .copied()
            .fold(builder, Builder::nameserver)
    }

    fn config(&self) -> DiscoveryConfig {
        let default = DiscoveryConfig::default();
        DiscoveryConfig {
            ttl_min: time(self.ttl_min_ms, default.ttl_min),
            ttl_max: time(self.ttl_max_ms, default.ttl_max),
            retry: time(self.retry_ms, default.retry),
            retry_max: time(self.retry_max_ms, default.retry_max),
            bound: time(self.bound_ms, default.bound),
            ..default
        }
    }
}

impl Segment {
    fn multicast(&self) -> Multicast {
        let default = Multicast::default();
        Multicast {
            group: self.group.unwrap_or(default.group),
            port: self.port.unwrap_or(default.port),
            interface: self.interface,
            ttl: self.ttl.unwrap_or(default.ttl),
            beat: time(self.beat_ms, default.beat),
            rate_max: self.rate_max.unwrap_or(default.rate_max),
        }
    }
}

fn time(millis: Option<u64>, default: Duration) -> Duration {
    millis.map_or(default, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::config::Config;

    #[test]
    fn the_keys_of_discovery() {
        let text = r#"
            name = "a"
            [discovery]
            hosts = ["nodes.example.org:7001"]
            services = ["_foundation._tcp.example.org"]
            nameservers = ["127.0.0.1:5353"]
            retry_ms = 250
            [discovery.multicast]
            group = "239.255.70.9"
            beat_ms = 200
        "#;
        let config = Config::parse(text, Path::new("/")).expect("it is whole");
        let search = &config.discovery;
        assert_eq!(search.config().retry.as_millis(), 250);
        let multicast = search.multicast.as_ref().expect("it is there").multicast();
        assert_eq!(
            (multicast.group.octets()[3], multicast.beat.as_millis()),
            (9, 200)
        );
        let builder = format!("{:?}", config.builder());
        for said in [
            "nodes.example.org",
            "_foundation._tcp",
            "127.0.0.1:5353",
            "239.255.70.9",
        ] {
            assert!(builder.contains(said), "{said}: {builder}");
        }
        for (wrong, says) in [
            (
                "hosts = ['nodes.example.org']",
                "as in `nodes.example.org:7001`",
            ),
            ("hosts = [':7001']", "as in `nodes.example.org:7001`"),
            ("nameservers = ['dns.example.org']", "nameservers"),
            ("hostz = []", "hostz"),
            ("multicast = { grup = '239.0.0.1' }", "grup"),
        ] {
            let text = format!("name = 'a'\n[discovery]\n{wrong}");
            let error = Config::parse(&text, Path::new("/")).expect_err(wrong);
            assert!(error.to_string().contains(says), "{wrong}: {error}");
        }
    }
}
