//! Signatures by which somebody shows that he holds keys.

use super::{AssetsError, Statement, VERSION};
use crate::address::EncodedAddress;
use crate::group::{Encoded, EncodingError, Scalar};
use crate::keys::PublicKey;
use crate::schnorr::Signature;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// The signature of a [`Statement`] by one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySignature {
    /// The key, as outputs name it.
    pub recipient: EncodedAddress,
    /// The response u, 32 bytes, the lowest first, and the encoding of the nonce point K.
    #[serde(with = "hex::serde")]
    signature: [u8; 64],
}

/// What a signer answers: the statement, and the signature of each key that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// [`VERSION`].
    pub version: u32,
    /// What is signed.
    pub statement: Statement,
    /// One for each key, in the order of the keys' encodings.
    pub signatures: Vec<KeySignature>,
}

/// Why an attestation shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttestationError {
    /// The root or the list shows nothing.
    #[error(transparent)]
    Assets(#[from] AssetsError),
    /// An attestation of another version.
    #[error("the attestation is of version {0}; this program knows version 1")]
    Version(u32),
    /// Another root, another list.
    #[error("the attestation is about another root or another list of outputs: {0} differs")]
    Other(&'static str),
    /// A key that is there twice, or not where it belongs.
    #[error("the key of {0} is in the attestation twice, or not in the order of the keys")]
    Order(EncodedAddress),
    /// A key of another network.
    #[error("{0} is an address of another network")]
    Network(EncodedAddress),
    /// A key that no output of the list needs.
    #[error("no output of the list belongs to {0}")]
    NotListed(EncodedAddress),
    /// An address that nobody holds, or everybody.
    #[error("{0} stands for no key that only one can hold")]
    NoKey(EncodedAddress),
    /// A wrong signature.
    #[error("the signature for {0} is wrong: nobody showed that he holds its key")]
    Signature(EncodedAddress),
    /// Keys that signed nothing.
    #[error("nobody showed that he holds the key of {first}, nor those of {more} others")]
    Missing {
        /// The first one.
        first: EncodedAddress,
        /// How many others there are.
        more: usize,
    },
}

impl KeySignature {
    pub(super) fn new(recipient: EncodedAddress, signature: &Signature) -> Self {
        let mut bytes = [0; 64];
        let (u, k) = bytes.split_at_mut(32);
        u.copy_from_slice(&signature.u.to_bytes());
        k.copy_from_slice(signature.k.as_bytes());
        Self { recipient, signature: bytes }
    }

    pub(super) fn signature(&self) -> Result<Signature, EncodingError> {
        let (u, k) = self.signature.split_at(32);
        Ok(Signature { u: Scalar::from_bytes(u)?, k: Encoded::try_from(k)? })
    }

    /// Whether the key of the recipient signed this statement.
    ///
    /// # Errors
    /// [`AttestationError`] says why not.
    pub fn verify(&self, statement: &Statement) -> Result<(), AttestationError> {
        let recipient = self.recipient;
        if recipient.network != statement.network {
            return Err(AttestationError::Network(recipient));
        }
        let key = PublicKey::from_bytes(recipient.key.as_bytes()).ok().filter(|key| !key.is_identity());
        let key = key.ok_or(AttestationError::NoKey(recipient))?;
        let signature = self.signature().map_err(|_| AttestationError::Signature(recipient))?;
        let signed = signature.verify(&statement.message(&recipient.key), &key);
        if signed { Ok(()) } else { Err(AttestationError::Signature(recipient)) }
    }
}

impl Attestation {
    /// That of these signatures, in whichever order they come.
    #[must_use]
    pub fn new(statement: Statement, mut signatures: Vec<KeySignature>) -> Self {
        signatures.sort_unstable_by_key(|signature| signature.recipient.key);
        Self { version: VERSION, statement, signatures }
    }

    /// Whether this statement was signed by each key that it names; answers those keys.
    ///
    /// # Errors
    /// [`AttestationError`] says why not.
    pub fn verify(&self, statement: &Statement) -> Result<BTreeSet<Encoded>, AttestationError> {
        if self.version != VERSION {
            return Err(AttestationError::Version(self.version));
        }
        if let Some(what) = difference(&self.statement, statement) {
            return Err(AttestationError::Other(what));
        }
        let mut before = None;
        for KeySignature { recipient, .. } in &self.signatures {
            if before.is_some_and(|before| before >= recipient.key) {
                return Err(AttestationError::Order(*recipient));
            }
            before = Some(recipient.key);
        }
        self.signatures.par_iter().try_for_each(|signature| signature.verify(statement))?;
        Ok(self.signatures.iter().map(|signature| signature.recipient.key).collect())
    }
}

/// What an attestation says otherwise.
fn difference(attested: &Statement, expected: &Statement) -> Option<&'static str> {
    let checks = [
        ("the network", attested.network == expected.network),
        ("the epoch", attested.epoch == expected.epoch),
        ("the block", attested.block_hash == expected.block_hash),
        ("the root", attested.root == expected.root),
        ("the total of the debts", attested.debts == expected.debts),
        ("the list of outputs", attested.assets_hash == expected.assets_hash),
    ];
    checks.into_iter().find_map(|(what, is_same)| (!is_same).then_some(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Network;
    use crate::amount::Amount;
    use crate::hash::Hash;
    use crate::keys::SecretKey;
    use proptest::prelude::*;

    fn statement() -> Statement {
        Statement {
            network: Network::Dev,
            epoch: 7,
            block_hash: Hash::from_bytes([1; 32]),
            root: [2; 32],
            debts: Amount::MAX,
            assets_hash: Hash::from_bytes([3; 32]),
        }
    }

    fn attested() -> Attestation {
        let signed = ["one", "two", "three"].map(|seed| SecretKey::from_seed(seed.as_bytes()));
        Attestation::new(statement(), signed.iter().map(|key| statement().sign(key)).collect())
    }

    proptest! {
        #[test]
        fn no_byte_of_an_attestation_can_be_another(place: prop::sample::Index, byte in b' '..=b'~') {
            let attestation = attested();
            let mut bytes = serde_json::to_vec(&attestation).unwrap();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            // A capital letter in hex, or a blank, says the same.
            match serde_json::from_slice::<Attestation>(&bytes) {
                Ok(changed) if changed != attestation => prop_assert!(changed.verify(&statement()).is_err()),
                _ => {}
            }
        }
    }

    #[test]
    fn each_key_signs_for_itself_only() {
        let attestation = attested();
        assert_eq!(attestation.verify(&statement()).unwrap().len(), 3);
        let [one, two, _] = attestation.signatures[..] else { panic!() };
        let moved = KeySignature { recipient: two.recipient, ..one };
        assert_eq!(moved.verify(&statement()), Err(AttestationError::Signature(two.recipient)));
        // Twice the same is no second key.
        let twice = Attestation { signatures: vec![one, one], ..attestation.clone() };
        assert_eq!(twice.verify(&statement()), Err(AttestationError::Order(one.recipient)));
        let later = Statement { epoch: 8, ..statement() };
        assert_eq!(attestation.verify(&later), Err(AttestationError::Other("the epoch")));
        let told = Attestation { statement: later, ..attestation };
        assert!(matches!(told.verify(&later), Err(AttestationError::Signature(_))));
    }

    /// Its secret key is zero, so everybody can sign with it.
    #[test]
    fn the_key_that_everybody_knows_is_nobodys() {
        let nobody = EncodedAddress { network: Network::Dev, key: Encoded::from_bytes([0; 32]) };
        let message = statement().message(&nobody.key);
        let (u, k) = (Scalar::from(5), crate::group::Point::mul_g(&Scalar::from(5)).encode());
        let signature = Signature { u, k };
        assert!(signature.verify(&message, &PublicKey::from_bytes(&[0; 32]).unwrap()));
        let signed = KeySignature::new(nobody, &signature);
        assert_eq!(signed.verify(&statement()), Err(AttestationError::NoKey(nobody)));
    }
}
