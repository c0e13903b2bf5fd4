//! `audit`: derives the ledger anew from the node, and compares.

use super::{Setup, Shown, show};
use crate::audit::{Audit as Comparison, Report, Scope};
use crate::control::{AddressBalance, Answer, Asker, LinkStatus, OutputRow, Request, StatusAnswer};
use crate::error::Error;
use crate::ledger::store::sled::SledStore;
use crate::ledger::{Ledger, LedgerError};
use crate::log::{Log, tell};
use crate::node::Watch;
use crate::settings::NodeSettings;
use clap::Args;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;
use tokio::runtime::Builder;

/// How often the two ledgers are given the chance to be at the same block.
const ATTEMPTS: usize = 10;

/// So many rows are asked for at once.
const ROWS: usize = 10_000;

/// Read the whole chain anew from the node and report every difference to the ledger
#[derive(Args)]
#[command(after_help = "\
Everything that is final is compared, and what is prepared where the chain does not move meanwhile. It
takes as long as the first `run` did, and as much space, in the directory for temporary files.

Example:
  output-explorer --network testnet audit --node 127.0.0.1:3145 --node-token-file node.token")]
pub(super) struct Audit {
    #[command(flatten)]
    node: NodeSettings,
    #[command(flatten)]
    shown: Shown,
}

impl Audit {
    pub(super) fn run(self, mut setup: Setup) -> Result<(), Error> {
        let config = setup.node_config(self.node);
        let mut stored = setup.asker()?;
        let scratch = tempfile::tempdir()?;
        let store = SledStore::open(scratch.path(), setup.cache).map_err(LedgerError::from)?;
        let derived = Arc::new(Ledger::new(Box::new(store), setup.ledger)?);
        let link = Arc::new(Mutex::new(LinkStatus::default()));
        let log: Log = if self.shown.json { |_| {} } else { tell };
        let mut watch = Watch::new(Arc::clone(&derived), config, link, log)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(Duration::from_secs(1));
            }
            runtime.block_on(watch.catch_up())?;
            let mut derived = Asker::Shared(Arc::clone(&derived));
            if let Some(report) = compare(&mut stored, &mut derived)? {
                return show_report(&report, self.shown);
            }
        }
        Err(Error::Moving)
    }
}

/// Compares, unless the two are not at the same epoch.
fn compare(stored: &mut Asker, derived: &mut Asker) -> Result<Option<Report>, Error> {
    let (before, node) = (status(stored)?, status(derived)?);
    if before.last_macro_block_hash != node.last_macro_block_hash {
        return Ok(None);
    }
    let prepared = before.last_block_hash == node.last_block_hash;
    let mut comparison = Comparison::new(Scope { epoch: node.epoch, prepared });
    comparison.outputs(outputs(stored), outputs(derived))?;
    comparison.balances(balances(stored))?;
    let after = status(stored)?;
    let moved =
        if prepared { after.last_block_hash != before.last_block_hash } else { after.epoch != before.epoch };
    Ok((!moved).then(|| comparison.report()))
}

fn status(asker: &mut Asker) -> Result<StatusAnswer, Error> {
    match asker.ask(Request::Status)? {
        Answer::Status(status) => Ok(*status),
        _ => Err(Error::OtherAnswer),
    }
}

/// All outputs of a ledger, page by page.
fn outputs(asker: &mut Asker) -> impl Iterator<Item = Result<OutputRow, Error>> + '_ {
    pages(move |last: Option<&OutputRow>| {
        let request = Request::AllOutputs { after: last.map(|row| row.output_hash), limit: ROWS };
        match asker.ask(request)? {
            Answer::AllOutputs { rows } => Ok(rows),
            _ => Err(Error::OtherAnswer),
        }
    })
}

/// All balances of a ledger, page by page.
fn balances(asker: &mut Asker) -> impl Iterator<Item = Result<AddressBalance, Error>> + '_ {
    pages(move |last: Option<&AddressBalance>| {
        let request = Request::AllBalances { after: last.map(|row| row.address), limit: ROWS };
        match asker.ask(request)? {
            Answer::AllBalances { rows } => Ok(rows),
            _ => Err(Error::OtherAnswer),
        }
    })
}

/// The rows of all pages, one after the other; each page is asked for with the last row of the one before.
fn pages<T: Clone>(
    mut page: impl FnMut(Option<&T>) -> Result<Vec<T>, Error>,
) -> impl Iterator<Item = Result<T, Error>> {
    let mut rows = Vec::new().into_iter();
    let (mut last, mut done) = (None, false);
    std::iter::from_fn(move || {
        if rows.len() == 0 && !done {
            match page(last.as_ref()) {
                Ok(next) => rows = next.into_iter(),
                Err(error) => {
                    done = true;
                    return Some(Err(error));
                }
            }
        }
        let row = rows.next();
        done = row.is_none();
        last.clone_from(&row);
        row.map(Ok)
    })
}

fn show_report(report: &Report, shown: Shown) -> Result<(), Error> {
    if shown.json {
        show::json(report)?;
    } else {
        for difference in &report.differences {
            show::line(&format!("{}:", difference.about))?;
            show::line(&format!("  ledger  {}", difference.stored))?;
            show::line(&format!("  node    {}", difference.node))?;
        }
        let scope = if report.prepared { "and the current one" } else { "but not the current one: it moved" };
        show::line(&format!(
            "compared {} outputs and the balances of {} addresses, in all epochs before {} {scope}",
            report.outputs, report.recipients, report.epoch
        ))?;
    }
    match report.differences.len() {
        0 => Ok(()),
        differences => Err(Error::Differences(differences)),
    }
}
