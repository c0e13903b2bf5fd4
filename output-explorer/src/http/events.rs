//! Events, for whoever must miss nothing: asked for, or as they come.

use super::app::App;
use super::extract::{MAX_ROWS, Params, a_number, limit, number};
use super::feed::Told;
use super::problem::Problem;
use super::web::Open as Session;
use crate::clock::now;
use crate::event::Filter;
use crate::metrics::{Open, Stream as Kind};
use crate::view::Event;
use axum::body::{Body, Bytes};
use axum::extract::State as Of;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest that a request may wait for an event, in seconds.
const LONGEST_WAIT: u32 = 60;

/// So many events are looked through for one answer.
const LOOKED_THROUGH: usize = 100_000;

/// After so long without an event a stream shows that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// That sign of a stream of Server-Sent Events.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// A client that takes nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(follow)).routes(routes!(socket))
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct List {
    /// Those behind this one: the `next` of the answer before; 0 for all that are kept.
    #[serde(default, deserialize_with = "number")]
    after: u64,
    /// Only these types, separated by commas; `deposit.*` is every type that begins so.
    types: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Where there is none yet, wait for so many seconds.
    #[serde(default)]
    #[param(minimum = 0, maximum = 60, default = 0)]
    wait: u32,
}

/// Events in their order.
#[derive(Serialize, ToSchema)]
struct Events {
    /// The events.
    rows: Vec<Event>,
    /// What to ask for next, as `after`: always there.
    next: u64,
    /// The newest event of all; where it is `next`, nothing is left to read.
    newest: u64,
}

fn filter(types: Option<&str>) -> Result<Filter, Problem> {
    let types = types.map(|types| types.split(',').map(str::to_owned).collect());
    Filter::new(types.unwrap_or_default()).map_err(Problem::parameter)
}

/// List events
///
/// Everything that happened since the event `after`, at once or as soon as something does. Ids count by one; none is lost
/// and none comes twice. How many are kept is configured: `410` says that some behind `after` are not, `409` that there is
/// no event `after` yet, because the ledger was begun anew.
#[utoipa::path(get, path = "/v1/events", tag = "events", operation_id = "list_events", params(List),
    responses((status = 200, body = Events)))]
async fn list(Of(app): Of<Arc<App>>, Params(list): Params<List>) -> Result<Json<Events>, Problem> {
    let most = limit(list.limit, 100, MAX_ROWS)?;
    if list.wait > LONGEST_WAIT {
        return Err(Problem::parameter(format!("wait {} is not one of 0 to {LONGEST_WAIT}", list.wait)));
    }
    let filter = filter(list.types.as_deref())?;
    let until = Instant::now() + Duration::from_secs(list.wait.into());
    let kind = (list.wait > 0).then_some(Kind::LongPoll);
    let mut reader = Reader::new(&app, list.after, filter, None, kind);
    let mut rows = Vec::new();
    let mut looked = 0;
    while rows.len() < most && looked < LOOKED_THROUGH {
        let room = most - rows.len();
        let (told, seen) = reader.read(room).await?;
        looked += seen;
        rows.extend(told.iter().map(|told| told.event.clone()));
        if seen == 0 && (!rows.is_empty() || timeout_at(until, reader.wait()).await != Ok(true)) {
            break;
        }
    }
    let newest = reader.after.max(*app.ledger.watch_events().borrow());
    Ok(Json(Events { rows, next: reader.after, newest }))
}

/// Somewhere among the events.
struct Reader {
    app: Arc<App>,
    after: u64,
    filter: Filter,
    news: watch::Receiver<u64>,
    /// What the reader said of itself, and when that was looked at last.
    said: Option<String>,
    checked: Instant,
    /// The cookies of a browser, where its session speaks for it.
    session: Option<HeaderMap>,
    _open: Option<Open>,
}

impl Reader {
    fn new(app: &Arc<App>, after: u64, filter: Filter, said: Option<String>, kind: Option<Kind>) -> Self {
        let (news, checked) = (app.feed.watch(), Instant::now());
        let open = kind.map(|kind| app.metrics.http.open(kind));
        Self { app: Arc::clone(app), after, filter, news, said, checked, session: None, _open: open }
    }

    /// Whether the reader may still know what happens: its token may be revoked, or over, and so may its session be.
    async fn is_welcome(&mut self) -> bool {
        if self.session.as_ref().is_some_and(|cookies| !self.app.has_session(cookies)) {
            return false;
        }
        if self.checked.elapsed() < SIGN_OF_LIFE {
            return true;
        }
        self.checked = Instant::now();
        let said = self.said.clone();
        self.app.blocking(move |app| Ok(app.access.caller(said.as_deref(), now())?)).await.is_ok()
    }

    /// Reads on: at most so many that are wanted, and how many were looked at. None were where there are none yet.
    async fn read(&mut self, room: usize) -> Result<(Vec<Arc<Told>>, usize), Problem> {
        // Before it is looked at, so that nothing comes unnoticed.
        self.news.borrow_and_update();
        let (mut wanted, mut seen) = (Vec::new(), 0);
        for told in self.app.feed.after(self.after).await? {
            if wanted.len() == room {
                break;
            }
            (self.after, seen) = (told.id, seen + 1);
            if self.filter.takes(told.kind) {
                wanted.push(told);
            }
        }
        Ok((wanted, seen))
    }

    /// Waits for news. Answers whether there are any; there are none once the server is to end.
    async fn wait(&mut self) -> bool {
        let mut stopping = self.app.stopping.clone();
        tokio::select! {
            changed = self.news.changed() => changed.is_ok(),
            _ = stopping.wait_for(|stopping| *stopping) => false,
        }
    }

    /// The next events that are wanted, as soon as there are some; none where no more can be told.
    async fn next(&mut self) -> Option<Vec<Arc<Told>>> {
        loop {
            match self.read(usize::MAX).await {
                // A client that connects again is told what is wrong.
                Err(_) => return None,
                Ok((wanted, _)) if !wanted.is_empty() => {
                    return if self.is_welcome().await { Some(wanted) } else { None };
                }
                Ok((_, 0)) => match timeout(SIGN_OF_LIFE, self.wait()).await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    // Whoever may know nothing any more has no place either.
                    Err(_) if !self.is_welcome().await => return None,
                    Err(_) => {}
                },
                Ok(_) => {}
            }
        }
    }
}

/// Where a stream begins, and what comes in it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Begin {
    /// Behind this event; without it, with the next one that happens.
    #[serde(default, deserialize_with = "a_number")]
    after: Option<u64>,
    /// Only these types, separated by commas; `deposit.*` is every type that begins so.
    types: Option<String>,
}

/// A reader that can begin, and a place for it.
async fn begin(
    app: &Arc<App>,
    begin: Begin,
    headers: &HeaderMap,
    last: Option<u64>,
    kind: Kind,
) -> Result<(Reader, OwnedSemaphorePermit), Problem> {
    let full = "too many streams of events are open: close one";
    let place = Arc::clone(&app.streams).try_acquire_owned();
    let place = place.map_err(|_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", full))?;
    let newest = *app.ledger.watch_events().borrow();
    let after = last.or(begin.after).unwrap_or(newest);
    // What cannot be read is said at once, as a problem.
    app.feed.after(after).await?;
    let said = headers.get(AUTHORIZATION).and_then(|said| said.to_str().ok()).map(str::to_owned);
    Ok((Reader::new(app, after, filter(begin.types.as_deref())?, said, Some(kind)), place))
}

/// Follow events (Server-Sent Events)
///
/// Each comes with its id, its type as the name of the event, and as data the same JSON as `list_events`. A client that
/// connects again goes on with `Last-Event-ID`. Where the stream ends by itself, that is how to learn why.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events", operation_id = "follow_events",
    params(Begin, ("last-event-id" = Option<u64>, Header, description = "as `after`, and before it")),
    responses((status = 200, description = "a stream without end", body = String, content_type = "text/event-stream")))]
async fn follow(
    Of(app): Of<Arc<App>>,
    Params(at): Params<Begin>,
    session: Option<Extension<Session>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").map(|value| {
        let id = value.to_str().ok().and_then(|text| text.parse().ok());
        id.ok_or_else(|| Problem::parameter("last-event-id is the id of an event"))
    });
    let (mut reader, place) = begin(&app, at, &headers, last.transpose()?, Kind::Sse).await?;
    let cookies = headers.get_all(COOKIE).iter().map(|cookies| (COOKIE, cookies.clone()));
    reader.session = session.map(|_| cookies.collect());
    let filter = reader.filter.clone();
    let texts = told(reader, place).flat_map(move |told| stream::iter(app.feed.texts(&told, &filter)));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(alive(texts).map(Ok::<_, Infallible>))).into_response())
}

/// Events as they come, all at once that there are. The place is kept as long as the stream.
fn told(reader: Reader, place: OwnedSemaphorePermit) -> impl Stream<Item = Vec<Arc<Told>>> {
    stream::unfold((reader, place), |(mut reader, place)| async move {
        Some((reader.next().await?, (reader, place)))
    })
}

/// The same, with a comment whenever there was nothing for a while.
fn alive(texts: impl Stream<Item = Bytes>) -> impl Stream<Item = Bytes> {
    stream::unfold(Box::pin(texts), |mut texts| async move {
        // A thousand streams have something to say at the same time: whoever asks something has a turn between.
        yield_now().await;
        let text = timeout(SIGN_OF_LIFE, texts.next()).await;
        Some((text.unwrap_or(Some(COMMENT))?, texts))
    })
}

/// Follow events (websocket)
///
/// Each is one text message, the same JSON as in `list_events`.
#[utoipa::path(get, path = "/v1/events/socket", tag = "events", operation_id = "open_event_socket", params(Begin),
    responses((status = 101, description = "the websocket is open")))]
async fn socket(
    Of(app): Of<Arc<App>>,
    Params(at): Params<Begin>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| Problem::new(error.status(), "no_websocket", error.body_text()))?;
    let (reader, place) = begin(&app, at, &headers, None, Kind::Websocket).await?;
    // Nothing is read but the end.
    let upgrade = upgrade.max_message_size(4096).max_frame_size(4096);
    Ok(upgrade.on_upgrade(move |socket| talk(socket, reader, place)))
}

async fn talk(mut socket: WebSocket, reader: Reader, place: OwnedSemaphorePermit) {
    let mut events = std::pin::pin!(told(reader, place).flat_map(stream::iter));
    loop {
        let message = tokio::select! {
            event = events.next() => match event {
                Some(told) => Message::Text(told.json.as_str().into()),
                None => break,
            },
            // Pings are answered on the way; what else is said is not meant for us.
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            () = sleep(SIGN_OF_LIFE) => Message::Ping(Default::default()),
        };
        if !matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
    let _ = socket.send(Message::Close(None)).await;
}
