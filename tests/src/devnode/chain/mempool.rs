//! Payments that wait for a block.

use std::collections::HashSet;
use stegos_common::hash::Hash;
use stegos_common::output::Output;
use stegos_common::transaction::PaymentTransaction;

/// Verified payments in the order of their arrival. No two of them spend or make the same output.
#[derive(Default)]
pub(super) struct Mempool {
    payments: Vec<PaymentTransaction>,
    ids: HashSet<Hash>,
    inputs: HashSet<Hash>,
    outputs: HashSet<Hash>,
}

impl Mempool {
    pub(super) fn contains(&self, id: &Hash) -> bool {
        self.ids.contains(id)
    }

    pub(super) fn spends(&self, output: &Hash) -> bool {
        self.inputs.contains(output)
    }

    pub(super) fn makes(&self, output: &Hash) -> bool {
        self.outputs.contains(output)
    }

    pub(super) fn add(&mut self, payment: PaymentTransaction) {
        self.ids.insert(payment.id());
        self.inputs.extend(&payment.txins);
        self.outputs.extend(payment.txouts.iter().map(Output::id));
        self.payments.push(payment);
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> Vec<PaymentTransaction> {
        std::mem::take(self).payments
    }
}
