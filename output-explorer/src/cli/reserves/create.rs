//! `reserves create`: what is owed to users, and the proof that each of them can check.

use super::{books, text};
use crate::block::Position;
use crate::cli::file::write_line;
use crate::cli::{Setup, show};
use crate::control::{Answer, AsText, Asker, Request, UserAmount};
use crate::error::Error;
use crate::reserves::{self, Proof, Tree, leaf, salted_id};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rand_core::{OsRng, RngCore};
use rustix::fs::syncfs;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use stegos_common::amount::Amount;
use stegos_common::reserves::{Root, VERSION};

/// So many users are asked about at once.
const ROWS: usize = 10_000;

/// Where the proofs are, in the folder that is made.
const PROOFS: &str = "proofs";

/// Write the root of all users' balances after an epoch, and a proof for each user
#[derive(Args)]
#[command(after_help = "\
DIR/root.json is for everybody; it is written last, so where it is, everything is. DIR/proofs has a file for
each user, for that user only; DIR/accounts.jsonl says whose is which, for nobody else. Every run takes new
salts: publish the root of one only. Balances are those of public outputs on the users' addresses, also of
users who were removed. Leave out accounts that are the exchange's own.

Where users' money is swept into accounts of the exchange, only its own books know what it owes them: --balances
takes what they say, from a .jsonl or .csv file with `account` and `amount`, a whole number of micro-STG. Its
amounts must be those at the end of the epoch.

Examples:
  output-explorer --network testnet reserves create --at-epoch 1200 --without hot --out reserves-1200
  output-explorer --network testnet reserves create --at-epoch 1200 --balances books.csv --out reserves-1200")]
pub(in crate::cli) struct Create {
    /// At the end of this epoch
    #[arg(long, value_name = "EPOCH")]
    at_epoch: u64,
    /// Take the balances from this file, and not from the ledger
    #[arg(long, value_name = "FILE")]
    balances: Option<PathBuf>,
    /// Leave these accounts out
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    without: Vec<String>,
    /// The folder that is made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// An account in the tree.
struct Member {
    account: String,
    amount: Amount,
    salt: [u8; 32],
    salted_id: [u8; 32],
}

/// A line of the index.
#[derive(Serialize)]
struct IndexLine<'a> {
    account: &'a str,
    proof: &'a str,
}

impl Create {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        let Self { at_epoch: epoch, balances, without, out } = self;
        let mut asker = setup.asker()?;
        let mut members = Members { list: Vec::new(), without: without.into_iter().collect() };
        match balances {
            Some(path) => members.extend(books::read(&path)?),
            None => read_all(&mut asker, epoch, &mut members)?,
        }
        let members = members.sorted()?;
        let position = AsText(Position::macro_block(epoch));
        let Answer::Block(block) = asker.ask(Request::Block { position })? else {
            return Err(Error::OtherAnswer);
        };
        let tree = Tree::new(members.iter().map(|member| leaf(&member.salted_id, member.amount)).collect())?;
        let accounts = u64::try_from(members.len()).map_err(io::Error::other)?;
        let root = reserves::root(setup.ledger.network, epoch, block.block.block_hash, tree.root(), accounts);
        write(&out, &root, &members, &tree)?;
        show::line(&format!(
            "{accounts} accounts had {} after epoch {epoch}: publish {}",
            root.total,
            out.join("root.json").display()
        ))
    }
}

/// Those who are in the tree.
struct Members {
    list: Vec<Member>,
    /// Whoever is left out, and was not met yet.
    without: BTreeSet<String>,
}

impl Members {
    fn extend(&mut self, users: Vec<UserAmount>) {
        let without = &mut self.without;
        self.list.extend(users.into_iter().filter(|user| !without.remove(&user.account)).map(Member::new));
    }

    /// In an order that says nothing about them.
    fn sorted(mut self) -> Result<Vec<Member>, Error> {
        if let Some(unknown) = self.without.pop_first() {
            return Err(Error::NotLeftOut(unknown));
        }
        self.list.sort_unstable_by_key(|member| member.salted_id);
        Ok(self.list)
    }
}

/// Takes all users of the ledger.
fn read_all(asker: &mut Asker, epoch: u64, members: &mut Members) -> Result<(), Error> {
    let progress = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{pos} users read") {
        progress.set_style(style);
    }
    let mut after = None;
    loop {
        let Answer::UserAmounts { rows } = asker.ask(Request::UserAmounts { epoch, after, limit: ROWS })?
        else {
            return Err(Error::OtherAnswer);
        };
        after = rows.last().map(|row| row.account.clone());
        if after.is_none() {
            break;
        }
        progress.inc(u64::try_from(rows.len()).map_err(io::Error::other)?);
        members.extend(rows);
    }
    progress.finish_and_clear();
    Ok(())
}

impl Member {
    fn new(UserAmount { account, amount }: UserAmount) -> Self {
        let mut salt = [0; 32];
        OsRng.fill_bytes(&mut salt);
        let salted_id = salted_id(&salt, &account);
        Self { account, amount, salt, salted_id }
    }
}

/// Writes everything into a new folder, the root last.
fn write(out: &Path, root: &Root, members: &[Member], tree: &Tree) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Error::File { path, source }
    };
    let proofs = out.join(PROOFS);
    for folder in [out, &proofs] {
        fs::create_dir(folder).map_err(failed(folder))?;
    }
    let index = out.join("accounts.jsonl");
    let progress = ProgressBar::new(root.accounts);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% of the proofs, {eta} left") {
        progress.set_style(style);
    }
    let mut lines = BufWriter::new(File::create_new(&index).map_err(failed(&index))?);
    for (number, member) in members.iter().enumerate() {
        let name = format!("{}.json", hex::encode(member.salted_id));
        let proof = Proof {
            version: VERSION,
            network: root.network,
            epoch: root.epoch,
            account: member.account.clone(),
            salt: member.salt,
            amount: member.amount,
            path: tree.path(number),
        };
        let path = proofs.join(&name);
        fs::write(&path, text(&proof)? + "\n").map_err(failed(&path))?;
        let line = IndexLine { account: &member.account, proof: &format!("{PROOFS}/{name}") };
        let line = serde_json::to_string(&line).map_err(io::Error::other)?;
        writeln!(lines, "{line}").map_err(failed(&index))?;
        progress.inc(1);
    }
    let lines = lines.into_inner().map_err(|error| failed(&index)(error.into_error()))?;
    // All files at once: one by one takes a million times as long. The salts could not be made again.
    syncfs(&lines).map_err(|error| failed(out)(error.into()))?;
    progress.finish_and_clear();
    let path = out.join("root.json");
    let written = write_line(&path, &text(root)?, |file| Ok(file.persist_noclobber(&path).map(drop)?));
    written.map_err(failed(&path))
}
