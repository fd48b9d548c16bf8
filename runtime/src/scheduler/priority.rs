//! How urgent is a process?
//!
//! Outputs    [`Priority`], with OTP's four levels.
//! Source     otp: erlang:process_flag(priority, ...)

use std::fmt;
use std::str::FromStr;

/// The priority of a process. `Max` goes before `High`, and while one of those can run, neither
/// `Normal` nor `Low` does. `Low` gets about every eighth turn when `Normal` is busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// About every eighth turn.
    Low,
    /// What every process is started with.
    #[default]
    Normal,
    /// Before all normal ones. Use with care: it can starve them.
    High,
    /// Before all others.
    Max,
}

impl Priority {
    // Zero bits are `Normal`: what a zeroed block has.
    #[inline]
    pub(crate) fn bits(self) -> u32 {
        self as u32 ^ Self::Normal as u32
    }

    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Self {
        match bits & 3 ^ Self::Normal as u32 {
            0 => Self::Low,
            1 => Self::Normal,
            2 => Self::High,
            _ => Self::Max,
        }
    }
}

/// The text names no priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPriority(pub Box<str>);

impl fmt::Display for BadPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no priority; it is one of low, normal, high, max",
            self.0
        )
    }
}

impl std::error::Error for BadPriority {}

impl FromStr for Priority {
    type Err = BadPriority;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "low" => Ok(Self::Low),
            "normal" => Ok(Self::Normal),
            "high" => Ok(Self::High),
            "max" => Ok(Self::Max),
            other => Err(BadPriority(other.into())),
        }
    }
}
