//! `run`: follows the node.

use super::{LogArgs, Setup};
use crate::control::{LinkStatus, serve};
use crate::error::Error;
use crate::http::{Ingredients, Server};
use crate::ledger::{Ledger, LedgerError};
use crate::log::{Line, tell};
use crate::node::{Broadcast, Watch};
use crate::settings::{HandoffSettings, HttpSettings, NodeSettings, WebhookSettings};
use crate::webhook::{SystemClock, Webhooks};
use clap::Args;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

const AFTER_HELP: &str = "\
It reads the whole chain once, then block by block as they come, and notices what the node takes back
without a word. It ends by itself only where going on would be wrong: the node is one of another chain,
or the ledger cannot be written. A lost connection is tried again.

Example:
  output-explorer --network testnet run --node 127.0.0.1:3145 --node-token-file node.token";

/// So many questions read the ledger at a time; others wait. Each thread that does so keeps about a megabyte for ever.
const BLOCKING: usize = 64;

/// Follow a node and keep the ledger up to date
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    node: NodeSettings,
    #[command(flatten)]
    handoff: HandoffSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
    /// How many changes are kept for replicas: about one for each block, and one for each change of users and handoffs
    /// [default: 0, so there can be none]
    #[arg(long, value_name = "N", env = "OUTPUT_EXPLORER_KEEP_CHANGES")]
    keep_changes: Option<u64>,
}

impl Run {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        self.log.begin(&setup);
        let config = setup.node_config(self.node);
        let http = setup.http_config(self.http)?;
        let terms = self.handoff.terms(std::mem::take(&mut setup.handoff));
        let webhooks = self.webhooks.config(std::mem::take(&mut setup.webhooks));
        let ledger = Arc::new(Ledger::open(&setup.data_dir, setup.ledger, setup.cache)?);
        let node = LinkStatus { address: config.address.to_string(), ..LinkStatus::default() };
        let node = Arc::new(Mutex::new(node));
        if ledger.copied()?.is_some() {
            return Err(LedgerError::ReadOnly.into());
        }
        ledger.keep_changes(self.keep_changes.or(setup.keep_changes).unwrap_or(0))?;
        let address = config.address;
        let mut broadcast = Broadcast::new(Arc::clone(&ledger), config.clone(), tell);
        let mut follow = Watch::new(Arc::clone(&ledger), config, Arc::clone(&node), tell)?;
        let webhooks = Webhooks::new(Arc::clone(&ledger), &webhooks, Arc::new(SystemClock), tell)?;
        let webhooks = Arc::new(webhooks);
        let ingredients = Ingredients {
            ledger: Arc::clone(&ledger),
            node: Arc::clone(&node),
            webhooks: Arc::clone(&webhooks),
            terms,
        };
        let server = http.map(|http| Server::new(&http, ingredients)).transpose()?;
        let network = setup.ledger.network;
        let hello = Line::info(format!("output-explorer for {network} follows {address}"))
            .with("network", network.name())
            .with("node", address.to_string());
        attend(hello, ledger, node, &setup.data_dir, server, async {
            let mut delivering = tokio::spawn(async move { webhooks.run().await });
            tokio::select! {
                end = follow.run() => end.map_err(Error::from),
                end = broadcast.run() => end.map_err(Error::from),
                end = &mut delivering => end.map_err(std::io::Error::other)?.map_err(Error::from),
            }
        })
    }
}

/// So long threads that are at work get in the end.
const LAST_THREADS: Duration = Duration::from_secs(10);

/// Works, and answers whoever asks, until the work ends or somebody says that it is enough.
pub(super) fn attend(
    hello: Line,
    ledger: Arc<Ledger>,
    node: Arc<Mutex<LinkStatus>>,
    data_dir: &Path,
    server: Option<Server>,
    work: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let runtime = Builder::new_multi_thread().max_blocking_threads(BLOCKING).enable_all().build()?;
    let end = runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let serve = serve(ledger, node, data_dir)?;
        tell(hello);
        let (stop, stopping) = watch::channel(false);
        let mut answering = tokio::spawn(answer(server, stopping));
        let end = tokio::select! {
            () = serve => Ok(()),
            end = work => end,
            end = &mut answering => return end.map_err(std::io::Error::other)?,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        };
        // Whoever asks just now gets an answer.
        stop.send_replace(true);
        answering.await.map_err(std::io::Error::other)??;
        end
    });
    // What was stored is on disk; a thread that finds no end keeps nobody from ending.
    runtime.shutdown_timeout(LAST_THREADS);
    end
}

/// Answers HTTP, where that is wanted, until it is to stop.
async fn answer(server: Option<Server>, mut stopping: watch::Receiver<bool>) -> Result<(), Error> {
    let stop = async move {
        // Where nobody is left to say so, it is over too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    let Some(server) = server else {
        stop.await;
        return Ok(());
    };
    let scheme = if server.is_encrypted() { "https" } else { "http" };
    let url = format!("{scheme}://{}", server.address);
    tell(Line::info(format!("answering at {url}")).with("url", url));
    Ok(server.run(stop).await?)
}
