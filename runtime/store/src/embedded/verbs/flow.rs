//! Flows.

use std::ops::ControlFlow;

use bloom_runtime::record::{AuditNote, FlowRecord, FlowVersion};
use bloom_runtime::store::StoreError;

use super::{Key, Rows, Stage, Table, row, write_audit};

pub(in super::super) fn put(
    stage: &mut Stage<'_>,
    flow: &FlowRecord,
    document: Vec<u8>,
    audit: Vec<AuditNote>,
) -> Result<(), StoreError> {
    let hash = flow.hash.as_bytes();
    if flow.is_registered() {
        let known = version(stage, &flow.id, &flow.version)?;
        let mut named = known.clone().unwrap_or_else(|| FlowVersion::of(flow));
        named.add(flow)?;
        if known.as_ref() != Some(&named) {
            stage.put(Table::FlowVersions, version_key(&flow.id, &flow.version), row::encode(&named));
        }
    }
    if stage.holds(Table::FlowDocuments, hash, &document)? {
        return Ok(());
    }
    if stage.get(Table::Flows, hash)?.is_none() {
        stage.put(Table::Flows, hash.to_vec(), row::encode(flow));
        stage.put(Table::FlowsById, place(flow), hash.to_vec());
    }
    stage.put(Table::FlowDocuments, hash.to_vec(), document);
    write_audit(stage, audit)
}

pub(in super::super) fn version(rows: &impl Rows, id: &str, version: &str) -> Result<Option<FlowVersion>, StoreError> {
    rows.get(Table::FlowVersions, &version_key(id, version))?.map(|row| row::decode(&row)).transpose()
}

/// The documents of all versions of a flow.
pub(in super::super) fn versions(rows: &impl Rows, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
    let mut documents = Vec::new();
    rows.ascend(Table::FlowVersions, &Key::new().text(id).span(), |_, row| {
        documents.extend(row::decode::<FlowVersion>(row)?.documents);
        Ok(ControlFlow::Continue(()))
    })?;
    documents.iter().map(|hash| of_hash(rows, hash.as_bytes())).collect()
}

/// Of the documents that no version names, the one that came last.
pub(in super::super) fn draft(rows: &impl Rows, id: &str) -> Result<Option<FlowRecord>, StoreError> {
    let mut draft = None;
    rows.descend(Table::FlowsById, &Key::new().text(id).span(), |_, hash| {
        draft = Some(of_hash(rows, hash)?).filter(|flow| !flow.is_registered());
        Ok(if draft.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(draft)
}

fn of_hash(rows: &impl Rows, hash: &[u8]) -> Result<FlowRecord, StoreError> {
    let flow = rows.get(Table::Flows, hash)?;
    row::decode(&flow.ok_or_else(|| StoreError::Damaged("a document of a flow is not there".to_owned()))?)
}

/// All documents of a flow, in the order in which they came.
pub(in super::super) fn of_id(rows: &impl Rows, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
    let mut flows = Vec::new();
    rows.ascend(Table::FlowsById, &Key::new().text(id).span(), |_, hash| {
        flows.push(of_hash(rows, hash)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(flows)
}

/// Where a document stands among those of its flow.
pub(in super::super) fn place(flow: &FlowRecord) -> Vec<u8> {
    Key::new().text(&flow.id).signed(flow.stored_at).bytes(flow.hash.as_bytes()).build()
}

pub(in super::super) fn version_key(id: &str, version: &str) -> Vec<u8> {
    Key::new().text(id).text(version).build()
}
