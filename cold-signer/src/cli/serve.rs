//! `serve`: the daemon.

use super::policy::reload;
use super::{StoreArgs, say, warn_of};
use crate::error::Error;
use crate::process::{Manager, close_the_door};
use crate::server::{Answer, PassedSocket, Place, Server, Workers};
use crate::settings::{RuleSettings, ServerSettings, Settings};
use crate::signer::{Refusal, Signer};
use clap::Args;
use rand_core::OsRng;
use sd_notify::NotifyState;
use std::sync::Arc;
use stegos_common::socket::token_file;
use tokio::signal::unix::{SignalKind, signal};

const AFTER_HELP: &str = "\
Speaks the websocket protocol of a Stegos node with an API token, and answers one request:
create_raw_transaction. Stops at SIGINT or SIGTERM after the request in hand; at SIGHUP it reads the policy
file again.

Examples:
  cold-signer serve
  cold-signer serve --tcp 127.0.0.1:3145 --request-keys deny
  cold-signer --config /etc/cold-signer.toml serve --passphrase-fd 3 3</run/secrets/signer";

/// Answer create_raw_transaction requests on a Unix socket until stopped
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Serve {
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    rules: RuleSettings,
}

impl Serve {
    pub(super) fn run(self, store: &StoreArgs, settings: Settings) -> Result<(), Error> {
        let signing = self.rules.signing(&settings.rules);
        let (policy, limit) = (signing.policy.clone(), signing.rules.max_request_bytes);
        let server = self.server.or(settings.server);
        let passed = PassedSocket::take(server.socket())?;
        let manager = Manager::connect().unwrap_or_else(|error| {
            say(&format!("systemd cannot be told anything: {error}"));
            Manager::default()
        });
        if server.is_strict() {
            super::doctor::require_healthy(store, &server, policy.as_deref())?;
        }
        let ready = store.ready(signing)?;
        // Before there is a second thread.
        ready.protect(server.needs(), server.is_strict())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        // Opening a large store takes a while, in which nobody may end it by asking for a new policy.
        let mut hung_up = runtime.block_on(async { signal(SignalKind::hangup()) })?;
        let signer = Arc::new(ready.open()?);
        let strict = server.is_strict();
        let dir = signer.keystore().dir();
        let token = token_file::load_or_create(&server.token_file(dir), &mut OsRng)?;
        let mut config = server.config(dir);
        config.limits.json = limit;
        config.socket = passed.map_or(config.socket, Place::Passed);
        let socket = config.socket.path().to_owned();
        runtime.block_on(async {
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            if let Some(behind) = signer.behind() {
                say(&format!("WARNING: {}", super::catch_up::describe(&behind)));
            }
            let network = signer.keystore().network();
            let answering = signer.clone();
            let server = Server::bind(config, token, move |request| answer(&answering, &request)).await?;
            let listens = format!("cold-signer for {network} listens on {}", socket.display());
            say(&listens);
            if let Some(address) = server.tcp_address() {
                say(&format!("cold-signer for {network} listens on {address}"));
            }
            if let Err(gap) = close_the_door() {
                warn_of(&gap);
                if strict {
                    return Err(Error::NotProtected(1));
                }
            }
            tell(&manager, &[NotifyState::Ready, NotifyState::Status(&listens)]);
            let again = async {
                loop {
                    hung_up.recv().await;
                    reload(&signer, policy.as_deref());
                }
            };
            let workers = server.workers();
            server
                .run(async {
                    tokio::select! {
                        _ = interrupted.recv() => {}
                        _ = terminated.recv() => {}
                        () = again => {}
                        () = watch(&manager, &workers, &signer) => {}
                    }
                    tell(&manager, &[NotifyState::Stopping]);
                })
                .await;
            signer.close()?;
            say("cold-signer stopped");
            Ok(())
        })
    }
}

fn tell(manager: &Manager, news: &[NotifyState<'_>]) {
    if let Err(error) = manager.tell(news) {
        say(&format!("systemd cannot be told: {error}"));
    }
}

/// Keeps systemd's watchdog quiet for as long as requests are answered, and lets it end this process where they no longer
/// are.
async fn watch(manager: &Manager, workers: &Workers, signer: &Arc<Signer>) {
    let check = async || {
        let signer = Arc::clone(signer);
        let sound = workers.run(move || signer.require_sound()).await;
        sound.map_or(Err("nothing is answered".to_owned()), |sound| sound.map_err(|error| error.to_string()))
    };
    let reason = manager.keep_telling(check).await;
    say(&format!("the watchdog of systemd is told no more: {reason}"));
    tell(manager, &[NotifyState::Status(&reason)]);
    std::future::pending().await
}

/// Logs no more than the code of a refusal: nothing of a request is for a log.
fn answer(signer: &Signer, request: &str) -> Answer {
    let answer = signer.answer(request);
    match answer.refusal {
        None => say("signed a transaction"),
        Some(Refusal::BadId) => return Answer::Close,
        Some(refusal) => {
            say(&format!("refused a request: {}", refusal.code()));
            super::approve::tell_details(&refusal);
        }
    }
    Answer::Reply(answer.text)
}
