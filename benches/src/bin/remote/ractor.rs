//! What do two nodes of ractor_cluster do?
//!
//! Role       Builds the program in `ractor-cluster`, a workspace of its own, and starts it twice.
//! Inputs     Cargo, and the registry at the first time.
//! Owns       The node that serves, for as long as a measurement lasts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use foundation_benches::stage;

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
        let program = stage::workspace("ractor-cluster", "remote-ractor-cluster")?;
        Ok(Self { program })
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
