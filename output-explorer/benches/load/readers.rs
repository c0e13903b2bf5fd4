//! Clients that ask for balances and pages of outputs.

use super::program::Program;
use axum::body::{Body, to_bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// Connections, each of which asks one thing at a time.
const CONNECTIONS: u32 = 8;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// The balance of any user.
    Balance,
    /// The first hundred outputs of a user who has more.
    Page,
}

/// Who is asked about: the accounts are `user 0` and so on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// So many.
    pub(crate) users: u64,
    /// One in so many has a whole page of outputs.
    pub(crate) rich_every: u64,
}

/// How often.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many requests a second of all connections together, whether they are answered or not: the time of an answer
    /// counts from when its request was due.
    Steady(u32),
    /// Each as soon as the last one is answered, all of one kind.
    Fastest(Question),
}

/// Clients at work.
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Times>,
}

/// How long each answer took.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) balances: Vec<Duration>,
    pub(crate) pages: Vec<Duration>,
}

impl Readers {
    pub(crate) fn start(program: &Program, asked: Asked, pace: Pace) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (address, authorization) = (program.address, format!("Bearer {}", program.token));
        let stopping = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut clients = JoinSet::new();
                let begin = Instant::now();
                for number in 0..CONNECTIONS {
                    let (authorization, stop) = (authorization.clone(), Arc::clone(&stopping));
                    clients.spawn(async move {
                        let rng = ChaCha8Rng::seed_from_u64(number.into());
                        let client = Client { address, authorization, asked, rng, times: Times::default() };
                        client.run(number, begin, pace, &stop).await
                    });
                }
                let mut all = Times::default();
                for times in clients.join_all().await {
                    all.balances.extend(times.balances);
                    all.pages.extend(times.pages);
                }
                all
            })
        });
        Self { stop, thread }
    }

    /// Lets them end.
    pub(crate) fn stop(self) -> Times {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

struct Client {
    address: SocketAddr,
    authorization: String,
    asked: Asked,
    rng: ChaCha8Rng,
    times: Times,
}

impl Client {
    async fn run(mut self, number: u32, begin: Instant, pace: Pace, stop: &AtomicBool) -> Times {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        for turn in 0_u32.. {
            let (due, question) = match pace {
                Pace::Fastest(question) => (Instant::now(), question),
                Pace::Steady(rate) => {
                    let due = begin + Duration::from_secs(1) * (turn * CONNECTIONS + number) / rate;
                    sleep_until(due.into()).await;
                    (due, if turn % 2 == 0 { Question::Balance } else { Question::Page })
                }
            };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.ask(&mut sender, question).await;
            let times = match question {
                Question::Balance => &mut self.times.balances,
                Question::Page => &mut self.times.pages,
            };
            times.push(due.elapsed());
        }
        self.times
    }

    async fn ask(&mut self, sender: &mut SendRequest<String>, question: Question) {
        let Asked { users, rich_every } = self.asked;
        let user = self.rng.next_u64() % users;
        let path = match question {
            Question::Balance => format!("/v1/users/user%20{user}/balance"),
            Question::Page => {
                format!("/v1/users/user%20{}/outputs?limit=100", user / rich_every * rich_every)
            }
        };
        let request = Request::get(path).header(HOST, "localhost");
        let request = request.header(AUTHORIZATION, &self.authorization).body(String::new()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
        // Not a page of one row.
        assert!(question == Question::Balance || body.len() > 10_000, "{}", body.len());
    }
}
