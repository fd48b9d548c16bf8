//! What does murmer's `SimCluster` do?
//!
//! Role       Builds the program in `murmer`, a workspace of its own, and starts it.
//! Inputs     Cargo, and the registry at the first time.

use std::path::PathBuf;
use std::process::Command;

use foundation_benches::stage;

use crate::{CRASHED_AT, Gone, Scenario};

pub(crate) struct Murmer {
    program: PathBuf,
}

impl Murmer {
    pub(crate) fn prepare() -> Result<Self, String> {
        let program = stage::workspace("murmer", "simulator-murmer")?;
        Ok(Self { program })
    }

    pub(crate) fn go(&self, scenario: Scenario) -> Result<Gone, String> {
        let Scenario {
            nodes,
            seconds,
            seed,
        } = scenario;
        let words = [nodes as u64, seconds, CRASHED_AT, seed];
        let output = Command::new(&self.program)
            .args(words.iter().map(u64::to_string))
            .output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut words = text.split_whitespace();
        let wall = words.next().and_then(|word| word.parse().ok());
        let known = words.next().and_then(|word| word.parse().ok());
        match (wall, known) {
            (Some(wall_seconds), Some(known)) => Ok(Gone {
                wall_seconds,
                known,
                turns: None,
            }),
            _ => Err(format!(
                "murmer's program says {:?}, {}",
                text.trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }
}
