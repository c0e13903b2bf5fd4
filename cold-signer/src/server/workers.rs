//! Where answers are made.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// So many requests at least are answered at once, also on fewer processors: answering waits for the disk, and those
/// that wait together are written together.
const WORKERS: usize = 16;

/// Threads for those who wait for an answer: one more waits until one of them is free.
#[derive(Debug)]
pub struct Workers(Semaphore);

impl Workers {
    pub(super) fn new() -> Arc<Self> {
        let workers = WORKERS.max(available_parallelism().map_or(1, NonZero::get));
        Arc::new(Self(Semaphore::new(workers)))
    }

    /// Does something on one of them. `None` where that panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _worker = self.0.acquire().await.ok()?;
        spawn_blocking(work).await.ok()
    }
}
