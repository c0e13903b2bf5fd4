//! Events for many readers at once: each is read from the ledger and put into words once, and the newest are kept at hand.
//! What streams say is made once too: a thousand of them want the same events at the same time.

use super::problem::Problem;
use crate::event::{EventRecord, Filter};
use crate::ledger::Ledger;
use crate::ledger::events::EventsError;
use crate::view::Event;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::watch;

/// So many of the newest events are kept at hand.
const AT_HAND: usize = 10_000;

/// So many are read at a time.
const PAGE: usize = 1000;

/// A text has no more events than this: whoever asks something meanwhile does not wait for long ones to be sent.
const STEP: u64 = 100;

/// So many texts are kept: for streams that are a little behind, and for some filters.
const TEXTS: usize = 128;

/// An event in words.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) event: Event,
    /// The event as JSON.
    pub(super) json: String,
}

/// Events as the text of a stream.
struct Text {
    /// The first one and the last one, and which of those between.
    first: u64,
    last: u64,
    filter: Filter,
    text: Bytes,
}

/// See the module.
pub(super) struct Feed {
    ledger: Arc<Ledger>,
    newest: RwLock<VecDeque<Arc<Told>>>,
    texts: Mutex<VecDeque<Text>>,
    /// The newest event that is at hand.
    told: watch::Sender<u64>,
}

impl Feed {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        let last = *ledger.watch_events().borrow();
        Self { ledger, newest: RwLock::default(), texts: Mutex::default(), told: watch::Sender::new(last) }
    }

    /// Tells the newest event that is at hand, whenever there are more.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Keeps the newest events at hand, for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ledger = self.ledger.watch_events();
        loop {
            let newest = *ledger.borrow_and_update();
            self.skip_to(newest.saturating_sub(AT_HAND as u64));
            while *self.told.borrow() < newest {
                let feed = Arc::clone(&self);
                let read = tokio::task::spawn_blocking(move || feed.read_on()).await;
                if !matches!(read, Ok(Ok(()))) {
                    // Whoever asks for them is told what is wrong.
                    break;
                }
            }
            if ledger.changed().await.is_err() {
                return;
            }
        }
    }

    /// Of many events at once only the newest are read; whoever wants the others finds them in the ledger.
    fn skip_to(&self, event: u64) {
        if *self.told.borrow() < event {
            self.newest.write().unwrap_or_else(PoisonError::into_inner).clear();
            self.told.send_replace(event);
        }
    }

    fn read_on(&self) -> Result<(), EventsError> {
        let after = *self.told.borrow();
        let (told, follows) = match self.stored(after) {
            Err(EventsError::Expired { first, .. }) => (self.stored(first.saturating_sub(1))?, false),
            told => (told?, true),
        };
        let last = told.last().map_or(after, |told| told.id);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        if !follows {
            // What is at hand has no gap.
            newest.clear();
        }
        newest.extend(told);
        let old = newest.len().saturating_sub(AT_HAND);
        newest.drain(..old);
        drop(newest);
        self.told.send_replace(last);
        Ok(())
    }

    fn stored(&self, after: u64) -> Result<Vec<Arc<Told>>, EventsError> {
        let page = self.ledger.events(after, PAGE)?;
        page.events.into_iter().map(|record| Ok(Arc::new(self.tell(record)?))).collect()
    }

    fn tell(&self, record: EventRecord) -> Result<Told, EventsError> {
        let (id, kind) = (record.id, record.event.kind());
        let event = Event::new(record, self.ledger.network());
        let json = serde_json::to_string(&event).unwrap_or_default();
        Ok(Told { id, kind, event, json })
    }

    /// Events behind `after`, at most a page: those at hand, or else those that are stored. None where there are none yet.
    pub(super) async fn after(self: &Arc<Self>, after: u64) -> Result<Vec<Arc<Told>>, Problem> {
        // Who has read it all has nothing to look for; that there is more is told after it is at hand.
        if after > 0 && after == *self.told.borrow() {
            return Ok(Vec::new());
        }
        {
            let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = newest.front().filter(|first| first.id <= after.saturating_add(1)) {
                let skip = usize::try_from(after.saturating_add(1) - first.id).unwrap_or(usize::MAX);
                if skip < newest.len() {
                    return Ok(newest.iter().skip(skip).take(PAGE).cloned().collect());
                }
            }
        }
        let feed = Arc::clone(self);
        let stored = tokio::task::spawn_blocking(move || feed.stored(after)).await;
        stored.map_err(Problem::internal)?.map_err(Problem::from)
    }

    /// Events in the words of Server-Sent Events, cut where all readers cut them.
    pub(super) fn texts(&self, told: &[Arc<Told>], filter: &Filter) -> Vec<Bytes> {
        // Whoever wants the same meanwhile waits for it.
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = told.chunk_by(|one, next| one.id / STEP == next.id / STEP);
        steps.map(|told| text(&mut texts, told, filter)).collect()
    }
}

/// All events that a filter takes from the first of these to the last.
fn text(texts: &mut VecDeque<Text>, told: &[Arc<Told>], filter: &Filter) -> Bytes {
    let (Some(first), Some(last)) = (told.first(), told.last()) else { return Bytes::new() };
    let (first, last) = (first.id, last.id);
    let is_it = |text: &&Text| (text.first, text.last) == (first, last) && text.filter == *filter;
    if let Some(Text { text, .. }) = texts.iter().find(is_it) {
        return text.clone();
    }
    let mut text = String::new();
    for Told { id, kind, json, .. } in told.iter().map(Arc::as_ref) {
        // Writing to a string does not fail, and JSON has no line breaks.
        let _ = write!(text, "id: {id}\nevent: {kind}\ndata: {json}\n\n");
    }
    let text = Bytes::from(text);
    texts.push_front(Text { first, last, filter: filter.clone(), text: text.clone() });
    texts.truncate(TEXTS);
    text
}
