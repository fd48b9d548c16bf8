//! How does an observer speak with the agent?
//!
//! Role       A connection: requests out, answers in.
//! Inputs     A socket's path.
//! Outputs    [`Answer`]s, in the order in which they arrive.
//! Limit      Connecting and each answer are waited for as long as the caller says.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use foundation::Node;
use foundation::observe::frame::{ANSWER_MAX, ASK_MAX, Decoder, FrameError, encode, greeting};
use foundation::observe::protocol::{Answer, Request, Welcome};
use foundation::time::timeout_on;
use tokio::net::UnixStream;

/// How long the agent may take to say who is observed.
const WELCOME_BOUND: Duration = Duration::from_secs(5);

/// Why there is no answer. The connection is over.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// Nobody listens at the path.
    Absent(io::Error),
    /// The node has gone, or was killed.
    Lost,
    /// It did not answer in time.
    Timeout,
    /// What answers is no agent, or one of another version.
    Stranger(FrameError),
    /// The agent ended the session, for this reason.
    Dismissed(String),
    /// A request is too long to be sent.
    Request(FrameError),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(error) => write!(f, "no node answers: {error}"),
            Self::Lost => f.write_str("the node has gone"),
            Self::Timeout => f.write_str("the node does not answer"),
            Self::Stranger(error) => write!(f, "{error}"),
            Self::Dismissed(why) => write!(f, "the node ended the session: {why}"),
            Self::Request(error) => write!(f, "the request was not sent: {error}"),
        }
    }
}

impl std::error::Error for LinkError {}

/// A connection to an agent.
#[derive(Debug)]
pub struct Link {
    node: Node,
    stream: UnixStream,
    arrived: Decoder,
    /// Figures that came while something else was waited for.
    pushed: VecDeque<Answer>,
    /// Who is observed.
    pub welcome: Welcome,
}

/// How many unasked answers are kept while another is waited for.
const PUSHED_MAX: usize = 16;

impl Link {
    /// Connects; `node` tells the time.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open(node: &Node, path: &Path) -> Result<Self, LinkError> {
        let stream = UnixStream::connect(path).await.map_err(LinkError::Absent)?;
        let mut link = Self {
            node: node.clone(),
            stream,
            arrived: Decoder::new(ANSWER_MAX),
            pushed: VecDeque::new(),
            welcome: Welcome {
                node: String::new(),
                incarnation: 0,
                os_pid: 0,
                read_only: false,
            },
        };
        let greeted = timeout_on(node, WELCOME_BOUND, link.greet()).await;
        greeted.unwrap_or(Err(LinkError::Timeout))?;
        match link.answer(WELCOME_BOUND).await? {
            Answer::Welcome(welcome) => link.welcome = welcome,
            _ => return Err(LinkError::Stranger(FrameError::NotOurs)),
        }
        Ok(link)
    }

    async fn greet(&mut self) -> Result<(), LinkError> {
        self.write(&greeting()).await?;
        while !self.arrived.greeted().map_err(LinkError::Stranger)? {
            self.read().await?;
        }
        Ok(())
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            self.stream.writable().await.map_err(|_| LinkError::Lost)?;
            match self.stream.try_write(bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Why it hung up may still be there to be read.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), LinkError> {
        let mut space = [0; 16 * 1024];
        loop {
            self.stream.readable().await.map_err(|_| LinkError::Lost)?;
            match self.stream.try_read(&mut space) {
                Ok(0) => return Err(LinkError::Lost),
                Ok(read) => {
                    self.arrived.push(&space[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(LinkError::Lost),
            }
        }
    }

    /// Sends a request. Its answer comes later, perhaps after figures.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn send(&mut self, request: &Request) -> Result<(), LinkError> {
        let frame = encode(request, ASK_MAX).map_err(LinkError::Request)?;
        self.write(&frame).await
    }

    /// The next answer of any kind. Dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn next(&mut self) -> Result<Answer, LinkError> {
        if let Some(pushed) = self.pushed.pop_front() {
            return Ok(pushed);
        }
        loop {
            match self.arrived.take().map_err(LinkError::Stranger)? {
                Some(Answer::Goodbye(why)) => return Err(LinkError::Dismissed(why)),
                Some(answer) => return Ok(answer),
                None => self.read().await?,
            }
        }
    }

    async fn answer(&mut self, bound: Duration) -> Result<Answer, LinkError> {
        let node = self.node.clone();
        let next = timeout_on(&node, bound, self.next()).await;
        next.unwrap_or(Err(LinkError::Timeout))
    }

    /// Sends a request and waits for its answer; figures that come before it are kept for
    /// [`Link::next`].
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn ask(&mut self, request: &Request, bound: Duration) -> Result<Answer, LinkError> {
        let mut pushed = std::mem::take(&mut self.pushed);
        self.send(request).await?;
        let until = self.node.now() + bound;
        let figures = matches!(request, Request::Watch(every) if !every.is_zero());
        loop {
            let left = until.saturating_sub(self.node.now());
            match self.answer(left).await? {
                unasked @ (Answer::Figures(_) | Answer::Traced(_)) if !figures => {
                    if pushed.len() == PUSHED_MAX {
                        pushed.pop_front();
                    }
                    pushed.push_back(unasked);
                }
                answer => {
                    self.pushed = pushed;
                    return Ok(answer);
                }
            }
        }
    }
}
