//! What a flow's policy says of the tools that it calls.

#![allow(clippy::panic, reason = "tests")]

mod support;

use bloom_compiler::{Options, SourceFile, compile};
use bloom_ir::document::{Action, Document, NodeKind, Sandbox};

fn compiled(body: &str, options: &Options) -> Document {
    let text = format!("BEGIN \"T\"\n\n{body}\n\nEND\n");
    let compilation = compile(&SourceFile::new("t.md", text.as_bytes()), options);
    compilation.document.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics))
}

#[test]
fn a_tool_that_is_called_by_another_name_is_the_same_tool() {
    let document = compiled("  memory = memory-read()\n  text = context-read(\"a\")", &support::options());
    assert_eq!(document.policy.allowed_tools.keys().collect::<Vec<_>>(), ["read-context", "read-memory"]);
    let called = document.nodes.values().filter_map(|node| match &node.kind {
        NodeKind::Action(Action::Tool { tool, .. }) => Some(tool.as_str()),
        _ => None,
    });
    assert!(called.eq(["read-memory", "read-context"]));
    let allowed = |name: &str| Options { allowed_tools: Some(vec![name.to_owned()]), ..support::options() };
    for name in ["read-memory", "memory-read"] {
        compiled("  a = memory-read()\n  b = read-memory()", &allowed(name));
    }
    let refused =
        compile(&SourceFile::new("t.md", b"BEGIN \"T\"\n\n  a = memory-read()\n\nEND\n"), &allowed("read-notes"));
    assert!(refused.diagnostics.iter().any(|diagnostic| diagnostic.code.0 == "D108"), "{:?}", refused.diagnostics);
}

#[test]
fn a_flow_that_calls_a_tool_with_network_says_so_unless_it_is_told_otherwise() {
    let sandbox = |body, options| compiled(body, &options).policy.sandbox;
    assert_eq!(sandbox("  a = read-notes()", support::options()), Sandbox::Restricted);
    assert_eq!(sandbox("  a = http-get(\"https://example.org\")", support::options()), Sandbox::Network);
    let restricted = Options { sandbox: Some(Sandbox::Restricted), ..support::options() };
    assert_eq!(sandbox("  a = http-get(\"https://example.org\")", restricted), Sandbox::Restricted);
}

#[test]
fn a_tool_that_says_how_often_to_try_is_tried_so_often() {
    let document = compiled("  a = notebooklm-query(\"?\")\n  b = read-notes()", &support::options());
    let tried: Vec<_> = document
        .nodes
        .values()
        .filter_map(|node| match &node.kind {
            NodeKind::Action(Action::Tool { tool, retry, .. }) => {
                Some((tool.as_str(), retry.as_ref().map(|retry| retry.attempts)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(tried, [("notebooklm-query", Some(4)), ("read-notes", None)]);
}
