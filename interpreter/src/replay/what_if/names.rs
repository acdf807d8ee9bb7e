//! What the recorded program called the nodes of another one.

use std::collections::BTreeMap;

use bloom_ir::document::NodeId;

use crate::program::Program;

/// For the nodes of another program, the ids of those that stood at the same places of the recorded one, where they differ.
/// Nodes that were made of one statement are paired in their order.
pub(super) fn names(recorded: &Program, other: &Program) -> BTreeMap<NodeId, NodeId> {
    let mut left = places(recorded);
    let pairs = places(other).into_iter().flat_map(|(place, nodes)| {
        let known = left.remove(&place).unwrap_or_default();
        nodes.into_iter().zip(known)
    });
    pairs.filter(|(node, known)| node != known).map(|(node, known)| (node.clone(), known.clone())).collect()
}

/// The nodes of each statement of each icon, in the order in which compilers number them.
fn places(program: &Program) -> BTreeMap<(&str, Option<u32>), Vec<&NodeId>> {
    let mut places: BTreeMap<_, Vec<&NodeId>> = BTreeMap::new();
    for (node, spot) in &program.inner().spots {
        places.entry((spot.item.as_str(), spot.part)).or_default().push(node);
    }
    for nodes in places.values_mut() {
        nodes.sort_by_key(|node| (node.as_str().len(), node.as_str()));
    }
    places
}
