//! Managed projects.

use std::sync::Arc;

use bloom_runtime::record::{CloneStatus, ManagedProject, NodeStatus, NodeStatusId, ProjectId, WorkerId};
use bloom_runtime::store::{Store, StoreError};

use super::fixture::note;

fn project(id: &str, name: &str, created_at: i64) -> ManagedProject {
    ManagedProject {
        id: ProjectId::new(id),
        name: name.to_owned(),
        repo_url: "https://example.org/a.git".to_owned(),
        target_path: None,
        status: CloneStatus::Pending,
        primary_node: None,
        created_at,
        updated_at: created_at,
        error: None,
    }
}

fn node(project: &str, node: &str, status: CloneStatus) -> NodeStatus {
    NodeStatus {
        id: NodeStatusId::new(format!("{project} on {node}")),
        project: ProjectId::new(project),
        node: WorkerId::new(node),
        status,
        last_sync_at: Some(7),
        error: None,
        repo_path: Some("/home/x/a".to_owned()),
    }
}

pub(super) async fn project_is_kept_with_its_nodes(store: &Arc<dyn Store>) {
    assert_eq!(store.projects().await.unwrap(), []);
    let first = project("p1", "garden", 5);
    store.create_project(first.clone(), vec![note("project_created", 5)]).await.unwrap();
    // The id of another one begins like this one's.
    let second = project("p10", "Сад", 6);
    store.create_project(second.clone(), vec![]).await.unwrap();
    assert_eq!(store.projects().await.unwrap(), [second.clone(), first.clone()], "newest first");
    assert_eq!(store.project(&first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.project(&ProjectId::new("p2")).await.unwrap(), None);

    let nodes = vec![node("p1", "rpi5", CloneStatus::Failed), node("p1", "rpi4b", CloneStatus::Cloned)];
    let cloned = ManagedProject { status: CloneStatus::Cloned, primary_node: Some(WorkerId::new("rpi4b")), ..first };
    store.put_project(cloned.clone(), nodes.clone(), vec![note("project_cloned", 7)]).await.unwrap();
    store.put_project(second.clone(), vec![node("p10", "rpi5", CloneStatus::Cloned)], vec![]).await.unwrap();
    assert_eq!(store.project(&cloned.id).await.unwrap(), Some(cloned.clone()));
    assert_eq!(store.node_statuses(&cloned.id).await.unwrap(), [nodes[1].clone(), nodes[0].clone()], "by node");
    let synced = node("p1", "rpi5", CloneStatus::Cloned);
    store.put_project(cloned.clone(), vec![synced.clone()], vec![]).await.unwrap();
    assert_eq!(store.node_statuses(&cloned.id).await.unwrap(), [nodes[1].clone(), synced]);
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "project_cloned");
}

pub(super) async fn project_has_a_name_of_its_own(store: &Arc<dyn Store>) {
    store.create_project(project("p1", "garden", 5), vec![]).await.unwrap();
    for other in [project("p1", "other", 6), project("p2", "garden", 6)] {
        let refused = store.create_project(other, vec![note("project_created", 6)]).await;
        assert!(matches!(refused, Err(StoreError::Exists { kind: "project", .. })), "{refused:?}");
    }
    let renamed = store.put_project(project("p1", "other", 5), vec![], vec![]).await;
    assert!(matches!(renamed, Err(StoreError::Contradiction(_))), "{renamed:?}");
    let mixed = store.put_project(project("p1", "garden", 5), vec![node("p2", "x", CloneStatus::Cloned)], vec![]).await;
    assert!(matches!(mixed, Err(StoreError::Contradiction(_))), "{mixed:?}");
    assert_eq!(store.audit_head().await.unwrap(), None);
}

pub(super) async fn removed_project_leaves_nothing(store: &Arc<dyn Store>) {
    let id = ProjectId::new("p1");
    let none = store.remove_project(&id, vec![note("project_deleted", 5)]).await;
    assert!(matches!(none, Err(StoreError::NotFound { kind: "project", .. })), "{none:?}");
    store.create_project(project("p1", "garden", 5), vec![]).await.unwrap();
    store.put_project(project("p1", "garden", 5), vec![node("p1", "rpi5", CloneStatus::Cloned)], vec![]).await.unwrap();
    store.remove_project(&id, vec![note("project_deleted", 6)]).await.unwrap();
    assert_eq!((store.project(&id).await.unwrap(), store.node_statuses(&id).await.unwrap()), (None, vec![]));
    let late = store.put_project(project("p1", "garden", 5), vec![node("p1", "x", CloneStatus::Cloned)], vec![]).await;
    assert!(matches!(late, Err(StoreError::NotFound { kind: "project", .. })), "what was under way is not kept: {late:?}");
    assert_eq!(store.node_statuses(&id).await.unwrap(), []);
    store.create_project(project("p1", "garden", 7), vec![]).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "project_deleted");
}
