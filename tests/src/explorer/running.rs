//! A running `output-explorer run`.

use super::truth::Truth;
use super::{SEED, World};
use crate::daemon::Daemon;
use crate::devnode::accounts::Account;
use crate::session::Session;
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::socket::Endpoint;

/// Longer than anything here takes even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// It is killed when this is dropped.
pub struct Explorer<'a> {
    pub(super) world: &'a World,
    /// Its log.
    pub daemon: Daemon,
}

impl Explorer<'_> {
    /// A connection to its socket.
    #[must_use]
    pub fn connect(&self) -> Session {
        let directory = self.world.path("explorer");
        Session::open(&Endpoint::Unix(directory.join("run/explorer.sock")), &directory.join("api.token"))
    }

    /// Waits until it says that it is where `wanted` says.
    pub fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut session = self.connect();
        let begin = Instant::now();
        loop {
            let status = session.request(&json!({ "type": "status" }));
            if wanted(&status) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it stays at {status:#}");
            sleep(Duration::from_millis(3));
        }
    }

    /// Waits until its last block is the node's.
    pub fn settle(&self) -> Value {
        self.wait(|status| {
            status["last_block_hash"] == self.world.server.node().status().last_block_hash.to_string()
        })
    }

    /// Waits until its last block is the node's, and holds all that it says about everybody against the node's blocks.
    pub fn check(&self) -> Value {
        let status = self.settle();
        let truth = Truth::new(self.world.server.node().chain(), &self.world.past);
        let mut session = self.connect();
        truth.compare_status(&mut session);
        for account in Account::all(SEED) {
            truth.compare_user(&mut session, &account);
        }
        status
    }

    /// Stops it by SIGTERM, which must be a success. Answers what it said.
    pub fn stop(self) -> Vec<String> {
        let (status, log) = self.daemon.stop();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        log
    }
}
