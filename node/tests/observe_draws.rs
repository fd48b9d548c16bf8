//! Does the observer's terminal draw when something has changed, and only then?
//!
//! Role  The program on a terminal, before an agent that says what the test likes: frames are
//!       counted.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, sockets and time"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use common::screen::Screen;
use foundation::observe::frame::{ANSWER_MAX, ASK_MAX, Decoder, encode, greeting};
use foundation::observe::protocol::{Answer, Figures, Page, Request, Welcome};

/// Frames that would be drawn in this time, were one drawn for each look at the keys: forty.
const QUIET: Duration = Duration::from_secs(2);

fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("draws-{name}"));
    let _ = fs::remove_dir_all(&path);
    foundation::observe::private_directory(&path).unwrap()
}

fn tell(stream: &mut UnixStream, answer: &Answer) {
    let frame = encode(answer, ANSWER_MAX).unwrap();
    stream.write_all(&frame).unwrap();
}

fn figures(at: u64) -> Answer {
    Answer::Figures(Box::new(Figures {
        at: Duration::from_secs(at),
        ..Figures::default()
    }))
}

/// An agent with one observer, that says the same list whenever it is asked, and figures once.
/// It gives away how it is told more.
fn agent(listener: &UnixListener) -> UnixStream {
    let (mut stream, _) = listener.accept().unwrap();
    let teller = stream.try_clone().unwrap();
    stream.write_all(&greeting()).unwrap();
    tell(
        &mut stream,
        &Answer::Welcome(Welcome {
            node: "still".to_owned(),
            incarnation: 1,
            os_pid: 1,
            read_only: false,
        }),
    );
    std::thread::spawn(move || {
        let (mut arrived, mut space) = (Decoder::new(ASK_MAX), [0; 4096]);
        let mut met = false;
        while let Ok(read @ 1..) = stream.read(&mut space) {
            arrived.push(&space[..read]);
            met = met || arrived.greeted().unwrap();
            while let Some(asked) = met.then(|| arrived.take().unwrap()).flatten() {
                match asked {
                    Request::Watch(_) => tell(&mut stream, &figures(1)),
                    Request::Processes(query) => {
                        let (matched, rows) = (0, Vec::new());
                        tell(
                            &mut stream,
                            &Answer::Page(Page {
                                query,
                                matched,
                                rows,
                            }),
                        );
                    }
                    asked => panic!("{asked:?}"),
                }
            }
        }
    });
    teller
}

/// How many frames are drawn while something is done, and some time after.
fn drawn(screen: &mut Screen, what: impl FnOnce(&mut Screen)) -> usize {
    let before = screen.frames();
    what(screen);
    std::thread::sleep(QUIET);
    screen.frames() - before
}

#[test]
fn frames_are_drawn_for_what_has_changed() {
    let here = folder("still");
    let (socket, tty) = (here.join("s"), here.join("tty"));
    let listener = UnixListener::bind(&socket).unwrap();
    let before = format!("tty > {};", tty.display());
    let arguments = format!("observe {}", socket.display());
    let Some(mut screen) = Screen::open(&before, &arguments) else {
        return;
    };
    let mut agent = agent(&listener);
    screen.until("0:01");
    screen.until("by recent");
    std::thread::sleep(Duration::from_millis(200));
    // The same list comes again and again.
    assert_eq!(drawn(&mut screen, |_| {}), 0);
    let told = drawn(&mut screen, |_| tell(&mut agent, &figures(2)));
    assert_eq!(told, 1, "figures");
    // The key, and the list in another order.
    let pressed = drawn(&mut screen, |screen| screen.press("s"));
    assert!((1..=2).contains(&pressed), "{pressed}");
    let size = fs::read_to_string(&tty).unwrap();
    let resize = || {
        let stty = Command::new("stty")
            .args(["-F", size.trim(), "rows", "30"])
            .status();
        assert!(stty.unwrap().success());
    };
    let resized = drawn(&mut screen, |_| resize());
    assert!((1..=2).contains(&resized), "{resized}");
    // It is said once that nobody is there.
    drop((listener, fs::remove_file(&socket)));
    let lost = drawn(&mut screen, |_| {
        agent.shutdown(std::net::Shutdown::Both).unwrap();
    });
    assert!((1..=2).contains(&lost), "{lost}");
    screen.until("trying again");
    screen.press("q");
    let (status, text) = screen.end();
    assert_eq!(status.code(), Some(0), "{text}");
}
