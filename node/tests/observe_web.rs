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
use std::time::{Duration, Instant};

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A job, the page that observes it, and where it is: host with port, and token.
struct Page {
    _job: Killed,
    _web: Killed,
    host: String,
    token: String,
}

fn serve(name: &str) -> Page {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("web-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    let socket = foundation::observe::private_directory(&folder)
        .unwrap()
        .join("s");
    let program = env!("CARGO_BIN_EXE_foundation");
    let mut job = Command::new(program);
    job.args(["run", "--json", "--repeat", "100000", "--observe"]);
    job.arg(&socket).stdin(Stdio::null()).stdout(Stdio::null());
    let job = Killed(job.spawn().unwrap());
    let begun = Instant::now();
    while !socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut web = Command::new(program);
    web.arg("observe")
        .arg(&socket)
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
        _job: job,
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
    let page = serve("strangers");
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

#[test]
fn a_browser_sees_sorts_and_kills() {
    let required = std::env::var_os("OBSERVE_WEB").is_some();
    // Where `npm install` of `tests/web/package.json` was run.
    let modules = std::env::var_os("OBSERVE_WEB_MODULES").map(PathBuf::from);
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let modules = modules.filter(|folder| folder.join("node_modules/puppeteer-core").exists());
    let (Some(modules), true) = (modules, Path::new(&browser).exists()) else {
        assert!(!required, "Chromium and puppeteer-core were to be there");
        eprintln!("SKIPPED: the page was NOT tried: no Chromium, or no OBSERVE_WEB_MODULES");
        return;
    };
    let page = serve("browser");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/page.mjs");
    let screenshot = std::env::var("OBSERVE_WEB_SCREENSHOT").unwrap_or_else(|_| "-".to_owned());
    let output = Command::new("timeout")
        .args(["120", "node", script])
        .arg(format!("http://{}/?token={}", page.host, page.token))
        .arg(screenshot)
        .current_dir(modules)
        .env("CHROMIUM", browser)
        .output()
        .expect("node is there");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "passed");
}
