//! Records of runs as their rows say them: most appends are to a run that was appended to a moment ago.

use std::collections::BTreeMap;

use bloom_runtime::record::RunRecord;
use bloom_runtime::store::StoreError;

use super::row;

/// So many are kept.
const MOST: usize = 256;

/// What rows were read as, or written from. It says the same as reading them, whatever became of who wrote them.
#[derive(Default)]
pub(super) struct Memo(BTreeMap<String, (Vec<u8>, RunRecord)>);

impl Memo {
    /// Reads the row of a run.
    pub(super) fn read(&mut self, id: &str, row: &[u8]) -> Result<RunRecord, StoreError> {
        match self.0.remove(id) {
            Some((known, record)) if known == row => Ok(record),
            _ => row::decode(row),
        }
    }

    /// Keeps what a row was made of.
    pub(super) fn keep(&mut self, row: Vec<u8>, record: RunRecord) {
        if record.status.is_terminal() {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_first();
        }
        self.0.insert(record.id.to_string(), (row, record));
    }
}

#[cfg(test)]
mod tests {
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
}
