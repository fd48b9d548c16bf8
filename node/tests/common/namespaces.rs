//! How does a network of several machines break, on one?
//!
//! Role       A bridge and a network namespace for each host, joined by pairs of virtual cables, with
//!            rules of nftables that drop what is to be lost.
//! Inputs     Root, `ip` of iproute2, `nft`: Debian's `iproute2` and `nftables`.
//! Owns       The namespaces, and all programs in them: both are gone when it is dropped.
//! Limit      200 hosts; they are numbered from 1.

use std::process::{Command, Stdio};

const HOSTS_MAX: usize = 200;

pub(crate) struct Network {
    prefix: String,
    hosts: usize,
    subnet: &'static str,
}

impl Network {
    /// Builds it anew. `subnet` is the first three numbers of all addresses; those of 127.0.0.0/8 work, too.
    pub(crate) fn new(hosts: usize, subnet: &'static str) -> Result<Self, String> {
        assert!(
            (1..=HOSTS_MAX).contains(&hosts),
            "an address has one byte for it"
        );
        let prefix = format!("fnd{}", std::process::id());
        let network = Self {
            prefix,
            hosts,
            subnet,
        };
        network.remove();
        let hub = network.hub();
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add bridge type bridge"))?;
        ip(&format!("-n {hub} link set bridge up"))?;
        for host in 1..=hosts {
            network.join(host)?;
        }
        Ok(network)
    }

    fn join(&self, host: usize) -> Result<(), String> {
        let (name, hub, address) = (self.name(host), self.hub(), self.address(host));
        ip(&format!("netns add {name}"))?;
        ip(&format!(
            "link add wire netns {name} type veth peer name port{host} netns {hub}"
        ))?;
        ip(&format!("-n {hub} link set port{host} master bridge up"))?;
        // Loopback without the rest of 127.0.0.0/8, some of which lies outside.
        ip(&format!("-n {name} link set lo up"))?;
        ip(&format!("-n {name} address flush dev lo"))?;
        ip(&format!("-n {name} address add 127.0.0.1/32 dev lo"))?;
        self.shell(host, "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet")?;
        ip(&format!("-n {name} address add {address}/24 dev wire"))?;
        ip(&format!("-n {name} link set wire up"))?;
        self.shell(
            host,
            "nft add table ip faults && nft 'add chain ip faults input { type filter hook input priority 0; }'",
        )
    }

    /// The address of a host.
    pub(crate) fn address(&self, host: usize) -> String {
        format!("{}.{host}", self.subnet)
    }

    /// What a command has to begin with to run on a host.
    pub(crate) fn on(&self, host: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(host)]);
        command
    }

    /// The hosts of `to` hear nothing of those of `from`, until it is healed.
    pub(crate) fn cut(&self, from: &[usize], to: &[usize]) -> Result<(), String> {
        let from: Vec<String> = from.iter().map(|host| self.address(*host)).collect();
        let rule = format!("ip saddr {{ {} }} drop", from.join(", "));
        to.iter().try_for_each(|host| self.rule(*host, &rule))
    }

    /// A host loses so many in a hundred of the packets that come from those of `from`.
    pub(crate) fn lossy(&self, host: usize, from: &[usize], percent: u32) -> Result<(), String> {
        let from: Vec<String> = from.iter().map(|host| self.address(*host)).collect();
        let from = from.join(", ");
        let rule = format!("ip saddr {{ {from} }} numgen random mod 100 < {percent} drop");
        self.rule(host, &rule)
    }

    /// All is well again.
    pub(crate) fn heal(&self) -> Result<(), String> {
        (1..=self.hosts).try_for_each(|host| self.shell(host, "nft flush chain ip faults input"))
    }

    fn rule(&self, host: usize, rule: &str) -> Result<(), String> {
        self.shell(host, &format!("nft 'add rule ip faults input {rule}'"))
    }

    fn shell(&self, host: usize, script: &str) -> Result<(), String> {
        run(self.on(host).args(["sh", "-c", script]))
    }

    fn name(&self, host: usize) -> String {
        format!("{}-{host}", self.prefix)
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    fn remove(&self) {
        for host in 1..=self.hosts {
            let name = self.name(host);
            let script = format!("ip netns pids {name} | xargs -r kill -9");
            let _ = run(Command::new("sh").args(["-c", &script]));
            let _ = ip(&format!("netns delete {name}"));
        }
        let _ = ip(&format!("netns delete {}", self.hub()));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.remove();
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    run(Command::new("ip").args(arguments.split_whitespace()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}
