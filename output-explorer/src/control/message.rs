//! Questions about the ledger and their answers, as types and as JSON.

use super::handoffs::{HandoffAnswer, HandoffRequest};
use super::tokens::TokenRequest;
use crate::access::token::Token;
use crate::block::{Place, Position};
use crate::event::{EventRecord, Filter};
use crate::handoff::journal::SignerJournal;
use crate::ledger::record::{Balance, Kind, Sum, What};
use crate::view::text::{AddressText, HashText, TimeText};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::{HexBytes, Timestamp};
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use utoipa::ToSchema;

/// A question, or a change of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Where are ledger and node?
    Status,
    /// Users in the order of their names.
    Users {
        /// Behind this one.
        after: Option<String>,
        /// Only account ids that begin so.
        prefix: String,
        /// Also those that were removed.
        archived: bool,
        /// From the last account id to the first.
        descending: bool,
        /// At most so many.
        limit: usize,
    },
    /// One user.
    User {
        /// The account id.
        account: String,
    },
    /// Add addresses and the users that are not there yet: all or none.
    AddUsers {
        /// Each with its account.
        addresses: Vec<AccountAddress>,
    },
    /// Archive a user.
    RemoveUser {
        /// Its account id.
        account: String,
    },
    /// A user's public outputs.
    Outputs {
        /// The account id.
        account: String,
        /// Spent or not.
        state: State,
        /// Only those of which all that is known is final, or something is not.
        finality: Option<Finality>,
        /// Only those made in this epoch or later.
        since: u64,
        /// Behind this place.
        after: Option<PlaceText>,
        /// At most so many.
        limit: usize,
    },
    /// What a user has.
    Balance {
        /// The account id.
        account: String,
        /// At the end of this epoch; otherwise now.
        at_epoch: Option<u64>,
    },
    /// What happened to a user's public outputs.
    History {
        /// The account id.
        account: String,
        /// Behind this place.
        after: Option<PlaceText>,
        /// The newest first.
        #[serde(default)]
        descending: bool,
        /// At most so many.
        limit: usize,
    },
    /// What happened, in the order in which it did.
    Events {
        /// Behind the event with this number.
        after: u64,
        /// Of these types only.
        types: Filter,
        /// At most so many.
        limit: usize,
    },
    /// One output.
    Output {
        /// Its id.
        output_hash: Hash,
    },
    /// Many outputs; whichever there are.
    Lookup {
        /// Their ids.
        output_hashes: Vec<Hash>,
    },
    /// Blocks, the youngest first.
    Blocks {
        /// Before this one.
        before: Option<PositionText>,
        /// At most so many.
        limit: usize,
    },
    /// One block.
    Block {
        /// Where it is.
        position: PositionText,
    },
    /// Whether a text is an address that can be paid to.
    CheckAddress {
        /// The text.
        address: String,
    },
    /// Blobs of public outputs, as a node answers them.
    OutputsList {
        /// Their ids.
        utxos: Vec<Hash>,
    },
    /// All outputs of the chain, for an audit.
    AllOutputs {
        /// Behind this one.
        after: Option<Hash>,
        /// At most so many.
        limit: usize,
    },
    /// Handoffs and transactions.
    Handoff(Box<HandoffRequest>),
    /// Tokens for HTTP.
    Token(TokenRequest),
    /// All balances of the chain, for an audit.
    AllBalances {
        /// Behind this one.
        after: Option<EncodedAddress>,
        /// At most so many.
        limit: usize,
    },
    /// What each user had at the end of an epoch, in the order of their names; also those who were removed.
    UserAmounts {
        /// The epoch.
        epoch: u64,
        /// Behind this account id.
        after: Option<String>,
        /// At most so many.
        limit: usize,
    },
}

/// An account and one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAddress {
    /// The account id.
    pub account: String,
    /// The address.
    pub address: EncodedAddress,
    /// The generation of its key, where it is the account's current one.
    pub current: Option<NonZeroU32>,
}

/// Which outputs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[schema(as = OutputState)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Those that are not spent
    Unspent,
    /// Those that are
    Spent,
    /// All of them
    All,
}

/// A place as text.
pub type PlaceText = AsText<Place>;

/// A position as text.
pub type PositionText = AsText<Position>;

/// What is text in JSON, and numbers in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsText<T>(pub T);

impl<T: FromStr> FromStr for AsText<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: fmt::Display> Serialize for AsText<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for AsText<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// Where ledger and node are.
    Status(Box<StatusAnswer>),
    /// Users.
    Users {
        /// At most as many as asked for.
        users: Vec<UserRow>,
    },
    /// A user.
    User(UserRow),
    /// Users were added.
    Added {
        /// Users that are new or no longer archived.
        users: usize,
        /// Addresses that are new.
        addresses: usize,
        /// Users that were there and have another current address now.
        moved: usize,
        /// Users of whom a later current address is known.
        outdated: usize,
    },
    /// A user was archived.
    Removed,
    /// Outputs.
    Outputs(Rows<OutputRow>),
    /// A balance.
    Balance(BalanceAnswer),
    /// A balance at the end of an epoch.
    BalanceAt(BalanceAtAnswer),
    /// History.
    History(Rows<HistoryRow>),
    /// Events.
    Events(EventsAnswer),
    /// An output.
    Output(Box<OutputAnswer>),
    /// Outputs, in the order of the request.
    Lookup {
        /// Those that there are.
        outputs: Vec<OutputAnswer>,
        /// The ids of the others.
        unknown: Vec<Hash>,
    },
    /// Blocks.
    Blocks {
        /// At most as many as asked for.
        blocks: Vec<BlockAnswer>,
    },
    /// A block.
    Block(BlockAnswer),
    /// What a text is as an address.
    Address(Box<AddressAnswer>),
    /// Blobs of outputs, in the order of the request.
    OutputsList {
        /// The protobuf bytes in hex.
        utxos: Vec<HexBytes>,
    },
    /// Outputs of the chain.
    AllOutputs {
        /// At most as many as asked for.
        rows: Vec<OutputRow>,
    },
    /// Balances of the chain.
    AllBalances {
        /// At most as many as asked for.
        rows: Vec<AddressBalance>,
    },
    /// What users had.
    UserAmounts {
        /// At most as many as asked for.
        rows: Vec<UserAmount>,
    },
    /// Handoffs and transactions.
    Handoff(Box<HandoffAnswer>),
    /// Tokens for HTTP.
    Tokens {
        /// Those that were asked about.
        tokens: Vec<Token>,
    },
    /// There is no answer.
    Error {
        /// Why.
        error: String,
        /// Whether what was asked about does not exist, or is not as the request needs it.
        refused: bool,
    },
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next one begins, if there is one.
    pub next: Option<PlaceText>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsAnswer {
    /// The events.
    pub events: Vec<EventRecord>,
    /// Behind which event to go on.
    pub next: u64,
    /// The oldest event that is kept.
    pub first: u64,
    /// The newest event.
    pub last: u64,
}

/// Where ledger and node are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The network.
    pub network: Network,
    /// The ledger's epoch.
    pub epoch: u64,
    /// The offset of its next micro block.
    pub offset: u32,
    /// The last block.
    pub last_block_hash: Option<Hash>,
    /// The last macro block.
    pub last_macro_block_hash: Option<Hash>,
    /// When the last block was made.
    pub last_block_time: Option<Timestamp>,
    /// All unspent public outputs.
    #[serde(flatten)]
    pub public: Balance,
    /// Private outputs that are not spent.
    pub private_outputs: u64,
    /// Stakes that are not spent.
    pub stakes: u64,
    /// The node, while it is followed.
    pub node: Option<LinkStatus>,
    /// How far the ledger is behind it.
    pub lag: Option<Lag>,
    /// What is known of the signer's journal, and whether it went back.
    pub signer_journal: SignerJournal,
}

/// How far the ledger is behind the node, when that was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lag {
    /// Epochs.
    pub epochs: u64,
    /// Micro blocks of the node's epoch.
    pub micro_blocks: u32,
}

/// The connection to the node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct LinkStatus {
    /// The node's address.
    pub address: String,
    /// Whether there is a connection.
    pub connected: bool,
    /// Whether the node has promised to send new blocks.
    pub subscribed: bool,
    /// The node's epoch when it was last asked.
    pub epoch: Option<u64>,
    /// The offset of its next micro block.
    pub offset: Option<u32>,
    /// Whether it has caught up with the network.
    pub is_synchronized: Option<bool>,
    /// How many connections were lost since the program started.
    pub connections_lost: u64,
    /// Why the last connection was lost.
    pub last_error: Option<String>,
    /// Blocks that were refused.
    pub faults: u64,
    /// The last one, and why.
    pub last_fault: Option<String>,
    /// For a replica: the explorer by which all this is known.
    pub via: Option<Via>,
}

/// The explorer that a replica copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Via {
    /// Its address.
    pub from: String,
    /// Whether it answers.
    pub connected: bool,
    /// The number of the last change that was copied.
    pub change: u64,
    /// That of the newest one when it answered last; the difference is what the replica is behind.
    pub newest: Option<u64>,
    /// When it answered last.
    #[schema(value_type = Option<TimeText>)]
    pub heard: Option<Timestamp>,
}

impl LinkStatus {
    /// Takes note of what the node says about itself.
    pub(crate) const fn set_node(&mut self, status: &Status) {
        (self.epoch, self.offset) = (Some(status.epoch), Some(status.offset));
        self.is_synchronized = Some(status.is_synchronized);
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = User)]
pub struct UserRow {
    /// The account id.
    pub account: String,
    /// Where what is paid to it goes.
    #[schema(value_type = Option<AddressText>)]
    pub current: Option<EncodedAddress>,
    /// All its addresses, the current one first.
    #[schema(value_type = Vec<AddressText>)]
    pub addresses: Vec<EncodedAddress>,
    /// Whether it was removed.
    pub archived: bool,
}

/// Whether something can still be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// It can
    Prepared,
    /// It cannot
    Final,
}

impl fmt::Display for Finality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Prepared => "prepared",
            Self::Final => "final",
        })
    }
}

/// Where and by which transaction something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Cause)]
pub struct Event {
    /// The epoch.
    pub epoch: u64,
    /// The micro block, where it was seen in one.
    pub offset: Option<u32>,
    /// The place within the block.
    pub index: u32,
    /// The transaction, where it was seen in a micro block.
    #[schema(value_type = Option<HashText>)]
    pub transaction: Option<Hash>,
    /// Whether it can still be taken back.
    pub finality: Finality,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRow {
    /// Its id.
    pub output_hash: Hash,
    /// What kind it is.
    pub kind: KindName,
    /// Who owns a public one.
    pub recipient: Option<EncodedAddress>,
    /// How much a public one is worth, in micro-STG.
    pub amount: Option<Amount>,
    /// What made it.
    pub created: Event,
    /// What spent it.
    pub spent: Option<Event>,
}

/// The kinds of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OutputKind)]
#[serde(rename_all = "snake_case")]
pub enum KindName {
    /// Everybody can read it.
    Public,
    /// Nobody without the key can.
    Private,
    /// A validator's stake.
    Stake,
}

impl From<&Kind> for KindName {
    fn from(kind: &Kind) -> Self {
        match kind {
            Kind::Public { .. } => Self::Public,
            Kind::Private => Self::Private,
            Kind::Stake => Self::Stake,
        }
    }
}

/// What happened to a public output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// What.
    pub what: What,
    /// Where and by which transaction.
    #[serde(flatten)]
    pub event: Event,
    /// When its block was made: the micro block while it is prepared, then the macro block.
    pub time: Option<Timestamp>,
    /// The output.
    pub output_hash: Hash,
    /// Who owns or owned it.
    pub recipient: Option<EncodedAddress>,
    /// How much it is worth, in micro-STG.
    pub amount: Option<Amount>,
}

/// Everything about one output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputAnswer {
    /// The output.
    #[serde(flatten)]
    pub output: OutputRow,
    /// The user whose address it was sent to.
    pub account: Option<String>,
    /// The block that made it, or the macro block of its epoch once that is known.
    pub created_block: Option<BlockRow>,
    /// The block that spent it, likewise.
    pub spent_block: Option<BlockRow>,
    /// The protobuf bytes of a public one in hex, while they are kept.
    pub blob: Option<HexBytes>,
}

/// A block, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockAnswer {
    /// The epoch.
    pub epoch: u64,
    /// The offset of a micro block; none for a macro block, which closes the epoch.
    pub offset: Option<u32>,
    /// The block.
    #[serde(flatten)]
    pub block: BlockRow,
    /// Whether it can still be taken back.
    pub finality: Finality,
}

/// What a text is as an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddressAnswer {
    /// The text.
    pub address: String,
    /// Whether it can be paid to on this network.
    pub valid: bool,
    /// The network that its prefix names.
    #[schema(value_type = Option<String>)]
    pub network: Option<Network>,
    /// Why it is not valid.
    pub reason: Option<String>,
    /// The user of this ledger whose address it is.
    pub account: Option<String>,
}

/// A block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BlockId)]
pub struct BlockRow {
    /// Its id.
    #[schema(value_type = HashText)]
    pub block_hash: Hash,
    /// When it was made.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
}

/// What a user has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceAnswer {
    /// The account id.
    pub account: String,
    /// All addresses together, public outputs only.
    #[serde(flatten)]
    pub balance: Balance,
    /// Private outputs that are known from our own transactions.
    pub own_private: Balance,
    /// Each address.
    pub addresses: Vec<AddressBalance>,
}

/// What an address has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressBalance {
    /// The address.
    pub address: EncodedAddress,
    /// What it has.
    #[serde(flatten)]
    pub balance: Balance,
}

/// What a user had at the end of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceAtAnswer {
    /// The account id.
    pub account: String,
    /// The epoch.
    pub epoch: u64,
    /// All addresses together.
    #[serde(rename = "final")]
    pub sum: Sum,
    /// Each address.
    pub addresses: Vec<AddressSum>,
}

/// What an address had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressSum {
    /// The address.
    pub address: EncodedAddress,
    /// What it had.
    #[serde(rename = "final")]
    pub sum: Sum,
}

/// What a user had, all addresses together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAmount {
    /// The account id.
    pub account: String,
    /// What it had, in micro-STG.
    pub amount: Amount,
}
