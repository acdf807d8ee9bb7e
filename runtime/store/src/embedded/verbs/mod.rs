//! What changes the store: each verb checks, and writes to its stage. The rules are the records' own.

pub(super) mod artifact;
pub(super) mod context;
pub(super) mod flow;
pub(super) mod history;
pub(super) mod project;
pub(super) mod proposal;
pub(super) mod question;
pub(super) mod setting;
pub(super) mod task;
pub(super) mod worker;

use bloom_ir::Digest;
use bloom_runtime::record::AuditNote;
use bloom_runtime::store::StoreError;
use serde::de::DeserializeOwned;

use super::super::place::Placed;
use super::key::Key;
use super::row;
use super::snapshot::Rows;
use super::stage::Stage;
use super::table::Table;

/// Keeps bytes under their digest.
pub(super) fn keep_blob(stage: &mut Stage<'_>, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
    if stage.get(Table::Blobs, digest.as_bytes())?.is_none() {
        stage.put(Table::Blobs, digest.as_bytes().to_vec(), bytes);
    }
    Ok(())
}

/// Bytes that are to be kept, or were kept before the file is told.
pub(super) enum Content {
    Here(Vec<u8>),
    Elsewhere(Placed),
}

/// Keeps what is handed out, unless it is kept already.
pub(super) fn keep_content(stage: &mut Stage<'_>, digest: Digest, content: Content) -> Result<(), StoreError> {
    if stage.get(Table::Placed, digest.as_bytes())?.is_some() {
        return Ok(());
    }
    match content {
        Content::Here(bytes) => keep_blob(stage, digest, bytes)?,
        Content::Elsewhere(placed) => stage.put(Table::Placed, digest.as_bytes().to_vec(), row::encode(&placed)),
    }
    Ok(())
}

/// Adds to the audit log.
pub(super) fn write_audit(stage: &mut Stage<'_>, notes: Vec<AuditNote>) -> Result<(), StoreError> {
    if notes.is_empty() {
        return Ok(());
    }
    let mut chain = stage.audit_chain()?;
    for note in notes {
        let entry = chain.next(note);
        stage.put_audit(&entry, chain);
    }
    Ok(())
}

pub(super) fn read<T: DeserializeOwned>(rows: &impl Rows, table: Table, id: &str) -> Result<Option<T>, StoreError> {
    rows.get(table, id.as_bytes())?.map(|row| row::decode(&row)).transpose()
}

pub(super) fn require<T: DeserializeOwned>(
    rows: &impl Rows,
    table: Table,
    kind: &'static str,
    id: &str,
) -> Result<T, StoreError> {
    read(rows, table, id)?.ok_or_else(|| StoreError::NotFound { kind, id: id.to_owned() })
}

/// Refuses an id that is used.
fn must_be_new(rows: &impl Rows, table: Table, kind: &'static str, id: &str) -> Result<(), StoreError> {
    match rows.get(table, id.as_bytes())? {
        None => Ok(()),
        Some(_) => Err(StoreError::Exists { kind, id: id.to_owned() }),
    }
}
