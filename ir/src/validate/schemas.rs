//! Whether the document's own schemas are schemas, and whether the cases of a decision differ.

use std::collections::BTreeSet;

use super::parts::{Spot, schemas};
use super::{Report, codes, quoted};
use crate::Value;
use crate::document::{Decision, Document, NodeKind, Schema};
use crate::schema::{CompiledSchema, SchemaError};

/// Checks schemas and cases.
pub(super) fn check<'a>(document: &'a Document, report: &mut Report<'a>) {
    for (member, schema) in [("/inputs", &document.inputs), ("/outputs", &document.outputs)] {
        if let Err(error) = CompiledSchema::compile(schema) {
            report.document_error(codes::BAD_SCHEMA, &format!("{member}{}", error.pointer), |it| {
                it.with("reason", error.message)
            });
        }
    }
    // A flow tends to have one schema at many nodes.
    let mut last_good: Option<&Schema> = None;
    for (id, node) in &document.nodes {
        for (spot, schema) in schemas(node) {
            if last_good == Some(schema) {
                continue;
            }
            match CompiledSchema::compile(schema) {
                Ok(_) => last_good = Some(schema),
                Err(SchemaError { pointer, message }) => {
                    let reason = if pointer.is_empty() { message } else { format!("{message} ({pointer})") };
                    report.error(codes::BAD_SCHEMA, id, spot, |it| it.with("reason", reason));
                }
            }
        }
        let NodeKind::Decision(Decision::Choice { cases, .. }) = &node.kind else { continue };
        let mut seen = BTreeSet::new();
        for (index, case) in cases.iter().enumerate() {
            for value in &case.values {
                let text = Value::from(value.clone()).to_bytes();
                if !seen.insert(text) {
                    let shown = quoted(&value.to_string());
                    let spot = Spot::Within("cases", index, "values");
                    report.error(codes::REPEATED_CASE, id, spot, |it| it.with("value", shown));
                }
            }
        }
    }
}
