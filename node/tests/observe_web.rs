//! Does the observer's page work in a real browser, and for nobody else?
//!
//! Role  Serves the page of a real job: refusals by raw requests; all else by a headless Chromium.
//!       Skips loudly without one; `.ci/run` installs what it needs and sets `OBSERVE_WEB=required`.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs and sockets"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foundation::cluster::{Builder, Secret};
use foundation::prelude::*;
use tokio::sync::Mutex;

const PROGRAM: &str = env!("CARGO_BIN_EXE_foundation");

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A page that observes a node, and where it is: host with port, and token.
struct Page {
    _web: Killed,
    host: String,
    token: String,
}

impl Page {
    fn url(&self) -> String {
        format!("http://{}/?token={}", self.host, self.token)
    }
}

fn socket(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("web-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    foundation::observe::private_directory(&folder)
        .unwrap()
        .join("s")
}

/// A job that is observed, and the page.
fn serve(name: &str) -> (Killed, Page) {
    let socket = socket(name);
    let mut job = Command::new(PROGRAM);
    job.args(["run", "--json", "--repeat", "100000", "--observe"]);
    job.arg(&socket).stdin(Stdio::null()).stdout(Stdio::null());
    let job = Killed(job.spawn().unwrap());
    let begun = Instant::now();
    while !socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    (job, page(&socket))
}

/// The page that observes the node behind this socket.
fn page(socket: &Path) -> Page {
    let mut web = Command::new(PROGRAM);
    web.arg("observe")
        .arg(socket)
        .arg("--web")
        .stdout(Stdio::piped());
    let mut web = Killed(web.spawn().unwrap());
    let lines = BufReader::new(web.0.stdout.take().unwrap()).lines();
    let url = lines
        .map_while(Result::ok)
        .find_map(|line| line.trim().strip_prefix("http://").map(str::to_owned));
    let url = url.expect("it says where the page is");
    let (host, token) = url.split_once("/?token=").unwrap();
    Page {
        _web: web,
        host: host.to_owned(),
        token: token.to_owned(),
    }
}

/// The status of a request that is written as it stands.
fn status(page: &Page, method: &str, path: &str, headers: &[String]) -> u16 {
    let mut stream = TcpStream::connect(&page.host).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let headers = headers.join("\r\n");
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn strangers_are_refused() {
    let (_job, page) = serve("strangers");
    assert!(page.host.starts_with("127.0.0.1:"), "{}", page.host);
    assert_eq!(page.token.len(), 32);
    let host = format!("Host: {}", page.host);
    let with = format!("?token={}", page.token);
    let check = |method: &str, path: &str, headers: &[&str], expected: u16| {
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        let found = status(&page, method, path, &headers);
        assert_eq!(found, expected, "{method} {path} {headers:?}");
    };
    check("GET", &format!("/{with}"), &[&host], 200);
    check("GET", "/", &[&host], 403);
    check("GET", "/?token=0", &[&host], 403);
    check("GET", "/page.js", &[&host], 200);
    check("GET", "/tree", &[&host], 403);
    check("GET", &format!("/tree{with}"), &[&host], 200);
    // A name that somebody lets point at this machine, and another site's page.
    check(
        "GET",
        &format!("/tree{with}"),
        &["Host: evil.example:80"],
        403,
    );
    check("GET", "/page.js", &["Host: evil.example:80"], 403);
    let origin = "Origin: http://evil.example";
    check("GET", &format!("/tree{with}"), &[&host, origin], 403);
    let own = format!("Origin: http://{}", page.host);
    check("GET", &format!("/tree{with}"), &[&host, &own], 200);
    // Killing is a POST with the token.
    let kill = format!("/kill{with}&pid=0.1");
    check("GET", &kill, &[&host], 405);
    check("POST", "/kill?pid=0.1", &[&host, "Content-Length: 0"], 403);
    check("POST", &kill, &[&host, origin, "Content-Length: 0"], 403);
    check(
        "POST",
        &format!("/kill{with}&pid=x"),
        &[&host, "Content-Length: 0"],
        400,
    );
    check(
        "GET",
        &format!("/process{with}&pid=4000000.1"),
        &[&host],
        404,
    );
}

/// Held by a test with a browser: several at once starve each other.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What runs the page in a browser; `None` without one, and that is said.
fn browser() -> Option<(PathBuf, String)> {
    let required = std::env::var_os("OBSERVE_WEB").is_some();
    // Where `npm install` of `tests/web/package.json` was run.
    let modules = std::env::var_os("OBSERVE_WEB_MODULES").map(PathBuf::from);
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let modules = modules.filter(|folder| folder.join("node_modules/puppeteer-core").exists());
    let (Some(modules), true) = (modules, Path::new(&browser).exists()) else {
        assert!(!required, "Chromium and puppeteer-core were to be there");
        eprintln!("SKIPPED: the page was NOT tried: no Chromium, or no OBSERVE_WEB_MODULES");
        return None;
    };
    Some((modules, browser))
}

/// Runs a script of `tests/web`, which says that it passed.
fn drive((modules, browser): (PathBuf, String), script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web");
    let output = Command::new("timeout")
        .args(["300", "node"])
        .arg(folder.join(script))
        .args(arguments)
        .current_dir(modules)
        .env("CHROMIUM", browser)
        .output()
        .expect("node is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "passed");
}

#[test]
fn a_browser_sees_sorts_and_kills() {
    let Some(browser) = browser() else { return };
    let _alone = ALONE.blocking_lock();
    let (_job, page) = serve("browser");
    let screenshot = std::env::var("OBSERVE_WEB_SCREENSHOT").unwrap_or_else(|_| "-".to_owned());
    drive(browser, "page.mjs", &[&page.url(), &screenshot]);
}

struct Left;
struct Right;

#[actor]
impl Left {
    /// Asks the other, who asks back.
    #[call]
    async fn ping(&mut self, right: Ref<Right>, me: Ref<Left>) -> bool {
        right.pong(me).timeout(secs(120)).await.is_ok()
    }

    /// Nobody comes to ask this while it waits.
    #[call]
    fn quiet(&mut self) {}
}

#[actor]
impl Right {
    #[call]
    async fn pong(&mut self, left: Ref<Left>) -> bool {
        left.quiet().timeout(secs(120)).await.is_ok()
    }
}

#[derive(Message)]
#[message(local)]
struct Never;

/// One process whose mailbox is above its mark, and one that holds a scheduler until it is let go.
fn trouble(node: &Node, go: &Arc<AtomicBool>) {
    let mailbox = foundation::Mailbox::unbounded().high_water(1);
    let hoarder = SpawnOptions::new().name("hoarder").mailbox(mailbox);
    let idle = |_: Process<Never>| std::future::pending::<()>();
    let (hoarder, _) = node.spawn_fn_with(&hoarder, idle).unwrap();
    for _ in 0..4 {
        hoarder.send(Never).unwrap();
    }
    let go = Arc::clone(go);
    let spins = move |_: Process<Never>| async move {
        while !go.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let spinner = SpawnOptions::new().name("spinner");
    node.spawn_fn_with(&spinner, spins).unwrap();
}

#[test]
fn a_browser_sees_alarms_and_circles() {
    let Some(browser) = browser() else { return };
    let _alone = ALONE.blocking_lock();
    let node = Node::builder().workers(2).start().unwrap();
    let socket = socket("trouble");
    foundation::observe::serve(&node, &socket).unwrap();
    let (left, right) = (node.spawn(Left).unwrap(), node.spawn(Right).unwrap());
    node.register("left", left.pid()).unwrap();
    node.register("right", right.pid()).unwrap();
    let (l, r) = (left.pid(), right.pid());
    let asks = async move { left.ping(right, left.clone()).timeout(secs(120)).await };
    let _asks = Task::spawn_nolink(&node, asks).unwrap();
    let go = Arc::new(AtomicBool::new(false));
    trouble(&node, &go);
    let circle = format!("left {l} -(Right::pong)-> right {r} -(Left::quiet)-> left {l}");
    let page = page(&socket);
    let outcome = std::panic::catch_unwind(|| {
        drive(
            browser,
            "trouble.mjs",
            &[&page.url(), &circle, &r.to_string()],
        );
    });
    go.store(true, Ordering::Relaxed);
    outcome.unwrap();
}

/// A node of a cluster of the test's own.
async fn member(name: &str, seed: Option<&str>) -> Node {
    let secret = Secret::new([9; 32]).expect("long enough");
    let builder = Builder::new(Node::builder().name(name).workers(1)).secret(secret);
    let builder = match seed {
        Some(seed) => builder.seed(seed).listen("127.0.0.1:0"),
        None => builder,
    };
    builder.start().await.expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_sees_the_cluster() {
    let Some(browser) = browser() else { return };
    let _alone = ALONE.lock().await;
    let a = member("a", None).await;
    let seed = a.cluster().own().await.unwrap().address;
    let (b, c) = (
        member("b", Some(&seed)).await,
        member("c", Some(&seed)).await,
    );
    let until = Instant::now() + Duration::from_secs(30);
    while a.peer("b").is_none() || a.peer("c").is_none() || b.peer("c").is_none() {
        assert!(Instant::now() < until, "they do not come together");
        a.sleep(ms(20)).await;
    }
    let socket = socket("cluster");
    foundation::observe::serve(&a, &socket).unwrap();
    let seen = socket.with_file_name("seen");
    let leaves = b.clone();
    let by = seen.clone();
    let driving = tokio::task::spawn_blocking(move || {
        let page = page(&socket);
        let shot = std::env::var("OBSERVE_WEB_SHOT").unwrap_or_else(|_| "-".to_owned());
        let seen = by.to_str().expect("a path of text");
        drive(browser, "cluster.mjs", &[&page.url(), &shot, seen]);
    });
    while !seen.exists() {
        assert!(!driving.is_finished(), "{:?}", driving.await);
        a.sleep(ms(50)).await;
    }
    leaves.cluster().leave(secs(5)).await.unwrap();
    driving.await.unwrap();
    for node in [a, b, c] {
        node.shutdown(secs(5)).await.unwrap();
    }
}
