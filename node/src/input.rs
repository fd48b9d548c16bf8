//! Where do the lines come from, and can that be read as an access log at all?
//!
//! Role       Opens the shipped sample, a file or the standard input, once per pass.
//! Inputs     What the operator named, and how often it is to be read.
//! Outputs    [`Blocks`] of each pass, or [`InputError`]: what is wrong, where, and what to do.
//! Owns       The open file, and the first [`PROBE_BYTES`] until they are read.
//! Invariant  An input that opened is neither a directory, nor compressed, nor binary. That it is
//!            empty is no error.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::blocks::{Block, Blocks};

/// So much of an input is looked at before it is taken for a log.
pub const PROBE_BYTES: usize = 8 << 10;

const SAMPLE: &[u8] = include_bytes!("../data/access.log");

/// What the operator wants read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The 10,000 lines that the program carries.
    Sample,
    /// A file, or anything else that has a path.
    Path(PathBuf),
    /// The standard input.
    Stdin,
}

/// An input that can be read, and has not been yet.
#[derive(Debug)]
pub struct Input {
    source: Source,
    from: Origin,
}

#[derive(Debug)]
enum Origin {
    Sample,
    /// A file, rewound before every pass, and how much of it a pass reads: a log that grows
    /// meanwhile must not make one pass differ from another.
    File(File, u64),
    /// What has been probed of a stream, then the stream; gone once it is read.
    Stream(Option<Probed>),
}

#[derive(Debug)]
struct Probed {
    head: Vec<u8>,
    rest: Stream,
}

#[derive(Debug)]
enum Stream {
    File(File),
    Stdin(io::Stdin),
}

/// The blocks of one pass; what goes wrong while reading is told as [`InputError::Broken`].
pub struct Pass {
    source: Source,
    blocks: Blocks,
}

/// Why an input can't be read as a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// There is no such file. Nothing was read.
    Absent(Source),
    /// It is a directory. Nothing was read.
    Directory(Source),
    /// It is compressed. Nothing was counted.
    Gzip(Source),
    /// It has a NUL at this byte, from 1, so it is no text. Nothing was counted.
    Binary(Source, usize),
    /// The system refuses to open it. Nothing was read.
    Refused(Source, ErrorKind),
    /// Reading failed midway. The lines before that were delivered.
    Broken(Source, ErrorKind),
    /// It is a stream, which can be read once only. Nothing was read by this pass.
    Once(Source),
}

impl Source {
    /// What an argument names: nothing is the sample, `-` is the standard input.
    #[must_use]
    pub fn named(argument: Option<&Path>) -> Self {
        match argument {
            None => Self::Sample,
            Some(path) if path.as_os_str() == "-" => Self::Stdin,
            Some(path) => Self::Path(path.to_owned()),
        }
    }
}

impl Input {
    /// Opens an input that will be read `passes` times.
    ///
    /// # Errors
    /// [`InputError`], before anything is counted.
    pub fn open(source: Source, passes: u32) -> Result<Self, InputError> {
        let from = match &source {
            Source::Sample => Origin::Sample,
            Source::Stdin => probe_stream(&source, Stream::Stdin(io::stdin()), passes)?,
            Source::Path(path) => open_path(&source, path, passes)?,
        };
        Ok(Self { source, from })
    }

    /// Where it comes from, for people.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether it is a stream: readable once, and never known to be at its end.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.from, Origin::Stream(_))
    }

    /// Whether it is in memory already, so that reading waits for nobody.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        matches!(self.from, Origin::Sample)
    }

    /// How many bytes a pass reads, if that is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match &self.from {
            Origin::Sample => Some(SAMPLE.len() as u64),
            Origin::File(file, limit) => file.metadata().ok().map(|file| file.len().min(*limit)),
            Origin::Stream(_) => None,
        }
    }

    /// Starts a pass from the first line. The pass before must be over: they share a file.
    ///
    /// # Errors
    /// [`InputError::Once`] for the second pass over a stream; [`InputError::Broken`] when a file
    /// can't be read from its start again.
    pub fn pass(&mut self) -> Result<Pass, InputError> {
        let broken =
            |source: &Source, error: io::Error| InputError::Broken(source.clone(), error.kind());
        let blocks = match &mut self.from {
            Origin::Sample => Blocks::of_memory(Bytes::from_static(SAMPLE)),
            Origin::File(file, len) => {
                file.seek(SeekFrom::Start(0))
                    .map_err(|error| broken(&self.source, error))?;
                let again = file
                    .try_clone()
                    .map_err(|error| broken(&self.source, error))?;
                Blocks::of_reader(again.take(*len))
            }
            Origin::Stream(probed) => match probed.take() {
                Some(Probed { head, rest }) => Blocks::of_reader(Cursor::new(head).chain(rest)),
                None => return Err(InputError::Once(self.source.clone())),
            },
        };
        Ok(Pass {
            source: self.source.clone(),
            blocks,
        })
    }
}

impl Iterator for Pass {
    type Item = Result<Block, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.blocks.next()?;
        Some(block.map_err(|error| InputError::Broken(self.source.clone(), error.kind())))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Stdin(stdin) => stdin.read(buffer),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the program reads its input")]
fn open_path(source: &Source, path: &Path, passes: u32) -> Result<Origin, InputError> {
    let refused = |error: io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => InputError::Absent(source.clone()),
        ErrorKind::IsADirectory => InputError::Directory(source.clone()),
        kind => InputError::Refused(source.clone(), kind),
    };
    let mut file = File::open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    if metadata.is_dir() {
        return Err(InputError::Directory(source.clone()));
    }
    if !metadata.is_file() {
        return probe_stream(source, Stream::File(file), passes);
    }
    probe(source, &mut file)?;
    let len = if passes > 1 { metadata.len() } else { u64::MAX };
    Ok(Origin::File(file, len))
}

fn probe_stream(source: &Source, mut stream: Stream, passes: u32) -> Result<Origin, InputError> {
    if passes > 1 {
        return Err(InputError::Once(source.clone()));
    }
    let head = probe(source, &mut stream)?;
    Ok(Origin::Stream(Some(Probed { head, rest: stream })))
}

/// Reads the beginning and tells whether it can be a log's.
fn probe(source: &Source, reader: &mut impl Read) -> Result<Vec<u8>, InputError> {
    let mut head = Vec::new();
    // A pipe that has delivered a line is not waited for: more can't make it a log or none.
    while head.len() < PROBE_BYTES && !head.contains(&b'\n') {
        let mut chunk = [0; PROBE_BYTES];
        match reader.read(&mut chunk[head.len()..]) {
            Ok(0) => break,
            Ok(read) => {
                let from = head.len();
                head.extend_from_slice(&chunk[from..from + read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(InputError::Broken(source.clone(), error.kind())),
        }
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Err(InputError::Gzip(source.clone()));
    }
    if let Some(at) = memchr::memchr(0, &head) {
        return Err(InputError::Binary(source.clone(), at + 1));
    }
    Ok(head)
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sample => out.write_str("the shipped sample"),
            Self::Path(path) => write!(out, "{}", path.display()),
            Self::Stdin => out.write_str("the standard input"),
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(source) => {
                write!(
                    out,
                    "{source} does not exist: name an access log, or nothing for the "
                )?;
                out.write_str("shipped sample")
            }
            Self::Directory(source) => {
                write!(out, "{source} is a directory: name a file in it")
            }
            Self::Gzip(source @ Source::Path(_)) => {
                write!(
                    out,
                    "{source} is compressed: gzip -dc {source} | foundation run -"
                )
            }
            Self::Gzip(source) => {
                write!(
                    out,
                    "{source} is compressed: pipe it through `gzip -dc` first"
                )
            }
            Self::Binary(source, at) => {
                write!(
                    out,
                    "{source} has a NUL at byte {at}, so it is no access log: "
                )?;
                out.write_str("name a text file")
            }
            Self::Refused(source, kind) => write!(out, "{source} can't be opened: {kind}"),
            Self::Broken(source, kind) => {
                write!(
                    out,
                    "{source} can't be read on: {kind}; what came before was counted"
                )
            }
            Self::Once(source) => {
                write!(
                    out,
                    "{source} can be read once only: save it to a file to --repeat it"
                )
            }
        }
    }
}

impl std::error::Error for InputError {}
