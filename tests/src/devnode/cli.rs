//! The command line of `stegos-devnode`.

use super::accounts::Account;
use super::client::ask;
use super::config::{self, Config};
use super::server::Server;
use clap::{Args, Parser};
use std::error::Error;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};
use stegos_common::address::Network;
use stegos_common::socket::Endpoint;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

const AFTER_HELP: &str = "\
Examples:
  stegos-devnode run --quick
  echo '{\"type\":\"status_info\"}' | stegos-devnode client -
  echo '{\"type\":\"mine\",\"blocks\":3}' | stegos-devnode client - --node 127.0.0.1:3146
  stegos-devnode client request.json --node 127.0.0.1:3145 --token-file api.token";

/// A Stegos chain of your own to test against: one process, one validator, money for everybody.
#[derive(Parser)]
#[command(name = "stegos-devnode", version, after_help = AFTER_HELP)]
enum Cli {
    /// Run a node until it is interrupted
    Run(Run),
    /// Send a request to a node and print the answer
    Client(Request),
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    source: Source,
    /// The network, instead of the configured one
    #[arg(short, long, value_name = "mainnet|testnet|devnet|dev")]
    network: Option<Network>,
    /// The address of the API, instead of the configured one; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The address of the control port, instead of the configured one
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// The file of the API token, instead of the configured one; made where there is none
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// The configuration file, see docs/devnode.md
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take the defaults: network dev, 10 micro blocks in an epoch, a block every two seconds
    #[arg(long)]
    quick: bool,
}

#[derive(Args)]
struct Request {
    /// The file with the request, one JSON object; `-` is standard input
    #[arg(value_name = "REQUEST.json")]
    request: PathBuf,
    /// The address of the node's API
    #[arg(long, value_name = "ADDRESS", default_value_t = config::LISTEN)]
    node: SocketAddr,
    /// The file of the node's API token
    #[arg(long, value_name = "FILE", default_value_os_t = config::token_file())]
    token_file: PathBuf,
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Run(args) => serve(args),
        Cli::Client(args) => send(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stegos-devnode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn serve(args: Run) -> Result<(), Box<dyn Error>> {
    let mut config = args.source.config.as_deref().map(Config::load).transpose()?.unwrap_or_default();
    config.network = args.network.unwrap_or(config.network);
    config.listen = args.listen.unwrap_or(config.listen);
    config.control = args.control.unwrap_or(config.control);
    config.token_file = args.token_file.unwrap_or(config.token_file);
    let token_file = config.token_file.clone();
    let settings = config.settings(|line| eprintln!("{line}"));
    let (network, seed) = (settings.params.network, settings.params.seed.clone());
    let server = Server::start(settings)?;
    eprintln!("The API token is in {}. These keys own money or earn it:", token_file.display());
    for account in Account::all(&seed) {
        let secret = hex::encode(account.secret_key().to_bytes());
        eprintln!("  {:9} {} secret key {secret}", account.name, account.address(network));
    }
    if let Some(control) = server.control() {
        eprintln!("The control port is {control}");
    }
    runtime()?.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // Whoever waits for this line may stop it at once.
        eprintln!("stegos-devnode for {network} listens on {}", server.address());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

fn send(args: &Request) -> Result<(), Box<dyn Error>> {
    let request = if args.request.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        let path = args.request.display();
        fs::read_to_string(&args.request)
            .map_err(|error| format!("cannot read the request {path}: {error}"))?
    };
    let node = Endpoint::Tcp(args.node);
    // The node takes no white space around a request.
    let answer = runtime()?.block_on(ask(&node, &args.token_file, request.trim()))?;
    writeln!(io::stdout(), "{answer}")?;
    Ok(())
}
