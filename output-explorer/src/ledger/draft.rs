//! What a change of the chain does to the records: a pure function of what is stored. It is collected here, and
//! becomes one atomic batch.

mod settle;

use super::LedgerError;
use super::error::Fault;
use super::movements::Movements;
use super::record::{
    Balance, Cause, Count, HistoryRecord, Kind, MacroRecord, MicroRecord, OutputRecord, Step, Sum, Totals,
    What,
};
use super::rest::{Rest, strike};
use super::store::{Batch, Pair, Store, beginning_with};
use super::table;
use super::value::{damaged, decode, encode, get};
use crate::block::{Content, MacroBlock, MicroBlock, NewOutput, Place, Position};
use crate::event::{Event, Movement};
use crate::metrics::Done;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use stegos_common::amount::Amount;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// So many steps of a block are in one record: the database stores long values badly.
const STEPS: usize = 1000;

/// What is undone was done before.
const DAMAGED: LedgerError = LedgerError::Damaged { table: 'U' };

/// Changes that are not made yet, over what is stored.
pub(super) struct Draft<'a> {
    store: &'a dyn Store,
    batch: Batch,
    outputs: HashMap<Hash, Option<OutputRecord>>,
    balances: HashMap<Encoded, Balance>,
    totals: Totals,
    movements: Movements<'a>,
    /// Counts what it does.
    pub(super) done: Done,
}

impl<'a> Draft<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Result<Self, LedgerError> {
        let totals = get(store, table::TOTALS)?.unwrap_or_default();
        Ok(Self {
            store,
            batch: Batch::default(),
            outputs: HashMap::new(),
            balances: HashMap::new(),
            totals,
            movements: Movements::new(store)?,
            done: Done::default(),
        })
    }

    /// Everything as one batch, and the events that tell of it.
    pub(super) fn finish(mut self) -> (Batch, Vec<Event>) {
        for (id, output) in &self.outputs {
            match output {
                Some(output) => self.batch.put(table::output(id), encode(output)),
                None => self.batch.delete(table::output(id)),
            }
        }
        for (recipient, balance) in &self.balances {
            if *balance == Balance::default() {
                self.batch.delete(table::balance(recipient));
            } else {
                self.batch.put(table::balance(recipient), encode(balance));
            }
        }
        self.batch.put(table::TOTALS.to_vec(), encode(&self.totals));
        (self.batch, self.movements.events)
    }

    /// Adds a micro block.
    pub(super) fn connect(&mut self, block: &MicroBlock) -> Result<(), LedgerError> {
        let mut steps = Vec::new();
        let mut places = places(Position::micro(block.epoch, block.offset));
        for transaction in &block.transactions {
            let mut cause = || places.next().map(|place| Cause { place, transaction: Some(transaction.id) });
            for input in &transaction.inputs {
                let cause = cause().ok_or(Fault::OutOfOrder)?;
                self.spend(input, cause)?;
                self.tell(Event::SpendPrepared, input, cause)?;
                steps.push(Step::Spent(*input));
            }
            for output in &transaction.outputs {
                let cause = cause().ok_or(Fault::OutOfOrder)?;
                self.make(output, cause)?;
                self.tell(Event::DepositPrepared, &output.id, cause)?;
                steps.push(Step::Made(output.id));
            }
        }
        let record = MicroRecord { id: block.id, time: block.time.into() };
        self.batch.put(table::micro_block(block.offset), encode(&record));
        self.done.micro_blocks += 1;
        for (part, steps) in (0..).zip(steps.chunks(STEPS)) {
            self.batch.put(table::undo_part(block.offset, part), encode(&steps));
        }
        Ok(())
    }

    /// Takes the last micro block back.
    pub(super) fn disconnect(&mut self, epoch: u64, offset: u32) -> Result<(), LedgerError> {
        let block: MicroRecord = get(self.store, &table::micro_block(offset))?.ok_or(DAMAGED)?;
        self.movements.events.push(Event::ChainReverted { epoch, offset, block_hash: block.id });
        for step in self.steps(offset)?.iter().rev() {
            match step {
                Step::Made(id) => {
                    let made = self.output(id)?.as_ref().ok_or(DAMAGED)?.created;
                    self.tell(Event::DepositReverted, id, made)?;
                    self.unmake(id)?;
                }
                Step::Spent(id) => {
                    let spent = self.output(id)?.as_ref().and_then(|output| output.spent).ok_or(DAMAGED)?;
                    self.tell(Event::SpendReverted, id, spent)?;
                    self.unspend(id)?;
                }
            }
        }
        self.done.reverted += 1;
        self.forget(offset)
    }

    /// Closes the epoch after so many micro blocks. Those that the macro block does not contain are taken back; what it
    /// has beyond them is added.
    pub(super) fn close(
        &mut self,
        block: &MacroBlock,
        offset: u32,
        keep_spent_blobs: bool,
    ) -> Result<(), LedgerError> {
        let mut steps = Vec::new();
        for offset in 0..offset {
            let places = places(Position::micro(block.epoch, offset));
            steps.extend(self.steps(offset)?.into_iter().zip(places));
        }
        let rest = Rest::new(block, steps.iter().map(|(step, _)| step));
        let rest = if let Some(rest) = rest {
            rest
        } else {
            for offset in (0..offset).rev() {
                self.disconnect(block.epoch, offset)?;
            }
            steps.clear();
            Rest { inputs: block.inputs.iter().collect(), outputs: block.outputs.iter().collect() }
        };
        let mut places = places(Position::macro_block(block.epoch));
        let mut place = || places.next().ok_or(Fault::OutOfOrder);
        let cause = |place| Cause { place, transaction: None };
        let mut own = HashMap::new();
        for input in rest.inputs {
            // What was made before the epoch, or in a known part of it; the others were made and spent since.
            if self.output(input)?.as_ref().is_some_and(|output| output.spent.is_none()) {
                let place = place()?;
                self.spend(input, cause(place))?;
                steps.push((Step::Spent(*input), place));
            } else {
                *own.entry(*input).or_insert(0) += 1;
            }
        }
        for output in rest.outputs {
            let made = place()?;
            self.make(output, cause(made))?;
            steps.push((Step::Made(output.id), made));
            // At once: it may be made once more.
            if strike(&mut own, &output.id) {
                let spent = place()?;
                self.spend(&output.id, cause(spent))?;
                steps.push((Step::Spent(output.id), spent));
            }
        }
        // What is left is spent once more than it was made.
        for input in own.keys() {
            self.spend(input, cause(place()?))?;
        }
        for offset in 0..offset {
            self.forget(offset)?;
        }
        self.settle(&steps, keep_spent_blobs)?;
        let record = MacroRecord { id: block.id, time: block.time.into() };
        self.batch.put(table::macro_block(block.epoch), encode(&record));
        self.done.macro_blocks += 1;
        Ok(())
    }

    fn make(&mut self, new: &NewOutput, cause: Cause) -> Result<(), LedgerError> {
        let id = new.id;
        if let Some(old) = self.output(&id)?.take() {
            if old.spent.is_none() {
                return Err(Fault::OutputExists { output: id, created: old.position() }.into());
            }
            // Whoever pays may make the same output again once it is spent.
            self.batch.put(table::earlier_at(&id, old.created.place), encode(&old));
        }
        let kind = match &new.content {
            Content::Private => Kind::Private,
            Content::Stake => Kind::Stake,
            Content::Public { recipient, amount, blob } => {
                let (recipient, amount) = (*recipient, *amount);
                let after = self.add(&recipient, amount, id)?;
                let deposit = HistoryRecord { output: id, created: cause.place, what: What::Deposit, after };
                self.batch.put(table::unspent_at(&recipient, cause.place), encode(&deposit));
                Kind::Public { recipient, amount, blob: Some(blob.clone()) }
            }
        };
        if let Some(count) = self.count(&kind) {
            count.created += 1;
        }
        self.outputs.insert(id, Some(OutputRecord { kind, created: cause, spent: None }));
        self.done.created += 1;
        Ok(())
    }

    fn unmake(&mut self, id: &Hash) -> Result<(), LedgerError> {
        let output = self.output(id)?.take().ok_or(DAMAGED)?;
        if let Kind::Public { recipient, amount, .. } = &output.kind {
            self.batch.delete(table::unspent_at(recipient, output.created.place));
            self.sub(recipient, *amount)?;
        }
        if let Some(count) = self.count(&output.kind) {
            count.created = count.created.saturating_sub(1);
        }
        // The last of the earlier ones is there again, unless this batch has had its turn with it: a batch that undoes
        // one block undoes all that may have made the same output.
        let mut earlier = self.store.scan(beginning_with(&table::earlier(id))).rev();
        let is_left = |pair: &Result<Pair, _>| !pair.as_ref().is_ok_and(|(key, _)| self.batch.deletes(key));
        if let Some((key, value)) = earlier.find(is_left).transpose()? {
            let earlier = decode(b"E", &value)?;
            self.batch.delete(key);
            self.outputs.insert(*id, Some(earlier));
        }
        Ok(())
    }

    fn spend(&mut self, id: &Hash, cause: Cause) -> Result<(), LedgerError> {
        let output = self.output(id)?.as_mut().ok_or(Fault::UnknownInput(*id))?;
        if let Some(spent) = output.spent.replace(cause) {
            return Err(Fault::AlreadySpent { input: *id, spent: spent.place.position }.into());
        }
        let (kind, created) = (output.kind.clone(), output.created.place);
        if let Kind::Public { recipient, amount, .. } = &kind {
            self.move_deposit(table::unspent_at(recipient, created), table::history_at(recipient, created))?;
            let after = self.sub(recipient, *amount)?;
            let spend = HistoryRecord { output: *id, created, what: What::Spend, after };
            self.batch.put(table::history_at(recipient, cause.place), encode(&spend));
        }
        if let Some(count) = self.count(&kind) {
            count.spent += 1;
        }
        self.done.spent += 1;
        Ok(())
    }

    fn unspend(&mut self, id: &Hash) -> Result<(), LedgerError> {
        let output = self.output(id)?.as_mut().ok_or(DAMAGED)?;
        let spent = output.spent.take().ok_or(DAMAGED)?;
        let (kind, created) = (output.kind.clone(), output.created.place);
        if let Kind::Public { recipient, amount, .. } = &kind {
            self.batch.delete(table::history_at(recipient, spent.place));
            self.move_deposit(table::history_at(recipient, created), table::unspent_at(recipient, created))?;
            self.add(recipient, *amount, *id)?;
        }
        if let Some(count) = self.count(&kind) {
            count.spent = count.spent.saturating_sub(1);
        }
        Ok(())
    }

    /// Tells of what was just done to an output, or is about to be undone.
    fn tell(&mut self, event: fn(Movement) -> Event, id: &Hash, cause: Cause) -> Result<(), LedgerError> {
        let Some(Some(output)) = self.outputs.get(id) else { return Ok(()) };
        self.movements.tell(event, id, &output.kind, cause)
    }

    /// Moves the deposit of an output to the other ones that are spent, or back.
    fn move_deposit(&mut self, from: Vec<u8>, to: Vec<u8>) -> Result<(), LedgerError> {
        let deposit: HistoryRecord = self.get(&from)?.ok_or_else(|| damaged(&from))?;
        self.batch.delete(from);
        self.batch.put(to, encode(&deposit));
        Ok(())
    }

    /// A record as it will be.
    fn get<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, LedgerError> {
        if self.batch.deletes(key) {
            return Ok(None);
        }
        self.batch.get(key).map_or_else(|| get(self.store, key), |value| decode(key, value).map(Some))
    }

    /// Adds to a balance, and answers what it is then.
    fn add(&mut self, recipient: &Encoded, amount: Amount, id: Hash) -> Result<Sum, LedgerError> {
        let too_much = || Fault::TooMuch(id);
        let balance = self.balance(recipient)?;
        balance.prepared = balance.prepared.with(amount).ok_or_else(too_much)?;
        let after = balance.prepared;
        self.totals.public.prepared = self.totals.public.prepared.with(amount).ok_or_else(too_much)?;
        Ok(after)
    }

    /// Takes from a balance, and answers what it is then.
    fn sub(&mut self, recipient: &Encoded, amount: Amount) -> Result<Sum, LedgerError> {
        let balance = self.balance(recipient)?;
        balance.prepared = balance.prepared.sub(amount).ok_or(LedgerError::Damaged { table: 'B' })?;
        let after = balance.prepared;
        let total = self.totals.public.prepared.sub(amount);
        self.totals.public.prepared = total.ok_or(LedgerError::Damaged { table: 'T' })?;
        Ok(after)
    }

    fn count(&mut self, kind: &Kind) -> Option<&mut Count> {
        match kind {
            Kind::Public { .. } => None,
            Kind::Private => Some(&mut self.totals.private),
            Kind::Stake => Some(&mut self.totals.stakes),
        }
    }

    /// The last output of this id, as it is now.
    fn output(&mut self, id: &Hash) -> Result<&mut Option<OutputRecord>, LedgerError> {
        match self.outputs.entry(*id) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(get(self.store, &table::output(id))?)),
        }
    }

    /// A balance, as it is now.
    fn balance(&mut self, recipient: &Encoded) -> Result<&mut Balance, LedgerError> {
        match self.balances.entry(*recipient) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                Ok(entry.insert(get(self.store, &table::balance(recipient))?.unwrap_or_default()))
            }
        }
    }

    /// What a micro block did.
    fn steps(&self, offset: u32) -> Result<Vec<Step>, LedgerError> {
        let mut steps = Vec::new();
        for pair in self.store.scan(beginning_with(&table::undo(offset))) {
            steps.extend(decode::<Vec<Step>>(table::UNDO, &pair?.1)?);
        }
        Ok(steps)
    }

    /// Removes what it takes to undo a micro block.
    fn forget(&mut self, offset: u32) -> Result<(), LedgerError> {
        self.batch.delete(table::micro_block(offset));
        for pair in self.store.scan(beginning_with(&table::undo(offset))) {
            self.batch.delete(pair?.0);
        }
        Ok(())
    }
}

/// The places of a block, one after the other.
fn places(position: Position) -> impl Iterator<Item = Place> {
    (0..=u32::MAX).map(move |index| Place { position, index })
}
