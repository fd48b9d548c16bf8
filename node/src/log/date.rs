//! Which second since 1970 is this date, and which date is this second?
//!
//! Role       The proleptic Gregorian calendar, as much of it as a log needs.
//! Inputs     Years, months, days; or seconds since 1970-01-01T00:00:00Z.
//! Outputs    The other of the two.
//! Invariant  `civil(days(y, m, d)) == (y, m, d)` for every date of the years 1 to 9999.
//! Source     Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// The names of the months as a log writes them.
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The number, from 1, of a month by its three letters.
#[inline]
#[must_use]
pub fn month(name: &[u8]) -> Option<i64> {
    Some(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// How many days `month` (from 1) has in `year`.
#[inline]
#[must_use]
pub fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date.
#[inline]
#[must_use]
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1; // The year begins in March.
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The year, month and day that are `days` after 1970-01-01.
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `17 May 2015 10:05:40`, in UTC.
#[must_use]
pub fn utc(epoch: i64) -> String {
    let (year, month, day) = civil(epoch.div_euclid(DAY));
    let second = epoch.rem_euclid(DAY);
    let name = MONTHS[(month - 1) as usize];
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{day:2} {name} {year:04} {hour:02}:{minute:02}:{:02}",
        second % 60
    )
}
