//! A program: a verified document, compiled once and shared by all its runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::document::{FlowInfo, Limits, NodeId, SourceSpot};
use bloom_ir::{Digest, Value, VerifiedIr};
use serde::Serialize;

use crate::contract::{Contract, Side};
use crate::effect::EffectError;
use crate::expr::Slot;

mod load;
mod node;
mod region;

pub use load::LoadError;
pub(crate) use node::{Ask, Awaited, Branch, Checks, Due, Node, NodeIndex, Op, Target, TemplatePart};
pub(crate) use region::{Region, RegionIndex};

/// A program that machines run. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

/// A place in the source of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The icon; in pseudocode the line.
    pub item: String,
    /// What people read there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) hash: Digest,
    pub(crate) flow: FlowInfo,
    pub(crate) limits: Limits,
    pub(crate) inputs: Contract,
    pub(crate) defaults: BTreeMap<Arc<str>, Value>,
    pub(crate) outputs: Contract,
    pub(crate) entry: NodeIndex,
    pub(crate) catch: Option<Target>,
    /// In the order of [`Inner::ids`].
    pub(crate) nodes: Vec<Node>,
    /// Sorted.
    pub(crate) ids: Vec<NodeId>,
    /// The main one first; each after the one around it.
    pub(crate) regions: Vec<Region>,
    pub(crate) spots: BTreeMap<NodeId, SourceSpot>,
}

impl Program {
    /// Compiles a verified document. What cannot be executed is refused here, not in the middle of a run.
    pub fn load(ir: &VerifiedIr) -> Result<Self, LoadError> {
        Self::compile(ir.document(), ir.hash())
    }

    /// The hash of its IR, which a run pins.
    pub fn hash(&self) -> Digest {
        self.0.hash
    }

    /// What the flow is called.
    pub fn flow(&self) -> &FlowInfo {
        &self.0.flow
    }

    /// How much a run of it may use.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Where a node stands in the source, if the document says.
    pub fn place(&self, node: &NodeId) -> Option<Place> {
        let spot = self.0.spots.get(node)?;
        // The text stands on the first node of an icon only.
        let texts = || self.0.spots.values().filter(|other| other.item == spot.item);
        let text = spot.text.clone().or_else(|| texts().find_map(|other| other.text.clone()));
        Some(Place { item: spot.item.clone(), text })
    }

    /// The icon that a node was made from; in pseudocode the line.
    pub(crate) fn item(&self, node: &NodeId) -> Option<&str> {
        self.0.spots.get(node).map(|spot| spot.item.as_str())
    }

    /// Whether a node is the first of its icon.
    pub(crate) fn is_first(&self, node: &NodeId) -> bool {
        self.0.spots.get(node).is_some_and(|spot| spot.first)
    }

    /// Whether the document says where its nodes stand.
    pub(crate) fn has_source(&self) -> bool {
        !self.0.spots.is_empty()
    }

    /// The inputs as a run takes them: normal, with the schema's `default`s for absent members, and checked. The error's
    /// code is `contract`.
    pub fn accept_inputs(&self, inputs: Value) -> Result<Value, EffectError> {
        let Value::Map(mut map) = inputs.normalized() else {
            return Err(Contract::violation(Side::Inputs, "", "the inputs must be an object"));
        };
        if self.0.defaults.keys().any(|name| !map.contains_key(name)) {
            let map = Arc::make_mut(&mut map);
            for (name, value) in &self.0.defaults {
                map.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let inputs = Value::Map(map);
        self.0.inputs.check(&inputs)?;
        Ok(inputs)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    pub(crate) fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.0 as usize]
    }

    pub(crate) fn id(&self, index: NodeIndex) -> &NodeId {
        &self.ids[index.0 as usize]
    }

    pub(crate) fn index(&self, id: &NodeId) -> Option<NodeIndex> {
        position(&self.ids, id).map(NodeIndex)
    }

    pub(crate) fn region(&self, index: RegionIndex) -> &Region {
        &self.regions[index.0 as usize]
    }

    pub(crate) fn main(&self) -> &Region {
        self.region(RegionIndex::MAIN)
    }
}

fn slot(position: usize) -> Option<Slot> {
    u32::try_from(position).ok().map(Slot)
}

fn position<T: Ord>(sorted: &[T], wanted: &T) -> Option<u32> {
    sorted.binary_search(wanted).ok().and_then(|position| u32::try_from(position).ok())
}
