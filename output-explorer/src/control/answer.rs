//! The one place where questions become answers.

use super::message::{
    AccountAddress, AddressAnswer, AddressBalance, AddressSum, Answer, AsText, BalanceAnswer,
    BalanceAtAnswer, BlockAnswer, BlockRow, Event, EventsAnswer, Finality, HistoryRow, KindName, Lag,
    LinkStatus, OutputAnswer, OutputRow, PlaceText, Request, Rows, State, StatusAnswer, UserAmount, UserRow,
};
use super::{handoffs, tokens};
use crate::block::Position;
use crate::handoff::desk::DeskError;
use crate::ledger::events::EventsError;
use crate::ledger::query::{BlockAt, Cut, EpochError, Filter, Found, Happened, Wanted, blob};
use crate::ledger::record::{Balance, Cause, Kind, Sum};
use crate::ledger::tokens::TokenError;
use crate::ledger::users::{Added, NewAddress, User, UserQuery};
use crate::ledger::{Ledger, LedgerError, UserError};
use rayon::prelude::*;
use std::cmp::Ordering;
use stegos_common::account::AccountNameError;
use stegos_common::address::{Address, AddressError, EncodedAddress};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::HexBytes;
use stegos_common::group::{Encoded, EncodingError};
use stegos_common::hash::Hash;
use stegos_common::text::excerpt;
use thiserror::Error;

/// No page has more rows.
const MAX_ROWS: usize = 100_000;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such user, or an address of another one.
    #[error(transparent)]
    User(#[from] UserError),
    /// An epoch that is not over.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// An account id that is none.
    #[error(transparent)]
    Name(#[from] AccountNameError),
    /// An address of another network.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// An address whose bytes are no public key.
    #[error("address {0} is no public key ({1}): nobody could ever spend what is sent to it")]
    NoKey(EncodedAddress, EncodingError),
    /// No such block.
    #[error("there is no block {0} in the ledger: micro blocks are known until their epoch is over")]
    NoBlock(Position),
    /// No such output.
    #[error("no block has an output {0}")]
    NoOutput(Hash),
    /// An output whose blob is not here.
    #[error("the blob of output {0} is not kept here: {1}")]
    NoBlob(Hash, &'static str),
    /// Events that are not there.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// A handoff that cannot be made or changed.
    #[error(transparent)]
    Handoff(#[from] DeskError),
    /// A token that cannot be made or revoked.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Amounts that cannot be added.
    #[error("the user has more than the protocol can count")]
    TooMuch,
}

impl QueryError {
    /// Whether the fault is the request's.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Ledger(_)
            | Self::User(UserError::Ledger(_))
            | Self::Epoch(EpochError::Ledger(_))
            | Self::Events(EventsError::Ledger(_)) => false,
            Self::Token(TokenError::Ledger(_)) => false,
            Self::Handoff(error) => handoffs::is_refusal(error),
            _ => true,
        }
    }
}

/// Answers a question. `node` is what is known about the node.
///
/// # Errors
/// [`QueryError`] says why there is no answer.
pub fn answer(ledger: &Ledger, node: Option<LinkStatus>, request: Request) -> Result<Answer, QueryError> {
    let keys = |account: &str| ledger.user(account).map(|user| user.keys);
    // Read first: what is final then, stays so.
    let epoch = ledger.end()?.epoch;
    Ok(match request {
        Request::Status => Answer::Status(Box::new(status(ledger, node)?)),
        Request::Users { after, prefix, archived, descending, limit } => {
            let (after, limit) = (after.as_deref(), limit.min(MAX_ROWS));
            let users = ledger.users(UserQuery { after, prefix: &prefix, archived, descending, limit })?;
            Answer::Users { users: users.into_iter().map(|user| user_row(ledger, user)).collect() }
        }
        Request::User { account } => Answer::User(user_row(ledger, ledger.user(&account)?)),
        Request::AddUsers { addresses } => {
            let new =
                addresses.par_iter().map(|new| new_address(ledger, new)).collect::<Result<Vec<_>, _>>()?;
            let Added { users, addresses, moved, outdated } = ledger.add_users(&new)?;
            Answer::Added { users, addresses, moved, outdated }
        }
        Request::RemoveUser { account } => {
            ledger.remove_user(&account)?;
            Answer::Removed
        }
        Request::Outputs { account, state, finality, since, after, limit } => {
            let filter = match state {
                State::Unspent => Filter::Unspent,
                State::Spent => Filter::Spent,
                State::All => Filter::All,
            };
            let is_final = finality.map(|finality| finality == Finality::Final);
            let wanted = Wanted { filter, is_final, since };
            let page = ledger.outputs(&keys(&account)?, wanted, cut(after, limit))?;
            let rows = page.rows.into_iter().map(|found| row(ledger, epoch, found)).collect();
            Answer::Outputs(Rows { rows, next: page.next.map(AsText) })
        }
        Request::Balance { account, at_epoch: None } => Answer::Balance(balance(ledger, account)?),
        Request::Balance { account, at_epoch: Some(epoch) } => {
            Answer::BalanceAt(balance_at(ledger, account, epoch)?)
        }
        Request::History { account, after, descending, limit } => {
            let page = ledger.history(&keys(&account)?, Cut { descending, ..cut(after, limit) })?;
            let rows = page.rows.into_iter().map(|happened| happening(ledger, epoch, happened));
            Answer::History(Rows { rows: rows.collect::<Result<_, _>>()?, next: page.next.map(AsText) })
        }
        Request::Events { after, types, limit } => {
            Answer::Events(events(ledger, after, &types, limit.clamp(1, MAX_ROWS))?)
        }
        Request::Output { output_hash } => {
            let output = output(ledger, epoch, output_hash)?.ok_or(QueryError::NoOutput(output_hash))?;
            Answer::Output(Box::new(output))
        }
        Request::Lookup { output_hashes } => {
            let (mut outputs, mut unknown) = (Vec::new(), Vec::new());
            for id in output_hashes.into_iter().take(MAX_ROWS) {
                match output(ledger, epoch, id)? {
                    Some(output) => outputs.push(output),
                    None => unknown.push(id),
                }
            }
            Answer::Lookup { outputs, unknown }
        }
        Request::Blocks { before, limit } => {
            let blocks = ledger.blocks(before.map(|before| before.0), limit.min(MAX_ROWS))?;
            Answer::Blocks { blocks: blocks.into_iter().map(block_row).collect() }
        }
        Request::Block { position: AsText(position) } => {
            let block = ledger.block_at(position)?.ok_or(QueryError::NoBlock(position))?;
            Answer::Block(block_row(block))
        }
        Request::CheckAddress { address } => Answer::Address(Box::new(check_address(ledger, address)?)),
        Request::OutputsList { utxos } => {
            let blobs = utxos.iter().map(|id| blob_of(ledger, id));
            Answer::OutputsList { utxos: blobs.collect::<Result<_, _>>()? }
        }
        Request::Handoff(request) => Answer::Handoff(Box::new(handoffs::answer(ledger, *request)?)),
        Request::Token(request) => Answer::Tokens { tokens: tokens::answer(ledger, request)? },
        Request::AllOutputs { after, limit } => {
            let rows = ledger.all_outputs(after, limit.min(MAX_ROWS))?;
            Answer::AllOutputs { rows: rows.into_iter().map(|found| row(ledger, epoch, found)).collect() }
        }
        Request::AllBalances { after, limit } => {
            let rows = ledger.all_balances(after.map(|after| after.key).as_ref(), limit.min(MAX_ROWS))?;
            let row = |(key, balance)| AddressBalance { address: address(ledger, &key), balance };
            Answer::AllBalances { rows: rows.into_iter().map(row).collect() }
        }
        Request::UserAmounts { epoch, after, limit } => {
            let (after, limit) = (after.as_deref(), limit.min(MAX_ROWS));
            let query = UserQuery { after, prefix: "", archived: true, descending: false, limit };
            let users = ledger.users(query)?;
            let rows = users.into_iter().map(|user| user_amount(ledger, user, epoch));
            Answer::UserAmounts { rows: rows.collect::<Result<_, _>>()? }
        }
    })
}

fn address(ledger: &Ledger, key: &Encoded) -> EncodedAddress {
    EncodedAddress { network: ledger.network(), key: *key }
}

fn user_row(ledger: &Ledger, user: User) -> UserRow {
    UserRow {
        account: user.account,
        current: user.keys.first().map(|key| address(ledger, key)),
        addresses: user.keys.iter().map(|key| address(ledger, key)).collect(),
        archived: user.archived,
    }
}

fn block_row(BlockAt { position, id, time }: BlockAt) -> BlockAnswer {
    let offset = position.offset();
    let finality = if offset.is_none() { Finality::Final } else { Finality::Prepared };
    let block = BlockRow { block_hash: id, time: time.into() };
    BlockAnswer { epoch: position.epoch, offset, block, finality }
}

fn check_address(ledger: &Ledger, text: String) -> Result<AddressAnswer, LedgerError> {
    let encoded: Result<EncodedAddress, _> = text.parse();
    let network = encoded.as_ref().ok().map(|address| address.network);
    let checked: Result<Address, _> =
        text.parse().and_then(|address: Address| address.require(ledger.network()));
    let account = match &checked {
        Ok(address) => ledger.owner(&address.public_key().encoded())?,
        Err(_) => None,
    };
    let reason = checked.err().map(|error| error.to_string());
    Ok(AddressAnswer { address: excerpt(&text), valid: reason.is_none(), network, reason, account })
}

fn new_address(ledger: &Ledger, new: &AccountAddress) -> Result<NewAddress, QueryError> {
    let key = new.address.require(ledger.network())?;
    stegos_common::keys::PublicKey::from_bytes(key.as_bytes())
        .map_err(|reason| QueryError::NoKey(new.address, reason))?;
    Ok(NewAddress { account: new.account.parse()?, key, current: new.current })
}

fn cut(after: Option<PlaceText>, limit: usize) -> Cut {
    Cut { after: after.map(|after| after.0), descending: false, limit: limit.clamp(1, MAX_ROWS) }
}

/// A page of events of some types, read in pages of all.
fn events(
    ledger: &Ledger,
    after: u64,
    types: &crate::event::Filter,
    limit: usize,
) -> Result<EventsAnswer, EventsError> {
    let (mut events, mut next) = (Vec::new(), after);
    loop {
        let page = ledger.events(next, limit)?;
        let (first, last, is_end) = (page.first, page.last, page.events.len() < limit);
        for record in page.events {
            if events.len() == limit {
                return Ok(EventsAnswer { events, next, first, last });
            }
            next = record.id;
            if types.takes(record.event.kind()) {
                events.push(record);
            }
        }
        if is_end || events.len() == limit {
            return Ok(EventsAnswer { events, next, first, last });
        }
    }
}

fn status(ledger: &Ledger, node: Option<LinkStatus>) -> Result<StatusAnswer, QueryError> {
    let end = ledger.end()?;
    let last = match end.offset.checked_sub(1) {
        Some(offset) => Some(Position::micro(end.epoch, offset)),
        None => end.epoch.checked_sub(1).map(Position::macro_block),
    };
    let last = last.map(|position| ledger.block(position)).transpose()?.flatten();
    Ok(StatusAnswer {
        network: ledger.network(),
        epoch: end.epoch,
        offset: end.offset,
        last_block_hash: end.last_block,
        last_macro_block_hash: end.last_macro_block,
        last_block_time: last.map(|(_, time)| time.into()),
        public: end.totals.public,
        private_outputs: end.totals.private.created.saturating_sub(end.totals.private.spent),
        stakes: end.totals.stakes.created.saturating_sub(end.totals.stakes.spent),
        signer_journal: ledger.signer_journal()?,
        lag: node.as_ref().and_then(|node| lag(end.epoch, end.offset, node)),
        node,
    })
}

/// A node that is behind the ledger is not ahead of it.
fn lag(epoch: u64, offset: u32, node: &LinkStatus) -> Option<Lag> {
    let (node_epoch, node_offset) = (node.epoch?, node.offset?);
    let micro_blocks = match node_epoch.cmp(&epoch) {
        Ordering::Less => 0,
        Ordering::Equal => node_offset.saturating_sub(offset),
        Ordering::Greater => node_offset,
    };
    Some(Lag { epochs: node_epoch.saturating_sub(epoch), micro_blocks })
}

fn event(epoch: u64, cause: &Cause) -> Event {
    let position = cause.place.position;
    Event {
        epoch: position.epoch,
        offset: position.offset(),
        index: cause.place.index,
        transaction: cause.transaction,
        finality: if position.epoch < epoch { Finality::Final } else { Finality::Prepared },
    }
}

fn row(ledger: &Ledger, epoch: u64, Found { id, output }: Found) -> OutputRow {
    let (recipient, amount) = match &output.kind {
        Kind::Public { recipient, amount, .. } => (Some(address(ledger, recipient)), Some(*amount)),
        Kind::Private | Kind::Stake => (None, None),
    };
    OutputRow {
        output_hash: id,
        kind: KindName::from(&output.kind),
        recipient,
        amount,
        created: event(epoch, &output.created),
        spent: output.spent.as_ref().map(|spent| event(epoch, spent)),
    }
}

fn happening(ledger: &Ledger, epoch: u64, happened: Happened) -> Result<HistoryRow, LedgerError> {
    let Happened { cause, what, found } = happened;
    let block = ledger.block(cause.place.position)?;
    let OutputRow { output_hash, recipient, amount, .. } = row(ledger, epoch, found);
    let time = block.map(|(_, time)| time.into());
    Ok(HistoryRow { what, event: event(epoch, &cause), time, output_hash, recipient, amount })
}

fn output(ledger: &Ledger, epoch: u64, id: Hash) -> Result<Option<OutputAnswer>, LedgerError> {
    let Some(record) = ledger.output(&id)? else { return Ok(None) };
    let block = |cause: &Cause| -> Result<Option<BlockRow>, LedgerError> {
        let block = ledger.block(cause.place.position)?;
        Ok(block.map(|(block_hash, time)| BlockRow { block_hash, time: time.into() }))
    };
    let account = match &record.kind {
        Kind::Public { recipient, .. } => ledger.owner(recipient)?,
        Kind::Private | Kind::Stake => None,
    };
    let created_block = block(&record.created)?;
    let spent_block = record.spent.as_ref().map(block).transpose()?.flatten();
    let blob = blob(&record).cloned().map(HexBytes);
    let output = row(ledger, epoch, Found { id, output: record });
    Ok(Some(OutputAnswer { output, account, created_block, spent_block, blob }))
}

fn blob_of(ledger: &Ledger, id: &Hash) -> Result<HexBytes, QueryError> {
    let output = ledger.output(id)?.ok_or(QueryError::NoOutput(*id))?;
    let reason = match output.kind {
        Kind::Public { .. } => "its spend is final, and keep_spent_blobs is off",
        Kind::Private | Kind::Stake => "it is not a public output; ask the node while it is unspent",
    };
    blob(&output).cloned().map(HexBytes).ok_or(QueryError::NoBlob(*id, reason))
}

fn balance(ledger: &Ledger, account: String) -> Result<BalanceAnswer, QueryError> {
    let (mut sum, mut addresses) = (Balance::default(), Vec::new());
    for key in ledger.user(&account)?.keys {
        let balance = ledger.balance(&key)?;
        sum = sum.plus(balance).ok_or(QueryError::TooMuch)?;
        addresses.push(AddressBalance { address: address(ledger, &key), balance });
    }
    let own_private = own_private(ledger, &account)?.ok_or(QueryError::TooMuch)?;
    Ok(BalanceAnswer { account, balance: sum, own_private, addresses })
}

/// What an account has in private outputs that our own transactions made for it.
fn own_private(ledger: &Ledger, account: &str) -> Result<Option<Balance>, LedgerError> {
    let own = ledger.own_outputs(account)?;
    let epoch = ledger.end()?.epoch;
    let is_final = |cause: &Cause| cause.place.position.epoch < epoch;
    let (mut settled, mut prepared) = (Some(Sum::default()), Some(Sum::default()));
    for (id, own) in own {
        let Some(output) = ledger.output(&id)? else { continue };
        if is_final(&output.created) && !output.spent.as_ref().is_some_and(is_final) {
            settled = settled.and_then(|sum| sum.with(own.amount));
        }
        if output.spent.is_none() {
            prepared = prepared.and_then(|sum| sum.with(own.amount));
        }
    }
    Ok(settled.zip(prepared).map(|(settled, prepared)| Balance { settled, prepared }))
}

fn balance_at(ledger: &Ledger, account: String, epoch: u64) -> Result<BalanceAtAnswer, QueryError> {
    let (mut total, mut addresses) = (Sum::default(), Vec::new());
    for key in ledger.user(&account)?.keys {
        let sum = ledger.balance_at(&key, epoch)?;
        total = total.plus(sum).ok_or(QueryError::TooMuch)?;
        addresses.push(AddressSum { address: address(ledger, &key), sum });
    }
    Ok(BalanceAtAnswer { account, epoch, sum: total, addresses })
}

fn user_amount(ledger: &Ledger, user: User, epoch: u64) -> Result<UserAmount, QueryError> {
    let mut amount = Amount::ZERO;
    for key in &user.keys {
        let sum = ledger.balance_at(key, epoch)?;
        amount = amount.checked_add(sum.amount).ok_or(QueryError::TooMuch)?;
    }
    Ok(UserAmount { account: user.account, amount })
}
