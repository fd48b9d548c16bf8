//! Does a newcomer's cluster come about, and does it obey?
//!
//! Role  Runs the program: three nodes from three files of two lines, then every question and order;
//!       and what is said when there is nobody to ask.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of the program writes files, and waits for its processes"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use foundation_node::cluster::config::Config;
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);

/// A folder of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fnd-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("there is room");
        Self(path)
    }

    fn foundation(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .env("XDG_STATE_HOME", &self.0)
            .stdin(Stdio::null());
        command
    }

    /// The exit code, what is printed, and the errors.
    fn ask(&self, arguments: &str) -> (i32, String, String) {
        let output = self.foundation(arguments).output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("it is text");
        let code = output.status.code().expect("it ended by itself");
        (code, text(output.stdout), text(output.stderr))
    }

    fn json(&self, arguments: &str) -> Value {
        let (code, out, errors) = self.ask(&format!("cluster {arguments} --json"));
        assert_eq!(code, 0, "{arguments}: {errors}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments}: {error}: {out}"))
    }

    fn node(&self, name: &str, seed: u16) -> Node {
        self.node_with(name, name, seed, "")
    }

    fn node_with(&self, file: &str, name: &str, seed: u16, more: &str) -> Node {
        let text = format!("name = \"{name}\"\nseeds = [\"127.0.0.1:{seed}\"]\n{more}");
        fs::write(self.0.join(format!("{file}.toml")), text).expect("there is room");
        let mut command = self.foundation(&format!("run --config {file}.toml"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (lines, heard) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        Node { child, heard }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Node {
    child: Child,
    heard: Receiver<String>,
}

impl Node {
    /// Waits until it says this.
    fn says(&self, wanted: &str) {
        let until = Instant::now() + BOUND;
        let mut seen = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(line) if line.contains(wanted) => return,
                Ok(line) => seen.push(line),
                Err(_) => panic!("`{wanted}` was not said, but {seen:?}"),
            }
        }
    }

    fn ends(&mut self) -> Option<i32> {
        let until = Instant::now() + BOUND;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
    listener.local_addr().expect("it is bound").port()
}

#[test]
fn three_nodes_need_a_name_and_a_seed() {
    let folder = Folder::new("three");
    let port = port();
    let mut a = folder.node("a", port);
    a.says(&format!("a listens at 127.0.0.1:{port}"));
    a.says("its socket is");
    assert_eq!(folder.json("status")["node"], "a", "the only node is asked");
    let mut b = folder.node("b", port);
    b.says("a is up");
    let mut c = folder.node("c", port);
    c.says("b is up");
    b.says("c is up");

    let (code, _, error) = folder.ask("cluster status");
    assert_eq!(code, 1);
    assert!(error.contains("3 nodes run on this machine"), "{error}");
    let status = folder.json("status --node b");
    assert_eq!(
        (&status["connected"], &status["cluster"]),
        (&2.into(), &"foundation".into())
    );
    let members = folder.json("members --node c");
    let members = members["members"].as_array().expect("a list");
    let named = |member: &Value| format!("{} {}", member["name"], member["status"]);
    let named: Vec<String> = members.iter().map(named).collect();
    assert_eq!(named, [r#""a" "up""#, r#""b" "up""#, r#""c" "here""#]);
    let topology = folder.json("topology --node c");
    assert_eq!(
        (
            &topology["missing"],
            topology["nodes"].as_array().map(Vec::len)
        ),
        (&0.into(), Some(3))
    );
    assert_eq!(folder.json("channels --node a")["channels"][1]["peer"], "c");
    assert!(folder.json("ping b --node a")["pings"][0]["milliseconds"].is_f64());
    let (code, text, _) = folder.ask("cluster topology --node a");
    assert_eq!(code, 0);
    assert!(
        text.contains("full mesh: no connection is missing"),
        "{text}"
    );

    assert_eq!(folder.json("leave --node c")["left"], true);
    c.says("c has left the cluster");
    assert_eq!(c.ends(), Some(0));
    a.says("c is down: it has left");
    assert_eq!(folder.json("evict b --node a")["evicted"], "b");
    a.says("b is down: it was evicted");

    let pid = a.child.id().to_string();
    assert!(
        Command::new("kill")
            .arg(&pid)
            .status()
            .expect("there is a kill")
            .success()
    );
    assert_eq!(a.ends(), Some(143));
    let pid = b.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("as before")
            .success()
    );
    assert_eq!(b.ends(), Some(130));
}

#[test]
fn a_cluster_comes_to_the_overlay_that_is_ordered() {
    let folder = Folder::new("switch");
    let port = port();
    let a = folder.node("a", port);
    a.says("its socket is");
    let b = folder.node("b", port);
    b.says("a is up");
    let c = folder.node("c", port);
    c.says("a is up");
    a.says("c is up");

    let switched = folder.json("switch client-server --server b --node a");
    assert_eq!(
        (&switched["overlay"], &switched["epoch"]),
        (&"client-server".into(), &1.into())
    );
    assert_eq!(
        (&switched["agreed"], &switched["pending"]),
        (&2.into(), &serde_json::json!([]))
    );
    c.says("the cluster's overlay is client-server now");
    assert_eq!(folder.json("status --node c")["overlay"], "client-server");
    let (code, _, error) = folder.ask("cluster switch mesh --node a");
    assert_eq!(code, 1);
    assert!(error.contains("switched a short time ago"), "{error}");
    let (code, _, error) = folder.ask("cluster switch client-server --node a");
    assert_eq!(code, 2, "{error}");
}

#[test]
fn nobody_to_ask_is_said_with_what_to_do() {
    let folder = Folder::new("nobody");
    let rows = [
        (
            "cluster status",
            "Start one with `foundation run --config FILE`",
        ),
        ("cluster status --node z", "no node answers"),
        (
            "cluster status --socket /nowhere",
            "/nowhere: no node answers",
        ),
        ("run --config none.toml", "none.toml: No such file"),
    ];
    for (arguments, says) in rows {
        let (code, _, error) = folder.ask(arguments);
        assert_eq!(code, 1, "{arguments}");
        assert!(error.contains(says), "{arguments}: {error}");
    }
}

#[test]
fn a_file_that_makes_no_sense_is_refused_by_its_line() {
    let folder = std::path::Path::new("/etc/foundation");
    let rows = [
        ("", "missing field `name`"),
        ("name = 1", "line 1"),
        ("name = 'a'\nseed = 'b'", "unknown field `seed`"),
        ("name = 'a'\nseeds = 'b'", "line 2"),
        ("name = 'a'\n[mesh]\ntick_ms = -1", "line 3"),
        ("name = 'a", "line 1"),
        ("name = 'a'\n[channels.x]\nlane = 1", "unknown field `lane`"),
        ("name = 'a'\n[channels.x]\npriority = 'urgent'", "line 3"),
        ("name = 'a'\n[overlay]\nkind = 'ring'", "line 3"),
    ];
    for (text, says) in rows {
        let error = Config::parse(text, folder).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
    let text = "name = 'a'\n[channels.x]\nlanes = 99\n";
    let config = Config::parse(text, folder).expect("it is one");
    let secret = foundation::cluster::Secret::new([9; 32]).expect("long enough");
    let error = config.builder().secret(secret).start_blocking();
    let error = error.expect_err("no such channel").to_string();
    assert_eq!(error, "the channel `x` cannot have 99 lanes: 1 to 16");
    let text = "name = 'a'\n[overlay]\nkind = 'hyparview'\nactive = 1\n";
    let config = Config::parse(text, folder).expect("it is one");
    let secret = foundation::cluster::Secret::new([9; 32]).expect("long enough");
    let error = config.builder().secret(secret).start_blocking();
    let error = error.expect_err("it would be alone").to_string();
    assert_eq!(error, "the size of a view is out of bounds");
    let text = "name = 'a'\nsecret_file = 'secret'\nsocket = '/run/a'\n";
    let config = Config::parse(text, folder).expect("it is one");
    assert_eq!(config.secret_file, Some(folder.join("secret")));
    assert_eq!(config.socket, Some("/run/a".into()));
}

#[test]
fn two_nodes_with_made_certificates_come_together_over_tls() {
    let folder = Folder::new("certs");
    let (code, text, error) =
        folder.ask("cert init --node a@127.0.0.1 --node b@127.0.0.1 --dir keys");
    assert_eq!(code, 0, "{error}");
    assert_eq!(text.lines().count(), 6, "{text}");
    let (code, _, error) = folder.ask("cert init --node a@127.0.0.1 --dir keys");
    assert_eq!(code, 1);
    assert!(error.contains("is there already"), "{error}");
    let (code, _, error) = folder.ask("cert init --node ../x --dir keys");
    assert_eq!(code, 1);
    assert!(
        error.contains("cannot be the name of a node's files"),
        "{error}"
    );
    let (code, _, error) = folder.ask("cert init --node z@ok --node z@a:b --dir others");
    assert_eq!(code, 1);
    assert!(error.contains("is no host's name"), "{error}");
    assert!(!folder.0.join("others").exists(), "nothing was made");
    let (code, _, error) = folder.ask("cert init --node z@ok --node z@ok --dir others");
    assert_eq!(code, 1);
    assert!(error.contains("is named twice"), "{error}");
    let key = folder.0.join("keys/ca.key");
    let open = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode));
    open(0o644).expect("it is ours");
    let (code, _, error) = folder.ask("cert init --node z@ok --dir keys");
    assert_eq!(code, 1);
    assert!(error.contains("others may read or change it"), "{error}");
    open(0o600).expect("it is ours");
    let port = port();
    let start = |name: &str| {
        let tls = format!(
            "[tls]\nca = \"keys/ca.pem\"\ncertificate = \"keys/{name}@127.0.0.1.pem\"\n\
             key = \"keys/{name}@127.0.0.1.key\"\n"
        );
        folder.node_with(name, &format!("{name}@127.0.0.1"), port, &tls)
    };
    let a = start("a");
    a.says(&format!("listens at 127.0.0.1:{port}"));
    let b = start("b");
    a.says("b@127.0.0.1 is up");
    b.says("a@127.0.0.1 is up");
    let pinged = folder.json("ping --node a@127.0.0.1");
    assert!(pinged["pings"][0]["milliseconds"].is_f64(), "{pinged}");
    // One that speaks in plain words is refused.
    let c = folder.node("c", port);
    c.says("its socket is");
    let until = Instant::now() + BOUND;
    loop {
        let status = folder.json("status --node c");
        assert_eq!(status["connected"], 0);
        if status["dialled"][0]["refusal"].is_string() {
            break;
        }
        assert!(Instant::now() < until, "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
