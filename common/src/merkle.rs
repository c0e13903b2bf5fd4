//! The root over a list, as block headers state it (protocol page §12).

use crate::hash::{Hash, Hashable, Hasher};

/// What a header states for an empty list.
const EMPTY: Hash = Hash::from_bytes([0; 32]);

/// The Merkle root of a list. The last node of a level with an odd number of them is taken twice.
pub fn root<T: Hashable>(values: impl IntoIterator<Item = T>) -> Hash {
    let mut level: Vec<Hash> = values.into_iter().map(|value| node(b"Leaf", &[value])).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [single] => node(b"Inner", &[*single, *single]),
                pair => node(b"Inner", pair),
            })
            .collect();
    }
    level.first().copied().unwrap_or(EMPTY)
}

fn node<T: Hashable>(tag: &[u8], children: &[T]) -> Hash {
    let mut state = Hasher::new();
    state.update(tag);
    for child in children {
        child.feed(&mut state);
    }
    state.finish()
}
