//! How does Erlang take part?
//!
//! Role       Compiles `erlang/peers.erl` into a temporary folder and starts nodes that run it.
//! Inputs     `erl` and `erlc` on the path; `erlang/install.sh` brings them.
//! Outputs    A command for each workload, or the reason why there is none.
//! Owns       The temporary folder, until it is dropped.
//! Invariant  A node runs one workload and prints the line that a Rust child would print.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::workload::Workload;

const SOURCE: &str = include_str!("../../../erlang/peers.erl");

/// Compiled and ready to run.
pub(crate) struct Erlang {
    folder: PathBuf,
    version: String,
}

impl Erlang {
    /// Finds Erlang and compiles the peer; an error is the reason to skip it.
    pub(crate) fn prepare() -> Result<Self, String> {
        let script = "io:format(\"OTP ~s, erts ~s\", [erlang:system_info(otp_release), \
                      erlang:system_info(version)]), halt().";
        let version = output(Command::new("erl").args(["-noshell", "-eval", script]))
            .map_err(|_| "erl is not installed; run benches/erlang/install.sh".to_owned())?;
        let folder = env::temp_dir().join(format!("foundation-peers-{}", process::id()));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let erlang = Self { folder, version };
        let source = erlang.folder.join("peers.erl");
        fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
        output(
            Command::new("erlc")
                .arg("-o")
                .arg(&erlang.folder)
                .arg(&source),
        )
        .map_err(|error| format!("erlc fails: {error}"))?;
        Ok(erlang)
    }

    /// The release of OTP and of its runtime system.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// A node that runs one workload. Its limit of processes is raised; all else is default.
    pub(crate) fn command(&self, workload: Workload, quick: bool) -> Command {
        let plan = workload.plan(quick);
        let mut command = Command::new("erl");
        command
            .args(["+P", "4194304", "-noshell", "-noinput", "-pa"])
            .arg(&self.folder);
        command.args(["-run", "peers", "main", workload.name()]);
        command.args([plan.ops, plan.warmup, plan.processes].map(|size| size.to_string()));
        command
    }

    /// What a reader must know about Erlang's row of that workload.
    pub(crate) fn note(workload: Workload) -> &'static str {
        match workload {
            Workload::BigMessage => "the message is copied",
            Workload::RestartExit | Workload::RestartPanic => "new supervisor every 1000 restarts",
            Workload::IdleSupervised => "simple_one_for_one",
            _ => "",
        }
    }
}

impl Drop for Erlang {
    fn drop(&mut self) {
        // What stays behind in the temporary folder is small and named after this process.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match done.status.success() {
        true => Ok(text(&done.stdout)),
        false => Err(text(&done.stdout) + &text(&done.stderr)),
    }
}
