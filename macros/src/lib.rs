//! What do the attributes of Foundation expand to?
//!
//! Role       `#[actor]`, `#[protocol]`, `#[derive(Message)]`, `#[main]` and `#[test]`, re-exported by the facade.
//! Inputs     The user's items.
//! Outputs    The same items, beside code that a user could have typed.
//! Invariant  Generated code names the library only by its `__macro` module, contains no `unsafe`,
//!            and every mistake is said at the user's own tokens.

#![forbid(unsafe_code)]

mod actor;
mod entry;
mod errors;
mod hand_over;
mod krate;
mod message;

use proc_macro::TokenStream;

/// Makes a type an actor: its marked methods handle messages.
///
/// ```text
/// #[derive(Default)]
/// pub struct Counter { n: i64 }
///
/// #[actor]
/// impl Counter {
///     /// How many so far.
///     #[call] pub fn get(&self) -> i64 { self.n }
///     #[cast] pub fn add(&mut self, by: i64) { self.n += by }
/// }
/// ```
///
/// A `Ref<Counter>` then has the methods `get`, which is awaited, and `add`, which is not, with
/// the visibility and the docs of the originals. The originals stay what they are: methods, which
/// a unit test calls without any runtime. Methods without an attribute are left alone.
///
/// # Attributes of methods
///
/// | attribute | handles | shape |
/// |---|---|---|
/// | `#[call]` | a request whose sender waits | any arguments, any result |
/// | `#[cast]` | a message whose sender does not | any arguments, no result |
/// | `#[init]` | the start; makes the state | no `self`; returns `Self` or `Result<Self, Stop>` |
/// | `#[info]` | a message outside the protocol | `info: Info` |
/// | `#[exit]` | the end of a linked process, while trapping exits | `exit: Exit` |
/// | `#[down]` | the end of a monitored process | `down: Down` |
/// | `#[timeout]` | the receive timeout | nothing |
/// | `#[continue_with]` | what the actor tells itself to do next | any arguments, no result |
/// | `#[terminate]` | the orderly end | `why: &Reason` |
///
/// `#[terminate]` is the last word on `cx.stop`, on `node.stop`, and on a panic of a handler. **When a
/// supervisor, or the node, shuts the actor down it runs only if the actor traps exits**, as in OTP:
/// say `cx.trap_exit(true)` in `#[init]`. Otherwise the signal ends it at once, and only destructors
/// run. It never runs on `kill`.
///
/// Each may be `fn` or `async fn`; a plain one is not boxed. Except for `#[init]` they take `&self`
/// or `&mut self`. An actor has any number of calls, casts and continuations and at most one of
/// each other kind. What is given may be left out, except for arguments.
///
/// Two parameters are not part of the message, wherever they stand:
/// - the context, `cx: &mut Cx<Self>`, recognised by the name `Cx` or by `#[cx]` on the parameter;
/// - in a `#[call]`, the caller's place, `from: ReplyTo<R>`, recognised by the name `ReplyTo` or by
///   `#[reply]`. The method then returns nothing, and answers by `from.send(value)`, now or later.
///
/// `#[call(local)]` and `#[cast(local)]` take types that cannot travel to another node; a `Ref` to
/// a process elsewhere then refuses the message. `#[call(tag = "..")]` and `#[cast(tag = "..")]`
/// give the message a name on the wire that survives renaming the type or the method.
///
/// # What an actor is started with
///
/// Without `#[init]`, itself. With it, the parameters of `#[init]`: nothing for none, the value for
/// one, a tuple for more.
///
/// # What is generated
///
/// - `CounterClient`: the type behind `Ref<Counter>`, which has the methods;
/// - `CounterMsg`: an enum with a variant for each `#[cast]` and `#[continue_with]` method, for
///   timers and streams: `send_line(&mut self, line: String)` is `CounterMsg::SendLine(String)`.
///
/// # Words of the attribute
///
/// `#[actor(debug)]`: crash reports show the state by its `Debug`, which it must have. It costs
/// nothing until a crash. `#[actor(debug(args))]`: they show the arguments of the message as well.
/// These are formatted before each message is handled, up to 512 bytes; one without a `Debug` is
/// `_`, and so is one of a generic type that is not known to have one. What is not to be read, in a
/// state or as an argument, is a `Secret<T>`.
///
/// `#[actor(mailbox(capacity = 100, when_full = reject))]`: at most so many messages wait; a full
/// mailbox does `block`, `reject`, `drop_oldest` or `drop_newest`. With `high_water = 1_000` it gives
/// alarm when more wait. What the actor is started with goes before this.
///
/// `#[actor(protocol(Shape))]`: the actor takes the messages of a trait made a protocol by
/// `#[protocol]`.
///
/// `#[actor(version = 2)]`, or `#[state(version = 2)]` below `#[actor]`: the version of the state,
/// 1 by default. `#[actor(crate = path)]`: where the library is, if cargo does not know.
///
/// # What is refused
///
/// - `#[actor]` on anything but the type's own `impl` block;
/// - lifetimes, on the actor or in messages: both outlive the function that made them;
/// - generic methods and `impl Trait`: a message in a mailbox has one type (generic actors are
///   fine);
/// - `self` by value; a `#[cast]` or an event with a result; a `ReplyTo` beside a result;
/// - two `#[init]`s, or two attributes on one method;
/// - calls and casts named like a method of `Ref`: `address`, `at`, `client`, `find`,
///   `from_address`, `is_alive`, `name`, `node`, `over`, `pid`, `protocol`, `ready`, or like one that std
///   gives every `Ref`: `clone`, `clone_from`, `eq`, `into`, `ne`, `to_owned`, `try_into`.
///
/// A mistake in one method leaves the other methods usable, so that one mistake is one error.
#[proc_macro_attribute]
pub fn actor(words: TokenStream, item: TokenStream) -> TokenStream {
    actor::expand(words.into(), item.into()).into()
}

/// Makes a trait a protocol: what actors of several kinds can be asked alike.
///
/// ```text
/// #[protocol]
/// pub trait Shape {
///     /// How large it is.
///     #[call] fn area(&self) -> f64;
///     #[cast] fn grow(&mut self, by: f64);
/// }
///
/// impl Shape for Circle {
///     fn area(&self) -> f64 { .. }
///     fn grow(&mut self, by: f64) { .. }
/// }
///
/// #[actor(protocol(Shape))]
/// impl Circle { .. }
///
/// let shapes: Vec<Ref<dyn Shape>> = vec![circle.protocol(), square.protocol()];
/// let area = shapes[0].area().await?;
/// ```
///
/// A `Ref<dyn Shape>` has the trait's methods, as a `Ref<Circle>` has those of `Circle`. It comes
/// from `Ref::protocol`, from a `Name<dyn Shape>`, or in a message. The trait stays a trait: its
/// methods are implemented and called as those of any other.
///
/// The marked methods are as those of `#[actor]`: `fn` or `async fn`, with the context or the
/// caller's place if they ask for it, `local`, with a `tag`. A method that takes the context can
/// only be implemented by actors. Those without an attribute are left alone; the trait must be fit
/// for `dyn` with them.
///
/// A message of a protocol is found by its name and not by its type, which costs a little more than
/// a method of the actor's own.
///
/// Refused: parameters of the trait, `Self` in a message, attributes other than `#[call]` and
/// `#[cast]`, and what `#[actor]` refuses in a handler. `#[protocol(crate = path)]` says where the
/// library is.
#[proc_macro_attribute]
pub fn protocol(words: TokenStream, item: TokenStream) -> TokenStream {
    actor::protocol::expand(words.into(), item.into()).into()
}

/// Makes a struct or an enum a message that plain processes can be sent.
///
/// ```text
/// #[derive(Message, Serialize, Deserialize)]
/// enum Ticket { Bought(u32), Returned(u32) }
///
/// #[derive(Message)]
/// #[message(local)]
/// struct Opened(std::fs::File);
/// ```
///
/// A message can travel to another node, for which it needs serde's derives. `#[message(local)]`
/// keeps it on its node and needs none. `#[message(tag = "..")]` gives it a name on the wire that
/// survives renaming the type; `#[message(crate = path)]` says where the library is.
///
/// Refused: unions, and types with lifetimes.
#[proc_macro_derive(Message, attributes(message))]
pub fn message(item: TokenStream) -> TokenStream {
    message::expand(item.into()).into()
}

/// Says which allocations the values of a struct or an enum own: those of its fields. A message that
/// has such a part hands them over to its receiver, where a program keeps heap accounts.
///
/// ```text
/// #[derive(HandOver)]
/// struct Line { article: String, notes: Vec<String> }
/// ```
///
/// Messages have it already, by `#[derive(Message)]`, and so have the arguments of calls and casts.
/// Fields whose type has no `HandOver` are left out: they stay charged to whoever made them.
/// `#[hand_over(crate = path)]` says where the library is.
///
/// Refused: unions.
#[proc_macro_derive(HandOver, attributes(hand_over))]
pub fn hand_over(item: TokenStream) -> TokenStream {
    hand_over::expand(item.into()).into()
}

/// Starts a node, runs an `async fn main` on it, and ends the node in order.
///
/// ```text
/// #[foundation::main]
/// async fn main(node: Node) -> foundation::Result {
///     let counter = node.spawn(Counter::default())?;
///     Ok(())
/// }
/// ```
///
/// The function takes the node, or nothing; it returns whatever `fn main` may. In a program that
/// has a runtime of its own, start a node there instead: `Node::builder().start()`.
///
/// Refused: a function that is not `async`, other parameters, generic parameters.
#[proc_macro_attribute]
pub fn main(words: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(words.into(), item.into()).into()
}

/// Makes an `async fn` two tests: one on real threads, one simulated under many seeds.
///
/// ```text
/// #[foundation::test(seeds = 200)]
/// async fn survives(w: World) { .. }
/// ```
///
/// The tests are `survives::real` and `survives::simulated`. The function takes the `World`, a
/// `Node` of its own, or both; it returns `()` or a `Result`. Other attributes, such as `#[ignore]`
/// or `#[should_panic]`, go to both tests.
///
/// | word | means | else |
/// |---|---|---|
/// | `seeds = 200` | how often the simulated test runs | 50 |
/// | `workers = 4` | threads of the real test | 2 |
/// | `explore = 300` | one more test, `survives::explored`, that searches so many schedules | none |
/// | `delivery = pairwise` | how what is sent arrives in a simulation: `at_once`, `late`, `pairwise` | `late` |
/// | `leak_check` | fails when a process, name or timer is left at the end | they are ended |
/// | `strict_crashes` | fails by a crash that `assert_crash!` has not taken | crashes are no failure |
/// | `real`, `simulated` | only that test | both |
/// | `crate = path` | where the library is | what cargo says |
///
/// Refused: a function that is not `async`, generic parameters, another `#[test]` attribute, zero
/// seeds or workers, `seeds` for a test that is only `real`, `workers` for one only `simulated`.
#[proc_macro_attribute]
pub fn test(words: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(words.into(), item.into()).into()
}

/// Makes a type a state machine: its marked methods handle events, by state.
///
/// ```text
/// #[states]
/// pub enum Lock {
///     #[to(Open)]
///     Locked { wrong: u32 },
///     #[to(Locked)]
///     Open,
/// }
///
/// pub struct Door { code: u32 }
///
/// #[statem(Lock)]
/// impl Door {
///     #[init] fn init(code: u32) -> (Self, Lock) { (Self { code }, Locked { wrong: 0 }.into()) }
///
///     /// Whether that was the code.
///     #[call(in Locked)]
///     pub fn unlock(&mut self, code: u32, locked: &mut Locked, cx: &mut In<Self, Locked>) -> bool {
///         if code == self.code { cx.goto(Open); return true; }
///         locked.wrong += 1;
///         false
///     }
///
///     #[on(unlock, in Open)] fn unlock_again(&mut self, _code: u32) -> bool { true }
///
///     #[enter(Open)] fn opened(&mut self, cx: &mut In<Self, Enter<Open>>) {
///         cx.state_timeout(secs(10), DoorMsg::Close);
///     }
///
///     #[internal(in Open)] fn close(&mut self, cx: &mut In<Self, Open>) { cx.goto(Locked { wrong: 0 }) }
/// }
/// ```
///
/// The struct is the data that all states have in common. A `Ref<Door>` has the methods `unlock` and
/// so on, exactly as that of an actor: with their visibility and docs, with a bound, here and to
/// other nodes. Methods without an attribute are left alone.
///
/// # Attributes of methods
///
/// | attribute | handles | shape |
/// |---|---|---|
/// | `#[call]` | a request whose sender waits | any arguments, any result |
/// | `#[cast]` | a message whose sender does not | any arguments, no result |
/// | `#[internal]` | what the machine tells itself: inserted events, timeouts, streams | any arguments, no result |
/// | `#[on(unlock)]` | the event `unlock`, declared by one of the three above | its arguments, its result |
/// | `#[enter(Open)]` | that a state is entered; `#[enter]` for any | nothing |
/// | `#[handle_event]` | every event that no other handler takes | `event: DoorMsg` |
/// | `#[info]`, `#[exit]`, `#[down]` | what comes from the runtime | `info: Info` and so on |
/// | `#[init]` | the start | no `self`; returns `(Self, Lock)`, `Self`, or a `Result` of one |
/// | `#[terminate]` | the orderly end, as for an actor | `why: &Reason` |
///
/// `in Open | Shut` in an attribute of an event, or of info, exit and down, says in which states the
/// method handles it; without it, in all for which there is no other. The first three may also say:
/// - `postpone in Shut`: there the event waits for another state;
/// - `ignore in Shut`: there it is dropped (not a call);
/// - and what they may for an actor: `local`, `tag = ".."`.
///
/// The three may stand without a body, `#[cast] pub fn walk(&mut self);`. Then the event is declared,
/// and handled by `#[on]` and `#[handle_event]` only.
///
/// Each may be `fn` or `async fn`; a plain one is not boxed. While an `async` one waits, nothing else
/// is handled.
///
/// # Parameters that are not part of the event
///
/// - the state, lent: `locked: &mut Locked` in a handler for one state, `lock: &Lock` else;
/// - in an enter handler the state before: `before: Option<&Lock>`, which is `None` at the start and
///   when a state is repeated. If it is asked for together with the state, it comes first;
/// - the context, `cx: &mut In<Self, Locked>`, recognised by the name `In` or by `#[cx]`: see there for
///   what it is where. It has the transitions and actions;
/// - in a call, the caller's place, `from: ReplyTo<R>`.
///
/// # What becomes of an event that no handler takes
///
/// A call is refused: its caller gets `CallError::Refused` at once. Anything else is dropped. Both are
/// told to the log. `#[handle_event]` takes all of them, if there is one.
///
/// # What is generated
///
/// - `DoorClient`: the type behind `Ref<Door>`;
/// - `DoorMsg`: an enum with a variant for each event, `DoorMsg::Unlock(u32, ReplyTo<bool>)`,
///   `DoorMsg::Close`, and `Info`, `Exit` and `Down`. They are what is postponed, inserted, and what
///   timeouts become.
///
/// # Words of the attribute
///
/// The enum of the states, first. `debug` and `debug(args)`, `mailbox(..)`, `version = 2`,
/// `crate = path`: as for `#[actor]`; `debug` shows state and data. `postponed_max = 100`: how many
/// events may be postponed, 10,000 unless said; one too many is refused as an event without a handler.
///
/// # What is refused
///
/// What `#[actor]` refuses, and: type parameters; two handlers of one event for one state; a transition
/// that is not declared, in a handler for known states; to change the state, postpone or insert events
/// while a state is entered.
#[proc_macro_attribute]
pub fn statem(words: TokenStream, item: TokenStream) -> TokenStream {
    actor::statem::expand(words.into(), item.into()).into()
}

/// Makes an enum the states of a state machine, with the transitions between them.
///
/// ```text
/// #[states]
/// #[derive(Debug)]
/// pub enum Lock {
///     #[to(Open)]
///     Locked { wrong: u32 },
///     #[to(Locked)]
///     Open,
/// }
/// ```
///
/// `#[to(Open, Shut)]` at a variant says which may follow it. A state may always be kept, with other
/// data. A variant without it goes nowhere, if any variant has one; if none has, all transitions are
/// allowed.
///
/// Each variant becomes a struct of its name, beside the enum, as public as the enum and with the
/// enum's derives (but `Default`): `Locked { wrong: 0 }`, `Open`. That is how handlers name a state. In
/// the enum, a variant with data holds its struct, `Lock::Locked(Locked { wrong: 0 })`, and one without
/// stays `Lock::Open`. `From` makes one of the other.
///
/// `#[states]` stands above the derives. `#[derive(Default)]`, with `#[default]` at a variant without
/// data, says in which state a machine starts that does not say so itself.
///
/// Refused: anything but an enum, type parameters, names in `#[to]` that are no state.
/// `#[states(crate = path)]` says where the library is.
#[proc_macro_attribute]
pub fn states(words: TokenStream, item: TokenStream) -> TokenStream {
    actor::statem::states::expand(words.into(), item.into()).into()
}
