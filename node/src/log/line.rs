//! Is this line of the combined log format, and what does it say?
//!
//! Role       Turns one line into borrowed fields, without allocating.
//! Inputs     One line without its line feed; a trailing carriage return is not part of it.
//! Outputs    A [`Line`], or [`Malformed`]: which field went wrong, and at which byte.
//! Invariant  Never panics, whatever the bytes; rendering a [`Line`] and parsing it gives it back.
//! Source     Apache httpd, mod_log_config, "combined"
//!
//! `client ident user [day/Mon/year:h:m:s zone] "request" status bytes "referer" "agent"`, with
//! one space between fields and nothing after the agent. Inside quotes a backslash escapes the byte
//! after it, as Apache writes it; other bytes may be anything, UTF-8 or not.

use std::fmt;

use super::date;

/// A longer line is malformed; the reader keeps no more of it than shows that.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// One request, as its line tells it. Quoted fields keep their backslashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Who asked: an address or a host name.
    pub client: &'a [u8],
    /// The identity by RFC 1413, nearly always `-`.
    pub ident: &'a [u8],
    /// The user who authenticated, or `-`.
    pub user: &'a [u8],
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub epoch: i64,
    /// The zone that the line was written in, in minutes east of UTC.
    pub zone: i16,
    /// The whole request, `GET / HTTP/1.1`.
    pub request: &'a [u8],
    /// The second of the request's three words; the whole request if it isn't three words.
    pub path: &'a [u8],
    /// The status that was answered.
    pub status: u16,
    /// Bytes sent; `-` is none.
    pub bytes: u64,
    /// Where the client says it came from.
    pub referer: &'a [u8],
    /// What the client says it is.
    pub agent: &'a [u8],
}

/// A part of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the format in the module's header names them")]
pub enum Field {
    Client,
    Ident,
    User,
    Time,
    Request,
    Status,
    Bytes,
    Referer,
    Agent,
}

/// Why a line is not of the combined format. Columns count bytes, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The line is over before this field is.
    Ended(Field, u32),
    /// The byte here can't belong to this field.
    Unexpected(Field, u32),
    /// The quote that opens here is never closed.
    Unclosed(Field, u32),
    /// Here stands a date that does not exist, or a number that does not fit.
    OutOfRange(Field, u32),
    /// The line goes on after the agent.
    Trailing(u32),
    /// The line is longer than [`LINE_BYTES_MAX`].
    TooLong,
}

/// Parses one line.
///
/// ```
/// use foundation_node::log::{Malformed, Field, parse};
/// let line = br#"::1 - - [29/Feb/2024:10:00:00 +0100] "GET /a HTTP/1.1" 200 12 "-" "curl""#;
/// let parsed = parse(line).unwrap();
/// assert_eq!((parsed.path, parsed.epoch, parsed.bytes), (&b"/a"[..], 1_709_197_200, 12));
/// assert_eq!(parse(b"::1 - -"), Err(Malformed::Ended(Field::User, 8)));
/// ```
///
/// # Errors
/// [`Malformed`], for the first byte that breaks the format.
#[inline]
pub fn parse(line: &[u8]) -> Result<Line<'_>, Malformed> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LINE_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let mut cursor = Cursor { line, at: 0 };
    let client = cursor.word(Field::Client)?;
    let ident = cursor.word(Field::Ident)?;
    let user = cursor.word(Field::User)?;
    let (epoch, zone) = cursor.time()?;
    let request = cursor.quoted(Field::Request)?;
    cursor.space(Field::Status)?;
    let status = cursor.status()?;
    let bytes = cursor.bytes()?;
    let referer = cursor.quoted(Field::Referer)?;
    cursor.space(Field::Agent)?;
    let agent = cursor.quoted(Field::Agent)?;
    if cursor.at < line.len() {
        return Err(Malformed::Trailing(cursor.at as u32 + 1));
    }
    let path = words(request).map_or(request, |[_, path, _]| path);
    Ok(Line {
        client,
        ident,
        user,
        epoch,
        zone,
        request,
        path,
        status,
        bytes,
        referer,
        agent,
    })
}

/// The client of a line, without parsing the rest: what stands before the first space.
#[inline]
#[must_use]
pub fn client_of(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|&byte| byte == b' ');
    &line[..end.unwrap_or(line.len())]
}

/// Whether a line has nothing but white space; such lines are not counted at all.
#[inline]
#[must_use]
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

impl Line<'_> {
    /// The first of the request's three words, `GET`; nothing if it isn't three words.
    #[must_use]
    pub fn method(&self) -> Option<&[u8]> {
        words(self.request).map(|[method, _, _]| method)
    }

    /// Appends the line as a log would have it, without a line feed.
    pub fn render(&self, out: &mut Vec<u8>) {
        let local = self.epoch + i64::from(self.zone) * 60;
        let (year, month, day) = date::civil(local.div_euclid(date::DAY));
        let second = local.rem_euclid(date::DAY);
        let month = date::MONTHS[(month - 1) as usize];
        let sign = if self.zone < 0 { '-' } else { '+' };
        let zone = self.zone.unsigned_abs();
        let time = format!(
            "[{day:02}/{month}/{year:04}:{:02}:{:02}:{:02} {sign}{:02}{:02}]",
            second / 3600,
            second / 60 % 60,
            second % 60,
            zone / 60,
            zone % 60
        );
        let sent = if self.bytes == 0 {
            "-".to_owned()
        } else {
            self.bytes.to_string()
        };
        for part in [
            self.client,
            b" ",
            self.ident,
            b" ",
            self.user,
            b" ",
            time.as_bytes(),
        ] {
            out.extend_from_slice(part);
        }
        let numbers = format!("\" {:03} {sent} \"", self.status);
        let quoted = [
            b" \"",
            self.request,
            numbers.as_bytes(),
            self.referer,
            b"\" \"",
            self.agent,
            b"\"",
        ];
        quoted
            .into_iter()
            .for_each(|part| out.extend_from_slice(part));
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(field, at) => write!(out, "{field} is cut off at byte {at}"),
            Self::Unexpected(field, at) => write!(out, "{field} has a wrong byte at {at}"),
            Self::Unclosed(field, at) => {
                write!(out, "{field} has a quote at byte {at} that is never closed")
            }
            Self::OutOfRange(field, at) => write!(out, "{field} is impossible at byte {at}"),
            Self::Trailing(at) => write!(out, "the line goes on after the agent at byte {at}"),
            Self::TooLong => write!(out, "the line is longer than {LINE_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for Malformed {}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Client => "client",
            Self::Ident => "ident",
            Self::User => "user",
            Self::Time => "time",
            Self::Request => "request",
            Self::Status => "status",
            Self::Bytes => "bytes",
            Self::Referer => "referer",
            Self::Agent => "agent",
        })
    }
}

/// The three words of a request, if it is three; more than one space may part them.
#[inline]
fn words(request: &[u8]) -> Option<[&[u8]; 3]> {
    let first = request.iter().position(|&byte| byte == b' ')?;
    let last = request.iter().rposition(|&byte| byte == b' ')?;
    let middle = request.get(first + 1..last).unwrap_or_default();
    let (method, protocol) = (&request[..first], &request[last + 1..]);
    let single = !method.is_empty() && !middle.is_empty() && !protocol.is_empty();
    if single && memchr::memchr(b' ', middle).is_none() {
        return Some([method, middle, protocol]);
    }
    odd_words(request)
}

/// The same for requests that have more spaces than two, or spaces at their ends.
#[cold]
fn odd_words(request: &[u8]) -> Option<[&[u8]; 3]> {
    let mut words = request
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let three = [words.next()?, words.next()?, words.next()?];
    words.next().is_none().then_some(three)
}

/// A line, and how far it has been read.
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

/// `[17/May/2015:10:05:03 +0000] `, with the space after it.
const TIME_BYTES: usize = 29;

impl<'a> Cursor<'a> {
    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// What is wrong with `field` when the byte here is not the one it needs.
    #[cold]
    fn wrong(&self, field: Field, at: usize) -> Malformed {
        let column = at.min(self.line.len()) as u32 + 1;
        if at < self.line.len() {
            Malformed::Unexpected(field, column)
        } else {
            Malformed::Ended(field, column)
        }
    }

    #[inline]
    fn space(&mut self, field: Field) -> Result<(), Malformed> {
        if self.line.get(self.at) != Some(&b' ') {
            return Err(self.wrong(field, self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// At least one byte up to a space, which is read as well.
    #[inline]
    fn word(&mut self, field: Field) -> Result<&'a [u8], Malformed> {
        let rest = self.rest();
        match rest.iter().position(|&byte| byte == b' ') {
            None => Err(self.wrong(field, self.line.len())),
            Some(0) => Err(self.wrong(field, self.at)),
            Some(end) => {
                self.at += end + 1;
                Ok(&rest[..end])
            }
        }
    }

    /// What stands between two quotes.
    #[inline]
    fn quoted(&mut self, field: Field) -> Result<&'a [u8], Malformed> {
        let open = self.at;
        if self.line.get(open) != Some(&b'"') {
            return Err(self.wrong(field, open));
        }
        let mut at = open + 1;
        loop {
            let rest = self.line.get(at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                None => return Err(Malformed::Unclosed(field, open as u32 + 1)),
                Some(end) if rest[end] == b'\\' => at += end + 2,
                Some(end) => {
                    self.at = at + end + 1;
                    return Ok(&self.line[open + 1..at + end]);
                }
            }
        }
    }

    /// The bracketed time and the space after it, as seconds since 1970 and minutes east of UTC.
    #[inline]
    fn time(&mut self) -> Result<(i64, i16), Malformed> {
        let from = self.at;
        let Some(text) = self.rest().first_chunk::<TIME_BYTES>() else {
            return Err(self.short_time());
        };
        match instant(text) {
            Ok(found) => {
                self.at += TIME_BYTES;
                Ok(found)
            }
            Err(Flaw::Byte(at)) => Err(Malformed::Unexpected(Field::Time, (from + at) as u32 + 1)),
            Err(Flaw::Range(at)) => Err(Malformed::OutOfRange(Field::Time, (from + at) as u32 + 1)),
        }
    }

    /// Where a time that is too short to be one goes wrong: at a byte, or at the line's end.
    #[cold]
    fn short_time(&self) -> Malformed {
        let mut text = *b"[01/Jan/2000:00:00:00 +0000] ";
        let rest = self.rest();
        text[..rest.len()].copy_from_slice(rest);
        match instant(&text) {
            // Of a month, at 4, all three letters must be there to be judged.
            Err(Flaw::Byte(at)) if at < rest.len() && (at != 4 || rest.len() >= 7) => {
                Malformed::Unexpected(Field::Time, (self.at + at) as u32 + 1)
            }
            _ => Malformed::Ended(Field::Time, self.line.len() as u32 + 1),
        }
    }

    /// Three digits and a space.
    #[inline]
    fn status(&mut self) -> Result<u16, Malformed> {
        let mut status = 0;
        for at in self.at..self.at + 3 {
            let digit = self
                .line
                .get(at)
                .map_or(u8::MAX, |byte| byte.wrapping_sub(b'0'));
            if digit > 9 {
                return Err(self.wrong(Field::Status, at));
            }
            status = status * 10 + u16::from(digit);
        }
        self.at += 3;
        self.space(Field::Status)?;
        Ok(status)
    }

    /// Digits or `-`, and a space.
    #[inline]
    fn bytes(&mut self) -> Result<u64, Malformed> {
        let from = self.at;
        if self.line.get(from) == Some(&b'-') {
            self.at += 1;
            self.space(Field::Bytes)?;
            return Ok(0);
        }
        let mut bytes: u64 = 0;
        for (at, byte) in self.line.iter().enumerate().skip(from) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                if *byte != b' ' || at == from {
                    return Err(self.wrong(Field::Bytes, at));
                }
                self.at = at + 1;
                return Ok(bytes);
            }
            let Some(more) = bytes
                .checked_mul(10)
                .and_then(|ten| ten.checked_add(digit.into()))
            else {
                return Err(Malformed::OutOfRange(Field::Bytes, from as u32 + 1));
            };
            bytes = more;
        }
        Err(self.wrong(Field::Bytes, self.line.len()))
    }
}

/// What is wrong with a time, and at which of its bytes.
enum Flaw {
    Byte(usize),
    Range(usize),
}

#[inline]
fn instant(text: &[u8; TIME_BYTES]) -> Result<(i64, i16), Flaw> {
    for (at, byte) in [
        (0, b'['),
        (3, b'/'),
        (7, b'/'),
        (12, b':'),
        (15, b':'),
        (18, b':'),
    ] {
        if text[at] != byte {
            return Err(Flaw::Byte(at));
        }
    }
    let day = pair(text, 1, 31)?;
    let month = date::month(&text[4..7]).ok_or(Flaw::Byte(4))?;
    let year = pair(text, 8, 99)? * 100 + pair(text, 10, 99)?;
    let (hour, minute, second) = (
        pair(text, 13, 23)?,
        pair(text, 16, 59)?,
        pair(text, 19, 59)?,
    );
    let east = match text[22] {
        b'+' => 1,
        b'-' => -1,
        _ => return Err(Flaw::Byte(22)),
    };
    for (at, byte) in [(21, b' '), (27, b']'), (28, b' ')] {
        if text[at] != byte {
            return Err(Flaw::Byte(at));
        }
    }
    let zone = east * (pair(text, 23, 23)? * 60 + pair(text, 25, 59)?);
    if year == 0 {
        return Err(Flaw::Range(8));
    }
    if day == 0 || day > date::month_days(year, month) {
        return Err(Flaw::Range(1));
    }
    let local = date::days(year, month, day) * date::DAY + hour * 3600 + minute * 60 + second;
    Ok((local - zone * 60, zone as i16))
}

/// Two digits that make at most `max`.
#[inline]
fn pair(text: &[u8; TIME_BYTES], at: usize, max: i64) -> Result<i64, Flaw> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    if tens > 9 {
        return Err(Flaw::Byte(at));
    }
    if ones > 9 {
        return Err(Flaw::Byte(at + 1));
    }
    let number = i64::from(tens) * 10 + i64::from(ones);
    if number > max {
        Err(Flaw::Range(at))
    } else {
        Ok(number)
    }
}
