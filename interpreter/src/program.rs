//! A program: a verified document, compiled once and shared by all its runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bloom_ir::document::{Document, FlowInfo, Limits, NodeId, SourceSpot};
use bloom_ir::{Digest, Value, VerifiedIr};
use serde::Serialize;

use crate::contract::{Contract, Side};
use crate::effect::EffectError;
use crate::expr::Slot;

mod load;
mod node;

pub use load::LoadError;
pub(crate) use node::{Ask, Checks, Node, NodeIndex, Op, Target, TemplatePart};

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
    /// Names of variables, sorted.
    pub(crate) variables: Vec<Arc<str>>,
    /// Names of cursors, sorted.
    pub(crate) cursors: Vec<Arc<str>>,
    pub(crate) spots: BTreeMap<NodeId, SourceSpot>,
}

impl Program {
    /// Compiles a verified document. What the language has and this version does not execute is refused here, not in the
    /// middle of a run.
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

    pub(crate) fn variable(&self, name: &str) -> Option<Slot> {
        self.variables.binary_search_by(|other| other.as_ref().cmp(name)).ok().and_then(slot)
    }

    pub(crate) fn cursor(&self, name: &str) -> Option<Slot> {
        self.cursors.binary_search_by(|other| other.as_ref().cmp(name)).ok().and_then(slot)
    }
}

fn slot(position: usize) -> Option<Slot> {
    u32::try_from(position).ok().map(Slot)
}

fn position<T: Ord>(sorted: &[T], wanted: &T) -> Option<u32> {
    sorted.binary_search(wanted).ok().and_then(|position| u32::try_from(position).ok())
}

/// The names of the variables and cursors that a document binds.
#[derive(Default)]
struct Names {
    variables: BTreeSet<Arc<str>>,
    cursors: BTreeSet<Arc<str>>,
}

impl Names {
    fn of(document: &Document) -> Self {
        use bloom_ir::document::{Action, NodeKind};
        let mut names = Self::default();
        let mut bind = |name: &str| {
            names.variables.insert(name.into());
        };
        for target in document.nodes.values().filter_map(|node| node.on_error.as_ref()).chain(&document.catch) {
            target.into.iter().for_each(|name| bind(name));
        }
        for node in document.nodes.values() {
            match &node.kind {
                NodeKind::Action(Action::Set { into, .. }) => bind(into),
                NodeKind::Action(Action::Iter { item, index, key, .. }) => {
                    bind(item);
                    index.iter().chain(key).for_each(|name| bind(name));
                }
                NodeKind::Action(
                    Action::Tool { into, .. } | Action::Flow { into, .. } | Action::Await { into, .. },
                ) => into.iter().for_each(|name| bind(name)),
                NodeKind::LlmCall(call) => bind(&call.into),
                _ => {}
            }
        }
        for node in document.nodes.values() {
            if let NodeKind::Action(Action::Each { cursor, .. } | Action::Iter { cursor, .. }) = &node.kind {
                names.cursors.insert(cursor.as_str().into());
            }
        }
        names
    }
}
