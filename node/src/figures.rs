//! How are numbers and names written for people?
//!
//! Role       Short, aligned, harmless text for the summary and the screen.
//! Inputs     Numbers, durations, and names that come from a log, so from anybody.
//! Outputs    Text of a known width.
//! Invariant  No control character of a log reaches a terminal.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// `1,234,567`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `512`, `1.23 k`, `45.6 M`: three figures.
#[must_use]
pub fn short(number: f64) -> String {
    scaled(number, 1000.0, ["", " k", " M", " G", " T", " P"])
}

/// `512 B`, `1.23 KiB`, `45.6 MiB`: three figures.
#[must_use]
pub fn bytes(number: u64) -> String {
    scaled(
        number as f64,
        1024.0,
        [" B", " KiB", " MiB", " GiB", " TiB", " PiB"],
    )
}

/// `0:07`, `12:34`, `1:02:03`.
#[must_use]
pub fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// `850 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`: three figures.
#[must_use]
pub fn latency(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    if nanos < 1e9 {
        scaled(nanos, 1000.0, [" ns", " µs", " ms", " s", "", ""])
    } else {
        format!("{:.2} s", duration.as_secs_f64())
    }
}

/// `name` in exactly `width` columns: cut with `…` or filled with spaces, and safe to print.
#[must_use]
pub fn fit(name: &str, width: usize) -> String {
    let mut text = String::with_capacity(width + 3);
    let mut used = 0;
    let mut chars = name.chars().map(visible);
    while let Some((char, columns)) = chars.next() {
        let last = used + columns == width && chars.clone().next().is_none();
        if used + columns >= width && !last {
            if used < width {
                text.push('…');
                used += 1;
            }
            break;
        }
        text.push(char);
        used += columns;
    }
    text.extend(std::iter::repeat_n(' ', width - used));
    text
}

/// A character and its columns, or `·` for one that could do something to a terminal.
fn visible(char: char) -> (char, usize) {
    match char.width() {
        Some(columns) if columns > 0 => (char, columns),
        _ => ('·', 1),
    }
}

fn scaled(number: f64, base: f64, units: [&str; 6]) -> String {
    let mut number = number.max(0.0);
    let mut unit = 0;
    // 999.5 would be rounded to four figures.
    while number >= base.min(999.5) && unit + 1 < units.len() && !units[unit + 1].is_empty() {
        number /= base;
        unit += 1;
    }
    match number {
        // Columns stay where they are, whatever is told.
        absurd if absurd >= 99_999.5 => format!("{absurd:.1e}{}", units[unit]),
        whole if unit == 0 => format!("{whole:.0}{}", units[unit]),
        small if small < 9.995 => format!("{small:.2}{}", units[unit]),
        middle if middle < 99.95 => format!("{middle:.1}{}", units[unit]),
        large => format!("{large:.0}{}", units[unit]),
    }
}
