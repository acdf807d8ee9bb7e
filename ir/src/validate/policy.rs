//! Whether the flow keeps to its own policy.

use super::parts::Spot;
use super::{Report, codes};
use crate::document::{Action, Document, EmitKind, NodeKind};

/// Checks tools and outputs.
pub(super) fn check<'a>(document: &'a Document, report: &mut Report<'a>) {
    let policy = &document.policy;
    for (id, node) in &document.nodes {
        match &node.kind {
            NodeKind::Action(Action::Tool { tool, .. }) if !policy.allowed_tools.contains_key(tool) => {
                report.error(codes::TOOL_NOT_ALLOWED, id, Spot::Member("tool"), |it| it.with("tool", tool));
            }
            NodeKind::Emit(emit) => match (&emit.action, emit.kind) {
                (None, EmitKind::Proposal) => report.error(codes::PROPOSAL_WITHOUT_ACTION, id, None, |it| it),
                (Some(action), EmitKind::Proposal) if !policy.safe_outputs.contains(action) => {
                    report.error(codes::UNSAFE_OUTPUT, id, Spot::Member("action"), |it| it.with("action", action));
                }
                (Some(_), kind) if kind != EmitKind::Proposal => {
                    report.error(codes::ACTION_WITHOUT_PROPOSAL, id, Spot::Member("action"), |it| it);
                }
                _ => {}
            },
            _ => {}
        }
    }
}
