//! What each user gets, as a JSON document.

use super::tree::{Node, Step, TreeError, climb, leaf, salted_id};
use serde::{Deserialize, Serialize};
use stegos_common::account::{AccountName, AccountNameError};
use stegos_common::address::Network;
use stegos_common::amount::Amount;
use stegos_common::reserves::{Root, RootError, VERSION};
use thiserror::Error;

/// What one user gets: the salt is for nobody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// [`VERSION`].
    pub version: u32,
    /// The network.
    pub network: Network,
    /// The balance is that at the end of this epoch.
    pub epoch: u64,
    /// The account id.
    pub account: String,
    /// 32 random bytes.
    #[serde(with = "hex::serde")]
    pub salt: [u8; 32],
    /// What the account had, in micro-STG.
    pub amount: Amount,
    /// The neighbours on the way to the root, from the leaf up.
    pub path: Vec<Step>,
}

/// Why a proof proves nothing.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The root says nothing.
    #[error(transparent)]
    Document(#[from] RootError),
    /// A proof of another version.
    #[error("the proof is of version {0}; this program knows version 1")]
    Version(u32),
    /// A proof of another time or place.
    #[error("the proof is of epoch {} of {}, the root of epoch {} of {}", proof.1, proof.0, root.1, root.0)]
    Other {
        /// Those of the proof.
        proof: (Network, u64),
        /// Those of the root.
        root: (Network, u64),
    },
    /// A name that no account has.
    #[error(transparent)]
    Name(#[from] AccountNameError),
    /// A path that no tree can have.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A path that is too long for so few accounts.
    #[error("the path has {steps} steps, which is more than a tree of {accounts} accounts has")]
    Deep {
        /// The steps.
        steps: usize,
        /// What the root says.
        accounts: u64,
    },
    /// A total that does not follow.
    #[error(
        "the path leads to a total of {path}, the root says {root}: the balance is not counted as it should be"
    )]
    Total {
        /// Where the path leads.
        path: Amount,
        /// What the root says.
        root: Amount,
    },
    /// A digest that does not follow.
    #[error("the path leads to another root: this account with this balance is not in the total")]
    Root,
}

impl Proof {
    /// Whether the account with its balance is in the total of a root.
    ///
    /// # Errors
    /// [`ProofError`] says why not.
    pub fn check(&self, root: &Root) -> Result<(), ProofError> {
        if self.version != VERSION {
            return Err(ProofError::Version(self.version));
        }
        root.check()?;
        let (proof, of_root) = ((self.network, self.epoch), (root.network, root.epoch));
        if proof != of_root {
            return Err(ProofError::Other { proof, root: of_root });
        }
        // Nor is a name shown that a terminal would obey.
        self.account.parse::<AccountName>()?;
        let leaf = leaf(&salted_id(&self.salt, &self.account), self.amount);
        let Node { hash, sum } = climb(leaf, &self.path)?;
        let deepest = root.accounts.checked_next_power_of_two().map_or(64, u64::trailing_zeros);
        if u32::try_from(self.path.len()).is_ok_and(|steps| steps > deepest) {
            return Err(ProofError::Deep { steps: self.path.len(), accounts: root.accounts });
        }
        if sum != root.total {
            return Err(ProofError::Total { path: sum, root: root.total });
        }
        if hash == root.root { Ok(()) } else { Err(ProofError::Root) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reserves::{Tree, root};
    use proptest::prelude::*;
    use stegos_common::hash::Hash;

    type Change = dyn Fn(&mut Proof, &mut Root);

    fn made(amounts: &[i64]) -> (Root, Vec<Proof>) {
        let accounts: Vec<_> = (0u8..).zip(amounts).collect();
        let node = |(index, micro): &(u8, &i64)| {
            leaf(&salted_id(&[*index; 32], &format!("user {index}")), Amount::from_micro(**micro).unwrap())
        };
        let tree = Tree::new(accounts.iter().map(node).collect()).unwrap();
        let block = Hash::from_bytes([7; 32]);
        let root = root(Network::Dev, 12, block, tree.root(), u64::try_from(amounts.len()).unwrap());
        let proof = |(index, micro): (u8, &i64)| Proof {
            version: VERSION,
            network: Network::Dev,
            epoch: 12,
            account: format!("user {index}"),
            salt: [index; 32],
            amount: Amount::from_micro(*micro).unwrap(),
            path: tree.path(usize::from(index)),
        };
        (root, accounts.into_iter().map(proof).collect())
    }

    proptest! {
        #[test]
        fn no_byte_of_a_proof_can_be_another(
            amounts in prop::collection::vec(0..1_000_000_000i64, 1..20), who: prop::sample::Index,
            place: prop::sample::Index, byte in b' '..=b'~'
        ) {
            let (root, proofs) = made(&amounts);
            let proof = who.get(&proofs);
            let json = serde_json::to_string(proof).unwrap();
            prop_assert_eq!(serde_json::from_str::<Proof>(&json).unwrap().check(&root), Ok(()));
            let mut bytes = json.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            // A capital letter in hex, or a blank, says the same.
            match serde_json::from_slice::<Proof>(&bytes) {
                Ok(changed) if changed != *proof => prop_assert!(changed.check(&root).is_err()),
                _ => {}
            }
        }

        #[test]
        fn nothing_that_is_sent_makes_the_check_panic(text in "\\PC{0,200}") {
            let _ = serde_json::from_str::<Proof>(&text);
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        let (root, proofs) = made(&[5, 7, 9]);
        let said = |change: &Change| {
            let (mut proof, mut root) = (proofs[1].clone(), root.clone());
            change(&mut proof, &mut root);
            proof.check(&root).map_err(|error| error.to_string()).unwrap_err()
        };
        let cases: [(&Change, &str); 13] = [
            (&|proof, _| proof.version = 2, "the proof is of version 2"),
            (&|_, root| root.version = 0, "the root is of version 0"),
            (&|_, root| root.hash_function = "md5".into(), "another hash function"),
            (&|_, root| root.total_text = "1000 STG".into(), "\"1000 STG\" of the same total"),
            (&|proof, _| proof.epoch = 13, "of epoch 13 of dev, the root of epoch 12 of dev"),
            (&|proof, _| proof.network = Network::Mainnet, "of mainnet, the root"),
            (&|proof, _| proof.account = "user 2".into(), "another root"),
            (&|proof, _| proof.account = "user\u{1b}[2J".into(), "account name"),
            (&|proof, _| proof.salt = [2; 32], "another root"),
            (&|proof, _| proof.amount = Amount::MAX, "more than the protocol can count"),
            (&|proof, _| proof.amount = Amount::ZERO, "leads to a total of 0.000014 STG"),
            (&|_, root| root.accounts = 2, "2 steps, which is more than a tree of 2 accounts has"),
            (&|_, root| root.root = [0; 32], "another root"),
        ];
        for (change, reason) in cases {
            assert!(said(change).contains(reason), "{reason}: {}", said(change));
        }
    }

    #[test]
    fn negative_and_fractional_amounts_are_no_amounts() {
        let (_, proofs) = made(&[5, 7]);
        let json = serde_json::to_string(&proofs[0]).unwrap();
        assert!(serde_json::from_str::<Proof>(&json).is_ok());
        for bad in ["-5", "5.0", "\"5\"", "9223372036854775808", "1e3"] {
            let json = json.replace("\"amount\":5,", &format!("\"amount\":{bad},"));
            assert!(serde_json::from_str::<Proof>(&json).is_err(), "{bad}");
        }
        let negative_neighbour = json.replace("\"sum\":7", "\"sum\":-7");
        assert_ne!(negative_neighbour, json);
        assert!(serde_json::from_str::<Proof>(&negative_neighbour).is_err());
    }
}
