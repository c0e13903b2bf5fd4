//! Clients that follow the stream of events.
//!
//! They count events and understand nothing else, so that most of the work is the program's and not theirs.

use super::program::Program;
use memchr::memmem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// Every event has one such line, and no other line begins so.
const EVENT: &[u8] = b"\ndata: ";

/// Where it takes longer, something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// Clients that have begun.
pub(crate) struct Subscribers {
    /// Blocks that are to arrive at all of them together, and those that did.
    wanted: usize,
    arrived: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<Vec<Instant>>>,
}

impl Subscribers {
    /// So many, who follow the next blocks. Each block has so many events.
    pub(crate) fn start(program: &Program, count: usize, blocks: usize, events: usize) -> Self {
        let (arrived, begun) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let address = program.address;
        let request = format!(
            "GET /v1/events/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            program.token
        );
        let shared = (Arc::clone(&arrived), Arc::clone(&begun));
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut clients = JoinSet::new();
                for _ in 0..count {
                    let (arrived, begun) = shared.clone();
                    let request = request.clone();
                    clients.spawn(async move {
                        let mut stream = begin(address, &request).await;
                        begun.fetch_add(1, Ordering::Relaxed);
                        follow(&mut stream, blocks, events, &arrived).await
                    });
                }
                clients.join_all().await
            })
        });
        wait_for(&begun, count);
        Self { wanted: count * blocks, arrived, thread }
    }

    /// Waits until all have all blocks, and answers when each subscriber had each.
    pub(crate) fn end(self) -> Vec<Vec<Instant>> {
        wait_for(&self.arrived, self.wanted);
        self.thread.join().unwrap()
    }
}

fn wait_for(number: &AtomicUsize, wanted: usize) {
    let begin = Instant::now();
    while number.load(Ordering::Relaxed) < wanted {
        assert!(begin.elapsed() < PATIENCE, "{} of {wanted}", number.load(Ordering::Relaxed));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Connects, and reads the answer up to its body.
async fn begin(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Reads so many blocks, and notes when the last event of each is there.
async fn follow(stream: &mut TcpStream, blocks: usize, events: usize, arrived: &AtomicUsize) -> Vec<Instant> {
    let event = memmem::Finder::new(EVENT);
    let (mut seen, mut times) = (0, Vec::new());
    let mut buffer = vec![0; 64 << 10];
    // The end of what was read before: a line may come in two parts.
    let mut kept = 0;
    while times.len() < blocks {
        let read = stream.read(&mut buffer[kept..]).await.unwrap();
        assert!(read > 0, "the stream ended");
        let end = kept + read;
        seen += event.find_iter(&buffer[..end]).count();
        while seen >= (times.len() + 1) * events {
            times.push(Instant::now());
            arrived.fetch_add(1, Ordering::Relaxed);
        }
        kept = end.min(EVENT.len() - 1);
        buffer.copy_within(end - kept..end, 0);
    }
    times
}
