//! How much memory does the program hold?
//!
//! Role       Asks the operating system.
//! Outputs    Bytes; nothing where the system does not tell (it does on Linux).

/// Resident memory now.
#[must_use]
pub fn resident() -> Option<u64> {
    field("VmRSS:")
}

/// The most resident memory there ever was.
#[must_use]
pub fn resident_peak() -> Option<u64> {
    field("VmHWM:")
}

#[expect(clippy::disallowed_methods, reason = "the program may look at itself")]
fn field(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}
