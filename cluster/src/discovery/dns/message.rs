//! What do a question and an answer of DNS look like?
//!
//! Role       Writes questions, reads answers: as much of DNS as finding nodes takes.
//! Invariant  Bytes that are no answer to the question are an error and nothing else. An address counts
//!            for the name that was asked for, or one that it is an alias of.
//! Limit      [`ALIASES_MAX`] aliases in a row.
//! Source     rfc: 1035 section 4; 2782 (SRV); 3596 (AAAA)

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::Reader;

/// The most aliases in a row.
const ALIASES_MAX: usize = 8;
/// The class of the Internet.
const INTERNET: u16 = 1;
const ALIAS: u16 = 5;
/// The name server says that there is no such name.
const NO_NAME: u8 = 3;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// An address of IPv4.
    A,
    /// An address of IPv6.
    Aaaa,
    /// Where a service is.
    Srv,
}

impl RecordKind {
    fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The whole name.
    pub name: Box<str>,
    /// What of it.
    pub kind: RecordKind,
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is, in small letters.
    pub owner: Box<str>,
    /// For how many seconds it is good.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// A and AAAA.
    Address(IpAddr),
    /// The owner is an alias of this name.
    Alias(Box<str>),
    /// A service is at this port of this host.
    Service {
        /// The port.
        port: u16,
        /// The host; empty when the service is expressly nowhere.
        host: Box<str>,
    },
}

/// An answer, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// It did not fit: TCP has the whole.
    pub is_truncated: bool,
    /// What the name server says of it; 0 is good.
    pub code: u8,
    /// The records of the answer.
    pub answers: Vec<Record>,
    /// What the name server has added, unasked.
    pub more: Vec<Record>,
}

/// These bytes are no answer to this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAnswer;

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are no answer to the question")
    }
}

impl std::error::Error for BadAnswer {}

impl Question {
    /// The question as it is sent, with a number that the answer repeats.
    ///
    /// ```
    /// use foundation_cluster::discovery::{Message, Question, RecordKind};
    /// let question = Question { name: "a.example".into(), kind: RecordKind::A };
    /// let mut bytes = question.encode(7);
    /// bytes[2] |= 0x80; // An answer without records.
    /// let answer = Message::decode(&bytes, 7, &question).expect("it repeats the question");
    /// assert!(answer.is_answered() && answer.answers.is_empty());
    /// assert!(Message::decode(&bytes, 8, &question).is_err());
    /// ```
    #[must_use]
    pub fn encode(&self, number: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.name.len() + 18);
        bytes.extend_from_slice(&number.to_be_bytes());
        // Recursion is desired; one question, and nothing else.
        bytes.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let labels = self.name.split('.').filter(|label| !label.is_empty());
        for label in labels {
            // The length was looked at before anything was started, or the name has come over DNS.
            let length = u8::try_from(label.len()).unwrap_or(63).min(63);
            bytes.push(length);
            bytes.extend_from_slice(&label.as_bytes()[..usize::from(length)]);
        }
        bytes.push(0);
        bytes.extend_from_slice(&self.kind.code().to_be_bytes());
        bytes.extend_from_slice(&INTERNET.to_be_bytes());
        bytes
    }

    fn is_asked(&self, reader: &mut Reader<'_>) -> Result<bool, BadAnswer> {
        let name = reader.name()?;
        let (kind, class) = (reader.u16()?, reader.u16()?);
        let whole = self.name.strip_suffix('.').unwrap_or(&self.name);
        Ok(*name == *whole.to_ascii_lowercase() && kind == self.kind.code() && class == INTERNET)
    }
}

impl Message {
    /// What these bytes answer to the question of this number.
    ///
    /// # Errors
    /// [`BadAnswer`].
    pub fn decode(bytes: &[u8], number: u16, question: &Question) -> Result<Self, BadAnswer> {
        let mut reader = Reader::new(bytes);
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
        if id != number || !is_answer || counts[0] != 1 || !question.is_asked(&mut reader)? {
            return Err(BadAnswer);
        }
        let mut message = Self {
            is_truncated: flags & 0x0200 != 0,
            code: (flags & 0xF) as u8,
            answers: Vec::new(),
            more: Vec::new(),
        };
        if message.is_truncated {
            return Ok(message); // What is left of it is not looked at.
        }
        message.answers = records(&mut reader, counts[1])?;
        records(&mut reader, counts[2])?;
        message.more = records(&mut reader, counts[3])?;
        Ok(message)
    }

    /// Whether it is an answer: also that there is no such name is one.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.code == 0 || self.code == NO_NAME
    }

    /// The addresses of a name, and for how many seconds each is good.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Vec<(IpAddr, u32)> {
        let whole = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let mut owner: &str = &whole;
        let mut good = u32::MAX;
        // Aliases that lead in a circle come to an end, too.
        for _ in 0..=ALIASES_MAX {
            let of_owner = || self.all().filter(|record| *record.owner == *owner);
            let addresses = of_owner().filter_map(|record| match record.data {
                RecordData::Address(address) => Some((address, record.ttl.min(good))),
                _ => None,
            });
            let addresses: Vec<_> = addresses.collect();
            let alias = of_owner().find_map(|record| match &record.data {
                RecordData::Alias(of) => Some((&**of, record.ttl)),
                _ => None,
            });
            let Some((of, ttl)) = alias.filter(|_| addresses.is_empty()) else {
                return addresses;
            };
            (owner, good) = (of, good.min(ttl));
        }
        Vec::new()
    }

    fn all(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.more)
    }
}

fn records(reader: &mut Reader<'_>, many: u16) -> Result<Vec<Record>, BadAnswer> {
    let mut records = Vec::new();
    for _ in 0..many {
        let owner = reader.name()?;
        let (kind, class, ttl) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let length = usize::from(reader.u16()?);
        let end = reader.at + length;
        let data = match (kind, class) {
            (1, INTERNET) => Some(RecordData::Address(Ipv4Addr::from(reader.array()?).into())),
            (28, INTERNET) => Some(RecordData::Address(
                Ipv6Addr::from(reader.array::<16>()?).into(),
            )),
            (ALIAS, INTERNET) => Some(RecordData::Alias(reader.name()?)),
            (33, INTERNET) => {
                // Priority and weight do not matter: every node is dialled.
                reader.u32()?;
                let (port, host) = (reader.u16()?, reader.name()?);
                Some(RecordData::Service { port, host })
            }
            _ => {
                reader.take(length)?;
                None
            }
        };
        if reader.at != end {
            return Err(BadAnswer);
        }
        // As RFC 2181 has it, the highest bit says that there is none.
        let ttl = if i32::try_from(ttl).is_ok() { ttl } else { 0 };
        records.extend(data.map(|data| Record { owner, ttl, data }));
    }
    Ok(records)
}
