//! Did a process crash as it should?
//!
//! Role       What `assert_crash!` expands to.

use std::time::Duration;

use foundation_runtime::{CrashReport, CrashReports, Node};

/// What a crash is recognised by: a text that its report contains, or a test.
pub trait CrashPattern {
    /// Whether it is this one.
    fn fits(&self, report: &CrashReport) -> bool;
}

impl CrashPattern for &str {
    fn fits(&self, report: &CrashReport) -> bool {
        report.text.contains(self)
    }
}

impl CrashPattern for String {
    fn fits(&self, report: &CrashReport) -> bool {
        report.text.contains(&**self)
    }
}

impl<F: Fn(&CrashReport) -> bool> CrashPattern for F {
    fn fits(&self, report: &CrashReport) -> bool {
        self(report)
    }
}

/// Takes a crash that fits, waiting for it at most `bound` on this node's clock.
///
/// # Errors
/// The text of what there was instead.
pub async fn expect_crash(
    node: &Node,
    crashes: &CrashReports,
    bound: Duration,
    pattern: &impl CrashPattern,
) -> Result<CrashReport, String> {
    let found = crashes.wait_for(node, bound, |report| pattern.fits(report));
    found.await.ok_or_else(|| {
        let others = crashes.all();
        let texts: Vec<String> = others.iter().map(|report| format!("\n{report}")).collect();
        match texts.is_empty() {
            true => format!("within {bound:?}, and no other process crashed"),
            false => format!("within {bound:?}; these crashed:{}", texts.concat()),
        }
    })
}
