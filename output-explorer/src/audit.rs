//! Compares a ledger with one that was derived anew from the node. It does no input or output.
//!
//! What is final is compared in every respect that macro blocks tell: transactions, and the micro blocks of old epochs,
//! cannot be read again.

use crate::control::{AddressBalance, Event, OutputRow};
use crate::ledger::record::{Balance, Sum};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Debug;
use stegos_common::address::EncodedAddress;
use stegos_common::hash::Hash;

/// Something that the two ledgers do not agree about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// An output's id, or an address.
    pub about: String,
    /// What the ledger says.
    pub stored: String,
    /// What follows from the node's blocks.
    pub node: String,
}

/// How much is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// The current epoch: everything before is final.
    pub epoch: u64,
    /// Whether both are at the same block, so that what is prepared is compared too.
    pub prepared: bool,
}

impl Scope {
    /// Where something is, as far as it is compared; nothing where it is not.
    fn position(self, event: &Event) -> Option<(u64, Option<u32>)> {
        let is_final = event.epoch < self.epoch;
        (is_final || self.prepared).then_some((event.epoch, event.offset.filter(|_| !is_final)))
    }

    /// An output in the respects that are compared; nothing where it is not. The blob follows from its id.
    fn facts(self, row: &OutputRow) -> Option<impl PartialEq + Debug + use<>> {
        let created = self.position(&row.created)?;
        let spent = row.spent.as_ref().and_then(|spent| self.position(spent));
        Some((row.kind, row.recipient, row.amount, created, spent))
    }
}

/// The comparison, output by output and then recipient by recipient.
pub struct Audit {
    scope: Scope,
    differences: Vec<Difference>,
    outputs: u64,
    recipients: usize,
    /// What the outputs that follow from the node add up to.
    sums: BTreeMap<EncodedAddress, Balance>,
}

/// What was compared and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Everything before this epoch was compared.
    pub epoch: u64,
    /// Whether the current epoch was, too.
    pub prepared: bool,
    /// Outputs of the node's chain.
    pub outputs: u64,
    /// Recipients with unspent outputs.
    pub recipients: usize,
    /// What does not agree.
    pub differences: Vec<Difference>,
}

impl Audit {
    /// Begins one.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self { scope, differences: Vec::new(), outputs: 0, recipients: 0, sums: BTreeMap::new() }
    }

    /// Compares all outputs, both in the order of their ids.
    ///
    /// # Errors
    /// Those of reading either.
    pub fn outputs<E>(
        &mut self,
        stored: impl Iterator<Item = Result<OutputRow, E>>,
        node: impl Iterator<Item = Result<OutputRow, E>>,
    ) -> Result<(), E> {
        let (mut stored, mut node) = (stored.peekable(), node.peekable());
        loop {
            let next = |side: Option<&Result<OutputRow, E>>| match side {
                Some(Ok(row)) => Some(row.output_hash),
                // An error comes at once.
                Some(Err(_)) => Some(Hash::from_bytes([0; 32])),
                None => None,
            };
            let ids = [next(stored.peek()), next(node.peek())];
            let Some(id) = ids.into_iter().flatten().min() else { return Ok(()) };
            let at = |row: &Result<OutputRow, E>| row.as_ref().map_or(true, |row| row.output_hash == id);
            let (stored, node) = (stored.next_if(at).transpose()?, node.next_if(at).transpose()?);
            self.output(id, stored.as_ref(), node.as_ref());
        }
    }

    fn output(&mut self, id: Hash, stored: Option<&OutputRow>, node: Option<&OutputRow>) {
        let scope = self.scope;
        let facts = |row: &OutputRow| scope.facts(row);
        let (stored, derived) = (stored.and_then(facts), node.and_then(facts));
        self.outputs += u64::from(derived.is_some());
        if stored != derived {
            self.differ(id.to_string(), &stored, &derived);
        }
        if let Some(row) = node {
            self.sum(row);
        }
    }

    /// Adds an output to what its recipient must have.
    fn sum(&mut self, row: &OutputRow) {
        let (Some(recipient), Some(amount)) = (row.recipient, row.amount) else { return };
        let sum_if = |is: bool| if is { Sum { amount, outputs: 1 } } else { Sum::default() };
        let is_final = |event: &Event| event.epoch < self.scope.epoch;
        let settled = is_final(&row.created) && !row.spent.as_ref().is_some_and(is_final);
        let add = Balance { settled: sum_if(settled), prepared: sum_if(row.spent.is_none()) };
        let sum = self.sums.entry(recipient).or_default();
        // The ledger that was derived from the node has refused what is too much.
        *sum = sum.plus(add).unwrap_or(*sum);
    }

    /// Compares balances with the sums of the outputs before.
    ///
    /// # Errors
    /// Those of reading the balances.
    pub fn balances<E>(&mut self, stored: impl Iterator<Item = Result<AddressBalance, E>>) -> Result<(), E> {
        let prepared = self.scope.prepared;
        let compared = |balance: Balance| (balance.settled, prepared.then_some(balance.prepared));
        let mut sums = std::mem::take(&mut self.sums);
        self.recipients = sums.values().filter(|sum| compared(**sum) != compared(Balance::default())).count();
        for row in stored {
            let AddressBalance { address, balance } = row?;
            let sum = sums.remove(&address).unwrap_or_default();
            if compared(balance) != compared(sum) {
                self.differ(address.to_string(), &compared(balance), &compared(sum));
            }
        }
        for (address, sum) in sums {
            if compared(sum) != compared(Balance::default()) {
                self.differ(address.to_string(), &"no balance", &compared(sum));
            }
        }
        Ok(())
    }

    fn differ(&mut self, about: String, stored: &impl Debug, node: &impl Debug) {
        let (stored, node) = (format!("{stored:?}"), format!("{node:?}"));
        self.differences.push(Difference { about, stored, node });
    }

    /// The result.
    #[must_use]
    pub fn report(self) -> Report {
        let Self { scope: Scope { epoch, prepared }, differences, outputs, recipients, .. } = self;
        Report { epoch, prepared, outputs, recipients, differences }
    }
}
