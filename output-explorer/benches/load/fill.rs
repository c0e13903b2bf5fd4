//! Macro blocks as a node sends them.

use super::chain::Chain;
use serde_json::Value;
use stegos_common::address::Network;
use stegos_common::api::block::MacroBlock;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::output::OutputJson;
use stegos_common::api::response::{Notification, Status};
use stegos_common::frame::{self, ApiToken};
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// Outputs of a macro block at most.
const OUTPUTS: usize = 20_000;

/// Outputs of every user, and of a rich one besides.
const EACH: usize = 4;
const RICH: usize = 100;

/// One user in so many of those that are asked for is rich: with [`EACH`], five outputs for a user on average.
pub(crate) const RICH_EVERY: usize = 50;

/// Who gets the outputs of a chain's macro blocks, block by block, and whether micro blocks may spend them.
///
/// `asked` are users whose outputs stay what they are, so that a page of theirs is as long on every chain and to the end;
/// `paid` those that micro blocks pay and spend from.
pub(crate) fn blocks(asked: &[Encoded], paid: &[Encoded]) -> Vec<(Vec<Encoded>, bool)> {
    let rich: Vec<Encoded> = asked.iter().step_by(RICH_EVERY).copied().collect();
    let round = |keys: &[Encoded], spendable: bool| {
        keys.chunks(OUTPUTS).map(|some| (some.to_vec(), spendable)).collect::<Vec<_>>()
    };
    let each = (0..EACH).flat_map(|_| [round(asked, false), round(paid, true)]);
    each.chain((0..RICH).map(|_| round(&rich, false))).flatten().collect()
}

impl Chain {
    /// The frame of the next macro block, which gives each of these an output.
    pub(crate) fn macro_frame(
        &mut self,
        token: &ApiToken,
        recipients: &[Encoded],
        spendable: bool,
    ) -> String {
        let recorded = include_str!("../../../common/tests/vectors/traffic/macro_block_info_genesis.json");
        let recorded: Value = serde_json::from_str(recorded).unwrap();
        let mut block: MacroBlock =
            serde_json::from_value(recorded.get("response").cloned().unwrap()).unwrap();
        (block.epoch, block.previous) = (self.epoch, self.last);
        block.outputs =
            recipients.iter().map(|key| OutputJson::new(&self.payment(*key), Network::Dev)).collect();
        block.outputs.sort_unstable_by_key(|output| output.output_hash);
        if spendable {
            self.unspent.extend(block.outputs.iter().map(|output| output.output_hash));
        }
        let block = block.sealed();
        self.last = block.block_hash;
        (self.epoch, self.offset) = (self.epoch + 1, 0);
        let notification = Notification::MacroBlockCommitted(Box::new(block));
        frame::seal(token, &serde_json::to_string(&notification).unwrap(), &mut rand_core::OsRng)
    }

    /// Where it ends.
    pub(crate) fn status(&self, last_macro_block: Hash) -> Status {
        Status {
            is_synchronized: true,
            epoch: self.epoch,
            offset: self.offset,
            view_change: 0,
            last_block_hash: self.last,
            last_macro_block_hash: last_macro_block,
            last_macro_block_timestamp: Timestamp::from_unix_nanos(1),
            local_timestamp: Timestamp::from_unix_nanos(1),
        }
    }
}
