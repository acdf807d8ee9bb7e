//! Managed projects.

use std::ops::ControlFlow;

use bloom_runtime::record::{AuditNote, ManagedProject, NodeStatus, ProjectId};
use bloom_runtime::store::StoreError;

use super::{Key, Rows, Stage, Table, must_be_new, read, require, row, write_audit};
use crate::embedded::rows;

pub(in super::super) fn create(
    stage: &mut Stage<'_>,
    project: &ManagedProject,
    audit: Vec<AuditNote>,
) -> Result<(), StoreError> {
    must_be_new(stage, Table::Projects, "project", project.id.as_str())?;
    must_be_new(stage, Table::ProjectsByName, "project", &project.name)?;
    stage.put_all(rows::project(project));
    write_audit(stage, audit)
}

pub(in super::super) fn put(
    stage: &mut Stage<'_>,
    project: &ManagedProject,
    nodes: &[NodeStatus],
    audit: Vec<AuditNote>,
) -> Result<(), StoreError> {
    let kept: ManagedProject = require(stage, Table::Projects, "project", project.id.as_str())?;
    if kept.name != project.name {
        return Err(StoreError::Contradiction("a project keeps its name"));
    }
    if nodes.iter().any(|node| node.project != project.id) {
        return Err(StoreError::Contradiction("a node's status is of another project"));
    }
    for node in nodes {
        let key = Key::new().text(project.id.as_str()).text(node.node.as_str()).build();
        stage.put(Table::NodeStatuses, key, row::encode(node));
    }
    stage.put(Table::Projects, project.id.as_str().into(), row::encode(project));
    write_audit(stage, audit)
}

pub(in super::super) fn project(rows: &impl Rows, id: &ProjectId) -> Result<Option<ManagedProject>, StoreError> {
    read(rows, Table::Projects, id.as_str())
}

pub(in super::super) fn projects(rows: &impl Rows) -> Result<Vec<ManagedProject>, StoreError> {
    let mut projects: Vec<ManagedProject> = Vec::new();
    rows.ascend(Table::Projects, &Key::new().span(), |_, row| {
        projects.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    projects.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(projects)
}

pub(in super::super) fn node_statuses(rows: &impl Rows, project: &ProjectId) -> Result<Vec<NodeStatus>, StoreError> {
    let mut statuses = Vec::new();
    rows.ascend(Table::NodeStatuses, &Key::new().text(project.as_str()).span(), |_, row| {
        statuses.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(statuses)
}

pub(in super::super) fn remove(stage: &mut Stage<'_>, id: &ProjectId, audit: Vec<AuditNote>) -> Result<(), StoreError> {
    let project: ManagedProject = require(stage, Table::Projects, "project", id.as_str())?;
    for node in node_statuses(stage, id)? {
        stage.remove(Table::NodeStatuses, Key::new().text(id.as_str()).text(node.node.as_str()).build());
    }
    stage.remove(Table::ProjectsByName, project.name.into());
    stage.remove(Table::Projects, id.as_str().into());
    write_audit(stage, audit)
}
