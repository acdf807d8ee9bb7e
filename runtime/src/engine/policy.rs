//! What a flow needs of this machine, checked before anything of it runs.

use bloom_ir::document::{Action, Document, NodeId, NodeKind, OnUnknown, Sandbox, ToolEffect};
use bloom_ir::{Digest, VerifiedIr};

use crate::tool::ToolHost;

/// Why a flow may not run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A tool is not installed, or not the component that the IR pins, or not granted what it asks for.
    #[error("tool `{tool}`: {message}")]
    Tool {
        /// The tool's name.
        tool: String,
        /// A stable code, as `unknown_tool`, `digest_mismatch`, `not_granted`.
        code: String,
        /// For people.
        message: String,
        /// What it asks for, where it is installed: what the operator may have to grant.
        asks: Vec<String>,
    },
    /// The tool is another component than the one that was signed for.
    #[error("tool `{tool}` is {installed} here, but the flow was signed for {signed}")]
    Digest {
        /// The tool's name.
        tool: String,
        /// What the IR pins.
        signed: Digest,
        /// What is installed.
        installed: Digest,
    },
    /// The tool does something else than the IR says.
    #[error("tool `{tool}` says it is {installed:?}, but the flow was signed for {signed:?}")]
    Effect {
        /// The tool's name.
        tool: String,
        /// What the IR says.
        signed: ToolEffect,
        /// What the tool says.
        installed: ToolEffect,
    },
    /// The tool asks for more than the signed policy carries.
    #[error("tool `{tool}` asks for `{capability}`, which the signed policy does not carry")]
    Capability {
        /// The tool's name.
        tool: String,
        /// What it asks for.
        capability: String,
    },
    /// The sandbox profile forbids it.
    #[error("tool `{tool}` needs `{capability}`, which the sandbox profile `restricted` forbids")]
    Network {
        /// The tool's name.
        tool: String,
        /// What it asks for.
        capability: String,
    },
    /// In the profile `rehearsal` no tool runs.
    #[error("the sandbox profile is `rehearsal`: no tool runs, and scripted results of tools are not supported yet")]
    Rehearsal,
    /// A worker cannot execute it.
    #[error("a worker cannot execute it: node {node} {what}")]
    Dispatched {
        /// Where.
        node: NodeId,
        /// What it does.
        what: &'static str,
    },
    /// A flow that it calls is not in the store.
    #[error("the flow `{flow}` that it calls is not in the store; it is meant with hash {hash}")]
    MissingFlow {
        /// The flow's id.
        flow: String,
        /// The IR that is meant.
        hash: Digest,
    },
    /// A flow that it calls is not trusted.
    #[error("the flow `{flow}` that it calls, with hash {hash}, is not trusted: {message}")]
    UntrustedFlow {
        /// The flow's id.
        flow: String,
        /// The IR that is meant.
        hash: Digest,
        /// Why.
        message: String,
    },
}

/// What stands against having a worker execute the flow, whatever the worker.
pub(super) fn of_workers(ir: &VerifiedIr) -> Vec<Refusal> {
    let document = ir.document();
    let of_node = |(node, kind): (&NodeId, &NodeKind)| {
        let what = match kind {
            NodeKind::Action(Action::Flow { .. }) => "starts another flow",
            NodeKind::Action(Action::Sleep { .. } | Action::Timer { .. }) => "waits for a time",
            NodeKind::Action(Action::Await { .. }) => "waits for a signal, a time or a person",
            NodeKind::Action(Action::Tool { on_unknown: Some(OnUnknown::Ask), .. }) => "may have to ask a person",
            _ => return None,
        };
        Some(Refusal::Dispatched { node: node.clone(), what })
    };
    document.nodes.iter().filter_map(|(id, node)| of_node((id, &node.kind))).collect()
}

/// Lists everything that stands against the flow.
pub(super) fn check(ir: &VerifiedIr, host: &dyn ToolHost) -> Result<(), Vec<Refusal>> {
    let document = ir.document();
    let mut refusals = Vec::new();
    if document.policy.sandbox == Sandbox::Rehearsal && !document.policy.allowed_tools.is_empty() {
        refusals.push(Refusal::Rehearsal);
    }
    for tool in document.policy.allowed_tools.keys() {
        refusals.extend(of_tool(document, tool, host));
    }
    if refusals.is_empty() { Ok(()) } else { Err(refusals) }
}

fn of_tool(document: &Document, tool: &str, host: &dyn ToolHost) -> Vec<Refusal> {
    let Some(allowed) = document.policy.allowed_tools.get(tool) else { return Vec::new() };
    let installed = match host.describe(tool, allowed.digest) {
        Ok(installed) => installed,
        Err(error) => {
            let asks = Vec::new();
            return vec![Refusal::Tool { tool: tool.to_owned(), code: error.code, message: error.message, asks }];
        }
    };
    let mut refusals = Vec::new();
    if let Some(signed) = allowed.digest.filter(|signed| *signed != installed.digest) {
        refusals.push(Refusal::Digest { tool: tool.to_owned(), signed, installed: installed.digest });
    }
    if installed.manifest.effect != allowed.effect {
        let (signed, installed) = (allowed.effect, installed.manifest.effect);
        refusals.push(Refusal::Effect { tool: tool.to_owned(), signed, installed });
    }
    for capability in &installed.manifest.capabilities {
        let (tool, capability) = (tool.to_owned(), capability.clone());
        if !allowed.capabilities.contains(&capability) {
            refusals.push(Refusal::Capability { tool, capability });
        } else if document.policy.sandbox == Sandbox::Restricted && capability.starts_with("http:") {
            refusals.push(Refusal::Network { tool, capability });
        }
    }
    if refusals.is_empty()
        && let Err(error) = host.may_call(&installed, &document.flow.id, &allowed.capabilities)
    {
        let asks = installed.manifest.capabilities;
        refusals.push(Refusal::Tool { tool: tool.to_owned(), code: error.code, message: error.message, asks });
    }
    refusals
}
