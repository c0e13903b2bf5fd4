//! `user`: whose addresses are whose.

use super::import::Import;
use super::{Setup, Shown, show};
use crate::control::{AccountAddress, Answer, Request};
use crate::error::Error;
use clap::{Args, Subcommand};
use stegos_common::address::EncodedAddress;

/// Add, import, list and remove users
#[derive(Subcommand)]
pub(super) enum User {
    Add(Add),
    Import(Import),
    List(List),
    Remove(Remove),
}

impl User {
    pub(super) fn run(self, setup: &Setup) -> Result<(), Error> {
        match self {
            Self::Add(add) => add.run(setup),
            Self::Import(import) => import.run(setup),
            Self::List(list) => list.run(setup),
            Self::Remove(remove) => remove.run(setup),
        }
    }
}

/// Add a user, or addresses to one
#[derive(Args)]
#[command(after_help = "\
Deposits of the past are known at once. A user who was removed is brought back.

Example:
  output-explorer --network dev user add alice dev1wrq6petu6n2kmn25yuv4qpevwmjgsvpk9mz04745rnuntr5mc5hqz8t83p")]
pub(super) struct Add {
    /// The account id: up to 128 characters of printable ASCII
    account: String,
    /// Its addresses; none may belong to another user
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<EncodedAddress>,
}

impl Add {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let account = |address| AccountAddress { account: self.account.clone(), address, current: None };
        let addresses = self.addresses.into_iter().map(account).collect();
        let answer = setup.ask(Request::AddUsers { addresses })?;
        let Answer::Added { users, addresses, .. } = answer else { return Err(Error::OtherAnswer) };
        show::line(&format!("{users} users and {addresses} addresses added"))
    }
}

/// List users in the order of their account ids
#[derive(Args)]
#[command(after_help = "\
The current address is where sweeps and change go, if the user is the treasury: the first one that was added, or the one
that the signer's export says is current. The others stay the user's own.")]
pub(super) struct List {
    /// Also those that were removed
    #[arg(long)]
    archived: bool,
    /// Only account ids that begin so
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    prefix: String,
    /// From the last account id to the first
    #[arg(long)]
    descending: bool,
    /// Go on behind this account id
    #[arg(long, value_name = "ACCOUNT")]
    after: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    shown: Shown,
}

impl List {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let Self { archived, prefix, descending, after, .. } = self;
        let request = Request::Users { after, prefix, archived, descending, limit };
        let Answer::Users { users } = setup.ask(request)? else { return Err(Error::OtherAnswer) };
        if self.shown.json {
            return show::json(&users);
        }
        let mut table = show::table(&["account", "current address", "other addresses", "removed"], &[]);
        for user in &users {
            let others: Vec<String> = user.addresses.iter().skip(1).map(ToString::to_string).collect();
            let removed = if user.archived { "yes" } else { "" };
            table.add_row([user.account.as_str(), &show::or_dash(user.current), &others.join(" "), removed]);
        }
        show::print(&table)?;
        match users.last().filter(|_| users.len() == limit) {
            Some(last) => show::line(&format!("next: --after {:?}", last.account)),
            None => Ok(()),
        }
    }
}

/// Remove a user: it is listed with --archived only, and keeps its addresses
#[derive(Args)]
pub(super) struct Remove {
    /// The account id
    account: String,
}

impl Remove {
    fn run(self, setup: &Setup) -> Result<(), Error> {
        setup.ask(Request::RemoveUser { account: self.account.clone() })?;
        show::line(&format!("{} removed", self.account))
    }
}
