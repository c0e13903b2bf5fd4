//! What waiting for the disk costs when many clients sign at once: two servers at real sockets, one of which does not
//! wait, are asked in turns.

use crate::desk::Desk;
use cold_signer::server::{Answer, Config, Server};
use futures_util::future::{join_all, try_join_all};
use rand_core::OsRng;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stegos_common::frame::ApiToken;
use stegos_common::socket::{Client, Endpoint, Limits};
use tokio::runtime::Runtime;

/// Clients at one time.
const CLIENTS: usize = 16;
/// Turns of each server.
const TURNS: usize = 10;

/// A running server and its clients.
struct Side {
    desk: Arc<Desk>,
    clients: Vec<Client>,
    answered: u32,
    time: Duration,
}

impl Side {
    async fn start(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        let socket = desk.directory().join("run/signer.sock");
        let token = || ApiToken::load("WlpaWlpaWlpaWlpaWlpaWg==").unwrap();
        let answering = Arc::clone(&desk);
        let handler = move |request: zeroize::Zeroizing<String>| Answer::Reply(answering.answer(&request));
        let server = Server::bind(Config::new(socket.clone()), token(), handler).await.unwrap();
        tokio::spawn(server.run(std::future::pending()));
        let endpoint = Endpoint::Unix(socket);
        let connect = || Client::connect(&endpoint, token(), Limits::default());
        let clients = try_join_all((0..CLIENTS).map(|_| connect())).await.unwrap();
        Self { desk, clients, answered: 0, time: Duration::ZERO }
    }

    /// Every client asks so many new requests, one after the other.
    async fn turn(&mut self, private: bool, requests: u32) {
        let desk = &self.desk;
        let work = self.clients.iter_mut().map(|client| {
            let requests: Vec<String> = (0..requests).map(|_| desk.request(private, 1, 1)).collect();
            async move {
                for request in requests {
                    client.request(&request, &mut OsRng).await.unwrap();
                }
            }
        });
        let work: Vec<_> = work.collect();
        let start = Instant::now();
        join_all(work).await;
        self.time += start.elapsed();
        self.answered += requests * u32::try_from(CLIENTS).unwrap();
    }

    fn per_second(&self) -> f64 {
        f64::from(self.answered) / self.time.as_secs_f64()
    }
}

/// Requests per second over 16 connections, with and without waiting for the disk.
pub(crate) fn compare_disks() {
    println!(
        "\n{:<40} {:>10} {:>10} {:>7} {:>10}  target",
        "per second, 16 connections", "no fsync", "fsync", "ratio", "per fsync"
    );
    let runtime = Runtime::new().unwrap();
    for (name, private, requests) in
        [("1 public to 1 public", false, 50), ("1 private to 1 private", true, 3)]
    {
        runtime.block_on(async {
            let mut fast = Side::start(Desk::without_sync()).await;
            let mut real = Side::start(Desk::new()).await;
            let before = real.desk.syncs();
            for _ in 0..TURNS {
                fast.turn(private, requests).await;
                real.turn(private, requests).await;
            }
            let syncs = f64::from(u32::try_from(real.desk.syncs() - before).unwrap());
            let (without, with) = (fast.per_second(), real.per_second());
            println!(
                "{name:<40} {without:>10.0} {with:>10.0} {:>7.2} {:>10.1}  at least 0.5",
                with / without,
                f64::from(real.answered) / syncs
            );
        });
    }
}
