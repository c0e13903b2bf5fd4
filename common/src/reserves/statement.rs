//! What a key signs to show that it is held.
//!
//! **No signature of a statement is one of anything else.** Keys sign digests of SHA3-256, and what they sign elsewhere
//! begins otherwise (protocol page §2):
//!
//! | what is signed | how the bytes under the digest begin |
//! | --- | --- |
//! | a statement | `stegos attestation 1 key`, a line feed; 172 bytes in all |
//! | a transaction | the number of its inputs, 8 bytes, the lowest first, then 32 bytes for each input |
//! | the sender's signature in a private payment | `Fr` |
//! | a key file | `Encr` |
//!
//! Read as the number of inputs, `stegos a` is about 7·10^18. A transaction with so many has more than 2^67 bytes, not 172:
//! the bytes are never the same, so the digests are the same only where SHA3-256 itself is broken.

use super::{Assets, AssetsError, KeySignature, Root};
use crate::address::{EncodedAddress, Network};
use crate::amount::Amount;
use crate::group::Encoded;
use crate::hash::{Hash, Hasher};
use crate::keys::SecretKey;
use crate::schnorr::Signature;
use serde::{Deserialize, Serialize};

/// What is hashed first says what is hashed.
const TAG: &[u8] = b"stegos attestation 1 key\n";

/// What all keys of an attestation state: these debts, these outputs, at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The network.
    pub network: Network,
    /// The end of this epoch.
    pub epoch: u64,
    /// The macro block that made it final: nothing was signed before there was one.
    pub block_hash: Hash,
    /// The digest of the root of the debts.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// The total of the debts, in micro-STG.
    pub debts: Amount,
    /// The digest of the list of outputs, [`Assets::digest`].
    pub assets_hash: Hash,
}

impl Statement {
    /// That of a root and a list of outputs.
    ///
    /// # Errors
    /// [`AssetsError`] where they do not belong together, or are wrong.
    pub fn new(root: &Root, assets: &Assets) -> Result<Self, AssetsError> {
        assets.check(root)?;
        Ok(Self {
            network: root.network,
            epoch: root.epoch,
            block_hash: root.block_hash,
            root: root.root,
            debts: root.total,
            assets_hash: assets.digest(),
        })
    }

    /// The bytes under the digest that a key signs; see the module.
    fn bytes(&self, key: &Encoded) -> Vec<u8> {
        [
            TAG,
            self.network.prefix().as_bytes(),
            &self.epoch.to_be_bytes(),
            self.block_hash.as_bytes(),
            &self.root,
            &self.debts.unsigned_micro().to_be_bytes(),
            self.assets_hash.as_bytes(),
            key.as_bytes(),
        ]
        .concat()
    }

    /// The digest that a key signs: another one for each key.
    #[must_use]
    pub fn message(&self, key: &Encoded) -> Hash {
        let mut state = Hasher::new();
        state.update(&self.bytes(key));
        state.finish()
    }

    /// Signs it. The signature is not verified: whoever gives it away verifies it before.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> KeySignature {
        let public = key.public_key().encoded();
        let signature = Signature::sign(&self.message(&public), key);
        KeySignature::new(EncodedAddress { network: self.network, key: public }, &signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Output, PublicPaymentOutput, Unspent};
    use crate::transaction::{NewOutput, Spendable, build};
    use rand_core::OsRng;

    fn statement(network: Network) -> Statement {
        Statement {
            network,
            epoch: u64::MAX,
            block_hash: Hash::from_bytes([1; 32]),
            root: [2; 32],
            debts: Amount::MAX,
            assets_hash: Hash::from_bytes([3; 32]),
        }
    }

    /// How many inputs a transaction has that begins like these bytes.
    fn inputs(bytes: &[u8]) -> u64 {
        u64::from_le_bytes(bytes.first_chunk().copied().unwrap())
    }

    #[test]
    fn no_transaction_has_the_bytes_of_a_statement() {
        let key = SecretKey::from_seed(b"holder");
        for network in Network::ALL {
            let bytes = statement(network).bytes(&key.public_key().encoded());
            // Another length would let one field lend bytes to the next.
            assert_eq!(bytes.len(), 172);
            // Each input takes 32 bytes more, behind the number of them.
            assert!(u128::from(inputs(&bytes)) * 32 > 1 << 67);
            assert!(!bytes.starts_with(b"Fr") && !bytes.starts_with(b"Encr"));
        }
    }

    /// The layout of a transaction is what the test above takes it for.
    #[test]
    fn a_transaction_begins_with_the_number_of_its_inputs() {
        let key = SecretKey::from_seed(b"holder");
        let public = key.public_key();
        let micro = |micro| Amount::from_micro(micro).unwrap();
        let paid = Output::PublicPayment(PublicPaymentOutput::new(&public, micro(11_000), &mut OsRng));
        let paid = Spendable::unlock(&Unspent::new(paid), &key, &public.encoded()).unwrap();
        let output = NewOutput::Public { recipient: public, amount: micro(10_000) };
        let built = build(&[&paid], &[output], micro(1_000), &key, &mut OsRng).unwrap();
        let transaction = built.transaction;
        let mut state = Hasher::new();
        state.update(&1_u64.to_le_bytes());
        for input in &transaction.txins {
            state.update(input.as_bytes());
        }
        state.update(&1_u64.to_le_bytes());
        for part in [&transaction.txouts[0] as &dyn crate::hash::Hashable, &transaction.gamma, &1_000_u64] {
            part.feed(&mut state);
        }
        let digest = state.finish();
        assert_eq!(digest, transaction.id());
        assert!(transaction.signature.verify(&digest, &public));
        // Nor does the signature of the one pass for that of the other.
        let statement = statement(Network::Dev);
        assert!(!transaction.signature.verify(&statement.message(&public.encoded()), &public));
        let attested = statement.sign(&key).signature().unwrap();
        assert!(attested.verify(&statement.message(&public.encoded()), &public));
        assert!(!attested.verify(&digest, &public));
    }

    #[test]
    fn everything_that_is_stated_is_under_the_digest() {
        let key = Encoded::from_bytes([4; 32]);
        let statement = statement(Network::Dev);
        let other = Hash::from_bytes([9; 32]);
        let mut digests = vec![
            statement.message(&key),
            statement.message(&Encoded::from_bytes([5; 32])),
            Statement { epoch: 7, ..statement }.message(&key),
            Statement { block_hash: other, ..statement }.message(&key),
            Statement { root: [9; 32], ..statement }.message(&key),
            Statement { debts: Amount::ZERO, ..statement }.message(&key),
            Statement { assets_hash: other, ..statement }.message(&key),
        ];
        let networks = Network::ALL.map(|network| Statement { network, ..statement }.message(&key));
        digests.extend(networks.into_iter().take(3));
        let many = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), many);
    }
}
