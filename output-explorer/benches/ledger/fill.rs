//! Macro blocks as the ledger takes them, from no node.

use super::chain::Chain;
use output_explorer::block::{Content, MacroBlock, NewOutput};
use stegos_common::amount::Amount;
use stegos_common::api::encoding::Timestamp;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

impl Chain {
    /// An output as a macro block makes it.
    pub(crate) fn output(&mut self, recipient: Encoded) -> NewOutput {
        let output = self.payment(recipient);
        let amount = Amount::from_micro(1_000_000).unwrap();
        let content = Content::Public { recipient, amount, blob: output.to_bytes() };
        self.unspent.push(output.id());
        NewOutput { id: output.id(), content }
    }

    pub(crate) fn macro_block(&mut self, outputs: Vec<NewOutput>) -> MacroBlock {
        let (epoch, previous) = (self.epoch, self.last);
        self.last = Hash::digest(epoch.to_le_bytes().as_slice());
        (self.epoch, self.offset) = (epoch + 1, 0);
        let time = Timestamp::from_unix_nanos(1);
        MacroBlock { id: self.last, previous, epoch, time, inputs: Vec::new(), outputs }
    }
}
