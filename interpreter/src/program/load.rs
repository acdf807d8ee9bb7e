//! From a document to a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::document::{self, Action, Decision, Document, ErrorTarget, NodeId, NodeKind, Schema};
use bloom_ir::{Digest, Value};

use super::region::{Layout, MAX_FORK_DEPTH};
use super::{
    Ask, Awaited, Branch, Checks, Due, Inner, Node, NodeIndex, Op, Program, Region, RegionIndex, Target, TemplatePart,
    position,
};
use crate::contract::{Contract, Side};
use crate::effect::{LlmRequest, ToolRequest};
use crate::expr::{self, Program as Expression, Slot};

/// Why a document cannot be executed here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Forks stand within forks, too deep.
    #[error("node {node}: forks may stand {limit} deep within each other, and not deeper")]
    TooDeep {
        /// The fork.
        node: NodeId,
        /// How deep they may stand.
        limit: usize,
    },
    /// An expression does not parse or names what does not exist.
    #[error("node {node}: `{text}`: {message}")]
    Expression {
        /// The node.
        node: NodeId,
        /// The expression.
        text: String,
        /// What is wrong with it.
        message: String,
    },
    /// A schema is not valid.
    #[error("the schema of {place}: {message}")]
    Schema {
        /// Whose schema.
        place: String,
        /// What is wrong with it.
        message: String,
    },
    /// A node that is named is not there.
    #[error("node {0} does not exist")]
    UnknownNode(NodeId),
    /// A tool is called that the policy does not name.
    #[error("node {node}: the tool `{tool}` is not in `allowed_tools`")]
    UnknownTool {
        /// The node.
        node: NodeId,
        /// The tool.
        tool: String,
    },
}

impl Program {
    pub(crate) fn compile(document: &Document, hash: Digest) -> Result<Self, LoadError> {
        let ids: Vec<NodeId> = document.nodes.keys().cloned().collect();
        let Layout { regions, of, local, branches } =
            Layout::of(document, &ids).map_err(|node| LoadError::TooDeep { node, limit: MAX_FORK_DEPTH })?;
        let mut inner = Inner {
            hash,
            flow: document.flow.clone(),
            limits: document.policy.limits,
            inputs: contract(&document.inputs, Side::Inputs, "the inputs")?,
            defaults: defaults(&document.inputs),
            outputs: contract(&document.outputs, Side::Outputs, "the result")?,
            entry: NodeIndex(0),
            catch: None,
            nodes: Vec::with_capacity(document.nodes.len()),
            ids,
            regions,
            spots: document.source.as_ref().map(|source| source.map.clone()).unwrap_or_default(),
        };
        let loader = |id, region, arms| Loader { document, inner: &inner, id, region, arms };
        let mut nodes = Vec::with_capacity(document.nodes.len());
        for (((id, node), index), (region, local)) in
            document.nodes.iter().zip((0..).map(NodeIndex)).zip(of.into_iter().zip(local))
        {
            let arms = branches.get(&index).map(Vec::as_slice).unwrap_or_default();
            nodes.push(loader(id, region, arms).node(node, local)?);
        }
        let main = loader(&document.entry, RegionIndex::MAIN, &[]);
        let entry = main.target(&document.entry)?;
        let catch = document.catch.as_ref().map(|target| main.error_target(target)).transpose()?;
        inner.nodes = nodes;
        inner.entry = entry;
        inner.catch = catch;
        Ok(Self(Arc::new(inner)))
    }
}

fn contract(schema: &Schema, side: Side, place: &str) -> Result<Contract, LoadError> {
    Contract::new(schema, side).map_err(|message| LoadError::Schema { place: place.to_owned(), message })
}

/// What the schema's properties say of absent members.
fn defaults(inputs: &Schema) -> BTreeMap<Arc<str>, Value> {
    let properties = inputs.get("properties").and_then(Schema::as_object);
    properties
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| Some((name.as_str().into(), Value::from(schema.get("default")?.clone()))))
        .collect()
}

struct Loader<'a> {
    document: &'a Document,
    inner: &'a Inner,
    id: &'a NodeId,
    /// The node's region.
    region: RegionIndex,
    /// Of a fork: its branches' regions.
    arms: &'a [RegionIndex],
}

impl Loader<'_> {
    fn region(&self) -> &Region {
        self.inner.region(self.region)
    }

    fn node(&self, node: &document::Node, local: u32) -> Result<Node, LoadError> {
        let check = |schema: Option<&Schema>, side, word| {
            schema.map(|schema| contract(schema, side, &format!("the {word} of node {}", self.id))).transpose()
        };
        let input = check(node.input.as_ref(), Side::Input, "input")?;
        let output = check(node.output.as_ref(), Side::Output, "output")?;
        let checks = (input.is_some() || output.is_some()).then(|| Box::new(Checks { input, output }));
        let on_error = node.on_error.as_ref().map(|target| self.error_target(target)).transpose()?;
        Ok(Node { op: self.op(node)?, checks, on_error, local })
    }

    fn op(&self, node: &document::Node) -> Result<Op, LoadError> {
        Ok(match &node.kind {
            NodeKind::Action(action) => self.action(action)?,
            NodeKind::LlmCall(call) => Op::Ask {
                ask: Box::new(Ask::Llm {
                    request: LlmRequest {
                        prompt: String::new(),
                        system: None,
                        memory: Vec::new(),
                        model: call.model.clone(),
                        max_tokens: call.max_tokens,
                        session: call.session,
                        output: node.output.clone().unwrap_or(Schema::Bool(true)),
                        timeout_seconds: call.timeout_seconds,
                        retry: call.retry.clone(),
                    },
                    prompt: self.template(&call.prompt)?,
                    system: call.system.as_deref().map(|parts| self.template(parts)).transpose()?,
                    memory: call.memory.iter().map(|text| self.expr(text)).collect::<Result<_, _>>()?,
                }),
                into: Some(self.variable(&call.into)?),
                next: self.target(&call.next)?,
                on_timeout: None,
            },
            NodeKind::Decision(Decision::If { when, then, otherwise }) => {
                Op::If { when: self.expr(when)?, then: self.target(then)?, otherwise: self.target(otherwise)? }
            }
            NodeKind::Decision(Decision::Choice { on, cases, otherwise }) => Op::Choice {
                on: self.expr(on)?,
                cases: cases
                    .iter()
                    .map(|case| Ok((case.values.iter().cloned().map(Value::from).collect(), self.target(&case.to)?)))
                    .collect::<Result<_, _>>()?,
                otherwise: otherwise.as_ref().map(|to| self.target(to)).transpose()?,
            },
            NodeKind::Emit(emit) => Op::Emit {
                kind: emit.kind,
                name: emit.name.as_str().into(),
                action: emit.action.as_deref().map(Into::into),
                value: self.expr(&emit.value)?,
                next: self.target(&emit.next)?,
            },
            NodeKind::Return(end) => Op::Return { status: end.status, value: self.expr(&end.value)? },
        })
    }

    fn action(&self, action: &Action) -> Result<Op, LoadError> {
        Ok(match action {
            Action::Set { into, value, next } => {
                Op::Set { into: self.variable(into)?, value: self.expr(value)?, next: self.target(next)? }
            }
            Action::Each { over, cursor, next } => {
                Op::Each { over: self.expr(over)?, cursor: self.cursor(cursor)?, next: self.target(next)? }
            }
            Action::Iter { cursor, item, index, key, next, done } => Op::Iter {
                cursor: self.cursor(cursor)?,
                item: self.variable(item)?,
                index: self.optional_variable(index.as_deref())?,
                key: self.optional_variable(key.as_deref())?,
                next: self.target(next)?,
                done: self.target(done)?,
            },
            Action::Tool { tool, args, into, retry, timeout_seconds, on_unknown, next } => {
                let allowed = self.document.policy.allowed_tools.get(tool);
                let allowed =
                    allowed.ok_or_else(|| LoadError::UnknownTool { node: self.id.clone(), tool: tool.clone() })?;
                let request = ToolRequest {
                    tool: tool.clone(),
                    effect: allowed.effect,
                    digest: allowed.digest,
                    args: Value::Null,
                    timeout_seconds: *timeout_seconds,
                    retry: retry.clone(),
                    on_unknown: *on_unknown,
                };
                let args = self.named(args)?;
                self.ask(Ask::Tool { request, args }, into.as_deref(), next)?
            }
            Action::Flow { flow, hash, inputs, into, wait, timeout_seconds, next } => {
                let inputs = self.named(inputs)?;
                let (flow, wait, seconds) = (flow.clone(), *wait, *timeout_seconds);
                self.ask(Ask::Flow { flow, hash: *hash, wait, seconds, inputs }, into.as_deref(), next)?
            }
            Action::Sleep { due, next } => self.ask(Ask::Sleep { due: self.due(due)? }, None, next)?,
            Action::Timer { name, due, next } => {
                self.ask(Ask::Timer { name: name.as_str().into(), due: self.due(due)? }, None, next)?
            }
            Action::Await { what, schema, into, timeout_seconds, on_timeout, next } => {
                let asked = match what {
                    document::Awaited::Ask(ask) => Some(&ask.schema),
                    document::Awaited::Signal(_) | document::Awaited::Timer(_) => None,
                };
                let place = || format!("the answer to node {}", self.id);
                let answer = schema.iter().chain(asked).map(|schema| contract(schema, Side::Output, &place()));
                let answer = answer.collect::<Result<_, _>>()?;
                let what = match what {
                    document::Awaited::Signal(name) => Awaited::Signal(name.clone()),
                    document::Awaited::Timer(name) => Awaited::Timer(name.as_str().into()),
                    document::Awaited::Ask(ask) => Awaited::Ask {
                        title: self.template(&ask.title)?,
                        text: self.template(&ask.text)?,
                        schema: ask.schema.clone(),
                        assignee: ask.assignee.clone(),
                    },
                };
                let ask = Ask::Await { what, schema: schema.clone(), seconds: *timeout_seconds, answer };
                let on_timeout = on_timeout.as_ref().map(|to| self.target(to)).transpose()?;
                let into = self.optional_variable(into.as_deref())?;
                Op::Ask { ask: Box::new(ask), into, next: self.target(next)?, on_timeout }
            }
            Action::Fork { branches, join } => Op::Fork {
                branches: branches
                    .iter()
                    .zip(self.arms)
                    .map(|(arm, region)| self.branch(arm, *region, join))
                    .collect::<Result<_, _>>()?,
                join: self.target(join)?,
            },
            Action::Join { next, .. } => Op::Join { next: self.target(next)? },
        })
    }

    fn ask(&self, ask: Ask, into: Option<&str>, next: &NodeId) -> Result<Op, LoadError> {
        let into = self.optional_variable(into)?;
        Ok(Op::Ask { ask: Box::new(ask), into, next: self.target(next)?, on_timeout: None })
    }

    fn branch(&self, arm: &document::Branch, region: RegionIndex, join: &NodeId) -> Result<Branch, LoadError> {
        let inner = self.inner.region(region);
        let write = |name: &String| {
            let own = inner.variable(name).ok_or_else(|| self.unknown(name))?;
            Ok((own, self.variable(name)?))
        };
        let entry = (arm.entry != *join).then(|| self.target(&arm.entry)).transpose()?;
        Ok(Branch { region, entry, writes: arm.writes.iter().map(write).collect::<Result<_, _>>()? })
    }

    fn named(&self, texts: &BTreeMap<String, String>) -> Result<Vec<(Arc<str>, Expression)>, LoadError> {
        texts.iter().map(|(name, text)| Ok((name.as_str().into(), self.expr(text)?))).collect()
    }

    fn due(&self, due: &document::Due) -> Result<Due, LoadError> {
        Ok(match due {
            document::Due::For(text) => Due::For(self.expr(text)?),
            document::Due::Until(text) => Due::Until(self.expr(text)?),
        })
    }

    fn target(&self, id: &NodeId) -> Result<NodeIndex, LoadError> {
        position(&self.inner.ids, id).map(NodeIndex).ok_or_else(|| LoadError::UnknownNode(id.clone()))
    }

    fn error_target(&self, target: &ErrorTarget) -> Result<Target, LoadError> {
        Ok(Target { to: self.target(&target.to)?, into: self.optional_variable(target.into.as_deref())? })
    }

    fn variable(&self, name: &str) -> Result<Slot, LoadError> {
        self.region().variable(name).ok_or_else(|| self.unknown(name))
    }

    fn optional_variable(&self, name: Option<&str>) -> Result<Option<Slot>, LoadError> {
        name.map(|name| self.variable(name)).transpose()
    }

    fn cursor(&self, name: &str) -> Result<Slot, LoadError> {
        self.region().cursor(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> LoadError {
        LoadError::Expression { node: self.id.clone(), text: name.to_owned(), message: "is not bound".to_owned() }
    }

    fn template(&self, parts: &[document::TemplatePart]) -> Result<Vec<TemplatePart>, LoadError> {
        parts
            .iter()
            .map(|part| {
                Ok(match part {
                    document::TemplatePart::Text(text) => TemplatePart::Text(text.clone()),
                    document::TemplatePart::Expr(text) => TemplatePart::Expr(self.expr(text)?),
                })
            })
            .collect()
    }

    fn expr(&self, text: &str) -> Result<Expression, LoadError> {
        let error = |message: String| LoadError::Expression { node: self.id.clone(), text: text.to_owned(), message };
        let ast = bloom_ir::expr::parse(text).map_err(|problem| error(problem.to_string()))?;
        expr::compile(&ast, &mut |name| self.region().variable(name)).map_err(|problem| error(problem.to_string()))
    }
}
