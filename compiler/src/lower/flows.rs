//! Calls of other flows.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;

use super::Lowering;
use super::draft::{NOWHERE, Op, Wish};
use super::statements::bound;
use crate::text::{Argument, Expression, Problem, Spanned, Target, nearest};
use crate::{Prose, codes};

impl Lowering<'_> {
    /// A call by name becomes one of the document that has this name now.
    pub(super) fn flow_call(
        &mut self,
        unit: usize,
        target: Option<Target>,
        flow: &Spanned<String>,
        args: Vec<Argument>,
        wait: bool,
    ) -> Vec<Op> {
        let same = |name: &str| name.trim().to_lowercase() == flow.node.trim().to_lowercase();
        let options = self.options;
        let Some(known) = options.flows.iter().find(|known| same(&known.name) || same(&known.id)) else {
            // A step of a checklist may be drawn as an insertion, too.
            if options.prose != Prose::Error && args.is_empty() && target.is_none() {
                let text = flow.node.clone();
                return vec![Op::Prose { wish: Wish::Done, text, follows: false, timeout: None, next: NOWHERE }];
            }
            let names = options.flows.iter().map(|known| known.name.as_str());
            let problem = Problem::error(codes::UNKNOWN_FLOW, flow.span.clone())
                .with("name", &flow.node)
                .near(nearest(&flow.node, names));
            self.problem(unit, problem);
            return Vec::new();
        };
        let properties = known.inputs.get("properties").and_then(Value::as_object);
        let names: Vec<&String> = properties.into_iter().flat_map(|properties| properties.keys()).collect();
        let mut inputs: BTreeMap<String, Expression> = BTreeMap::new();
        for argument in args {
            let (name, span) = match argument.name {
                Some(Spanned { node, span }) if names.contains(&&node) => (node, span),
                Some(Spanned { node, span }) => {
                    let problem = Problem::error(codes::UNKNOWN_ARGUMENT, span).with("tool", &flow.node);
                    let near = nearest(&node, names.iter().map(|name| name.as_str()));
                    self.problem(unit, problem.with("name", &node).near(near));
                    continue;
                }
                // An only input needs no name.
                None if names.len() == 1 && inputs.is_empty() => (names[0].clone(), argument.value.span.clone()),
                None => {
                    let problem = Problem::error(codes::FLOW_POSITION, argument.value.span).with("name", &flow.node);
                    self.problem(unit, problem);
                    continue;
                }
            };
            match inputs.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(argument.value);
                }
                Entry::Occupied(entry) => {
                    let problem = Problem::error(codes::REPEATED_ARGUMENT, span).with("tool", &flow.node);
                    let problem = problem.with("name", entry.key());
                    self.problem(unit, problem);
                }
            }
        }
        let required = known.inputs.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !inputs.contains_key(name) {
                let problem = Problem::error(codes::MISSING_ARGUMENT, flow.span.clone());
                self.problem(unit, problem.with("tool", &flow.node).with("name", name));
            }
        }
        if let (false, Some(target)) = (wait, &target) {
            self.problem(unit, Problem::error(codes::NO_RESULT, target.span.clone()).with("name", &flow.node));
        }
        let (flow, hash) = (known.id.clone(), known.hash);
        let span = target.as_ref().map_or(0..0, |target| target.span.clone());
        bound(target, &span, |into| Op::Flow { flow, hash, inputs, into, wait, timeout: None, next: NOWHERE })
    }
}
