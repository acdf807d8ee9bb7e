//! Nodes as they are executed: everything is resolved to indices, and expressions are compiled.

use std::sync::Arc;

use bloom_ir::Value;
use bloom_ir::document::{EmitKind, ReturnStatus};

use crate::contract::Contract;
use crate::effect::{LlmRequest, ToolRequest};
use crate::expr::{Program as Expression, Slot};

/// A node's place in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeIndex(pub(crate) u32);

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    /// Most nodes have none.
    pub(crate) checks: Option<Box<Checks>>,
    pub(crate) on_error: Option<Target>,
}

#[derive(Debug)]
pub(crate) struct Checks {
    pub(crate) input: Option<Contract>,
    pub(crate) output: Option<Contract>,
}

/// Where an error goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) to: NodeIndex,
    pub(crate) into: Option<Slot>,
}

#[derive(Debug)]
pub(crate) enum Op {
    Set {
        into: Slot,
        value: Expression,
        next: NodeIndex,
    },
    Each {
        over: Expression,
        cursor: Slot,
        next: NodeIndex,
    },
    Iter {
        cursor: Slot,
        item: Slot,
        index: Option<Slot>,
        key: Option<Slot>,
        next: NodeIndex,
        done: NodeIndex,
    },
    If {
        when: Expression,
        then: NodeIndex,
        otherwise: NodeIndex,
    },
    Choice {
        on: Expression,
        cases: Vec<(Vec<Value>, NodeIndex)>,
        otherwise: Option<NodeIndex>,
    },
    Emit {
        kind: EmitKind,
        name: Arc<str>,
        action: Option<Arc<str>>,
        value: Expression,
        next: NodeIndex,
    },
    /// An effect: what is asked, where the answer goes, and the node that follows.
    Ask {
        ask: Box<Ask>,
        into: Option<Slot>,
        next: NodeIndex,
    },
    Return {
        status: ReturnStatus,
        value: Expression,
    },
}

/// What a node asks of the world. The requests are the constant parts; the rest is filled in when the node is reached.
#[derive(Debug)]
pub(crate) enum Ask {
    Tool { request: ToolRequest, args: Vec<(Arc<str>, Expression)> },
    Llm { request: LlmRequest, prompt: Vec<TemplatePart>, system: Option<Vec<TemplatePart>>, memory: Vec<Expression> },
}

#[derive(Debug)]
pub(crate) enum TemplatePart {
    Text(String),
    Expr(Expression),
}
