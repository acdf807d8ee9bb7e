//! Time and ids, which only the edge may make.

use crate::record::RunId;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Unix milliseconds. The clock may be set at any time, so what happened later may have an earlier time.
    fn now(&self) -> i64;

    /// Milliseconds since some moment, by which to measure how long something takes: who sets the clock does not change them.
    fn elapsed(&self) -> i64 {
        self.now()
    }
}

/// Makes ids.
pub trait Ids: Send + Sync {
    /// A new id; ids made later sort after it.
    fn fresh(&self) -> String;

    /// A secret that nobody can guess. Unlike an id it must be drawn, so where ids are counted it is only good for tests.
    fn secret(&self) -> String {
        format!("{}{}", self.fresh(), self.fresh())
    }

    /// An id for a run.
    fn run(&self) -> RunId {
        RunId::new(self.fresh())
    }
}
