//! Which lines are well-formed, and what do they say?
//!
//! Role  Rows of good and bad lines; the sample; seeded walks through garbage and renderings.

mod common;

use common::Random;
use foundation_node::log::Field::{
    Agent, Bytes, Client, Ident, Referer, Request, Status, Time, User,
};
use foundation_node::log::Malformed::{Ended, OutOfRange, TooLong, Trailing, Unclosed, Unexpected};
use foundation_node::log::{LINE_BYTES_MAX, Malformed, client_of, date, is_blank, parse};

const GOOD: &str =
    r#"1.2.3.4 - bob [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl""#;

/// The good line with `from` replaced.
fn with(from: &str, to: &str) -> Vec<u8> {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_line_is_taken_apart() {
    let line = parse(GOOD.as_bytes()).unwrap();
    assert_eq!(
        (line.client, line.ident, line.user),
        (&b"1.2.3.4"[..], &b"-"[..], &b"bob"[..])
    );
    assert_eq!((line.epoch, line.zone), (1_431_857_103, 0));
    assert_eq!(
        (line.request, line.path),
        (&b"GET /a HTTP/1.1"[..], &b"/a"[..])
    );
    assert_eq!(line.method(), Some(&b"GET"[..]));
    assert_eq!((line.status, line.bytes), (200, 12));
    assert_eq!((line.referer, line.agent), (&b"-"[..], &b"curl"[..]));
    assert_eq!(client_of(GOOD.as_bytes()), b"1.2.3.4");
    assert_eq!(client_of(b"alone"), b"alone");
}

#[test]
fn good_lines() {
    fn path(request: &str, expected: &str) {
        let line = with("GET /a HTTP/1.1", request);
        assert_eq!(parse(&line).unwrap().path, expected.as_bytes(), "{request}");
    }
    path("GET /?q=%20&r HTTP/1.1", "/?q=%20&r");
    path("GET  /b   HTTP/1.1 ", "/b");
    path(" GET /b HTTP/1.1", "/b");
    path(" ", " ");
    path("GET ", "GET ");
    path("GET  HTTP/1.1", "GET  HTTP/1.1");
    path("", "");
    path("-", "-");
    path("GET /c", "GET /c");
    path("GET /d e HTTP/1.1", "GET /d e HTTP/1.1");
    path(r#"GET /\"quoted\" HTTP/1.1"#, r#"/\"quoted\""#);
    path(r"GET /back\\ HTTP/1.1", r"/back\\");
    fn time(time: &str, expected: i64) {
        let line = with("17/May/2015:10:05:03 +0000", time);
        assert_eq!(parse(&line).map(|line| line.epoch), Ok(expected), "{time}");
    }
    time("01/Jan/1970:00:00:00 +0000", 0);
    time("01/Jan/1970:00:00:00 +0130", -5_400);
    time("31/Dec/1969:23:59:59 -0000", -1);
    time("29/Feb/2000:12:00:00 -0700", 951_850_800);
    time("29/Feb/2024:00:00:00 +0000", 1_709_164_800);
    time("31/Dec/9999:23:59:59 -2359", 253_402_387_139);
    time("01/Jan/0001:00:00:00 +0000", -62_135_596_800);
    fn sent(sent: &str, expected: u64) {
        assert_eq!(
            parse(&with(" 12 ", &format!(" {sent} "))).unwrap().bytes,
            expected
        );
    }
    sent("-", 0);
    sent("0", 0);
    sent("007", 7);
    sent("18446744073709551615", u64::MAX);
    assert_eq!(parse(&with("200", "000")).unwrap().status, 0);
    assert_eq!(parse(&with("200", "999")).unwrap().status, 999);
    assert_eq!(parse(&with("curl", r"\x")).unwrap().agent, br"\x");
    let mut bytes = with("curl", "c?rl");
    let at = bytes.iter().rposition(|&byte| byte == b'?').unwrap();
    bytes[at] = 0xff;
    assert_eq!(parse(&bytes).unwrap().agent, b"c\xffrl");
    let mut windows = GOOD.as_bytes().to_vec();
    windows.push(b'\r');
    assert_eq!(parse(&windows), parse(GOOD.as_bytes()));
}

#[test]
fn bad_lines() {
    fn check(line: &[u8], expected: Malformed) {
        assert_eq!(
            parse(line),
            Err(expected),
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    check(b"", Ended(Client, 1));
    check(b" ", Unexpected(Client, 1));
    check(b"word", Ended(Client, 5));
    check(b"1.2.3.4 - bob", Ended(User, 14));
    check(b"1.2.3.4  bob", Unexpected(Ident, 9));
    check(&with("bob", "b b"), Unexpected(Time, 13));
    check(&with("[17", "17"), Unexpected(Time, 15));
    check(&with("17/", "7/"), Unexpected(Time, 18));
    check(&with("17/", "00/"), OutOfRange(Time, 16));
    check(&with("17/", "32/"), OutOfRange(Time, 16));
    check(&with("17/May", "31/Jun"), OutOfRange(Time, 16));
    check(&with("17/May/2015", "29/Feb/2015"), OutOfRange(Time, 16));
    check(&with("17/May/2015", "29/Feb/1900"), OutOfRange(Time, 16));
    check(&with("May", "may"), Unexpected(Time, 19));
    check(&with("2015", "0000"), OutOfRange(Time, 23));
    check(&with("2015", "20x5"), Unexpected(Time, 25));
    check(&with(":10:", ":24:"), OutOfRange(Time, 28));
    check(&with(":05:", ":60:"), OutOfRange(Time, 31));
    check(&with(":03 ", ":60 "), OutOfRange(Time, 34));
    check(&with("+0000", "00000"), Unexpected(Time, 37));
    check(&with("+0000", "+2400"), OutOfRange(Time, 38));
    check(&with("+0000", "+0060"), OutOfRange(Time, 40));
    check(&with("+0000]", "+0000 "), Unexpected(Time, 42));
    check(&with("\"GET", "GET"), Unexpected(Request, 44));
    check(&with("1.1\" 200", "1.1\"200"), Unexpected(Status, 61));
    check(&with("200", "20"), Unexpected(Status, 64));
    check(&with("200", "2000"), Unexpected(Status, 65));
    check(&with("200", "-1"), Unexpected(Status, 62));
    check(&with(" 12 ", "  "), Unexpected(Bytes, 66));
    check(&with(" 12 ", " 1x "), Unexpected(Bytes, 67));
    check(&with(" 12 ", " -1 "), Unexpected(Bytes, 67));
    check(
        &with(" 12 ", " 18446744073709551616 "),
        OutOfRange(Bytes, 66),
    );
    check(&with("\"-\"", "-"), Unexpected(Referer, 69));
    check(&with("\"-\" ", "\"-\""), Unexpected(Agent, 72));
    check(&with("curl\"", "curl"), Unclosed(Agent, 73));
    check(&with("curl\"", "curl\\\""), Unclosed(Agent, 73));
    check(&with("curl\"", "curl\\"), Unclosed(Agent, 73));
    check(&with("curl\"", "curl\" "), Trailing(79));
    check(&with("curl\"", "curl\" \"more\""), Trailing(79));
    check(&with("curl", &"c".repeat(LINE_BYTES_MAX)), TooLong);
}

#[test]
fn every_cut_of_a_good_line_is_malformed() {
    for end in 0..GOOD.len() {
        let cut = &GOOD.as_bytes()[..end];
        match parse(cut) {
            Err(Ended(_, at)) => assert_eq!(at as usize, end + 1),
            Err(Unclosed(_, at)) => assert_eq!(GOOD.as_bytes()[at as usize - 1], b'"'),
            other => panic!("{end}: {other:?}"),
        }
    }
}

#[test]
fn the_longest_line_is_as_long_as_it_may_be() {
    let room = LINE_BYTES_MAX - GOOD.len() + "curl".len();
    assert!(parse(&with("curl", &"c".repeat(room))).is_ok());
    assert_eq!(parse(&with("curl", &"c".repeat(room + 1))), Err(TooLong));
}

#[test]
fn what_is_wrong_reads_well() {
    let text = |line: &[u8]| parse(line).unwrap_err().to_string();
    assert_eq!(text(b"1.2.3.4 -"), "ident is cut off at byte 10");
    assert_eq!(
        text(&with("curl\"", "curl")),
        "agent has a quote at byte 73 that is never closed"
    );
    assert_eq!(
        text(&with("17/May", "31/Jun")),
        "time is impossible at byte 16"
    );
}

#[test]
fn blank_lines() {
    assert!(is_blank(b"") && is_blank(b"\r") && is_blank(b" \t\r"));
    assert!(!is_blank(b"x") && !is_blank(b" x") && !is_blank(b"\0"));
}

#[test]
fn one_line_of_the_sample_is_malformed() {
    let sample = include_bytes!("../data/access.log");
    let bad: Vec<_> = (1..)
        .zip(sample.split(|&byte| byte == b'\n'))
        .filter(|(_, line)| !line.is_empty())
        .filter_map(|(number, line)| parse(line).err().map(|why| (number, why)))
        .collect();
    // Its agent, cut off by whoever sent it, lacks the closing quote.
    assert_eq!(bad, [(8_899, Unclosed(Agent, 111))]);
}

#[test]
fn dates_there_and_back() {
    let mut expected = date::days(1, 1, 1);
    for year in 1..=9999 {
        for month in 1..=12 {
            for day in [1, date::month_days(year, month)] {
                let days = date::days(year, month, day);
                assert_eq!(date::civil(days), (year, month, day));
                assert_eq!(days, expected + day - 1);
            }
            expected += date::month_days(year, month);
        }
    }
    assert_eq!(date::utc(1_431_857_103), "17 May 2015 10:05:03");
}

#[test]
fn garbage_never_panics() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        for _ in 0..200 {
            let garbage = if random.below(2) == 0 {
                random.bytes(120)
            } else {
                random.mutate(GOOD.as_bytes())
            };
            if let Ok(line) = parse(&garbage) {
                let mut rendered = Vec::new();
                line.render(&mut rendered);
                assert_eq!(parse(&rendered), Ok(line), "seed {seed}");
            }
        }
    }
}

#[test]
fn rendering_and_parsing_gives_the_same() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let (client, user) = (random.word(), random.word());
        let (request, referer, agent) = (random.quoted(), random.quoted(), random.quoted());
        let line = foundation_node::log::Line {
            client: &client,
            ident: b"-",
            user: &user,
            epoch: random.below(200_000_000_000) as i64 - 60_000_000_000,
            zone: random.below(2 * 1439) as i16 - 1439,
            request: &request,
            path: b"",
            status: random.below(1_000) as u16,
            bytes: random.next() >> random.below(64),
            referer: &referer,
            agent: &agent,
        };
        let mut rendered = Vec::new();
        line.render(&mut rendered);
        let parsed = parse(&rendered).unwrap_or_else(|why| {
            panic!("seed {seed}: {why}: {}", String::from_utf8_lossy(&rendered))
        });
        assert_eq!(
            foundation_node::log::Line {
                path: b"",
                ..parsed
            },
            line,
            "seed {seed}"
        );
        let mut again = Vec::new();
        parsed.render(&mut again);
        assert_eq!(again, rendered, "seed {seed}");
    }
}
