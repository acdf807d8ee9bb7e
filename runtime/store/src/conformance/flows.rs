//! Flows, blobs, contexts.

use std::sync::Arc;

use bloom_ir::Digest;
use bloom_runtime::record::Context;
use bloom_runtime::record::{ContextId, FlowRecord, InboxId, LeaseEnding, LeaseId, ProposalId, RunId, TaskId};
use bloom_runtime::store::{LeaseEnd, Store, StoreError};

use super::fixture::note;

fn flow(document: &str, program: &str, version: &str, at: i64) -> FlowRecord {
    FlowRecord {
        hash: Digest::of(document.as_bytes()),
        program: Digest::of(program.as_bytes()),
        id: "archivist".to_owned(),
        version: version.to_owned(),
        title: "Архіваріус".to_owned(),
        stored_at: at,
    }
}

async fn put(store: &dyn Store, flow: &FlowRecord, document: &str) -> Result<(), StoreError> {
    store.put_flow(flow.clone(), document.as_bytes().to_vec(), vec![note("flow_stored", flow.stored_at)]).await
}

pub(super) async fn flow_is_found_by_hash_and_by_version(store: &Arc<dyn Store>) {
    let first = flow("d1", "p1", "1.0.0", 1);
    put(store.as_ref(), &first, "d1").await.unwrap();
    // Repeating it is harmless.
    put(store.as_ref(), &FlowRecord { stored_at: 9, ..first.clone() }, "d1").await.unwrap();
    assert_eq!(store.audit_head().await.unwrap().unwrap().seq, 1);
    assert_eq!(store.flow_document(first.hash).await.unwrap(), Some(b"d1".to_vec()));
    assert_eq!(store.flows().await.unwrap(), std::slice::from_ref(&first));

    let second = flow("d2", "p1", "1.0.0", 2);
    put(store.as_ref(), &second, "d2").await.unwrap();
    let version = store.flow_version("archivist", "1.0.0").await.unwrap().unwrap();
    assert_eq!((version.program, version.documents), (first.program, vec![first.hash, second.hash]));
}

pub(super) async fn version_names_one_program(store: &Arc<dyn Store>) {
    let first = flow("d1", "p1", "1.0.0", 1);
    put(store.as_ref(), &first, "d1").await.unwrap();
    let other = flow("d2", "p2", "1.0.0", 2);
    let refused = put(store.as_ref(), &other, "d2").await;
    assert!(matches!(&refused, Err(StoreError::FlowConflict(conflict)) if conflict.known == first.program));
    assert_eq!(store.flow_document(other.hash).await.unwrap(), None);
    put(store.as_ref(), &flow("d2", "p2", "1.0.1", 2), "d2").await.unwrap();
}

pub(super) async fn unregistered_version_has_no_name(store: &Arc<dyn Store>) {
    for (document, program) in [("d1", "p1"), ("d2", "p2")] {
        put(store.as_ref(), &flow(document, program, "0.0.0", 1), document).await.unwrap();
    }
    assert_eq!(store.flow_version("archivist", "0.0.0").await.unwrap(), None);
    assert_eq!(store.flows().await.unwrap().len(), 2);
}

pub(super) async fn later_document_of_a_hash_stands(store: &Arc<dyn Store>) {
    let record = flow("d1", "p1", "1.0.0", 1);
    put(store.as_ref(), &record, "d1").await.unwrap();
    put(store.as_ref(), &record, "d1 with a second signature").await.unwrap();
    let document = store.flow_document(record.hash).await.unwrap().unwrap();
    assert_eq!(document, b"d1 with a second signature");
}

pub(super) async fn flows_are_listed_newest_first(store: &Arc<dyn Store>) {
    for (document, at) in [("d1", 2), ("d2", 3), ("d3", 1)] {
        put(store.as_ref(), &flow(document, document, "0.0.0", at), document).await.unwrap();
    }
    let times: Vec<_> = store.flows().await.unwrap().iter().map(|flow| flow.stored_at).collect();
    assert_eq!(times, [3, 2, 1]);
}

pub(super) async fn blob_is_found_by_its_digest(store: &Arc<dyn Store>) {
    let large = vec![7; 5 << 20];
    for bytes in [vec![], b"text".to_vec(), large] {
        let digest = store.put_blob(bytes.clone()).await.unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert_eq!(store.put_blob(bytes.clone()).await.unwrap(), digest);
        assert_eq!(store.blob(digest).await.unwrap(), Some(bytes));
    }
}

pub(super) async fn unknown_context_is_empty(store: &Arc<dyn Store>) {
    let id = ContextId::new("c1");
    assert_eq!(store.context(&id).await.unwrap(), Context::empty(id.clone()));
    let context = Context { agents: vec!["archivist".to_owned()], ..Context::empty(id.clone()) };
    store.put_context(context.clone(), vec![note("context_set", 1)]).await.unwrap();
    assert_eq!(store.context(&id).await.unwrap(), context);
    let first = Context::empty(ContextId::new("a"));
    store.put_context(first.clone(), vec![]).await.unwrap();
    assert_eq!(store.contexts().await.unwrap(), [first, context]);
    assert_eq!(store.audit_head().await.unwrap().unwrap().note, note("context_set", 1));
}

pub(super) async fn unknown_ids_find_nothing(store: &Arc<dyn Store>) {
    let nowhere = Digest::of(b"nowhere");
    assert_eq!(store.blob(nowhere).await.unwrap(), None);
    assert_eq!(store.flow_document(nowhere).await.unwrap(), None);
    assert_eq!(store.flow_version("a", "1.0.0").await.unwrap(), None);
    assert_eq!(store.run(&RunId::new("r1")).await.unwrap(), None);
    assert_eq!(store.history(&RunId::new("r1"), 1, 9).await.unwrap(), []);
    assert_eq!(store.inbox_entry(&InboxId::new("i1")).await.unwrap(), None);
    assert_eq!(store.task(&TaskId::new("t1")).await.unwrap(), None);
    assert_eq!(store.tasks(&RunId::new("r1")).await.unwrap(), []);
    assert_eq!(store.lease(&LeaseId::new("l1")).await.unwrap(), None);
    assert_eq!(store.leased(&LeaseId::new("l1")).await.unwrap(), None);
    assert_eq!(store.proposal(&ProposalId::new("p1")).await.unwrap(), None);
    assert_eq!(store.audit_head().await.unwrap(), None);
    let end = LeaseEnd {
        lease: LeaseId::new("l1"),
        epoch: 1,
        ending: LeaseEnding::Expired,
        at: 1,
        append: None,
        retry_at: None,
        kept: None,
        audit: vec![],
    };
    assert!(matches!(store.end_lease(end).await, Err(StoreError::NotFound { kind: "lease", .. })));
    let requeued = store.requeue(&TaskId::new("t1"), 1, vec![]).await;
    assert!(matches!(requeued, Err(StoreError::NotFound { kind: "task", .. })));
}

pub(super) async fn documents_of_a_flow_are_found_in_the_order_in_which_they_came(store: &Arc<dyn Store>) {
    for (document, version, at) in [("d1", "0.0.0", 3), ("d2", "1.0.0", 2), ("d3", "0.0.0", 1)] {
        put(store.as_ref(), &flow(document, document, version, at), document).await.unwrap();
    }
    let id = flow("d1", "d1", "0.0.0", 3).id;
    let other = FlowRecord { id: format!("{id}0"), ..flow("d4", "d4", "0.0.0", 4) };
    put(store.as_ref(), &other, "d4").await.unwrap();
    let times: Vec<_> = store.flows_of(&id).await.unwrap().iter().map(|flow| flow.stored_at).collect();
    assert_eq!(times, [1, 2, 3]);
    let versions: Vec<_> = store.flow_versions(&id).await.unwrap().iter().map(|flow| flow.stored_at).collect();
    assert_eq!((versions, store.flow_draft(&id).await.unwrap().unwrap().stored_at), (vec![2], 3));
    assert_eq!(store.flows_of(&other.id).await.unwrap(), [other]);
    assert_eq!(store.flows_of("nobody's").await.unwrap(), []);
    assert_eq!(store.flow_draft("nobody's").await.unwrap(), None);
}
