//! The only validator: what it puts into its blocks besides other people's payments.
//!
//! Nothing here computes with the validators' BLS keys: keys and signatures are constants of the right shape.

use super::{ChainError, Params};
use crate::devnode::accounts::Account;
use rand_core::{CryptoRngCore, RngCore};
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::amount::{Amount, AmountError};
use stegos_common::api::block::{Activity, Awards, EpochInfo, Payout, Random, Validator};
use stegos_common::api::encoding::{Bls, BlsPublicKey, BlsSignature, ScalarJson};
use stegos_common::api::output::OutputJson;
use stegos_common::api::response::Stake;
use stegos_common::api::transaction::TransactionJson;
use stegos_common::group::Scalar;
use stegos_common::hash::Hash;
use stegos_common::keys::PublicKey;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput, StakeOutput};
use stegos_common::payload::PayloadData;
use stegos_common::range_proof::RangeProofError;

/// New money for each block, in micro-STG.
pub(super) const BLOCK_REWARD: i64 = 24_000_000;
/// What the service award grows by in each epoch, in micro-STG.
const AWARD_PER_EPOCH: i64 = 732_000_000;
/// The validator's stake, in micro-STG.
pub(super) const STAKE: i64 = 50_000_000_000;
/// The validator's weight.
const SLOTS: i64 = 1000;

/// The validator's identity.
pub(super) struct Leader {
    network: Network,
    award_difficulty: u32,
    pub(super) network_key: BlsPublicKey,
    pub(super) signature: BlsSignature,
    account: PublicKey,
}

impl Leader {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            network: params.network,
            award_difficulty: params.award_difficulty,
            network_key: Bls(constant(&params.seed, "network key")),
            signature: Bls(constant(&params.seed, "signature")),
            account: Account::validator(&params.seed).public_key(),
        }
    }

    fn address(&self) -> EncodedAddress {
        EncodedAddress { network: self.network, key: self.account.encoded() }
    }

    /// A private output with a block's reward, and its blinding, negated.
    pub(super) fn reward(
        &self,
        amount: Amount,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(OutputJson, Scalar), RangeProofError> {
        // A text this short is always a comment.
        let data = PayloadData::comment("Block reward").unwrap_or(PayloadData::ContentHash(Hash::digest("")));
        let (output, payload, _rvalue) = PaymentOutput::new(&self.account, amount, data, None, rng)?;
        Ok((self.show(&Output::Payment(output)), Scalar::ZERO - payload.gamma))
    }

    /// The transaction that pays for a micro block with these fees.
    pub(super) fn coinbase(
        &self,
        fees: Amount,
        rng: &mut impl CryptoRngCore,
    ) -> Result<TransactionJson, ChainError> {
        let reward = Amount::from_micro(BLOCK_REWARD)?;
        let amount = sum([reward, fees])?;
        let (output, gamma) = self.reward(amount, rng)?;
        Ok(TransactionJson::coinbase(reward, fees, ScalarJson(gamma), vec![output]))
    }

    /// A new stake, as it stands in the first block and after each renewal.
    pub(super) fn stake_output(&self, rng: &mut impl RngCore) -> Output {
        Output::Stake(StakeOutput {
            recipient: self.account.encoded(),
            validator: self.network_key.0,
            amount: STAKE,
            serno: rng.next_u64().cast_signed(),
            signature: self.signature.0,
        })
    }

    /// The transaction that renews a stake.
    pub(super) fn restake(&self, stake: Hash, rng: &mut impl RngCore) -> TransactionJson {
        let renewed = self.show(&self.stake_output(rng));
        TransactionJson::restake(vec![stake], vec![renewed], self.signature)
    }

    /// How a stake is reported.
    pub(super) fn stake(&self, output_hash: Hash, epoch: u64) -> Result<Stake, AmountError> {
        Ok(Stake {
            output_hash,
            account_pkey: self.address(),
            active_until_epoch: epoch.saturating_add(1),
            is_active: true,
            amount: Amount::from_micro(STAKE)?,
        })
    }

    /// The public output of a service award.
    pub(super) fn award(&self, amount: Amount, rng: &mut impl CryptoRngCore) -> OutputJson {
        self.show(&Output::PublicPayment(PublicPaymentOutput::new(&self.account, amount, rng)))
    }

    /// What the first block says about its epoch.
    pub(super) fn first_epoch(&self) -> EpochInfo {
        self.epoch_info(Awards {
            budget: Amount::ZERO,
            difficulty: self.award_difficulty.into(),
            validators_activity: [].into(),
            payout: None,
        })
    }

    /// What a macro block says about its epoch, after the one before it; the dice decide on the service award.
    pub(super) fn next_epoch(&self, last: &Awards, rng: &mut impl RngCore) -> Result<EpochInfo, ChainError> {
        let carried = if last.payout.is_some() { Amount::ZERO } else { last.budget };
        let budget = sum([carried, Amount::from_micro(AWARD_PER_EPOCH)?])?;
        let won = rng.next_u64().trailing_zeros() >= self.award_difficulty;
        Ok(self.epoch_info(Awards {
            budget,
            difficulty: self.award_difficulty.into(),
            validators_activity: [(self.address(), Activity::Active)].into(),
            payout: won.then(|| Payout { recipient: self.address(), amount: budget }),
        }))
    }

    fn epoch_info(&self, awards: Awards) -> EpochInfo {
        let validator =
            Validator { network_pkey: self.network_key, account_pkey: self.address(), slots: SLOTS };
        EpochInfo { validators: vec![validator], facilitator: self.network_key, awards }
    }

    /// The random value of the block after `previous`.
    pub(super) fn random(&self, previous: Hash) -> Random {
        Random { rand: Hash::chain(&[&"random", &previous]), proof: self.signature }
    }

    fn show(&self, output: &Output) -> OutputJson {
        OutputJson::new(output, self.network)
    }
}

/// The sum of amounts, which the protocol must be able to count.
pub(super) fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, AmountError> {
    Amount::checked_sum(amounts).ok_or_else(|| AmountError::TooLarge("the money of a block".into()))
}

/// Bytes that are the same for the same chain.
fn constant<const N: usize>(seed: &str, what: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (index, chunk) in (0_u64..).zip(bytes.chunks_mut(32)) {
        let digest = Hash::chain(&[&seed, &what, &index]);
        for (byte, value) in chunk.iter_mut().zip(digest.as_bytes()) {
            *byte = *value;
        }
    }
    bytes
}
