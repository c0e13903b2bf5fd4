//! Macro blocks against the micro blocks that were seen.

use super::record::Step;
use crate::block::{MacroBlock, NewOutput};
use std::collections::HashMap;
use stegos_common::hash::Hash;

/// What a macro block has beyond the micro blocks that are known.
pub(super) struct Rest<'a> {
    pub(super) inputs: Vec<&'a Hash>,
    pub(super) outputs: Vec<&'a NewOutput>,
}

impl<'a> Rest<'a> {
    /// Nothing where the micro blocks have something that the macro block lacks: they are not those of its epoch.
    pub(super) fn new<'s>(block: &'a MacroBlock, steps: impl IntoIterator<Item = &'s Step>) -> Option<Self> {
        let (mut spent, mut made) = (HashMap::new(), HashMap::new());
        for step in steps {
            match step {
                Step::Spent(id) => *spent.entry(*id).or_insert(0_u32) += 1,
                Step::Made(id) => *made.entry(*id).or_insert(0_u32) += 1,
            }
        }
        let inputs = block.inputs.iter().filter(|input| !strike(&mut spent, input)).collect();
        let outputs = block.outputs.iter().filter(|output| !strike(&mut made, &output.id)).collect();
        (spent.is_empty() && made.is_empty()).then_some(Self { inputs, outputs })
    }
}

/// Strikes one out, if it is there.
pub(super) fn strike(counts: &mut HashMap<Hash, u32>, id: &Hash) -> bool {
    let Some(count) = counts.get_mut(id) else { return false };
    *count -= 1;
    if *count == 0 {
        counts.remove(id);
    }
    true
}
