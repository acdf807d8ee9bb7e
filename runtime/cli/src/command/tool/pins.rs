//! Which flows pin a component.

use std::collections::BTreeSet;

use bloom_ir::Digest;
use bloom_runtime::store::Store as _;

use crate::store::Store;

/// The flows of the store whose programs pin one of these components, as `id@version`.
pub(crate) async fn flows(store: &Store<'_>, digests: &[Digest]) -> anyhow::Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for flow in store.inner.flows().await? {
        let Some(bytes) = store.inner.flow_document(flow.hash).await? else { continue };
        // Looked at, not run: a document that nobody trusts any more still pins.
        let pinned = pinned(&bytes);
        if digests.iter().any(|digest| pinned.contains(digest)) {
            let _ = found.insert(format!("{}@{}", flow.id, flow.version));
        }
    }
    Ok(found.into_iter().collect())
}

fn pinned(bytes: &[u8]) -> Vec<Digest> {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(bytes) else { return Vec::new() };
    let tools = document.pointer("/policy/allowed_tools").and_then(serde_json::Value::as_object);
    let digests = tools.into_iter().flat_map(|tools| tools.values()).filter_map(|tool| tool.get("digest")?.as_str());
    digests.filter_map(|digest| digest.parse().ok()).collect()
}
