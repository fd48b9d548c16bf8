//! What do two nodes of Erlang do?
//!
//! Role       Compiles `erlang/remote.erl` and `erlang/member.erl`, and starts nodes that run them.
//! Inputs     `erl`, `erlc` and `epmd` on the path; `erlang/install.sh` brings them.
//! Owns       A temporary folder, and the node that serves; members belong to who starts them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs, process};

use crate::{Load, Measured};

/// What runs in its nodes.
const SOURCES: [(&str, &str); 2] = [
    ("remote.erl", include_str!("../../../erlang/remote.erl")),
    ("member.erl", include_str!("../../../erlang/member.erl")),
];

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
        let mut compiler = Command::new("erlc");
        compiler.arg("-o").arg(&erlang.folder);
        for (name, text) in SOURCES {
            let source = erlang.folder.join(name);
            fs::write(&source, text).map_err(|error| error.to_string())?;
            compiler.arg(source);
        }
        let compiled = compiler.status();
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

    /// One of many nodes: see `member.erl`.
    pub(crate) fn member(
        &self,
        base: impl Fn(&str) -> Command,
        member: usize,
        names: &[String],
    ) -> Command {
        let mut command = base("erl");
        command.args(["-noshell", "-name", &names[member]]);
        command
            .args(["-setcookie", "remote", "-pa"])
            .arg(&self.folder);
        command.args(["-run", "member", "start"]).args(names);
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
        let output = self
            .node(&client, &["client", &name])
            .args(load.words())
            .output();
        let output = output.map_err(|error| error.to_string())?;
        Measured::read(&output.stdout)
    }
}

impl Drop for Erlang {
    fn drop(&mut self) {
        // What stays behind in the temporary folder is small and named after this process.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
