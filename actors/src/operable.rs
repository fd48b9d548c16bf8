//! What may the operator of a node ask of its parts?
//!
//! Role       A protocol: parts of a node (its cluster, its services) answer questions that come from
//!            outside of the program, through the socket of `foundation::observe`. What a question
//!            and its answer say is between the part and the program that asks.
//! Invariant  It is local: no other node can ask in an operator's name.

use foundation_macros::protocol;
use foundation_runtime::ReplyTo;

/// What an operator asks of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The question, in the part's own words: MessagePack by custom.
    pub question: Vec<u8>,
    /// Whether it may change something; else it may only look.
    pub may_change: bool,
}

/// What an operator is answered; or why not, in words.
pub type Operated = Result<Vec<u8>, String>;

/// A part of a node that an operator may ask.
///
/// ```
/// use foundation_actors::{Name, NodeExt, Operable, Operated, Operation};
/// use foundation_macros::actor;
/// use foundation_runtime::{Node, ReplyTo};
///
/// struct Lamp;
///
/// impl Operable for Lamp {
///     fn operate(&mut self, operation: Operation, from: ReplyTo<Operated>) {
///         from.send(match operation.question.as_slice() {
///             b"state" => Ok(b"on".to_vec()),
///             _ => Err("a lamp is asked for its `state`".to_owned()),
///         });
///     }
/// }
///
/// #[actor(crate = foundation_actors, protocol(Operable))]
/// impl Lamp {}
///
/// # let node = Node::builder().start()?;
/// # node.block_on(async {
/// node.start::<Lamp>(Lamp).name(Name::new("lamp")).await?;
/// let lamp = node.at(Name::<dyn Operable>::new("lamp"));
/// let look = Operation { question: b"state".to_vec(), may_change: false };
/// assert_eq!(lamp.operate(look).await?, Ok(b"on".to_vec()));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[protocol(crate = crate)]
pub trait Operable {
    /// Answers, now or later.
    #[call(local)]
    fn operate(&mut self, operation: Operation, from: ReplyTo<Operated>);
}
