//! What may be asked of a cluster on the command line?
//!
//! Role       The subcommands of `foundation cluster`, and what they take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use foundation::cluster::desk::{Question, Wanted};

use super::config::Kind;

/// How to ask.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ClusterArgs {
    /// What to ask or do.
    #[command(subcommand)]
    pub verb: Verb,

    /// The node to ask, by name [default: the one that runs on this machine]
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "socket")]
    pub node: Option<String>,

    /// The node to ask, by its socket
    #[arg(long, value_name = "PATH", global = true)]
    pub socket: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,

    /// How many seconds other nodes have to answer, at most 50
    #[arg(long, value_name = "SECONDS", global = true, default_value = "5", value_parser = seconds)]
    pub timeout: Duration,
}

/// What can be asked or done.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// The node, and its view of the cluster in short
    Status,
    /// The nodes that belong to it
    Members,
    /// Who is connected to whom: every node is asked
    Topology,
    /// What goes over the connections of the node
    Channels,
    /// How long a message takes to another node and back
    Ping {
        /// Which node [default: all]
        name: Option<String>,
    },
    /// The node says goodbye to all others, and ends
    Leave,
    /// All nodes close their connections to one and refuse it until it is started anew
    Evict {
        /// Which node
        name: String,
    },
    /// All nodes of the cluster come to another overlay, while it works
    Switch {
        /// Which one
        overlay: Kind,

        /// To how many nodes each is connected over HyParView
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(3..=64))]
        active: Option<u64>,

        /// A node that is a server of a client-server overlay; may be given several times
        #[arg(
            long = "server",
            value_name = "NAME",
            required_if_eq("overlay", "client-server")
        )]
        servers: Vec<String>,
    },
}

impl ClusterArgs {
    /// The question, in the words of the cluster.
    #[must_use]
    pub fn question(&self) -> Question {
        match &self.verb {
            Verb::Status => Question::Status,
            Verb::Members => Question::Members,
            Verb::Topology => Question::Topology(self.timeout),
            Verb::Channels => Question::Channels,
            Verb::Ping { name } => Question::Ping(name.clone(), self.timeout),
            Verb::Leave => Question::Leave(self.timeout),
            Verb::Evict { name } => Question::Evict(name.clone()),
            Verb::Switch {
                overlay,
                active,
                servers,
            } => {
                let wanted = match overlay {
                    Kind::Mesh => Wanted::FullMesh,
                    Kind::HyParView => Wanted::HyParView(*active),
                    Kind::ClientServer => Wanted::ClientServer(servers.clone()),
                };
                Question::Switch(wanted, self.timeout)
            }
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=50.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) => Err("between 0.001 and 50 seconds".to_owned()),
        Err(_) => Err("not a number of seconds".to_owned()),
    }
}
