//! Showing that keys are held, by signatures that can never be of a transaction: see
//! [`Statement`]. No output is spent, so neither policy nor journal has a say: the journal is the guard against spending
//! twice, and this can be done again and again, with the same bytes as its result.

use crate::keystore::{Keystore, Owner};
use crate::stack;
use rayon::prelude::*;
use stegos_common::address::EncodedAddress;
use stegos_common::reserves::{Assets, Attestation, AttestationError, KeySignature, Statement};

/// Whose keys a list of outputs takes.
pub struct Holders {
    /// Those that are here, one for each key.
    pub held: Vec<Owner>,
    /// The keys that are not, or of which the account is archived.
    pub others: Vec<EncodedAddress>,
}

impl Holders {
    /// Looks for each key of a list.
    #[must_use]
    pub fn of(assets: &Assets, keystore: &Keystore) -> Self {
        let (mut held, mut others) = (Vec::new(), Vec::new());
        for key in assets.keys() {
            match keystore.find(&key) {
                Some(owner) => held.push(owner),
                None => others.push(EncodedAddress { network: assets.network, key }),
            }
        }
        Self { held, others }
    }

    /// Signs with each key that is here. No signature leaves that was not verified under the key that the outputs name: one
    /// that went wrong could give the secret key away.
    ///
    /// # Errors
    /// [`AttestationError`] where a signature does not verify: the host is not to be trusted then.
    pub fn attest(&self, statement: &Statement) -> Result<Attestation, AttestationError> {
        let sign = |owner: &Owner| -> Result<KeySignature, AttestationError> {
            let recipient = EncodedAddress { network: statement.network, key: owner.public_key };
            let signed = statement.sign(&owner.secret_key());
            if signed.recipient != recipient {
                return Err(AttestationError::Signature(recipient));
            }
            signed.verify(statement)?;
            Ok(signed)
        };
        let signed = self.held.par_iter().map(sign).collect::<Result<Vec<_>, _>>();
        // They have seen keys.
        stack::wipe_workers();
        Ok(Attestation::new(*statement, signed?))
    }
}
