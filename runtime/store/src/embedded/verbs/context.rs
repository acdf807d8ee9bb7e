//! Execution contexts.

use std::ops::ControlFlow;

use bloom_runtime::record::{AuditNote, Context, ContextId};
use bloom_runtime::store::StoreError;

use super::{Key, Rows, Stage, Table, read, row, write_audit};

pub(in super::super) fn put(stage: &mut Stage<'_>, context: &Context, audit: Vec<AuditNote>) -> Result<(), StoreError> {
    stage.put(Table::Contexts, context.id.as_str().into(), row::encode(context));
    write_audit(stage, audit)
}

pub(in super::super) fn context(rows: &impl Rows, id: &ContextId) -> Result<Context, StoreError> {
    Ok(read(rows, Table::Contexts, id.as_str())?.unwrap_or_else(|| Context::empty(id.clone())))
}

pub(in super::super) fn contexts(rows: &impl Rows) -> Result<Vec<Context>, StoreError> {
    let mut contexts = Vec::new();
    rows.ascend(Table::Contexts, &Key::new().span(), |_, row| {
        contexts.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(contexts)
}
