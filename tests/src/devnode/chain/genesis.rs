//! The first block: all the money there is before the first reward.

use super::leader::{Leader, STAKE, sum};
use super::{ChainError, Params};
use crate::devnode::accounts::{Account, FAUCETS};
use rand_core::CryptoRngCore;
use stegos_common::amount::Amount;
use stegos_common::api::block::MacroBlock;
use stegos_common::api::encoding::{BitMap, ScalarJson, Timestamp};
use stegos_common::api::output::OutputJson;
use stegos_common::group::Scalar;
use stegos_common::hash::Hash;
use stegos_common::output::{Output, PaymentOutput, PublicPaymentOutput};
use stegos_common::payload::PayloadData;

/// Each faucet account gets this much publicly and as much privately, in micro-STG.
const FAUCET: i64 = 1_000_000_000_000;
/// The reserve has many outputs, so that the faucet can pay many times before the next block.
const RESERVE_OUTPUTS: usize = 64;
/// The amount of each of them, in micro-STG.
const RESERVE: i64 = 10_000_000_000_000;

/// Makes the first block.
pub(super) fn block(
    params: &Params,
    leader: &Leader,
    timestamp: Timestamp,
    rng: &mut impl CryptoRngCore,
) -> Result<MacroBlock, ChainError> {
    let (faucet, reserve) = (Amount::from_micro(FAUCET)?, Amount::from_micro(RESERVE)?);
    let mut money = vec![Amount::from_micro(STAKE)?];
    let mut outputs = vec![leader.stake_output(rng)];
    let mut gamma = Scalar::ZERO;
    for name in FAUCETS {
        let owner = Account::new(&params.seed, name).public_key();
        outputs.push(Output::PublicPayment(PublicPaymentOutput::new(&owner, faucet, rng)));
        // A text this short is always a comment.
        let data = PayloadData::comment("Genesis").unwrap_or(PayloadData::ContentHash(Hash::digest("")));
        let (output, payload, _rvalue) = PaymentOutput::new(&owner, faucet, data, None, rng)?;
        gamma = gamma - payload.gamma;
        outputs.push(Output::Payment(output));
        money.extend([faucet, faucet]);
    }
    let owner = Account::reserve(&params.seed).public_key();
    for _ in 0..RESERVE_OUTPUTS {
        outputs.push(Output::PublicPayment(PublicPaymentOutput::new(&owner, reserve, rng)));
        money.push(reserve);
    }
    let outputs = outputs.iter().map(|output| OutputJson::new(output, params.network)).collect();
    let previous = Hash::digest("genesis");
    Ok(sealed(MacroBlock {
        previous,
        epoch: 0,
        block_reward: sum(money)?,
        gamma: ScalarJson(gamma),
        timestamp,
        outputs,
        ..empty(leader, previous)
    }))
}

/// A macro block of nothing, to be filled in.
pub(super) fn empty(leader: &Leader, previous: Hash) -> MacroBlock {
    const NOTHING: Hash = Hash::from_bytes([0; 32]);
    // One validator, who took part.
    let everybody = || BitMap::from_bits([true]);
    MacroBlock {
        block_hash: NOTHING,
        version: 1,
        previous,
        epoch: 0,
        view_change: 0,
        pkey: leader.network_key,
        random: leader.random(previous),
        difficulty: 100_000,
        timestamp: Timestamp::from_unix_nanos(0),
        block_reward: Amount::ZERO,
        gamma: ScalarJson(Scalar::ZERO),
        activity_map: everybody(),
        validators_len: 0,
        validators_range_hash: NOTHING,
        inputs_len: 0,
        inputs_range_hash: NOTHING,
        outputs_len: 0,
        outputs_range_hash: NOTHING,
        canaries_range_hash: NOTHING,
        multisig: leader.signature,
        multisigmap: everybody(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        epoch_info: leader.first_epoch(),
        old_epoch_info: None,
    }
}

/// Sorts what a macro block lists by id, and fills in what follows from it.
pub(super) fn sealed(mut block: MacroBlock) -> MacroBlock {
    block.inputs.sort_unstable();
    block.outputs.sort_unstable_by_key(|output| output.output_hash);
    block.sealed()
}
