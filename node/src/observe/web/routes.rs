//! What does the page ask for?
//!
//! Role       Paths: the page and its parts, figures as events, processes, tree and one process as
//!            JSON, and the order to kill.
//! Inputs     Requests that the guard has let pass.
//! Outputs    Responses. None may be kept, framed or read by another site.
//! Invariant  Everything but the page's static parts needs the token; what changes the node is a
//!            POST.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Query, Request as Incoming, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use foundation::cluster::desk::Question;
use foundation::observe::protocol::{Answer, PageQuery, Request, Sort};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::{Guard, Refusal};
use super::source::Source;
use crate::observe::json as show;

const PAGE: &str = include_str!("assets/page.html");
const SCRIPT: &str = include_str!("assets/page.js");
const STYLE: &str = include_str!("assets/page.css");
const PLOT: &str = include_str!("assets/uplot/uPlot.iife.min.js");
const PLOT_STYLE: &str = include_str!("assets/uplot/uPlot.min.css");
/// What the page may load: its own parts, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";
const TOKEN: HeaderName = HeaderName::from_static("x-foundation-token");
const TREE_ROWS: u32 = 2000;
/// How long other nodes may take to tell of their connections.
const CLUSTER_BOUND: Duration = Duration::from_secs(1);

pub(super) fn routes(source: Source, guard: Guard) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/page.js", get(|| part("text/javascript", SCRIPT)))
        .route("/page.css", get(|| part("text/css", STYLE)))
        .route("/uplot.js", get(|| part("text/javascript", PLOT)))
        .route("/uplot.css", get(|| part("text/css", PLOT_STYLE)))
        .route("/events", get(events))
        .route("/processes", get(processes))
        .route("/tree", get(tree))
        .route("/process", get(process))
        .route("/cluster", get(cluster))
        .route("/kill", post(kill))
        .route("/trace", post(trace))
        .with_state(source)
        .layer(middleware::from_fn_with_state(guard, check))
}

/// Lets pass what the guard lets pass. The static parts say nothing of the node: they need no token.
async fn check(State(guard): State<Guard>, request: Incoming, next: Next) -> Response {
    let mut response = match verdict(&guard, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn verdict(guard: &Guard, request: &Incoming) -> Result<(), Refusal> {
    let path = request.uri().path();
    let is_static = [".js", ".css"].iter().any(|end| path.ends_with(end));
    let of = |name: HeaderName| text(request.headers(), &name);
    let given = of(TOKEN).or_else(|| token_of(request.uri().query().unwrap_or_default()));
    let (host, origin) = (of(header::HOST), of(header::ORIGIN));
    match guard.check(host.as_deref(), origin.as_deref(), given.as_deref()) {
        Err(Refusal::Token) if is_static => Ok(()),
        verdict => verdict,
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn token_of(query: &str) -> Option<String> {
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))?;
    Some(token.to_owned())
}

fn refused(refusal: Refusal) -> Response {
    let why = match refusal {
        Refusal::Host => "This page is not served under that name.",
        Refusal::Origin => "Another site's page may not ask this.",
        Refusal::Token => {
            "Open the address that `foundation observe --web` printed: it has a token."
        }
    };
    (StatusCode::FORBIDDEN, why).into_response()
}

async fn page() -> Response {
    part("text/html", PAGE).await
}

async fn part(kind: &'static str, text: &'static str) -> Response {
    let kind = format!("{kind}; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

type NextEvent = std::pin::Pin<Box<dyn Future<Output = (u64, String)> + Send>>;

/// The figures, as they come.
struct Events {
    next: NextEvent,
    source: Source,
}

impl Events {
    fn after(source: &Source, number: u64) -> NextEvent {
        let source = source.clone();
        Box::pin(async move {
            loop {
                let told = source.told();
                if told.number != number && !told.event.is_empty() {
                    return (told.number, told.event);
                }
                source.node.sleep(Duration::from_millis(100)).await;
            }
        })
    }
}

impl futures_core::Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.next.as_mut().poll(cx).map(|(number, text)| {
            self.next = Self::after(&self.source, number);
            Some(Ok(Event::default().data(text)))
        })
    }
}

async fn events(State(source): State<Source>) -> impl IntoResponse {
    let next = Events::after(&source, 0);
    Sse::new(Events { next, source }).keep_alive(KeepAlive::default())
}

/// Why there is no answer.
type Failure = (StatusCode, String);

async fn ask(source: &Source, request: &Request) -> Result<Answer, Failure> {
    match source.ask(request).await {
        Ok(Answer::Refused(why)) => Err((StatusCode::CONFLICT, why)),
        Ok(answer) => Ok(answer),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}

fn other() -> Failure {
    let why = "the node answered another question";
    (StatusCode::BAD_GATEWAY, why.to_owned())
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    sort: String,
    #[serde(default)]
    skip: u32,
    #[serde(default)]
    code: String,
}

async fn processes(
    State(source): State<Source>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Failure> {
    let query = PageQuery {
        sort: Sort::named(&which.sort).unwrap_or_default(),
        skip: which.skip,
        rows: 50,
        code: Some(which.code).filter(|code| !code.is_empty()),
    };
    match ask(&source, &Request::Processes(query)).await? {
        Answer::Page(page) => Ok(Json(show::page(&page))),
        _ => Err(other()),
    }
}

async fn tree(State(source): State<Source>) -> Result<Json<Value>, Failure> {
    match ask(&source, &Request::Tree(TREE_ROWS)).await? {
        Answer::Tree(tree) => Ok(Json(show::tree(&tree))),
        _ => Err(other()),
    }
}

/// The cluster as the node sees it; `null` when it is part of none.
async fn cluster(State(source): State<Source>) -> Result<Json<Value>, Failure> {
    let mut told = json!({});
    let questions = [
        ("status", Question::Status),
        ("members", Question::Members),
        ("topology", Question::Topology(CLUSTER_BOUND)),
        ("channels", Question::Channels),
    ];
    for (name, question) in questions {
        let request = crate::cluster::request(&question, 2 * CLUSTER_BOUND);
        let request = request.map_err(|error| (StatusCode::BAD_REQUEST, error))?;
        let answer = ask(&source, &request).await?;
        match crate::cluster::answer_of(answer) {
            Ok(answer) => told[name] = crate::cluster::value(&answer),
            // There is no such part in a node by itself.
            Err(_) if name == "status" => return Ok(Json(Value::Null)),
            Err(why) => return Err((StatusCode::CONFLICT, why)),
        }
    }
    Ok(Json(told))
}

#[derive(Deserialize)]
struct Who {
    pid: String,
}

fn pid(source: &Source, who: &Who) -> Result<foundation::Pid, Failure> {
    let incarnation = source.incarnation().ok_or_else(|| {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the node is not there".to_owned(),
        )
    })?;
    show::pid(incarnation, &who.pid)
        .ok_or_else(|| (StatusCode::BAD_REQUEST, "that is no pid".to_owned()))
}

async fn process(
    State(source): State<Source>,
    Query(who): Query<Who>,
) -> Result<Json<Value>, Failure> {
    match ask(&source, &Request::Process(pid(&source, &who)?)).await? {
        Answer::Process(Some(detail)) => Ok(Json(show::detail(&detail))),
        Answer::Process(None) => Err((StatusCode::NOT_FOUND, "that process has ended".to_owned())),
        _ => Err(other()),
    }
}

async fn kill(
    State(source): State<Source>,
    Query(who): Query<Who>,
) -> Result<Json<Value>, Failure> {
    match ask(&source, &Request::Kill(pid(&source, &who)?)).await? {
        Answer::Killed(killed) => Ok(Json(json!({ "killed": killed }))),
        _ => Err(other()),
    }
}

#[derive(Deserialize)]
struct Traced {
    /// Whose; nobody's when it is missing.
    pid: Option<String>,
}

async fn trace(
    State(source): State<Source>,
    Query(traced): Query<Traced>,
) -> Result<Json<Value>, Failure> {
    let target = match traced.pid {
        Some(pid) => Some(self::pid(&source, &Who { pid })?),
        None => None,
    };
    source.trace(target);
    Ok(Json(json!({ "traced": target.is_some() })))
}
