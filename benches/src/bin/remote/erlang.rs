//! What do two nodes of Erlang do?
//!
//! Role       Compiles `erlang/remote.erl`, and starts two nodes that run it.
//! Inputs     `erl`, `erlc` and `epmd` on the path; `erlang/install.sh` brings them.
//! Owns       A temporary folder, and the node that serves.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs, process};

use crate::{Load, Measured};

const SOURCE: &str = include_str!("../../../erlang/remote.erl");

pub(crate) struct Erlang {
    folder: PathBuf,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Erlang {
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = env::temp_dir().join(format!("foundation-remote-{}", process::id()));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let erlang = Self { folder };
        let source = erlang.folder.join("remote.erl");
        fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
        let compiled = Command::new("erlc")
            .arg("-o")
            .arg(&erlang.folder)
            .arg(&source)
            .status();
        match compiled {
            Ok(status) if status.success() => Ok(erlang),
            Ok(status) => Err(format!("erlc fails: {status}")),
            Err(_) => Err("erl is not installed; run benches/erlang/install.sh".to_owned()),
        }
    }

    fn node(&self, name: &str, run: &[&str]) -> Command {
        let mut command = Command::new("erl");
        command.args([
            "-noshell",
            "-noinput",
            "-name",
            name,
            "-setcookie",
            "remote",
            "-pa",
        ]);
        command.arg(&self.folder).args(["-run", "remote"]).args(run);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    pub(crate) fn measure(&self, load: Load) -> Result<Measured, String> {
        let name = format!("server{}@127.0.0.1", process::id());
        let server = self.node(&name, &["server"]).spawn();
        let mut server = Server(server.map_err(|error| error.to_string())?);
        let output = server.0.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        if read.is_err() || line.trim() != "ready" {
            return Err(format!("Erlang's server says `{}`", line.trim()));
        }
        let client = format!("client{}@127.0.0.1", process::id());
        let [casts, calls, bytes] =
            [load.casts, load.calls, load.bytes as u64].map(|number| number.to_string());
        let output = self
            .node(&client, &["client", &name, &casts, &calls, &bytes])
            .output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
        match figures[..] {
            [
                casts_per_second,
                call_p50_us,
                call_p99_us,
                beside_p99_us,
                bytes_per_second,
            ] => Ok(Measured {
                casts_per_second,
                call_p50_us,
                call_p99_us,
                beside_p99_us,
                bytes_per_second,
            }),
            _ => Err(format!("Erlang's client says `{}`", text.trim())),
        }
    }
}

impl Drop for Erlang {
    fn drop(&mut self) {
        // What stays behind in the temporary folder is small and named after this process.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
