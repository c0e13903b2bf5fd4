//! Blocks that pay random recipients.

use output_explorer::block::{Content, MacroBlock, NewOutput};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::api::block::MicroBlock;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::response::Notification;
use stegos_common::api::transaction::TransactionJson;
use stegos_common::frame::{self, ApiToken};
use stegos_common::group::{Encoded, Scalar};
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, PublicPaymentOutput};
use stegos_common::schnorr::Signature;
use stegos_common::transaction::PaymentTransaction;

/// Outputs of a micro block, in payments of ten.
pub(crate) const OUTPUTS: usize = 1000;
const PER_PAYMENT: usize = 10;

/// The public keys of users.
pub(crate) fn keys(users: usize) -> Arc<[Encoded]> {
    let key = |user: usize| SecretKey::from_seed(&user.to_be_bytes()).public_key().encoded();
    (0..users).into_par_iter().map(key).collect::<Vec<_>>().into()
}

/// Makes blocks, each behind the one before.
pub(crate) struct Chain {
    keys: Arc<[Encoded]>,
    rng: ChaCha8Rng,
    last: Hash,
    epoch: u64,
    offset: u32,
    unspent: Vec<Hash>,
}

impl Chain {
    pub(crate) fn new(keys: Arc<[Encoded]>) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(7);
        Self { keys, rng, last: Hash::digest("genesis"), epoch: 0, offset: 0, unspent: Vec::new() }
    }

    fn random(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u64() % u64::try_from(below).unwrap()).unwrap()
    }

    fn payment(&mut self, recipient: Encoded) -> Output {
        let serno = i64::from_le_bytes(self.rng.next_u64().to_le_bytes());
        Output::PublicPayment(PublicPaymentOutput { recipient, serno, amount: 1_000_000 })
    }

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

    /// The frame of the next micro block: each payment spends one output and makes ten.
    pub(crate) fn frame(&mut self, token: &ApiToken) -> String {
        let recorded = include_str!("../../../common/tests/vectors/traffic/micro_block_info.json");
        let recorded: Value = serde_json::from_str(recorded).unwrap();
        let mut block: MicroBlock =
            serde_json::from_value(recorded.get("response").cloned().unwrap()).unwrap();
        (block.epoch, block.offset, block.previous) = (self.epoch, self.offset, self.last);
        block.transactions = (0..OUTPUTS / PER_PAYMENT)
            .map(|_| {
                let input = self.random(self.unspent.len());
                let txins = vec![self.unspent.swap_remove(input)];
                let txouts: Vec<Output> = (0..PER_PAYMENT)
                    .map(|_| {
                        let user = self.random(self.keys.len());
                        self.payment(self.keys[user])
                    })
                    .collect();
                self.unspent.extend(txouts.iter().map(Output::id));
                let signature = Signature { u: Scalar::ZERO, k: self.keys[0] };
                let payment = PaymentTransaction { txins, txouts, gamma: Scalar::ZERO, fee: 1000, signature };
                TransactionJson::new(&payment, Network::Dev)
            })
            .collect();
        let block = block.sealed();
        self.last = block.block_hash;
        self.offset += 1;
        let notification = Notification::MicroBlockPrepared(Box::new(block));
        frame::seal(token, &serde_json::to_string(&notification).unwrap(), &mut rand_core::OsRng)
    }
}
