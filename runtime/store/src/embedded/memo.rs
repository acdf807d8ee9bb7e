//! What rows say, as it was read or written last: most appends are to a run that was appended to a moment ago, and all go on from the
//! last entry of the audit log.

use std::collections::BTreeMap;

use bloom_runtime::record::{AuditChain, AuditEntry, RunRecord};
use bloom_runtime::store::StoreError;

use super::row;

/// So many runs are kept.
const MOST: usize = 256;

/// What rows were read as, or written from. It says the same as reading them, whatever became of who wrote them.
#[derive(Default)]
pub(super) struct Memo {
    runs: BTreeMap<String, (Vec<u8>, RunRecord)>,
    /// The row of the audit log's last entry, and the chain that ends with it.
    chain: Option<(Vec<u8>, AuditChain)>,
}

impl Memo {
    /// Reads the row of a run.
    pub(super) fn read(&mut self, id: &str, row: &[u8]) -> Result<RunRecord, StoreError> {
        match self.runs.remove(id) {
            Some((known, record)) if known == row => Ok(record),
            _ => row::decode(row),
        }
    }

    /// Keeps what a row was made of.
    pub(super) fn keep(&mut self, row: Vec<u8>, record: RunRecord) {
        if record.status.is_terminal() {
            return;
        }
        if self.runs.len() >= MOST {
            self.runs.pop_first();
        }
        self.runs.insert(record.id.to_string(), (row, record));
    }

    /// The chain that ends with an entry of the audit log.
    pub(super) fn chain(&self, row: &[u8]) -> Result<AuditChain, StoreError> {
        match &self.chain {
            Some((known, chain)) if known == row => Ok(*chain),
            _ => Ok(AuditChain::after(&row::decode::<AuditEntry>(row)?)),
        }
    }

    /// Keeps what a row of the audit log ends.
    pub(super) fn keep_chain(&mut self, row: Vec<u8>, chain: AuditChain) {
        self.chain = Some((row, chain));
    }
}

#[cfg(test)]
mod tests {
    use bloom_runtime::record::{Actor, AuditNote};

    use super::*;
    use crate::conformance::fixture::Scribe;

    #[test]
    fn row_that_is_another_one_is_read() {
        let run = Scribe::new("r1").submission().run;
        let other = RunRecord { waiting: !run.waiting, ..run.clone() };
        let mut memo = Memo::default();
        memo.keep(row::encode(&run), run.clone());
        assert_eq!(memo.read("r1", &row::encode(&other)).unwrap(), other);
        memo.keep(row::encode(&run), run.clone());
        assert_eq!(memo.read("r1", &row::encode(&run)).unwrap(), run);
        assert!(memo.read("r1", b"\x01{").is_err());
    }

    #[test]
    fn entry_that_is_another_one_is_read() {
        let note = |what: &str| AuditNote::new(1, &Actor("owner".to_owned()), what, ("run", "r1"));
        let mut chain = AuditChain::default();
        let mut next = |what| (row::encode(&chain.next(note(what))), chain);
        let (first, second) = (next("one"), next("two"));
        let mut memo = Memo::default();
        memo.keep_chain(first.0.clone(), first.1);
        assert_eq!(memo.chain(&first.0).unwrap(), first.1);
        assert_eq!(memo.chain(&second.0).unwrap(), second.1);
        assert!(memo.chain(b"\x01{").is_err());
    }
}
