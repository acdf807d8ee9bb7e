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
    let mut flows = Vec::with_capacity(documents.len());
    for hash in documents {
        if let Some(row) = rows.get(Table::Flows, hash.as_bytes())? {
            flows.push(row::decode(&row)?);
        }
    }
    Ok(flows)
}

pub(in super::super) fn version_key(id: &str, version: &str) -> Vec<u8> {
    Key::new().text(id).text(version).build()
}
