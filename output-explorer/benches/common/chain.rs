//! A chain whose micro blocks pay random recipients.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::api::block::MicroBlock;
use stegos_common::api::response::Notification;
use stegos_common::api::transaction::TransactionJson;
use stegos_common::frame::{self, ApiToken};
use stegos_common::group::{Encoded, Scalar};
use stegos_common::hash::Hash;
use stegos_common::keys::SecretKey;
use stegos_common::output::{Output, PublicPaymentOutput};
use stegos_common::schnorr::Signature;
use stegos_common::transaction::PaymentTransaction;

/// Outputs of a micro block, in payments of ten. Each payment spends one.
pub(crate) const OUTPUTS: usize = 1000;
pub(crate) const PER_PAYMENT: usize = 10;

/// The public keys of users.
pub(crate) fn keys(users: usize) -> Arc<[Encoded]> {
    let key = |user: usize| SecretKey::from_seed(&user.to_be_bytes()).public_key().encoded();
    (0..users).into_par_iter().map(key).collect::<Vec<_>>().into()
}

/// Makes blocks, each behind the one before.
pub(crate) struct Chain {
    keys: Arc<[Encoded]>,
    rng: ChaCha8Rng,
    /// The id of the last block, and where the next one is.
    pub(crate) last: Hash,
    pub(crate) epoch: u64,
    pub(crate) offset: u32,
    /// What micro blocks may spend.
    pub(crate) unspent: Vec<Hash>,
}

impl Chain {
    pub(crate) fn new(keys: Arc<[Encoded]>) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(7);
        Self { keys, rng, last: Hash::digest("genesis"), epoch: 0, offset: 0, unspent: Vec::new() }
    }

    fn random(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u64() % u64::try_from(below).unwrap()).unwrap()
    }

    pub(crate) fn payment(&mut self, recipient: Encoded) -> Output {
        let serno = i64::from_le_bytes(self.rng.next_u64().to_le_bytes());
        Output::PublicPayment(PublicPaymentOutput { recipient, serno, amount: 1_000_000 })
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
