//! Nodes as they are executed: everything is resolved to indices, and expressions are compiled.

use std::sync::Arc;

use bloom_ir::document::{EmitKind, ReturnStatus, Schema};
use bloom_ir::{Digest, Value};

use super::RegionIndex;
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
    /// Its number within its region.
    pub(crate) local: u32,
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
        /// Of an `await`: where it goes when its time is over.
        on_timeout: Option<NodeIndex>,
    },
    Fork {
        /// In their order.
        branches: Vec<Branch>,
        join: NodeIndex,
    },
    Join {
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
    Flow { flow: String, hash: Digest, wait: bool, seconds: Option<u32>, inputs: Vec<(Arc<str>, Expression)> },
    Sleep { due: Due },
    Timer { name: Arc<str>, due: Due },
    Await { what: Awaited, schema: Option<Schema>, seconds: Option<u32>, answer: Vec<Contract> },
}

/// When a sleep ends or a timer fires.
#[derive(Debug)]
pub(crate) enum Due {
    For(Expression),
    Until(Expression),
}

#[derive(Debug)]
pub(crate) enum Awaited {
    Signal(String),
    Timer(Arc<str>),
    Ask { title: Vec<TemplatePart>, text: Vec<TemplatePart>, schema: Schema, assignee: Option<String> },
}

/// A branch of a fork.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) region: RegionIndex,
    /// Its first node; `None` when it has none.
    pub(crate) entry: Option<NodeIndex>,
    /// What it hands on at the join: slots in it, and slots where the fork stands.
    pub(crate) writes: Vec<(Slot, Slot)>,
}

#[derive(Debug)]
pub(crate) enum TemplatePart {
    Text(String),
    Expr(Expression),
}
