//! `run`: follows the node.

use super::{Setup, say};
use crate::access::Access;
use crate::control::{LinkStatus, serve};
use crate::error::Error;
use crate::ledger::Ledger;
use crate::node::{Broadcast, Watch};
use crate::settings::{HttpSettings, NodeSettings, WebhookSettings};
use crate::webhook::{SystemClock, Webhooks};
use clap::Args;
use std::sync::{Arc, Mutex};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

const AFTER_HELP: &str = "\
It reads the whole chain once, then block by block as they come, and notices what the node takes back
without a word. It ends by itself only where going on would be wrong: the node is one of another chain,
or the ledger cannot be written. A lost connection is tried again.

Example:
  output-explorer --network testnet run --node 127.0.0.1:3145 --node-token-file node.token";

/// Follow a node and keep the ledger up to date
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    #[command(flatten)]
    node: NodeSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
}

impl Run {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        let config = setup.node_config(self.node);
        let http = setup.http_config(self.http)?;
        let webhooks = self.webhooks.config(std::mem::take(&mut setup.webhooks));
        let ledger = Arc::new(Ledger::open(&setup.data_dir, setup.ledger)?);
        let _access = http.map(|http| Access::new(&http, Arc::clone(&ledger))).transpose()?;
        let node = LinkStatus { address: config.address.to_string(), ..LinkStatus::default() };
        let node = Arc::new(Mutex::new(node));
        let address = config.address;
        let mut broadcast = Broadcast::new(Arc::clone(&ledger), config.clone(), say);
        let mut watch = Watch::new(Arc::clone(&ledger), config, Arc::clone(&node), say)?;
        let webhooks = Webhooks::new(Arc::clone(&ledger), &webhooks, Arc::new(SystemClock), say)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let (mut interrupt, mut terminate) =
                (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            let serve = serve(ledger, node, &setup.data_dir)?;
            say(&format!("output-explorer for {} follows {address}", setup.ledger.network));
            tokio::select! {
                () = serve => Ok(()),
                end = watch.run() => Ok(end?),
                end = broadcast.run() => Ok(end?),
                end = webhooks.run() => Ok(end?),
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
            }
        })
    }
}
