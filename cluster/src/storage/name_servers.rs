//! Which name servers does the machine ask?
//!
//! Role       Reads `/etc/resolv.conf`: its name servers, and nothing else of it.
//! Limit      The first three, as the system does it.

use std::net::{IpAddr, SocketAddr};

const PATH: &str = "/etc/resolv.conf";
const SERVERS_MAX: usize = 3;
const PORT: u16 = 53;

/// The name servers of this machine, as they are now; none when the file is not there.
#[expect(clippy::disallowed_methods, reason = "the room that opens files")]
pub(crate) fn nameservers() -> Vec<SocketAddr> {
    parse(&std::fs::read_to_string(PATH).unwrap_or_default())
}

fn parse(text: &str) -> Vec<SocketAddr> {
    let words = text.lines().map(str::split_whitespace);
    let servers = words.filter_map(|mut words| match words.next() {
        Some("nameserver") => words.next()?.parse::<IpAddr>().ok(),
        _ => None,
    });
    servers
        .take(SERVERS_MAX)
        .map(|server| SocketAddr::new(server, PORT))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_table() {
        let rows: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("# nameserver 10.0.0.1\nsearch a.example\n", &[]),
            (
                "nameserver 10.0.0.1\nnameserver\t::1 \n",
                &["10.0.0.1:53", "[::1]:53"],
            ),
            (
                "nameserver fe80::1%eth0\nnameserver nobody\nnameserver 10.0.0.2",
                &["10.0.0.2:53"],
            ),
            (
                "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4",
                &["1.1.1.1:53", "1.1.1.2:53", "1.1.1.3:53"],
            ),
        ];
        for (text, expected) in rows {
            let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
            assert_eq!(servers, expected, "{text}");
        }
    }
}
