//! Settings that are made while a server runs.

use bloom_runtime::record::AuditNote;
use bloom_runtime::store::StoreError;

use super::{Rows, Stage, Table, row, write_audit};

pub(in super::super) fn put(
    stage: &mut Stage<'_>,
    name: &str,
    value: &str,
    audit: Vec<AuditNote>,
) -> Result<(), StoreError> {
    stage.put(Table::Settings, name.into(), row::encode(&value));
    write_audit(stage, audit)
}

pub(in super::super) fn setting(rows: &impl Rows, name: &str) -> Result<Option<String>, StoreError> {
    rows.get(Table::Settings, name.as_bytes())?.map(|row| row::decode(&row)).transpose()
}
