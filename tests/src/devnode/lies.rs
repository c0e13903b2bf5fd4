//! What a lying node says about its blocks. The chain itself stays as it is.

use serde::Deserialize;
use stegos_common::address::Network;
use stegos_common::api::block::{MacroBlock, MicroBlock};
use stegos_common::api::output::{OutputFields, OutputJson};
use stegos_common::api::transaction::{TransactionFields, TransactionJson};
use stegos_common::hash::Hash;

/// What is wrong with each block that is sent. A block that lacks what the lie is about is sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lie {
    /// Nothing.
    #[default]
    None,
    /// Its first public output has another amount; all ids are the true ones.
    OutputContent,
    /// Its own id is another one.
    BlockHash,
    /// An output is left out: a macro block's first, or the first of a micro block's last transaction. The header
    /// still counts it.
    MissingOutput,
    /// It spends an output that never existed, in its first transaction that spends anything. Ids, counts and roots
    /// fit: only who knows all outputs can tell.
    UnknownInput,
    /// Another block is before it. Its id fits.
    Previous,
}

impl Lie {
    /// A micro block as it is sent.
    pub(super) fn micro_block(self, block: &MicroBlock, network: Network) -> Box<MicroBlock> {
        let mut block = block.clone();
        let transactions = &mut block.transactions;
        match self {
            Self::None => {}
            Self::OutputContent => change_amount(transactions.iter_mut().flat_map(outputs)),
            Self::BlockHash => block.block_hash = other(&block.block_hash),
            Self::MissingOutput => {
                transactions.last_mut().map(outputs).into_iter().for_each(leave_one_out);
            }
            Self::UnknownInput => {
                let unknown = other(&block.block_hash);
                let spends = |transaction: &&mut TransactionJson| !transaction.inputs().is_empty();
                if let Some(transaction) = transactions.iter_mut().find(spends) {
                    spend(unknown, transaction, network);
                }
                block = block.sealed();
            }
            Self::Previous => {
                block.previous = other(&block.previous);
                block = block.sealed();
            }
        }
        Box::new(block)
    }

    /// A macro block as it is sent.
    pub(super) fn macro_block(self, block: &MacroBlock) -> Box<MacroBlock> {
        let mut block = block.clone();
        match self {
            Self::None => {}
            Self::OutputContent => change_amount(&mut block.outputs),
            Self::BlockHash => block.block_hash = other(&block.block_hash),
            Self::MissingOutput => leave_one_out(&mut block.outputs),
            Self::UnknownInput => {
                block.inputs.push(other(&block.block_hash));
                block.inputs.sort_unstable();
                block = block.sealed();
            }
            Self::Previous => {
                block.previous = other(&block.previous);
                block = block.sealed();
            }
        }
        Box::new(block)
    }
}

/// An id that nothing has. The same lie is told each time.
fn other(id: &Hash) -> Hash {
    Hash::chain(&[&"a lie", id])
}

const fn outputs(transaction: &mut TransactionJson) -> &mut Vec<OutputJson> {
    match &mut transaction.fields {
        TransactionFields::CoinbaseTransaction { txouts, .. }
        | TransactionFields::PaymentTransaction { txouts, .. }
        | TransactionFields::RestakeTransaction { txouts, .. }
        | TransactionFields::SlashingTransaction { txouts, .. }
        | TransactionFields::ServiceAwardTransaction { winner_reward: txouts } => txouts,
    }
}

fn change_amount<'a>(outputs: impl IntoIterator<Item = &'a mut OutputJson>) {
    let amount = outputs.into_iter().find_map(|output| match &mut output.fields {
        OutputFields::PublicPaymentOutput { amount, .. } => Some(amount),
        OutputFields::PaymentOutput { .. } | OutputFields::StakeOutput { .. } => None,
    });
    if let Some(amount) = amount {
        *amount ^= 1;
    }
}

fn leave_one_out(outputs: &mut Vec<OutputJson>) {
    outputs.drain(..outputs.len().min(1));
}

/// Adds an input to a transaction, which gets the id that fits.
fn spend(input: Hash, transaction: &mut TransactionJson, network: Network) {
    if let TransactionFields::RestakeTransaction { txins, txouts, sig } = &mut transaction.fields {
        txins.push(input);
        *transaction = TransactionJson::restake(txins.clone(), txouts.clone(), *sig);
    } else if let Ok(mut payment) = transaction.clone().into_payment(network) {
        payment.txins.push(input);
        *transaction = TransactionJson::new(&payment, network);
    }
}
