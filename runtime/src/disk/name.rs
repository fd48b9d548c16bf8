//! What can a file be called?
//!
//! Role       Names that mean the same on every system, and that lead out of no folder.

use super::DiskError;

pub(super) const NAME_MAX: usize = 200;
pub(super) const PARTS_MAX: usize = 8;

/// Whether a file can be called so.
pub(super) fn check(name: &str) -> Result<(), DiskError> {
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(is_char);
    let is_good = name.len() <= NAME_MAX
        && name.split('/').count() <= PARTS_MAX
        && name.split('/').all(is_part);
    match is_good {
        true => Ok(()),
        false => Err(DiskError::BadName(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        let longest = "x".repeat(NAME_MAX);
        for good in [
            "a",
            "log/0001.part",
            ".hidden",
            "A-b_c/..d",
            "1/2/3/4/5/6/7/8",
            &longest,
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = "x".repeat(NAME_MAX + 1);
        let bad = [
            "",
            "/",
            "/etc",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "./a",
            "a b",
            "ä",
            "a\\b",
            "a\0",
            "C:",
            "1/2/3/4/5/6/7/8/9",
            &long,
        ];
        for bad in bad {
            assert_eq!(check(bad), Err(DiskError::BadName(bad.into())), "{bad}");
        }
    }
}
