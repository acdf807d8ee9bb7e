//! Whether the expressions parse, and what they name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::parts::{Spot, expressions};
use super::{Report, codes, quoted};
use crate::document::{Document, Node, NodeId, Schema};
use crate::expr::{self, variables::names};

/// The variables that a node reads, each with the place of the expression.
pub(super) type Reads<'a> = Vec<(String, Spot<'a>)>;

/// Checks all expressions; for each node, in the order of ids, what it reads.
pub(super) fn check<'a>(document: &'a Document, report: &mut Report<'a>) -> Vec<Reads<'a>> {
    let inputs = closed_names(&document.inputs);
    document.nodes.iter().map(|(id, node)| check_node(id, node, inputs.as_ref(), report)).collect()
}

fn check_node<'a>(
    id: &'a NodeId,
    node: &'a Node,
    inputs: Option<&BTreeSet<&str>>,
    report: &mut Report<'a>,
) -> Reads<'a> {
    let mut reads = Vec::new();
    for (spot, text) in expressions(node) {
        let expression = match expr::parse(text) {
            Ok(expression) => expression,
            Err(error) => {
                report.error(codes::BAD_EXPRESSION, id, spot, |it| {
                    it.with("reason", &error.kind).with("expression", quoted(text)).with("position", error.span.start)
                });
                continue;
            }
        };
        let names = names(&expression);
        for input in names.inputs {
            if inputs.is_some_and(|inputs| !inputs.contains(input.as_str())) {
                report.error(codes::UNKNOWN_INPUT, id, spot, |it| it.with("input", input));
            }
        }
        reads.extend(names.variables.into_iter().map(|variable| (variable, spot)));
    }
    reads
}

/// The members of an object whose schema allows no others; `None` when it says nothing of the kind.
fn closed_names(schema: &Schema) -> Option<BTreeSet<&str>> {
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    // Through these more members may be allowed.
    let plain = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"].iter().all(|word| schema.get(word).is_none());
    let names = schema.get("properties")?.as_object()?.keys().map(String::as_str).collect();
    (closed && plain).then_some(names)
}
