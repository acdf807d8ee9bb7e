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

/// All documents of a flow, in the order in which they came.
pub(in super::super) fn of_id(rows: &impl Rows, id: &str) -> Result<Vec<FlowRecord>, StoreError> {
    let mut flows = Vec::new();
    rows.ascend(Table::FlowsById, &Key::new().text(id).span(), |_, hash| {
        let flow = rows.get(Table::Flows, hash)?;
        let flow = flow.ok_or_else(|| StoreError::Damaged(format!("a document of the flow {id} is not there")))?;
        flows.push(row::decode(&flow)?);
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
