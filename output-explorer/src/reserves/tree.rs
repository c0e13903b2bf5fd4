//! A Merkle tree whose nodes carry sums. Amounts are never negative by their type, and no sum is above what the protocol
//! can count, here and again when a proof is checked.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stegos_common::amount::Amount;
use thiserror::Error;

/// What is hashed first says what is hashed, so that nothing passes for something else: a leaf for a node least of all.
const ID: &[u8] = b"stegos reserves 1 id\n";
const LEAF: &[u8] = b"stegos reserves 1 leaf\n";
const NODE: &[u8] = b"stegos reserves 1 node\n";

/// No path is longer: more leaves than 2^64 there cannot be.
pub const MAX_STEPS: usize = 64;

/// A node of the tree; the one at the top is what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its SHA-256 digest, under which its sum is too.
    pub hash: [u8; 32],
    /// The amounts of all leaves below it together.
    pub sum: Amount,
}

/// On which side a neighbour stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Before the node whose neighbour it is.
    Left,
    /// Behind it.
    Right,
}

/// One step of the way from a leaf to the root: the neighbour that is joined there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// On which side the neighbour stands.
    pub side: Side,
    /// Its digest.
    #[serde(with = "hex::serde")]
    pub hash: [u8; 32],
    /// Its sum, in micro-STG.
    pub sum: Amount,
}

/// Why there is no tree, or no way to its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreeError {
    /// Nobody is in it.
    #[error("there are no accounts")]
    Empty,
    /// A sum that the protocol cannot count.
    #[error("the amounts together are more than the protocol can count")]
    TooMuch,
    /// A way that leads nowhere.
    #[error("the path has {0} steps; no tree needs more than 64")]
    TooLong(usize),
}

/// What stands for an account where others see it. The salt is random and known to the account's user only, so that nobody
/// else can try names.
#[must_use]
pub fn salted_id(salt: &[u8; 32], account: &str) -> [u8; 32] {
    let hash = Sha256::new().chain_update(ID).chain_update(salt).chain_update(account);
    hash.finalize().into()
}

/// The leaf of an account.
#[must_use]
pub fn leaf(salted_id: &[u8; 32], amount: Amount) -> Node {
    let hash = Sha256::new().chain_update(LEAF).chain_update(salted_id).chain_update(bytes(amount));
    Node { hash: hash.finalize().into(), sum: amount }
}

/// The node above two. The sums of both are under its digest: where it is only their total, a part can be hidden.
fn join(left: &Node, right: &Node) -> Result<Node, TreeError> {
    let sum = left.sum.checked_add(right.sum).ok_or(TreeError::TooMuch)?;
    let mut hash = Sha256::new().chain_update(NODE);
    for node in [left, right] {
        hash.update(node.hash);
        hash.update(bytes(node.sum));
    }
    Ok(Node { hash: hash.finalize().into(), sum })
}

fn bytes(amount: Amount) -> [u8; 8] {
    amount.unsigned_micro().to_be_bytes()
}

/// The way from a leaf to the root that a path claims.
///
/// # Errors
/// [`TreeError`] where no tree can have such a path.
pub fn climb(leaf: Node, path: &[Step]) -> Result<Node, TreeError> {
    if path.len() > MAX_STEPS {
        return Err(TreeError::TooLong(path.len()));
    }
    path.iter().try_fold(leaf, |node, step| {
        let other = Node { hash: step.hash, sum: step.sum };
        match step.side {
            Side::Left => join(&other, &node),
            Side::Right => join(&node, &other),
        }
    })
}

/// All nodes, the leaves in the first row, the root alone in the last one.
///
/// Neighbours are joined two by two. A last one without a neighbour goes up as it is: it is neither doubled, which would
/// count it twice, nor joined with an empty leaf that could be somebody.
#[derive(Debug)]
pub struct Tree {
    rows: Vec<Vec<Node>>,
    root: Node,
}

impl Tree {
    /// The tree over these leaves, in their order.
    ///
    /// # Errors
    /// [`TreeError`] where there are none, or too much is in them.
    pub fn new(leaves: Vec<Node>) -> Result<Self, TreeError> {
        let (mut rows, mut row) = (Vec::new(), leaves);
        loop {
            match row.as_slice() {
                [] => return Err(TreeError::Empty),
                [root] => {
                    let root = *root;
                    rows.push(row);
                    return Ok(Self { rows, root });
                }
                nodes => {
                    let joined = nodes.chunks(2).map(|pair| match pair {
                        [left, right] => join(left, right),
                        [alone, ..] => Ok(*alone),
                        [] => Err(TreeError::Empty),
                    });
                    let next = joined.collect::<Result<_, _>>()?;
                    rows.push(std::mem::replace(&mut row, next));
                }
            }
        }
    }

    /// The node at the top.
    #[must_use]
    pub const fn root(&self) -> Node {
        self.root
    }

    /// The way from the leaf with this number, counted from 0, to the root.
    #[must_use]
    pub fn path(&self, leaf: usize) -> Vec<Step> {
        let mut index = leaf;
        let mut path = Vec::new();
        for row in &self.rows {
            let (neighbour, side) =
                if index.is_multiple_of(2) { (index + 1, Side::Right) } else { (index - 1, Side::Left) };
            if let Some(Node { hash, sum }) = row.get(neighbour) {
                path.push(Step { side, hash: *hash, sum: *sum });
            }
            index /= 2;
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(micro: i64) -> Amount {
        Amount::from_micro(micro).unwrap()
    }

    fn leaves(amounts: &[i64]) -> Vec<Node> {
        let leaf = |(index, micro): (usize, &i64)| leaf(&[u8::try_from(index).unwrap(); 32], amount(*micro));
        amounts.iter().enumerate().map(leaf).collect()
    }

    proptest! {
        #[test]
        fn every_leaf_leads_to_the_root_and_the_root_has_it_all(
            amounts in prop::collection::vec(0..i64::MAX / 256, 1..200)
        ) {
            let leaves = leaves(&amounts);
            let tree = Tree::new(leaves.clone()).unwrap();
            prop_assert_eq!(tree.root().sum.micro(), amounts.iter().sum::<i64>());
            for (index, leaf) in leaves.into_iter().enumerate() {
                let path = tree.path(index);
                prop_assert!(path.len() <= 8);
                prop_assert_eq!(climb(leaf, &path), Ok(tree.root()));
            }
        }

        #[test]
        fn nothing_on_the_way_can_be_another(
            amounts in prop::collection::vec(0..1000i64, 2..40), who: prop::sample::Index, step: prop::sample::Index,
            byte in 0usize..32, change in 1u8.., more in 1..1000i64
        ) {
            let leaves = leaves(&amounts);
            let who = who.index(leaves.len());
            let tree = Tree::new(leaves.clone()).unwrap();
            let path = tree.path(who);
            let step = step.index(path.len());
            let changed = |change: &dyn Fn(&mut Vec<Step>)| {
                let mut path = path.clone();
                change(&mut path);
                climb(leaves[who], &path)
            };
            let root = Ok(tree.root());
            prop_assert_ne!(changed(&|path| path[step].hash[byte] ^= change), root);
            // Not even where whoever published the total lies about it too.
            let hash = changed(&|path| path[step].sum = amount(path[step].sum.micro() + more));
            prop_assert_ne!(hash.map(|node| node.hash), Ok(tree.root().hash));
            prop_assert_ne!(
                changed(&|path| path[step].side = if path[step].side == Side::Left { Side::Right } else { Side::Left }),
                root
            );
            prop_assert_ne!(changed(&|path| path.truncate(step)), root);
            prop_assert_ne!(changed(&|path| path.insert(step, path[step])), root);
            // What the leaf gains cannot be taken from its neighbour.
            let gained = leaf(&[u8::try_from(who).unwrap(); 32], amount(amounts[who] + more));
            prop_assert_ne!(climb(gained, &path), root);
            let moved = Node { sum: amount(amounts[who] + more), ..leaves[who] };
            prop_assert_ne!(climb(moved, &path), root);
        }
    }

    #[test]
    fn the_last_of_an_odd_row_counts_once() {
        let (two, three) = (Tree::new(leaves(&[1, 2])).unwrap(), Tree::new(leaves(&[1, 2, 4])).unwrap());
        assert_eq!((two.root().sum, three.root().sum), (amount(3), amount(7)));
        assert_eq!(three.path(2), [Step { side: Side::Left, hash: two.root().hash, sum: amount(3) }]);
        assert_ne!(
            three.root(),
            Tree::new([leaves(&[1, 2, 4]), vec![leaves(&[1, 2, 4])[2]]].concat()).unwrap().root()
        );
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!(Tree::new(Vec::new()).unwrap_err(), TreeError::Empty);
        assert_eq!(Tree::new(leaves(&[i64::MAX, 0])).unwrap().root().sum, Amount::MAX);
        assert_eq!(Tree::new(leaves(&[i64::MAX, 1])).unwrap_err(), TreeError::TooMuch);
        assert_eq!(Tree::new(leaves(&[1, 0, i64::MAX])).unwrap_err(), TreeError::TooMuch);
        let step = Step { side: Side::Left, hash: [0; 32], sum: Amount::MAX };
        assert_eq!(climb(leaf(&[1; 32], amount(1)), &[step]), Err(TreeError::TooMuch));
        let nothing = Step { sum: Amount::ZERO, ..step };
        assert!(climb(leaf(&[1; 32], amount(1)), &[nothing; 64]).is_ok());
        assert_eq!(climb(leaf(&[1; 32], amount(1)), &[nothing; 65]), Err(TreeError::TooLong(65)));
    }

    #[test]
    fn a_node_is_no_leaf_and_an_account_no_part_of_another() {
        let [left, right] = leaves(&[1, 2])[..] else { panic!() };
        let node = join(&left, &right).unwrap();
        let bytes = [&left.hash[..], &bytes(left.sum), &right.hash, &bytes(right.sum)].concat();
        let plain: [u8; 32] = Sha256::digest(bytes).into();
        assert_ne!(node.hash, plain);
        assert_ne!(salted_id(&[0; 32], "alice"), salted_id(&[0; 32], "alic"));
        assert_ne!(salted_id(&[0; 32], "alice"), salted_id(&[1; 32], "alice"));
    }
}
