//! Where each record lies. There is one tree; the first byte of a key is its table. Numbers are big-endian, so that
//! keys have the order of what they stand for.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `I` | — | what ledger this is ([`super::record::Info`]) |
//! | `T` | — | totals ([`super::record::Totals`]) |
//! | `M` | epoch | a macro block ([`super::record::MacroRecord`]) |
//! | `K` | offset | a micro block of the current epoch ([`super::record::MicroRecord`]) |
//! | `U` | offset, part | what it did, so that it can be undone ([`super::record::Step`]s) |
//! | `O` | id | an output ([`super::record::OutputRecord`]) |
//! | `E` | id, place | an output of the same id that was spent before this one was made |
//! | `H` | recipient, place | what happened to a public output that is spent ([`super::record::HistoryRecord`]) |
//! | `N` | recipient, place | the deposit of an unspent one, as in `H` |
//! | `B` | recipient | a balance ([`super::record::Balance`]) |
//! | `A` | account | a user ([`super::record::UserRecord`]) |
//! | `P` | public key | the account whose address it is |
//! | `D` | handoff | a handoff ([`crate::handoff::record::Handoff`], as JSON, like all that follow) |
//! | `V` | handoff | something may still happen to it |
//! | `L` | id | the handoff for which an output is reserved |
//! | `G` | id | the handoff that gave an output up which it may have had signed away |
//! | `X` | handoff | its signed transaction, as protobuf |
//! | `Z` | handoff | the blobs of its inputs, once it is signed |
//! | `Y` | transaction | the handoff that it does |
//! | `W` | withdrawal | a withdrawal by its caller's id ([`super::handoffs::WithdrawalRecord`]) |
//! | `Q` | account, 0, id | a private output of an account of ours ([`super::handoffs::OwnOutput`]) |
//! | `J` | — | what is known of the signer's journal ([`crate::handoff::journal::SignerJournal`]) |
//! | `C` | handoff, records | the head that the signer's journal had with so many; the handoff is the one before which an alarm was ended last |
//! | `i` | digest of caller and key | what was answered to an idempotency key ([`super::handoffs::AnsweredRecord`]) |
//! | `t` | token | a token for HTTP ([`super::tokens::TokenRecord`]) |
//! | `e` | number | an event ([`crate::event::EventRecord`], as JSON) |
//! | `h` | — | which changes are kept for replicas ([`super::changes`]) |
//! | `c` | number, or number and part | a change of the ledger, and what it writes |
//! | `p` | — | how far this ledger has got as the copy of another one ([`super::copy::Copy`]) |
//! | `R` | — | counts the changes of users and handoffs |
//! | `w` | — or endpoint | the last endpoint's id; a webhook endpoint ([`crate::webhook::record`]) |
//! | `d` | endpoint, event | the delivery of an event to an endpoint |
//! | `q` | endpoint, time, event | a delivery is due then |
//! | `f` | endpoint, event | a delivery is over |

use crate::access::token::TokenId;
use crate::block::{Place, Position};
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// The table of everything else.
pub(super) const INFO: &[u8] = b"I";
pub(super) const TOTALS: &[u8] = b"T";
pub(super) const MACRO_BLOCKS: &[u8] = b"M";
pub(super) const MICRO_BLOCKS: &[u8] = b"K";
pub(super) const UNDO: &[u8] = b"U";
pub(super) const OUTPUTS: &[u8] = b"O";
pub(super) const HISTORY: &[u8] = b"H";
pub(super) const BALANCES: &[u8] = b"B";
pub(super) const USERS: &[u8] = b"A";
pub(super) const OWNERS: &[u8] = b"P";
pub(super) const HANDOFFS: &[u8] = b"D";
pub(super) const LIVE: &[u8] = b"V";
pub(super) const TRANSACTIONS: &[u8] = b"X";
pub(super) const SIGNER_JOURNAL: &[u8] = b"J";
pub(super) const TOKENS: &[u8] = b"t";
pub(super) const EVENTS: &[u8] = b"e";
pub(super) const REVISION: &[u8] = b"R";
pub(super) const ENDPOINTS: &[u8] = b"w";
pub(super) const DELIVERIES: &[u8] = b"d";
pub(super) const DUE: &[u8] = b"q";
pub(super) const FINISHED: &[u8] = b"f";
pub(super) const LOG: &[u8] = b"h";
pub(super) const CHANGES: &[u8] = b"c";
pub(super) const COPY: &[u8] = b"p";

/// Length of a place in a key, in bytes.
const PLACE: usize = 16;

pub(super) fn macro_block(epoch: u64) -> Vec<u8> {
    [MACRO_BLOCKS, &epoch.to_be_bytes()].concat()
}

pub(super) fn micro_block(offset: u32) -> Vec<u8> {
    [MICRO_BLOCKS, &offset.to_be_bytes()].concat()
}

pub(super) fn undo(offset: u32) -> Vec<u8> {
    [UNDO, &offset.to_be_bytes()].concat()
}

pub(super) fn undo_part(offset: u32, part: u32) -> Vec<u8> {
    [UNDO, &offset.to_be_bytes(), &part.to_be_bytes()].concat()
}

pub(super) fn output(id: &Hash) -> Vec<u8> {
    [OUTPUTS, id.as_bytes()].concat()
}

pub(super) fn earlier(id: &Hash) -> Vec<u8> {
    [b"E", id.as_bytes().as_slice()].concat()
}

pub(super) fn earlier_at(id: &Hash, place: Place) -> Vec<u8> {
    [earlier(id).as_slice(), &place_bytes(place)].concat()
}

pub(super) fn history(recipient: &Encoded) -> Vec<u8> {
    [HISTORY, recipient.as_bytes()].concat()
}

pub(super) fn history_at(recipient: &Encoded, place: Place) -> Vec<u8> {
    [history(recipient).as_slice(), &place_bytes(place)].concat()
}

pub(super) fn unspent(recipient: &Encoded) -> Vec<u8> {
    [b"N", recipient.as_bytes().as_slice()].concat()
}

pub(super) fn unspent_at(recipient: &Encoded, place: Place) -> Vec<u8> {
    [unspent(recipient).as_slice(), &place_bytes(place)].concat()
}

pub(super) fn balance(recipient: &Encoded) -> Vec<u8> {
    [BALANCES, recipient.as_bytes()].concat()
}

pub(super) fn user(account: &str) -> Vec<u8> {
    [USERS, account.as_bytes()].concat()
}

pub(super) fn owner(key: &Encoded) -> Vec<u8> {
    [OWNERS, key.as_bytes()].concat()
}

pub(super) fn handoff(number: u64) -> Vec<u8> {
    [HANDOFFS, &number.to_be_bytes()].concat()
}

pub(super) fn live(number: u64) -> Vec<u8> {
    [LIVE, &number.to_be_bytes()].concat()
}

pub(super) fn reservation(output: &Hash) -> Vec<u8> {
    [b"L", output.as_bytes().as_slice()].concat()
}

pub(super) fn released(output: &Hash) -> Vec<u8> {
    [b"G", output.as_bytes().as_slice()].concat()
}

pub(super) fn transaction(number: u64) -> Vec<u8> {
    [TRANSACTIONS, &number.to_be_bytes()].concat()
}

pub(super) fn input_blobs(number: u64) -> Vec<u8> {
    [b"Z", number.to_be_bytes().as_slice()].concat()
}

pub(super) fn handoff_of(transaction: &Hash) -> Vec<u8> {
    [b"Y", transaction.as_bytes().as_slice()].concat()
}

pub(super) fn journal_head(accepted: u64, count: u64) -> Vec<u8> {
    [b"C".as_slice(), &accepted.to_be_bytes(), &count.to_be_bytes()].concat()
}

pub(super) fn withdrawal(id: &str) -> Vec<u8> {
    [b"W", id.as_bytes()].concat()
}

pub(super) fn answered(key: &Hash) -> Vec<u8> {
    [b"i", key.as_bytes().as_slice()].concat()
}

pub(super) fn event(id: u64) -> Vec<u8> {
    [EVENTS, &id.to_be_bytes()].concat()
}

pub(super) fn change(number: u64) -> Vec<u8> {
    [CHANGES, &number.to_be_bytes()].concat()
}

pub(super) fn change_part(number: u64, part: u32) -> Vec<u8> {
    [change(number).as_slice(), &part.to_be_bytes()].concat()
}

/// No account has the byte 0 in its name.
pub(super) fn own_outputs(account: &str) -> Vec<u8> {
    [b"Q", account.as_bytes(), &[0]].concat()
}

pub(super) fn own_output(account: &str, id: &Hash) -> Vec<u8> {
    [own_outputs(account).as_slice(), id.as_bytes()].concat()
}

pub(super) fn token(id: TokenId) -> Vec<u8> {
    [TOKENS, id.as_bytes()].concat()
}

pub(super) fn endpoint(id: u64) -> Vec<u8> {
    [ENDPOINTS, &id.to_be_bytes()].concat()
}

pub(super) fn deliveries(endpoint: u64) -> Vec<u8> {
    [DELIVERIES, &endpoint.to_be_bytes()].concat()
}

pub(super) fn delivery(endpoint: u64, event: u64) -> Vec<u8> {
    [deliveries(endpoint).as_slice(), &event.to_be_bytes()].concat()
}

pub(super) fn due(endpoint: u64) -> Vec<u8> {
    [DUE, &endpoint.to_be_bytes()].concat()
}

pub(super) fn due_at(endpoint: u64, time: Timestamp, event: u64) -> Vec<u8> {
    [due(endpoint).as_slice(), &time.unix_nanos().to_be_bytes(), &event.to_be_bytes()].concat()
}

pub(super) fn finished(endpoint: u64) -> Vec<u8> {
    [FINISHED, &endpoint.to_be_bytes()].concat()
}

pub(super) fn finished_at(endpoint: u64, event: u64) -> Vec<u8> {
    [finished(endpoint).as_slice(), &event.to_be_bytes()].concat()
}

/// The time and the event at the end of a key.
pub(super) fn due_of(key: &[u8]) -> Option<(Timestamp, u64)> {
    let (rest, event) = key.split_last_chunk()?;
    let (_, time) = rest.split_last_chunk()?;
    Some((Timestamp::from_unix_nanos(u64::from_be_bytes(*time)), u64::from_be_bytes(*event)))
}

/// The number at the end of a key.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    key.split_last_chunk().map(|(_, bytes)| u64::from_be_bytes(*bytes))
}

/// The epoch, the offset or the highest number for a macro block, the index.
pub(super) fn place_bytes(place: Place) -> [u8; PLACE] {
    let mut bytes = [0; PLACE];
    let offset = place.position.offset().unwrap_or(u32::MAX);
    let parts = place.position.epoch.to_be_bytes().into_iter().chain(offset.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(parts.chain(place.index.to_be_bytes())) {
        *to = from;
    }
    bytes
}

/// The place at the end of a key.
pub(super) fn place_of(key: &[u8]) -> Option<Place> {
    let (_, bytes) = key.split_last_chunk::<PLACE>()?;
    let (epoch, rest) = bytes.split_first_chunk()?;
    let (offset, index) = rest.split_first_chunk()?;
    let (epoch, offset) = (u64::from_be_bytes(*epoch), u32::from_be_bytes(*offset));
    let position =
        if offset == u32::MAX { Position::macro_block(epoch) } else { Position::micro(epoch, offset) };
    Some(Place { position, index: u32::from_be_bytes(index.try_into().ok()?) })
}

/// The recipient before the place at the end of a key.
pub(super) fn recipient_of(key: &[u8]) -> Option<Encoded> {
    let (rest, _) = key.split_last_chunk::<PLACE>()?;
    rest.split_last_chunk().map(|(_, bytes)| Encoded::from_bytes(*bytes))
}

/// The digest at the end of a key.
pub(super) fn hash_of(key: &[u8]) -> Option<Hash> {
    key.split_last_chunk().map(|(_, bytes)| Hash::from_bytes(*bytes))
}
