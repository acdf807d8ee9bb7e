//! How much memory a call has, and may have.

use wasmtime::ResourceLimiter;

/// More elements than any tool's function table needs.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// Counts all linear memories of a call together.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    used: usize,
    /// Whether the call was refused memory: what it does next, usually a trap, is the consequence.
    refused: bool,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: 0, refused: false }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
