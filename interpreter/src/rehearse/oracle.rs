//! Who answers what values would decide.

use std::collections::BTreeMap;

/// Answers in the place of values.
pub trait Oracle {
    /// Yes or no. `label` says what is asked: `q:` and a question's icon, `c:` and a case's, `l:` and a loop's.
    fn answer(&mut self, label: &str) -> bool;
}

/// Answers by the hash of a seed, what is asked, and how often it was asked before: the same seed gives the same answers.
#[derive(Clone, Debug)]
pub struct HashOracle {
    seed: String,
    asked: BTreeMap<String, u64>,
}

impl HashOracle {
    /// An oracle that has answered nothing yet.
    pub fn new(seed: impl Into<String>) -> Self {
        Self { seed: seed.into(), asked: BTreeMap::new() }
    }
}

impl Oracle for HashOracle {
    fn answer(&mut self, label: &str) -> bool {
        let times = self.asked.entry(label.to_owned()).or_default();
        let before = *times;
        *times = before.saturating_add(1);
        hash(&format!("{}|{label}|{before}", self.seed)) % 1000 < 500
    }
}

/// FNV-1a over UTF-16 code units (<http://www.isthe.com/chongo/tech/comp/fnv/>), stirred as in `MurmurHash2`, because the
/// last bits of FNV change little with the last letters.
fn hash(text: &str) -> u32 {
    let mut hash =
        text.encode_utf16().fold(2_166_136_261, |hash: u32, unit| (hash ^ u32::from(unit)).wrapping_mul(16_777_619));
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0x5bd1_e995);
    hash ^ (hash >> 15)
}
