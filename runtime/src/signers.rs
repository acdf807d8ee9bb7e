//! Whose signatures count.

use std::sync::Arc;

use bloom_ir::TrustList;

/// Whose signatures count. Ask anew for each decision: people come to be trusted, and stop to be, while a server runs.
pub trait Signers: Send + Sync {
    /// The list as it stands now.
    fn trusted(&self) -> Arc<TrustList>;
}

/// A list that nobody changes.
impl Signers for TrustList {
    fn trusted(&self) -> Arc<TrustList> {
        Arc::new(self.clone())
    }
}
