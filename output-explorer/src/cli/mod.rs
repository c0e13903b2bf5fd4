//! The command line: one file per command.

mod audit;
mod balance;
mod batch;
mod broadcast;
mod events;
mod export;
mod exports;
mod file;
mod find_codes;
mod handoff;
mod import;
mod openapi;
mod outputs;
mod replica;
mod reserves;
mod run;
mod show;
mod spool;
mod status;
mod token;
mod user;

use crate::control::{Answer, Asker, Request};
use crate::error::Error;
use crate::ledger;
use crate::ledger::store::sled::CACHE;
use crate::log::{Line, LogFormat, say, tell, write_as};
use crate::settings::{
    HandoffSettings, HttpConfig, HttpSettings, NodeConfig, NodeSettings, ReplicaSettings, Settings,
    WebhookSettings,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, io};
use stegos_common::address::Network;

const AFTER_HELP: &str = "\
While `run` has the ledger, the other commands ask it over a Unix socket in the ledger's directory;
otherwise they open the ledger themselves.

Exit codes:
  0  done
  1  failed, the message says why and what to do
  2  wrong usage
  3  no such user, output, epoch or event, or an address of somebody else
  4  the ledger cannot be opened or written (in use, damaged, disk full, of another network, …)
  5  the node cannot be reached, or is one of another network or chain; or the explorer that a replica copies is
  6  `audit` found differences, an export does not reconcile, or assets are less than debts
  7  the transaction will not be included: rejected by the node, or in conflict with another
  8  the transaction is not where it was waited for yet

Examples:
  output-explorer --network testnet run --node 127.0.0.1:3145 --node-token-file node.token
  output-explorer --network testnet user import accounts.jsonl
  output-explorer --network testnet balance alice
  output-explorer --network testnet outputs alice --json
  output-explorer --network testnet handoff sweep --all --treasury hot
  output-explorer --network testnet broadcast handoff-1.response.json --wait final";

/// Follows a Stegos node and knows every public output of every user. No secret key is here.
#[derive(Parser)]
#[command(name = "output-explorer", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

/// Which ledger.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
struct CommonArgs {
    /// The configuration file; every key in it is overridden by a flag or an environment variable
    #[arg(long, global = true, value_name = "FILE", env = "OUTPUT_EXPLORER_CONFIG")]
    config: Option<PathBuf>,
    /// The ledger's directory [default: output-explorer in $XDG_DATA_HOME, which is ~/.local/share]
    #[arg(long, global = true, value_name = "DIR", env = "OUTPUT_EXPLORER_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// The network
    #[arg(long, global = true, value_name = "mainnet|testnet|devnet|dev", env = "OUTPUT_EXPLORER_NETWORK")]
    network: Option<Network>,
    /// Whether blobs of outputs are kept after their spend is final [default: true]
    #[arg(long, global = true, value_name = "BOOL", env = "OUTPUT_EXPLORER_KEEP_SPENT_BLOBS")]
    keep_spent_blobs: Option<bool>,
    /// How many events are kept, at least 1 [default: 1000000]
    #[arg(long, global = true, value_name = "N", env = "OUTPUT_EXPLORER_KEEP_EVENTS",
        value_parser = clap::value_parser!(u64).range(1..))]
    keep_events: Option<u64>,
    /// How much of the ledger is held in memory, in MiB, 16 to 1048576; the memory it takes is two to three times as
    /// much [default: 256]
    #[arg(long, global = true, value_name = "N", env = "OUTPUT_EXPLORER_CACHE_MEBIBYTES",
        value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    cache_mebibytes: Option<u32>,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Replica(Box<replica::Replica>),
    #[command(subcommand)]
    User(user::User),
    Balance(balance::Balance),
    Outputs(outputs::Outputs),
    History(outputs::History),
    Events(events::Events),
    Output(outputs::Output),
    OutputsList(outputs::OutputsList),
    #[command(subcommand)]
    Handoff(handoff::Command),
    Broadcast(broadcast::Broadcast),
    Spool(spool::SpoolArgs),
    #[command(subcommand)]
    Transaction(broadcast::Transaction),
    Status(status::Status),
    AcceptJournal(status::AcceptJournal),
    Audit(audit::Audit),
    Export(exports::Exports),
    Openapi(openapi::Openapi),
    FindCodes(find_codes::FindCodes),
    #[command(subcommand)]
    Reserves(reserves::Command),
    #[command(subcommand)]
    Token(token::Command),
}

/// Which ledger, after all sources of settings were heard.
struct Setup {
    data_dir: PathBuf,
    ledger: ledger::Settings,
    /// How much of it is held in memory, in MiB.
    cache: u32,
    /// What the configuration file says about the node.
    node: NodeSettings,
    /// And about handoffs.
    handoff: HandoffSettings,
    /// And about HTTP.
    http: HttpSettings,
    /// And about webhooks.
    webhooks: WebhookSettings,
    /// And about the explorer that is copied.
    replica: ReplicaSettings,
    /// And about changes that are kept for replicas.
    keep_changes: Option<u64>,
    /// And about the log.
    log: Option<LogFormat>,
}

/// How the log is written.
#[derive(Args)]
struct LogArgs {
    /// How the log on standard error is written: lines for people, or JSON for programs [default: text]
    #[arg(long, value_name = "text|json", env = "OUTPUT_EXPLORER_LOG", hide_possible_values = true)]
    log: Option<LogFormat>,
}

impl LogArgs {
    /// From here on.
    fn begin(self, setup: &Setup) {
        write_as(self.log.or(setup.log).unwrap_or_default());
    }
}

/// How an answer is shown.
#[derive(Args, Clone, Copy)]
struct Shown {
    /// Print one JSON document; amounts are whole micro-STG (1 STG = 1000000)
    #[arg(long)]
    json: bool,
}

/// Which page of a long answer.
#[derive(Args)]
struct PageArgs {
    /// Go on behind this place: the `next` of the page before
    #[arg(long, value_name = "PLACE")]
    after: Option<crate::control::PlaceText>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

impl PageArgs {
    fn limit(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

/// Parses the command line, runs the command, reports its failure.
#[must_use]
pub fn run() -> ExitCode {
    // Whatever is created from here on, by the database too, is for its owner only.
    rustix::process::umask(0o077.into());
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            tell(Line::error(format!("output-explorer: {error}")));
            error.exit_code()
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), Error> {
        let command = match self.command {
            // These are about no ledger.
            Command::Openapi(openapi) => return openapi.run(),
            Command::FindCodes(find) => return find.run(),
            Command::Reserves(reserves) => match reserves.run_alone()? {
                Some(reserves) => Command::Reserves(reserves),
                None => return Ok(()),
            },
            other => other,
        };
        let setup = self.common.setup()?;
        match command {
            Command::Run(run) => run.run(setup),
            Command::Replica(replica) => replica.run(setup),
            Command::User(user) => user.run(&setup),
            Command::Balance(balance) => balance.run(&setup),
            Command::Outputs(outputs) => outputs.run(&setup),
            Command::History(history) => history.run(&setup),
            Command::Events(events) => events.run(&setup),
            Command::Output(output) => output.run(&setup),
            Command::OutputsList(list) => list.run(&setup),
            Command::Handoff(handoff) => handoff.run(setup),
            Command::Broadcast(broadcast) => broadcast.run(&setup),
            Command::Spool(spool) => spool.run(&setup),
            Command::Transaction(transaction) => transaction.run(&setup),
            Command::Status(status) => status.run(&setup),
            Command::AcceptJournal(accept) => accept.run(&setup),
            Command::Audit(audit) => audit.run(setup),
            Command::Export(exports) => exports.run(&setup),
            Command::Openapi(openapi) => openapi.run(),
            Command::FindCodes(find) => find.run(),
            Command::Reserves(reserves) => reserves.run(&setup),
            Command::Token(token) => token.run(&setup),
        }
    }
}

impl CommonArgs {
    fn setup(self) -> Result<Setup, Error> {
        let file = Settings::load(self.config.as_deref())?;
        let default = || {
            let xdg = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
            xdg.or_else(home).map(|path| path.join("output-explorer"))
        };
        let given = self.data_dir.or(file.data_dir).filter(|path| !path.as_os_str().is_empty());
        let network = self.network.or(file.network).ok_or(Error::NoNetwork)?;
        let keep_spent_blobs = self.keep_spent_blobs.or(file.keep_spent_blobs).unwrap_or(true);
        let keep_events = self.keep_events.or(file.events.keep).unwrap_or(ledger::Settings::KEEP_EVENTS);
        Ok(Setup {
            data_dir: given.or_else(default).ok_or(Error::NoDataDir)?,
            ledger: ledger::Settings { network, keep_spent_blobs, keep_events },
            cache: self.cache_mebibytes.or(file.cache_mebibytes).unwrap_or(CACHE).max(16),
            node: file.node,
            handoff: file.handoff,
            http: file.http,
            webhooks: file.webhooks,
            replica: file.replica,
            keep_changes: file.keep_changes,
            log: file.log,
        })
    }
}

impl Setup {
    /// The ledger, or the process that has it.
    fn asker(&self) -> Result<Asker, Error> {
        Ok(Asker::new(&self.data_dir, self.ledger, self.cache)?)
    }

    /// Asks one question.
    fn ask(&self, request: Request) -> Result<Answer, Error> {
        Ok(self.asker()?.ask(request)?)
    }

    /// What is known about the node.
    fn node_config(&mut self, flags: NodeSettings) -> NodeConfig {
        flags.config(std::mem::take(&mut self.node))
    }

    /// Who may ask over HTTP, if anybody may.
    fn http_config(&mut self, flags: HttpSettings) -> Result<Option<HttpConfig>, Error> {
        Ok(flags.config(std::mem::take(&mut self.http))?)
    }
}
