//! What a crash looks like to the person who reads the log.
//!
//! Role       Reports through `tracing`: who, under whom, why, what it was doing.
//! Limit      State and message texts are cut at `TEXT_MAX` bytes.
//! Source     otp: proc_lib, crash reports

use crate::process::ProcessInfo;
use crate::scheduler::Running;
use crate::{Pid, Reason};

/// The target of crash reports, for filters.
pub const CRASH: &str = "foundation::crash";
const TEXT_MAX: usize = 512;

fn cut(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// Reports the end of the running process, which was no orderly one.
pub(crate) fn crash(running: &Running, reason: &Reason) {
    let print = running.core().prints_crashes();
    if !print && !tracing::enabled!(target: CRASH, tracing::Level::ERROR) {
        return;
    }
    let info = crate::process::describe(running);
    let state = running.local(|local| local.body.take()).map(|body| {
        // The program's Debug may panic: that must not hide the crash it describes.
        let text = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.describe()));
        running.local(|local| local.body = Some(body));
        text.unwrap_or_else(|_| Some("(its Debug panicked)".to_owned()))
    });
    let state = state.flatten().map(cut);
    let handling = running.handling();
    let text = render(
        &info,
        reason,
        handling,
        state.as_deref(),
        running.core().name(),
    );
    if print {
        eprintln!("{text}");
        return;
    }
    tracing::error!(
        target: CRASH,
        pid = %info.pid,
        process = %info.initial_call,
        name = info.registered_name.as_deref(),
        reason = %reason,
        "{text}"
    );
}

fn render(
    info: &ProcessInfo,
    reason: &Reason,
    handling: Option<&str>,
    state: Option<&str>,
    node: &str,
) -> String {
    use std::fmt::Write;
    let mut text = format!("process {} crashed: {reason}", who(info));
    let mut line = |key: &str, value: &str| {
        let _ = write!(text, "\n  {key:<10} {value}");
    };
    line("pid", &format!("{} on {node}", info.pid));
    if let Some(message) = handling {
        line("handling", message);
    }
    if let Some(state) = state {
        line("state", state);
    }
    if let Some(parent) = info.parent {
        line("parent", &parent.to_string());
    }
    if !info.links.is_empty() {
        line("links", &list(&info.links));
    }
    if info.message_queue_len > 0 {
        line("unread", &format!("{} messages", info.message_queue_len));
    }
    if let Reason::Crash(crash) = reason
        && let Some(backtrace) = &crash.backtrace
    {
        let _ = write!(text, "\n{backtrace}");
    }
    text
}

fn who(info: &ProcessInfo) -> String {
    match (&info.registered_name, &info.label) {
        (Some(name), _) => format!("`{name}` ({})", info.initial_call),
        (None, Some(label)) => format!("{} \"{label}\"", info.initial_call),
        (None, None) => info.initial_call.clone(),
    }
}

fn list(pids: &[Pid]) -> String {
    const SHOWN: usize = 8;
    let mut text: Vec<String> = pids.iter().take(SHOWN).map(Pid::to_string).collect();
    if pids.len() > SHOWN {
        text.push(format!("and {} more", pids.len() - SHOWN));
    }
    text.join(" ")
}

/// Reports a panic in a destructor of a process that was ending anyway.
pub(crate) fn drop_panic(running: &Running, reason: &Reason) {
    tracing::error!(
        target: CRASH,
        pid = %running.pid(),
        %reason,
        "a destructor panicked while the process ended; its exit reason is unchanged"
    );
}

/// Reports a panic in the destructor of a message that reached nobody.
pub(crate) fn discard_panic(message: &'static str, reason: &Reason) {
    tracing::error!(
        target: CRASH,
        message,
        %reason,
        "the destructor of a message that reached nobody panicked"
    );
}
