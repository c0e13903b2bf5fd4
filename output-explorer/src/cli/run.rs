//! `run`: follows the node.

use super::{Setup, say};
use crate::control::{LinkStatus, serve};
use crate::error::Error;
use crate::http::{Ingredients, Server};
use crate::ledger::Ledger;
use crate::node::{Broadcast, Watch};
use crate::settings::{HandoffSettings, HttpSettings, NodeSettings, WebhookSettings};
use crate::webhook::{SystemClock, Webhooks};
use clap::Args;
use std::sync::{Arc, Mutex};
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
    node: NodeSettings,
    #[command(flatten)]
    handoff: HandoffSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
}

impl Run {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        let config = setup.node_config(self.node);
        let http = setup.http_config(self.http)?;
        let terms = self.handoff.terms(std::mem::take(&mut setup.handoff));
        let webhooks = self.webhooks.config(std::mem::take(&mut setup.webhooks));
        let ledger = Arc::new(Ledger::open(&setup.data_dir, setup.ledger)?);
        let node = LinkStatus { address: config.address.to_string(), ..LinkStatus::default() };
        let node = Arc::new(Mutex::new(node));
        let address = config.address;
        let mut broadcast = Broadcast::new(Arc::clone(&ledger), config.clone(), say);
        let mut follow = Watch::new(Arc::clone(&ledger), config, Arc::clone(&node), say)?;
        let webhooks = Webhooks::new(Arc::clone(&ledger), &webhooks, Arc::new(SystemClock), say)?;
        let webhooks = Arc::new(webhooks);
        let ingredients = Ingredients {
            ledger: Arc::clone(&ledger),
            node: Arc::clone(&node),
            webhooks: Arc::clone(&webhooks),
            terms,
        };
        let server = http.map(|http| Server::new(&http, ingredients)).transpose()?;
        let runtime = Builder::new_multi_thread().max_blocking_threads(BLOCKING).enable_all().build()?;
        runtime.block_on(async {
            let (mut interrupt, mut terminate) =
                (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let serve = serve(ledger, node, &setup.data_dir)?;
            say(&format!("output-explorer for {} follows {address}", setup.ledger.network));
            let (stop, stopping) = watch::channel(false);
            let mut delivering = tokio::spawn(async move { webhooks.run().await });
            let mut answering = tokio::spawn(answer(server, stopping));
            let end = tokio::select! {
                () = serve => Ok(()),
                end = follow.run() => end.map_err(Error::from),
                end = broadcast.run() => end.map_err(Error::from),
                end = &mut delivering => end.map_err(std::io::Error::other)?.map_err(Error::from),
                end = &mut answering => return end.map_err(std::io::Error::other)?,
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
            };
            // Whoever asks just now gets an answer.
            stop.send_replace(true);
            answering.await.map_err(std::io::Error::other)??;
            end
        })
    }
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
    say(&format!("answering at {scheme}://{}", server.address));
    Ok(server.run(stop).await?)
}
