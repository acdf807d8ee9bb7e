//! Calls of tools: arguments by the manifest, and the proposals that some of them shape.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bloom_ir::diagnostic::Severity;
use bloom_ir::document::{AllowedTool, EmitKind, ToolEffect};
use bloom_ir::expr::ast::Expr;
use bloom_ir::manifest::ToolManifest;
use serde_json::Value;

use super::Lowering;
use super::draft::{NOWHERE, Op};
use super::statements::{assign, bound};
use crate::codes;
use crate::text::{Argument, Expression, Problem, Spanned, Target, nearest};

/// Holds a proposal that the flow does not keep, until it is emitted.
const PROPOSAL: &str = "$proposal";

impl Lowering<'_> {
    pub(super) fn tool_call(
        &mut self,
        unit: usize,
        target: Option<Target>,
        tool: &Spanned<String>,
        args: Vec<Argument>,
    ) -> Vec<Op> {
        let known = self.vocabulary.tool(&tool.node);
        let own_name = known.map_or(tool.node.as_str(), |(manifest, _)| manifest.name.as_str());
        // Whoever allows a tool may use any of its names, too.
        let is_meant = |name: &String| {
            *name == tool.node || self.vocabulary.tool(name).is_some_and(|(manifest, _)| manifest.name == own_name)
        };
        if let Some(allowed) = self.options.allowed_tools.as_ref().filter(|allowed| !allowed.iter().any(is_meant)) {
            let near = nearest(&tool.node, allowed.iter().map(String::as_str));
            let problem = Problem::error(codes::NOT_ALLOWED, tool.span.clone()).with("name", &tool.node).near(near);
            self.problem(unit, problem);
        }
        let Some((manifest, digest)) = known else {
            return self.unknown_tool(unit, target, tool, args);
        };
        let tool = &Spanned { node: manifest.name.clone(), span: tool.span.clone() };
        let allowed = AllowedTool { effect: manifest.effect, digest, capabilities: manifest.capabilities.clone() };
        self.allowed_tools.insert(tool.node.clone(), allowed);
        let args = self.arguments(unit, manifest, tool, args);
        if manifest.effect != ToolEffect::Propose {
            return call(tool, args, target);
        }
        let action = match proposal_action(manifest, tool, &args) {
            Ok(action) => action,
            Err(problem) => {
                self.problem(unit, problem);
                return Vec::new();
            }
        };
        match &self.options.safe_outputs {
            Some(safe) if !safe.contains(&action) => {
                let span = args.get("action").map_or(tool.span.clone(), |action| action.span.clone());
                let problem = Problem::error(codes::NOT_SAFE, span)
                    .with("name", &action)
                    .near(nearest(&action, safe.iter().map(String::as_str)));
                self.problem(unit, problem);
            }
            _ => {
                self.emitted.insert(action.clone());
            }
        }
        // The proposal is emitted as the tool gave it, wherever the flow keeps it.
        let plain = target.as_ref().filter(|target| target.path.is_empty());
        let holder = plain.map_or(PROPOSAL, |target| target.name.as_str()).to_owned();
        let value = Expression::made(Expr::Variable(holder.clone()), tool.span.clone());
        let keep = target.filter(|target| !target.path.is_empty()).map(|target| assign(target, value.clone()));
        let shape = Op::Tool { tool: tool.node.clone(), args, into: Some(holder), timeout: None, next: NOWHERE };
        let emit =
            Op::Emit { kind: EmitKind::Proposal, name: tool.node.clone(), action: Some(action), value, next: NOWHERE };
        [Some(shape), Some(emit), keep].into_iter().flatten().collect()
    }

    /// A tool that is not known may still be called by the names of its arguments.
    fn unknown_tool(
        &mut self,
        unit: usize,
        target: Option<Target>,
        tool: &Spanned<String>,
        args: Vec<Argument>,
    ) -> Vec<Op> {
        // A name that is nearly that of a known tool is misspelt.
        let near = self.vocabulary.nearest(&tool.node);
        let severity = if near.is_some() { Severity::Error } else { Severity::Warning };
        let unknown = Problem { severity, ..Problem::error(codes::UNKNOWN_TOOL, tool.span.clone()) }
            .with("name", &tool.node)
            .near(near);
        self.problem(unit, unknown);
        let mut named = BTreeMap::new();
        for argument in args {
            if let Some(name) = argument.name {
                self.put(unit, &mut named, tool, name.node, &name.span, argument.value);
            } else {
                let problem = Problem::error(codes::UNKNOWN_POSITION, argument.value.span).with("tool", &tool.node);
                self.problem(unit, problem);
            }
        }
        // The most careful assumption: a call may change something outside.
        let allowed = AllowedTool { effect: ToolEffect::Operational, digest: None, capabilities: Vec::new() };
        self.allowed_tools.entry(tool.node.clone()).or_insert(allowed);
        call(tool, named, target)
    }

    /// The arguments by the names of the input schema.
    fn arguments(
        &mut self,
        unit: usize,
        manifest: &ToolManifest,
        tool: &Spanned<String>,
        args: Vec<Argument>,
    ) -> BTreeMap<String, Expression> {
        let properties = manifest.input.get("properties").and_then(Value::as_object);
        let closed = manifest.input.get("additionalProperties") == Some(&Value::Bool(false));
        let mut named = BTreeMap::new();
        let mut positions = manifest.params.iter();
        for argument in args {
            let (name, span) = match argument.name {
                None => {
                    let Some(name) = positions.next() else {
                        let problem = Problem::error(codes::TOO_MANY, argument.value.span.clone())
                            .with("tool", &tool.node)
                            .with("limit", manifest.params.len());
                        self.problem(unit, problem);
                        continue;
                    };
                    (name.clone(), argument.value.span.clone())
                }
                Some(Spanned { node: written, span }) => {
                    let known = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
                    let name = match manifest.aliases.get(&written) {
                        _ if known(&written) => written,
                        Some(name) => name.clone(),
                        None if closed || properties.is_some() => {
                            let names = properties.iter().flat_map(|properties| properties.keys());
                            let names = names.chain(manifest.aliases.keys()).map(String::as_str);
                            let problem = Problem::error(codes::UNKNOWN_ARGUMENT, span)
                                .with("tool", &tool.node)
                                .with("name", &written)
                                .near(nearest(&written, names));
                            self.problem(unit, problem);
                            continue;
                        }
                        None => written,
                    };
                    (name, span)
                }
            };
            self.put(unit, &mut named, tool, name, &span, argument.value);
        }
        for (name, value) in &named {
            let one_of = properties.and_then(|properties| properties.get(name)?.get("enum")?.as_array());
            if let (Some(values), Some(text)) = (one_of, value.as_text())
                && !values.iter().any(|value| value == text)
            {
                let problem = Problem::error(codes::NOT_ONE_OF, value.span.clone())
                    .with("tool", &tool.node)
                    .with("name", name)
                    .with("found", text)
                    .near(nearest(text, values.iter().filter_map(Value::as_str)));
                self.problem(unit, problem);
            }
        }
        let required = manifest.input.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !named.contains_key(name) {
                let problem = Problem::error(codes::MISSING_ARGUMENT, tool.span.clone());
                self.problem(unit, problem.with("tool", &tool.node).with("name", name));
            }
        }
        named
    }

    fn put(
        &mut self,
        unit: usize,
        named: &mut BTreeMap<String, Expression>,
        tool: &Spanned<String>,
        name: String,
        span: &std::ops::Range<usize>,
        value: Expression,
    ) {
        match named.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(entry) => {
                let problem = Problem::error(codes::REPEATED_ARGUMENT, span.clone());
                let problem = problem.with("tool", &tool.node).with("name", entry.key());
                self.problem(unit, problem);
            }
        }
    }
}

/// The action of what a call proposes: its argument `action`, or what the manifest says it always is.
fn proposal_action(
    manifest: &ToolManifest,
    tool: &Spanned<String>,
    args: &BTreeMap<String, Expression>,
) -> Result<String, Problem> {
    let no_literal =
        |span: std::ops::Range<usize>| Problem::error(codes::ACTION_NOT_LITERAL, span).with("tool", &tool.node);
    if let Some(action) = args.get("action") {
        return match action.as_text() {
            Some(text) => Ok(text.to_owned()),
            None => Err(no_literal(action.span.clone())),
        };
    }
    manifest.fixed_action().map(str::to_owned).ok_or_else(|| no_literal(tool.span.clone()))
}

/// A call whose result is bound, if at all, as it is.
fn call(tool: &Spanned<String>, args: BTreeMap<String, Expression>, target: Option<Target>) -> Vec<Op> {
    bound(target, &tool.span, |into| Op::Tool { tool: tool.node.clone(), args, into, timeout: None, next: NOWHERE })
}
