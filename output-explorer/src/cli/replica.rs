//! `replica`: follows another explorer.

use super::run::attend;
use super::{LogArgs, Setup};
use crate::control::LinkStatus;
use crate::error::Error;
use crate::http::{Ingredients, Server};
use crate::ledger::Ledger;
use crate::log::{Line, tell};
use crate::replica;
use crate::settings::{HttpSettings, ReplicaSettings, WebhookSettings};
use crate::webhook::{SystemClock, Webhooks};
use clap::Args;
use std::sync::{Arc, Mutex};

const AFTER_HELP: &str = "\
It copies the ledger of another explorer into a directory of its own, and then each change as it happens:
the same users, outputs, balances, handoffs, transactions, tokens and events, with the same ids. It answers
the same questions and changes nothing (HTTP 403, `read_only`). Webhooks are sent by the other one alone.

The other one keeps changes for it (`run --keep-changes 100000`), at least as many as happen while the
replica copies the ledger or is away: about one for each block, and one for each change of users, handoffs
and webhooks. A replica that was away for longer, or has seen what the other one has forgotten, says so and
ends with exit code 5.

Example, with a token of the role replica:
  output-explorer --network testnet --data-dir copy replica --from https://explorer.example.org:8480 \\
      --from-token-file replica.token --http-listen 127.0.0.1:8481";

/// Follow another explorer, and answer the same questions
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Replica {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    replica: ReplicaSettings,
    #[command(flatten)]
    http: HttpSettings,
}

impl Replica {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        self.log.begin(&setup);
        let config = self.replica.config(std::mem::take(&mut setup.replica));
        let http = setup.http_config(self.http)?;
        // For those who ask about them: none are sent.
        let webhooks = std::mem::take(&mut setup.webhooks).config(WebhookSettings::default());
        let ledger = Arc::new(Ledger::open(&setup.data_dir, setup.ledger, setup.cache)?);
        let status = Arc::new(Mutex::new(LinkStatus::default()));
        let url = config.url.clone().unwrap_or_default();
        let mut replica = replica::Replica::new(Arc::clone(&ledger), config, Arc::clone(&status), tell)?;
        let webhooks = Arc::new(Webhooks::new(Arc::clone(&ledger), &webhooks, Arc::new(SystemClock), tell)?);
        let (node, terms) = (Arc::clone(&status), None);
        let ingredients = Ingredients { ledger: Arc::clone(&ledger), node, webhooks, terms };
        let server = http.map(|http| Server::new(&http, ingredients)).transpose()?;
        let network = setup.ledger.network;
        let hello = Line::info(format!("output-explorer for {network} copies {url}"))
            .with("network", network.name())
            .with("from", url);
        attend(hello, ledger, status, &setup.data_dir, server, async { Ok(replica.run().await?) })
    }
}
