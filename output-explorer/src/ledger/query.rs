//! Questions about outputs and balances. Pages are cut at places in the chain, which never change once they are final.

use super::record::{
    Balance, Cause, HistoryRecord, Kind, MacroRecord, MicroRecord, OutputRecord, Sum, Time, Totals, What,
};
use super::store::{Pairs, Store, beginning_with};
use super::value::{damaged, decode, get};
use super::{Ledger, LedgerError, State, table};
use crate::block::{Place, Position};
use std::ops::Bound;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use thiserror::Error;

/// Where the ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The current epoch.
    pub epoch: u64,
    /// The offset of its next micro block.
    pub offset: u32,
    /// The last block, if there is one.
    pub last_block: Option<Hash>,
    /// The last macro block, if there is one.
    pub last_macro_block: Option<Hash>,
    /// Sums over the whole chain.
    pub totals: Totals,
}

/// A public or private output with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: Hash,
    /// All that is known about it.
    pub output: OutputRecord,
}

/// Something that happened to a public output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Where and by which transaction.
    pub cause: Cause,
    /// What.
    pub what: What,
    /// The output.
    pub found: Found,
}

/// A block and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockAt {
    /// Where.
    pub position: Position,
    /// Its id.
    pub id: Hash,
    /// When it was made.
    pub time: Time,
}

/// A page and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Behind which place to go on; none where this is the last page.
    pub next: Option<Place>,
}

/// Which page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Behind this place in the order that is asked for, or from the beginning.
    pub after: Option<Place>,
    /// From the last place to the first.
    pub descending: bool,
    /// At most so many rows.
    pub limit: usize,
}

/// Which outputs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Spent or not.
    pub filter: Filter,
    /// Whether all that is known of it must be final, or something must not; either, otherwise.
    pub is_final: Option<bool>,
    /// Made in this epoch or later.
    pub since: u64,
}

/// Whether outputs are wanted that are spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Those that are not spent.
    Unspent,
    /// Those that are.
    Spent,
    /// All.
    All,
}

impl From<Filter> for Wanted {
    /// However final, and however old.
    fn from(filter: Filter) -> Self {
        Self { filter, is_final: None, since: 0 }
    }
}

/// An epoch whose end is not known.
#[derive(Debug, Error)]
pub enum EpochError {
    /// It is not over.
    #[error("epoch {epoch} is not final yet: the last final one is {}", last.map_or("none".to_owned(), |epoch| epoch.to_string()))]
    NotFinal {
        /// The epoch.
        epoch: u64,
        /// The last one that is.
        last: Option<u64>,
    },
    /// The database fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Where the ledger is.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails, as everywhere here.
    pub fn end(&self) -> Result<End, LedgerError> {
        let state = self.read()?;
        let (epoch, offset) = (state.epoch, state.offset);
        let last_macro = match epoch.checked_sub(1) {
            Some(epoch) => get::<MacroRecord>(self.store.as_ref(), &table::macro_block(epoch))?,
            None => None,
        };
        let last_macro = last_macro.map(|block| block.id);
        let last = match offset.checked_sub(1) {
            Some(offset) => {
                get::<MicroRecord>(self.store.as_ref(), &table::micro_block(offset))?.map(|block| block.id)
            }
            None => last_macro,
        };
        let totals = get(self.store.as_ref(), table::TOTALS)?.unwrap_or_default();
        Ok(End { epoch, offset, last_block: last, last_macro_block: last_macro, totals })
    }

    /// The id and time of a block; of a micro block of an old epoch, those of its macro block.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn block(&self, position: Position) -> Result<Option<(Hash, Time)>, LedgerError> {
        let state = self.read()?;
        let block = match self.block_inside(&state, Position::macro_block(position.epoch))? {
            Some(block) => Some(block),
            None => self.block_inside(&state, position)?,
        };
        Ok(block.map(|block| (block.id, block.time)))
    }

    /// A block that is stored, at this very position.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn block_at(&self, position: Position) -> Result<Option<BlockAt>, LedgerError> {
        let state = self.read()?;
        self.block_inside(&state, position)
    }

    fn block_inside(&self, state: &State, position: Position) -> Result<Option<BlockAt>, LedgerError> {
        let store = self.store.as_ref();
        Ok(match position.offset() {
            None => get(store, &table::macro_block(position.epoch))?
                .map(|MacroRecord { id, time }| BlockAt { position, id, time }),
            Some(offset) if position.epoch == state.epoch => get(store, &table::micro_block(offset))?
                .map(|MicroRecord { id, time }| BlockAt { position, id, time }),
            Some(_) => None,
        })
    }

    /// Blocks, the youngest first, at most `limit`, before the position `before`: the micro blocks of the current epoch and
    /// the macro blocks of all before.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn blocks(&self, before: Option<Position>, limit: usize) -> Result<Vec<BlockAt>, LedgerError> {
        let state = self.read()?;
        let mut blocks = Vec::new();
        let offset = match before {
            Some(before) if before.epoch < state.epoch => 0,
            Some(before) if before.epoch == state.epoch => before.offset().unwrap_or(u32::MAX),
            _ => u32::MAX,
        };
        let range = (Bound::Included(table::micro_block(0)), Bound::Excluded(table::micro_block(offset)));
        for pair in self.store.scan(range).rev().take(limit) {
            let (key, value) = pair?;
            let MicroRecord { id, time } = decode(table::MICRO_BLOCKS, &value)?;
            let (_, offset) = key.split_last_chunk().ok_or_else(|| damaged(&key))?;
            let position = Position::micro(state.epoch, u32::from_be_bytes(*offset));
            blocks.push(BlockAt { position, id, time });
        }
        let epoch = before.map_or(u64::MAX, |before| before.epoch);
        let range = (Bound::Included(table::macro_block(0)), Bound::Excluded(table::macro_block(epoch)));
        for pair in self.store.scan(range).rev().take(limit.saturating_sub(blocks.len())) {
            let (key, value) = pair?;
            let MacroRecord { id, time } = decode(table::MACRO_BLOCKS, &value)?;
            let epoch = table::number_of(&key).ok_or_else(|| damaged(&key))?;
            blocks.push(BlockAt { position: Position::macro_block(epoch), id, time });
        }
        Ok(blocks)
    }

    /// The balance of a recipient.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn balance(&self, recipient: &Encoded) -> Result<Balance, LedgerError> {
        let _state = self.read()?;
        Ok(get(self.store.as_ref(), &table::balance(recipient))?.unwrap_or_default())
    }

    /// What a recipient had at the end of an epoch.
    ///
    /// # Errors
    /// [`EpochError::NotFinal`] where the epoch is not over.
    pub fn balance_at(&self, recipient: &Encoded, epoch: u64) -> Result<Sum, EpochError> {
        let state = self.read()?;
        if epoch >= state.epoch {
            return Err(EpochError::NotFinal { epoch, last: state.epoch.checked_sub(1) });
        }
        let end = Place { position: Position::macro_block(epoch), index: u32::MAX };
        Ok(sum_at(self.store.as_ref(), recipient, Bound::Included(end))?)
    }

    /// The last output of an id.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn output(&self, id: &Hash) -> Result<Option<OutputRecord>, LedgerError> {
        let _state = self.read()?;
        get(self.store.as_ref(), &table::output(id))
    }

    /// Outputs of these recipients in the order in which they were made.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn outputs(
        &self,
        recipients: &[Encoded],
        wanted: Wanted,
        cut: Cut,
    ) -> Result<Page<Found>, LedgerError> {
        let state = self.read()?;
        let Wanted { filter, is_final, since } = wanted;
        let before = |cause: &Cause| cause.place.position.epoch < state.epoch;
        let is_wanted = |output: &OutputRecord| {
            is_final
                .is_none_or(|is| (before(&output.created) && output.spent.as_ref().is_none_or(before)) == is)
        };
        let begin = since.checked_sub(1).map(Position::macro_block);
        let begin = begin.map(|position| Place { position, index: u32::MAX });
        // Outputs are asked for in the order in which they were made only.
        let cut = Cut { after: cut.after.max(begin), descending: false, ..cut };
        let tables: &[Table] = match filter {
            Filter::Unspent => &[table::unspent],
            Filter::Spent => &[table::history],
            Filter::All => &HAPPENED,
        };
        page(self.merged(recipients, tables, cut), cut.limit, |(place, value)| {
            let HistoryRecord { output, what, .. } = decode(b"H", &value)?;
            if what == What::Spend {
                return Ok(None);
            }
            let found = found(self.store.as_ref(), output, place)?;
            Ok(is_wanted(&found.output).then_some((place, found)))
        })
    }

    /// What happened to the outputs of these recipients, in the order of the chain.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn history(&self, recipients: &[Encoded], cut: Cut) -> Result<Page<Happened>, LedgerError> {
        let _state = self.read()?;
        page(self.merged(recipients, &HAPPENED, cut), cut.limit, |(place, value)| {
            let HistoryRecord { output, created, what, .. } = decode(b"H", &value)?;
            let found = found(self.store.as_ref(), output, created)?;
            let cause = match what {
                What::Deposit => Some(found.output.created),
                What::Spend => found.output.spent,
            };
            let cause = cause.ok_or_else(|| damaged(b"H"))?;
            Ok(Some((place, Happened { cause, what, found })))
        })
    }

    /// All outputs of the chain in the order of their ids, at most `limit`, behind the id `after`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn all_outputs(&self, after: Option<Hash>, limit: usize) -> Result<Vec<Found>, LedgerError> {
        let _state = self.read()?;
        let (first, last) = beginning_with(table::OUTPUTS);
        let first = after.map_or(first, |after| Bound::Excluded(table::output(&after)));
        let pairs = self.store.scan((first, last)).take(limit);
        pairs
            .map(|pair| {
                let (key, value) = pair?;
                let id = table::hash_of(&key).ok_or_else(|| damaged(&key))?;
                Ok(Found { id, output: decode(table::OUTPUTS, &value)? })
            })
            .collect()
    }

    /// All balances in the order of the recipients' keys, at most `limit`, behind the key `after`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn all_balances(
        &self,
        after: Option<&Encoded>,
        limit: usize,
    ) -> Result<Vec<(Encoded, Balance)>, LedgerError> {
        let _state = self.read()?;
        let (first, last) = beginning_with(table::BALANCES);
        let first = after.map_or(first, |after| Bound::Excluded(table::balance(after)));
        let pairs = self.store.scan((first, last)).take(limit);
        pairs
            .map(|pair| {
                let (key, value) = pair?;
                let recipient = table::hash_of(&key).ok_or_else(|| damaged(&key))?;
                Ok((Encoded::from_bytes(*recipient.as_bytes()), decode(table::BALANCES, &value)?))
            })
            .collect()
    }

    /// The values of tables that are sorted by recipient and place, sorted by place alone.
    fn merged<'a>(
        &'a self,
        recipients: &[Encoded],
        tables: &[Table],
        Cut { after, descending, .. }: Cut,
    ) -> impl Iterator<Item = Result<(Place, Vec<u8>), LedgerError>> + 'a {
        let mut sources: Vec<_> = recipients
            .iter()
            .flat_map(|recipient| tables.iter().map(|table| table(recipient)))
            .map(|prefix| {
                let (mut first, mut last) = beginning_with(&prefix);
                if let Some(after) = after {
                    let end = if descending { &mut last } else { &mut first };
                    *end = Bound::Excluded([prefix, table::place_bytes(after).to_vec()].concat());
                }
                let pairs = self.store.scan((first, last));
                let pairs: Pairs<'a> = if descending { Box::new(pairs.rev()) } else { pairs };
                Source { pairs, next: None }
            })
            .collect();
        let mut begun = false;
        std::iter::from_fn(move || {
            if !begun {
                begun = true;
                for source in &mut sources {
                    if let Err(error) = source.advance() {
                        return Some(Err(error));
                    }
                }
            }
            let left = sources.iter_mut().filter(|source| source.next.is_some());
            let first = if descending {
                left.max_by_key(|source| source.place())?
            } else {
                left.min_by_key(|source| source.place())?
            };
            let next = first.next.take()?;
            Some(first.advance().map(|()| next))
        })
    }
}

/// The output of an id that was made at a place.
pub(super) fn found(store: &dyn Store, id: Hash, created: Place) -> Result<Found, LedgerError> {
    let is_it = |output: &OutputRecord| output.created.place == created;
    let last: Option<OutputRecord> = get(store, &table::output(&id))?;
    let output = match last.filter(is_it) {
        Some(output) => Some(output),
        None => get(store, &table::earlier_at(&id, created))?,
    };
    output.map(|output| Found { id, output }).ok_or_else(|| damaged(b"E"))
}

/// What a recipient had after what happened last, up to a place.
pub(super) fn sum_at(store: &dyn Store, recipient: &Encoded, end: Bound<Place>) -> Result<Sum, LedgerError> {
    let mut last = (None, Sum::default());
    for prefix in HAPPENED.map(|table| table(recipient)) {
        let end = end.map(|place| [prefix.as_slice(), &table::place_bytes(place)].concat());
        if let Some((key, value)) = store.scan((Bound::Included(prefix), end)).next_back().transpose()? {
            let place = table::place_of(&key).ok_or_else(|| damaged(&key))?;
            if Some(place) > last.0 {
                last = (Some(place), decode::<HistoryRecord>(&key, &value)?.after);
            }
        }
    }
    Ok(last.1)
}

/// The beginning of a recipient's keys in a table.
type Table = fn(&Encoded) -> Vec<u8>;

/// Where all is that happened to a recipient's outputs.
const HAPPENED: [Table; 2] = [table::unspent, table::history];

/// The rows of one recipient.
struct Source<'a> {
    pairs: Pairs<'a>,
    next: Option<(Place, Vec<u8>)>,
}

impl Source<'_> {
    fn place(&self) -> Option<Place> {
        self.next.as_ref().map(|(place, _)| *place)
    }

    fn advance(&mut self) -> Result<(), LedgerError> {
        let next = self.pairs.next().transpose()?;
        let next = next.map(|(key, value)| {
            table::place_of(&key).map(|place| (place, value)).ok_or_else(|| damaged(&key))
        });
        self.next = next.transpose()?;
        Ok(())
    }
}

/// So many places are looked at for one page, however few of them are wanted: nobody else can write meanwhile.
const MOST_LOOKED_AT: usize = 10_000;

/// The first rows, and whether there are more. A page that is not full may have another one behind it.
fn page<T>(
    pairs: impl Iterator<Item = Result<(Place, Vec<u8>), LedgerError>>,
    limit: usize,
    mut read: impl FnMut((Place, Vec<u8>)) -> Result<Option<(Place, T)>, LedgerError>,
) -> Result<Page<T>, LedgerError> {
    let (mut rows, mut last) = (Vec::new(), None);
    for (looked_at, pair) in pairs.enumerate() {
        let pair = pair?;
        let place = pair.0;
        if looked_at == MOST_LOOKED_AT.max(limit) {
            return Ok(Page { rows, next: last });
        }
        match read(pair)? {
            Some(_) if rows.len() == limit => return Ok(Page { rows, next: last }),
            Some((_, row)) => rows.push(row),
            // Behind what is looked at, the next page goes on.
            None => {}
        }
        last = Some(place);
    }
    Ok(Page { rows, next: None })
}

/// Whether a public output can be handed to a signer.
#[must_use]
pub const fn blob(output: &OutputRecord) -> Option<&Vec<u8>> {
    match &output.kind {
        Kind::Public { blob, .. } => blob.as_ref(),
        Kind::Private | Kind::Stake => None,
    }
}
