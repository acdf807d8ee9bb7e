//! Regions: the main one, and one for each branch of each fork. A state exists for each region that is being run, and holds
//! no more than what its region names: so a fork of many branches takes memory for what they use, and not for all of the
//! program in each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bloom_ir::document::{Action, Document, NodeId, NodeKind};
use bloom_ir::validate;

use super::{NodeIndex, position, slot};
use crate::expr::Slot;

/// How deep forks may stand within forks.
pub(crate) const MAX_FORK_DEPTH: usize = 64;

/// A region's place in the program; 0 is the main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RegionIndex(pub(crate) u32);

impl RegionIndex {
    pub(crate) const MAIN: Self = Self(0);
}

#[derive(Debug, Default)]
pub(crate) struct Region {
    /// The names of its variables, sorted: of all that it and the regions within it set or read; of the main one, all.
    pub(crate) variables: Vec<Arc<str>>,
    /// The names of its cursors, sorted.
    pub(crate) cursors: Vec<Arc<str>>,
    /// Its nodes, by their number within it.
    pub(crate) nodes: Vec<NodeIndex>,
    /// Where each of its variables stands in the region around it; of the main one, nothing.
    pub(crate) outer_variables: Vec<Slot>,
    /// Where each of its cursors stands in the region around it.
    pub(crate) outer_cursors: Vec<Slot>,
    /// The join that it leads to.
    pub(crate) exit: Option<NodeIndex>,
}

impl Region {
    pub(crate) fn variable(&self, name: &str) -> Option<Slot> {
        self.variables.binary_search_by(|other| other.as_ref().cmp(name)).ok().and_then(slot)
    }

    pub(crate) fn cursor(&self, name: &str) -> Option<Slot> {
        self.cursors.binary_search_by(|other| other.as_ref().cmp(name)).ok().and_then(slot)
    }
}

/// The regions of a document, and which one each node belongs to.
pub(super) struct Layout {
    pub(super) regions: Vec<Region>,
    /// For each node, in the order of ids.
    pub(super) of: Vec<RegionIndex>,
    /// For each node its number within its region.
    pub(super) local: Vec<u32>,
    /// For each fork its branches' regions.
    pub(super) branches: BTreeMap<NodeIndex, Vec<RegionIndex>>,
}

/// A region while it is being found.
#[derive(Default)]
struct Draft {
    outer: usize,
    depth: usize,
    exit: Option<NodeIndex>,
    variables: BTreeSet<Arc<str>>,
    cursors: BTreeSet<Arc<str>>,
}

impl Layout {
    /// `ids` are the document's nodes, sorted. `Err` is a fork that stands too deep within others.
    pub(super) fn of(document: &Document, ids: &[NodeId]) -> Result<Self, NodeId> {
        let mut of = vec![None; ids.len()];
        let mut drafts = vec![Draft::default()];
        let mut branches: BTreeMap<NodeIndex, Vec<RegionIndex>> = BTreeMap::new();
        let index = |id: &NodeId| position(ids, id).map(NodeIndex);
        let roots = std::iter::once(&document.entry).chain(document.catch.as_ref().map(|catch| &catch.to));
        let mut rest: Vec<(NodeIndex, usize)> = roots.filter_map(index).map(|root| (root, 0)).collect();
        while let Some((at, region)) = rest.pop() {
            if drafts[region].exit == Some(at) || of[at.0 as usize].is_some() {
                continue;
            }
            of[at.0 as usize] = Some(region);
            let id = &ids[at.0 as usize];
            let Some(node) = document.nodes.get(id) else { continue };
            let mut targets: Vec<&NodeId> = validate::targets(node).collect();
            if let NodeKind::Action(Action::Fork { branches: arms, join }) = &node.kind {
                let depth = drafts[region].depth.saturating_add(1);
                if depth > MAX_FORK_DEPTH {
                    return Err(id.clone());
                }
                for entry in targets.drain(..arms.len()) {
                    let inner = drafts.len();
                    drafts.push(Draft { outer: region, depth, exit: index(join), ..Draft::default() });
                    rest.extend(index(entry).map(|entry| (entry, inner)));
                    branches.entry(at).or_default().push(RegionIndex(u32::try_from(inner).unwrap_or(u32::MAX)));
                }
            }
            rest.extend(targets.into_iter().filter_map(index).map(|target| (target, region)));
        }
        // Whatever the main region may be asked for by name is there.
        let of: Vec<usize> = of.into_iter().map(Option::unwrap_or_default).collect();
        name(document, &mut drafts, &of);
        Ok(Self::build(drafts, &of, branches))
    }

    fn build(drafts: Vec<Draft>, of: &[usize], branches: BTreeMap<NodeIndex, Vec<RegionIndex>>) -> Self {
        let outers: Vec<usize> = drafts.iter().map(|draft| draft.outer).collect();
        let mut regions: Vec<Region> = drafts
            .into_iter()
            .map(|draft| Region {
                variables: draft.variables.into_iter().collect(),
                cursors: draft.cursors.into_iter().collect(),
                exit: draft.exit,
                ..Region::default()
            })
            .collect();
        for inner in 1..regions.len() {
            let outer = &regions[outers[inner]];
            // The region around has all names of those within it.
            let variables = regions[inner].variables.iter().filter_map(|name| outer.variable(name)).collect();
            let cursors = regions[inner].cursors.iter().filter_map(|name| outer.cursor(name)).collect();
            (regions[inner].outer_variables, regions[inner].outer_cursors) = (variables, cursors);
        }
        let mut local = Vec::with_capacity(of.len());
        for (node, region) in (0..).map(NodeIndex).zip(of) {
            let nodes = &mut regions[*region].nodes;
            local.push(u32::try_from(nodes.len()).unwrap_or(u32::MAX));
            nodes.push(node);
        }
        let of = of.iter().map(|region| RegionIndex(u32::try_from(*region).unwrap_or(u32::MAX))).collect();
        Self { regions, of, local, branches }
    }
}

/// Notes what the nodes of each region name.
fn name(document: &Document, drafts: &mut [Draft], of: &[usize]) {
    // Most nodes are in the main region, which has every name that is set anywhere: its expressions need not be read.
    if let Some(target) = &document.catch {
        drafts[0].variables.extend(target.into.as_deref().map(Arc::from));
    }
    for (node, region) in document.nodes.values().zip(of) {
        let draft = &mut drafts[*region];
        draft.variables.extend(validate::variables_set(node).map(Arc::from));
        match &node.kind {
            NodeKind::Action(Action::Each { cursor, .. } | Action::Iter { cursor, .. }) => {
                draft.cursors.insert(cursor.as_str().into());
            }
            NodeKind::Action(Action::Fork { branches, .. }) => {
                let writes = branches.iter().flat_map(|branch| &branch.writes);
                draft.variables.extend(writes.map(|name| name.as_str().into()));
            }
            _ => {}
        }
        if *region > 0 {
            let parsed = validate::expressions_of(node).filter_map(|text| bloom_ir::expr::parse(text).ok());
            let names = parsed.flat_map(|expr| bloom_ir::expr::variables::names(&expr).variables);
            draft.variables.extend(names.map(|name| name.as_str().into()));
        }
    }
    // Inner regions come after those around them.
    for inner in (1..drafts.len()).rev() {
        let Draft { outer, variables, cursors, .. } = &drafts[inner];
        let (outer, variables, cursors) = (*outer, variables.clone(), cursors.clone());
        drafts[outer].variables.extend(variables);
        drafts[outer].cursors.extend(cursors);
    }
}
