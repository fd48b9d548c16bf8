//! How does a question reach a name server, and its answer this node?
//!
//! Role       Several questions at once over UDP, again if nothing comes, to one server after the
//!            other; over TCP what did not fit.
//! Limit      Two rounds of all servers; [`HOSTS_MAX`] hosts of a service. The whole is bounded by
//!            whoever asks.
//! Invariant  What is no answer to a question of this socket, from the server that was asked, does
//!            nothing.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use foundation_runtime::{Node, time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::message::{Message, Question, RecordData, RecordKind};
use crate::discovery::{Answer, Failure, Finder};
use crate::transport::join;

/// How often all servers are tried.
const ROUNDS: u32 = 2;
/// The most hosts of one service that are asked for.
const HOSTS_MAX: usize = 64;
/// How many questions are under way at once.
const BATCH: usize = 16;
/// The longest datagram that is looked at.
const DATAGRAM_BYTES: usize = 4096;

/// Whom to ask, and how long that may take.
pub(in crate::discovery) struct Asking<'a> {
    pub(in crate::discovery) node: &'a Node,
    pub(in crate::discovery) servers: &'a [SocketAddr],
    pub(in crate::discovery) bound: Duration,
}

/// What a finder that asks DNS finds.
pub(in crate::discovery) async fn look_up(
    asking: Asking<'_>,
    finder: &Finder,
) -> Result<Answer, Failure> {
    if asking.servers.is_empty() {
        return Err(Failure::NoServer);
    }
    match finder {
        Finder::Hosts { name, port } => hosts(&asking, name, *port).await,
        Finder::Service { name } => service(&asking, name).await,
        Finder::Multicast(_) => Err(Failure::Garbage),
    }
}

async fn hosts(asking: &Asking<'_>, name: &str, port: u16) -> Result<Answer, Failure> {
    let questions = both_kinds(name);
    let (answers, failure) = asking.ask(&questions).await;
    let mut answer = Collected::default();
    for message in answers.iter().flatten() {
        answer.add(message, name, port);
    }
    match failure {
        // Half an answer is one, as long as somebody is in it.
        Some(failure) if answer.addresses.is_empty() => Err(failure),
        _ => Ok(answer.done()),
    }
}

async fn service(asking: &Asking<'_>, name: &str) -> Result<Answer, Failure> {
    let kind = RecordKind::Srv;
    let question = Question {
        name: name.into(),
        kind,
    };
    let (answers, failure) = asking.ask(&[question]).await;
    let Some(Some(message)) = answers.into_iter().next() else {
        return Err(failure.unwrap_or(Failure::Silent));
    };
    let mut answer = Collected::default();
    let mut unknown = BTreeSet::new();
    for record in &message.answers {
        let RecordData::Service { port, host } = &record.data else {
            continue;
        };
        answer.good_for(record.ttl);
        let before = answer.addresses.len();
        answer.add(&message, host, *port);
        if before == answer.addresses.len() && !host.is_empty() {
            unknown.insert((host.clone(), *port));
        }
    }
    let unknown: Vec<_> = unknown.into_iter().take(HOSTS_MAX).collect();
    let hosts: BTreeSet<&str> = unknown.iter().map(|(host, _)| &**host).collect();
    let questions: Vec<_> = hosts.iter().flat_map(|host| both_kinds(host)).collect();
    let mut last = None;
    for questions in questions.chunks(BATCH) {
        let (answers, failure) = asking.ask(questions).await;
        last = failure.or(last);
        for (question, message) in questions.iter().zip(&answers) {
            let ports = unknown.iter().filter(|(host, _)| *host == question.name);
            for (host, port) in ports {
                if let Some(message) = message {
                    answer.add(message, host, *port);
                }
            }
        }
    }
    match last {
        Some(failure) if answer.addresses.is_empty() => Err(failure),
        _ => Ok(answer.done()),
    }
}

fn both_kinds(name: &str) -> [Question; 2] {
    [RecordKind::A, RecordKind::Aaaa].map(|kind| Question {
        name: name.into(),
        kind,
    })
}

/// Addresses, and how long all of them are good.
#[derive(Default)]
struct Collected {
    addresses: BTreeSet<Box<str>>,
    ttl: Option<u32>,
}

impl Collected {
    fn good_for(&mut self, ttl: u32) {
        self.ttl = Some(self.ttl.map_or(ttl, |known| known.min(ttl)));
    }

    fn add(&mut self, message: &Message, name: &str, port: u16) {
        for (address, ttl) in message.addresses(name) {
            self.good_for(ttl);
            self.addresses
                .insert(join(&address.to_string(), port).into());
        }
    }

    fn done(self) -> Answer {
        Answer {
            addresses: self.addresses.into_iter().collect(),
            ttl: Duration::from_secs(self.ttl.unwrap_or(0).into()),
        }
    }
}

/// What is known of questions that were asked together.
struct Asked<'q> {
    questions: &'q [Question],
    answers: Vec<Option<Message>>,
    failure: Option<Failure>,
}

impl Asking<'_> {
    /// The answers to these questions, each as soon as a server gives it; and why some are missing.
    async fn ask(&self, questions: &[Question]) -> (Vec<Option<Message>>, Option<Failure>) {
        let tries = ROUNDS * u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        // A service is two portions of questions, and something is left for the way.
        let one = self.bound / (2 * tries + 1);
        let mut asked = Asked {
            questions,
            answers: vec![None; questions.len()],
            failure: None,
        };
        for server in (0..ROUNDS).flat_map(|_| self.servers) {
            let exchange = self.exchange(*server, &mut asked);
            match time::timeout(one, exchange).await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    asked.failure = Some(Failure::System(error.to_string().into()));
                }
                None if asked.failure.is_none() => asked.failure = Some(Failure::Silent),
                None => {}
            }
            if asked.answers.iter().all(Option::is_some) {
                return (asked.answers, None);
            }
        }
        (asked.answers, asked.failure)
    }

    /// Asks one server what no server has answered yet.
    async fn exchange(&self, server: SocketAddr, asked: &mut Asked<'_>) -> io::Result<()> {
        let missing = (0..asked.questions.len()).filter(|at| asked.answers[*at].is_none());
        let mut open: Vec<(usize, u16)> = missing.map(|at| (at, self.number())).collect();
        let socket = open_socket(server).await?;
        for (at, number) in &open {
            socket.send(&asked.questions[*at].encode(*number)).await?;
        }
        let mut bytes = [0; DATAGRAM_BYTES];
        while !open.is_empty() {
            let length = socket.recv(&mut bytes).await?;
            let read = |(at, number): &(usize, u16)| {
                let question = &asked.questions[*at];
                Message::decode(&bytes[..length], *number, question).ok()
            };
            let found = open.iter().enumerate();
            let Some((place, message)) = found
                .filter_map(|(place, one)| Some((place, read(one)?)))
                .next()
            else {
                asked.failure = Some(Failure::Garbage);
                continue;
            };
            let (at, number) = open.swap_remove(place);
            let message = match message.is_truncated {
                true => over_tcp(server, &asked.questions[at], number).await?,
                false => Some(message),
            };
            match message {
                Some(message) if message.is_answered() => asked.answers[at] = Some(message),
                Some(message) => asked.failure = Some(Failure::Refused(message.code)),
                None => asked.failure = Some(Failure::Garbage),
            }
        }
        Ok(())
    }

    fn number(&self) -> u16 {
        (self.node.random() & 0xFFFF) as u16
    }
}

async fn open_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // The system chooses the port: who guesses has to guess that, too.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    Ok(socket)
}

#[expect(clippy::disallowed_methods, reason = "a room that opens sockets")]
async fn over_tcp(
    server: SocketAddr,
    question: &Question,
    number: u16,
) -> io::Result<Option<Message>> {
    let mut stream = TcpStream::connect(server).await?;
    let question_bytes = question.encode(number);
    let length = u16::try_from(question_bytes.len()).map_err(io::Error::other)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(&question_bytes);
    stream.write_all(&bytes).await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    let message = Message::decode(&bytes, number, question).ok();
    Ok(message.filter(|message| !message.is_truncated))
}
