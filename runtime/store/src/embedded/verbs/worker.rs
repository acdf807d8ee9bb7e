//! Workers.

use bloom_runtime::record::{AuditNote, Task, Worker, WorkerId};
use bloom_runtime::store::StoreError;

use super::{Rows, Stage, Table, read, row, task, write_audit};

pub(in super::super) fn put(stage: &mut Stage<'_>, worker: &Worker, audit: Vec<AuditNote>) -> Result<(), StoreError> {
    stage.put(Table::Workers, worker.id.as_str().into(), row::encode(worker));
    write_audit(stage, audit)
}

pub(in super::super) fn worker(rows: &impl Rows, id: &WorkerId) -> Result<Option<Worker>, StoreError> {
    read(rows, Table::Workers, id.as_str())
}

pub(in super::super) fn remove(
    stage: &mut Stage<'_>,
    id: &WorkerId,
    at: i64,
    audit: Vec<AuditNote>,
) -> Result<Vec<Task>, StoreError> {
    let is_kept = stage.get(Table::Workers, id.as_str().as_bytes())?.is_some();
    let revoked = task::revoke_all(stage, id, at)?;
    if !is_kept && revoked.is_empty() {
        return Err(StoreError::NotFound { kind: "worker", id: id.to_string() });
    }
    stage.remove(Table::Workers, id.as_str().into());
    write_audit(stage, audit)?;
    Ok(revoked)
}
