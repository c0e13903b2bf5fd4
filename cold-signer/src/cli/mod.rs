//! The command line: one file per command.

mod approve;
mod attest;
mod backup;
mod catch_up;
mod clock;
mod doctor;
mod export;
mod file;
mod import;
mod init;
mod inspect;
mod journal;
mod key;
mod passphrase;
mod phrase;
mod policy;
mod public;
mod qr;
mod quickstart;
mod restore;
mod serve;
mod sign;
mod spool;
mod store;

pub(crate) use quickstart::QuickstartError;

use crate::disk::Disk;
use crate::error::Error;
use crate::journal::Torn;
use crate::keystore::{Keystore, Locked};
use crate::passphrase::{Passphrase, Source};
use crate::policy::Policy;
use crate::process::{Gap, Needs, hide, protect};
use crate::settings::{Settings, Signing};
use crate::signer::Signer;
use clap::{Args, Parser, Subcommand};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io};
use stegos_common::address::Network;
use stegos_common::text::printable;

const AFTER_HELP: &str = "\
Passphrases are asked on the terminal, or read with --passphrase-fd or --passphrase-file; they are
never arguments or environment variables.

Exit codes:
  0  done
  1  failed, the message says why and what to do
  2  wrong usage
  3  the signer refused the request, or to attest
  4  the key store or its journal cannot be created, opened or written (wrong passphrase, damaged,
     in use, …), or is not what it was

Examples:
  cold-signer init --network testnet
  cold-signer key add alice bob
  cold-signer key export-public --out accounts.jsonl
  cold-signer key list --passphrase-file /run/secrets/signer";

/// Keeps the keys of an exchange and signs Stegos transactions, on a host without a network.
#[derive(Parser)]
#[command(name = "cold-signer", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    store: StoreArgs,
    #[command(subcommand)]
    command: Command,
}

/// Which key store, and how it is opened.
#[derive(Args)]
#[command(next_help_heading = "Key store")]
struct StoreArgs {
    /// The configuration file; every key in it is overridden by a flag or an environment variable
    #[arg(long, global = true, value_name = "FILE", env = "COLD_SIGNER_CONFIG")]
    config: Option<PathBuf>,
    /// The key store's directory [default: cold-signer in $XDG_DATA_HOME, which is ~/.local/share]
    #[arg(long, global = true, value_name = "DIR", env = "COLD_SIGNER_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
    /// The network of the key store: needed by `init`; elsewhere a store of another network is refused
    #[arg(long, global = true, value_name = "mainnet|testnet|devnet|dev", env = "COLD_SIGNER_NETWORK")]
    network: Option<Network>,
    /// Read the passphrase from this open file descriptor, a file or a pipe; wins over a file
    #[arg(long, global = true, value_name = "N")]
    passphrase_fd: Option<u32>,
    /// Read the passphrase from this file, which must be yours and closed to others (mode 0600)
    #[arg(long, global = true, value_name = "FILE", env = "COLD_SIGNER_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    #[command(subcommand, visible_alias = "account")]
    Key(key::Key),
    #[command(subcommand)]
    Phrase(phrase::Phrase),
    #[command(subcommand)]
    Passphrase(passphrase::ChangePassphrase),
    #[command(subcommand)]
    Store(store::Store),
    #[command(subcommand)]
    Journal(journal::Journal),
    #[command(subcommand)]
    Backup(backup::Command),
    Restore(restore::Restore),
    #[command(subcommand)]
    Policy(policy::Command),
    #[command(subcommand)]
    Clock(clock::Command),
    Pending(approve::Pending),
    Approve(approve::Approve),
    Reject(approve::Reject),
    Doctor(doctor::Doctor),
    Serve(serve::Serve),
    Sign(sign::Sign),
    FindCodes(qr::finder::FindCodes),
    Attest(attest::Attest),
    Inspect(inspect::Inspect),
    Quickstart(quickstart::Quickstart),
}

/// Parses the command line, runs the command, reports its failure.
#[must_use]
pub fn run() -> ExitCode {
    // Before anything secret is read.
    hide();
    // Whatever is created from here on, by the database too, is for its owner only.
    rustix::process::umask(0o077.into());
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cold-signer: {error}"));
            error.exit_code()
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), Error> {
        let Self { mut store, command } = self;
        let mut settings = Settings::load(store.config.as_deref())?;
        if let (Some(path), true) = (&store.config, settings.rules.names_a_policy()) {
            policy::require_ours(path).map_err(|source| Error::File { path: path.clone(), source })?;
        }
        store.data_dir = store.data_dir.or(settings.data_dir.take());
        store.network = store.network.or(settings.network);
        store.passphrase_file = store.passphrase_file.or(settings.passphrase_file.take());
        match command {
            Command::Init(init) => init.run(&store),
            Command::Key(key) => key.run(&store),
            Command::Phrase(phrase) => phrase.run(&store),
            Command::Passphrase(change) => change.run(&store),
            Command::Store(command) => command.run(&store),
            Command::Journal(journal) => journal.run(&store, &settings),
            Command::Backup(backup) => backup.run(&store, &settings),
            Command::Restore(restore) => restore.run(&store),
            Command::Policy(policy) => policy.run(&store),
            Command::Clock(clock) => clock.run(&store),
            Command::Pending(pending) => pending.run(&store, &settings),
            Command::Approve(approve) => approve.run(&store, &settings),
            Command::Reject(reject) => reject.run(&store, &settings),
            Command::Doctor(doctor) => doctor.run(&store, settings),
            Command::Serve(serve) => serve.run(&store, settings),
            Command::Sign(sign) => sign.run(&store, settings),
            Command::FindCodes(find) => find.run(),
            Command::Attest(attest) => attest.run(&store),
            Command::Inspect(inspect) => inspect.run(&store, settings),
            Command::Quickstart(quickstart) => quickstart.run(),
        }
    }
}

impl StoreArgs {
    fn data_dir(&self) -> Result<PathBuf, Error> {
        let default = || {
            let xdg = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
            xdg.or_else(home).map(|path| path.join("cold-signer"))
        };
        let given = self.data_dir.clone().filter(|path| !path.as_os_str().is_empty());
        given.or_else(default).ok_or(Error::NoDataDir)
    }

    fn passphrase_source(&self) -> Source {
        Source::from_options(self.passphrase_fd, self.passphrase_file.as_deref())
    }

    /// Locks the store; warns where it is one for tests.
    fn lock(&self) -> Result<Locked, Error> {
        let locked = Locked::new(&self.data_dir()?, self.network, Disk::default())?;
        warn_if_test_only(locked.is_test_only());
        Ok(locked)
    }

    /// Reads the passphrase. The store is locked first, so that nobody is asked in vain.
    fn passphrase(&self) -> Result<Passphrase, Error> {
        Ok(Passphrase::new(self.passphrase_source().read("passphrase")?)?)
    }

    /// Opens the store.
    fn open(&self) -> Result<Keystore, Error> {
        let locked = self.lock()?;
        Ok(locked.unlock(&self.passphrase()?)?)
    }

    /// Gets everything that it takes to open a signer.
    fn ready(&self, signing: Signing) -> Result<Ready, Error> {
        let locked = self.lock()?;
        // Before the passphrase is asked in vain.
        let policy = policy::load(signing.policy.as_deref(), locked.network())?;
        let passphrase = self.passphrase()?;
        Ok(Ready { data_dir: self.data_dir()?, locked, policy, passphrase, signing })
    }

    /// Opens the store and its journal; tells what a crash tore.
    fn signer(&self, signing: Signing) -> Result<Signer, Error> {
        self.ready(signing)?.open()
    }
}

/// Everything that it takes to open a signer. Nobody is asked for anything from here on.
struct Ready {
    data_dir: PathBuf,
    locked: Locked,
    policy: Policy,
    passphrase: Passphrase,
    signing: Signing,
}

impl Ready {
    /// Gives up whatever a signer does not need, before it has a key. It reads its policy again and writes into its own
    /// folders, and those of `needs`.
    ///
    /// # Errors
    /// [`Error::NotProtected`] where everything must hold, and does not.
    fn protect(&self, mut needs: Needs, strict: bool) -> Result<(), Error> {
        needs.read.extend(self.signing.policy.as_deref().and_then(Path::parent).map(Path::to_owned));
        needs.write.push(self.data_dir.clone());
        needs.write.extend(self.signing.approvals.iter().flat_map(|path| with_its_place(path)));
        let gaps = protect(&needs);
        for gap in &gaps {
            warn_of(gap);
        }
        if strict && !gaps.is_empty() { Err(Error::NotProtected(gaps.len())) } else { Ok(()) }
    }

    /// Opens the store and its journal; tells what a crash tore.
    fn open(self) -> Result<Signer, Error> {
        let Self { locked, policy, passphrase, signing, .. } = self;
        let (mut signer, torn) = Signer::open(locked.unlock(&passphrase)?, signing.rules, policy)?;
        if let Some(approvals) = signing.approvals {
            signer = signer.with_approvals(approvals);
        }
        signer.sweep_approvals();
        if let Some(Torn { offset, length, kept }) = torn {
            say(&format!(
                "WARNING: a crash tore the last commit of the journal ({length} bytes at byte {offset}). Nothing was \
                 answered from it. It was cut off and is kept in {}.",
                kept.display()
            ));
        }
        Ok(signer)
    }
}

fn warn_if_test_only(test_only: bool) {
    if test_only {
        say("WARNING: this key store was made with the TEST-ONLY cost. Its passphrase protects NOTHING.");
    }
}

/// A folder that may be mounted, or made anew, while this process runs, and the one in which that happens: the kernel
/// allows what is there, not what has a name.
fn with_its_place(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let place = folder.parent().filter(|place| *place != Path::new("/") && !place.as_os_str().is_empty());
    [folder.to_owned()].into_iter().chain(place.map(Path::to_owned))
}

/// Asks a person, who must type one word.
fn is_typed(question: &str, word: &str) -> io::Result<bool> {
    write!(io::stderr(), "{question}")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == word)
}

/// Tells the user what does not protect this process.
fn warn_of(gap: &Gap) {
    say(&format!("WARNING: not protected, {gap}"));
}

/// Tells the user something that is not the command's output.
fn say(text: &str) {
    // With standard error closed there is nobody to tell, and nobody to tell about that.
    let _ = writeln!(io::stderr(), "{}", printable(text));
}
