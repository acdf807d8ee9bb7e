//! Execution contexts.

use bloom_runtime::record::Context;
use bloom_runtime::record::ContextId;
use bloom_runtime::store::StoreError;

use super::{Rows, Stage, Table, read, row};

pub(in super::super) fn put(stage: &mut Stage<'_, '_>, context: &Context) {
    stage.put(Table::Contexts, context.id.as_str().into(), row::encode(context));
}

pub(in super::super) fn context(rows: &mut impl Rows, id: &ContextId) -> Result<Context, StoreError> {
    Ok(read(rows, Table::Contexts, id.as_str())?.unwrap_or_else(|| Context::empty(id.clone())))
}
