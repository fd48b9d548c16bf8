//! What do two nodes of ractor_cluster do?
//!
//! Role       Builds the program in `ractor-cluster`, a workspace of its own, and starts it twice.
//! Inputs     Cargo, and the registry at the first time.
//! Owns       The node that serves, for as long as a measurement lasts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::members::port;
use crate::{Load, Measured};

pub(crate) struct Ractor {
    program: PathBuf,
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ractor {
    pub(crate) fn prepare() -> Result<Self, String> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/ractor-cluster"));
        let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/ractor-cluster");
        let built = Command::new("cargo")
            .args(["build", "--release", "--locked", "--quiet"])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", target)
            .status();
        match built {
            Ok(status) if status.success() => Ok(Self {
                program: PathBuf::from(target).join("release/remote-ractor-cluster"),
            }),
            Ok(status) => Err(format!("{} is not built: {status}", folder.display())),
            Err(error) => Err(format!("cargo: {error}")),
        }
    }

    pub(crate) fn measure(&self, load: Load) -> Result<Measured, String> {
        let port = port()?.to_string();
        let server = Command::new(&self.program)
            .args(["server", &port])
            .stdin(Stdio::piped())
            .spawn();
        let _server = Server(server.map_err(|error| error.to_string())?);
        // It is dialled once.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let output = Command::new(&self.program)
            .args(["client", &port])
            .args(load.words())
            .output();
        Measured::read(&output.map_err(|error| error.to_string())?.stdout)
    }
}
