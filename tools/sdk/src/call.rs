//! One call, from JSON to JSON.

use std::cell::RefCell;

thread_local! {
    static CALL_ID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The id of this call, the same for every attempt at it: pass it on as an idempotency key.
pub fn call_id() -> String {
    CALL_ID.with_borrow(Clone::clone)
}

pub(crate) fn set_call_id(id: String) {
    CALL_ID.set(id);
}

/// What the attribute [`tool`](crate::tool) expands to uses; no part of the interface.
pub mod export {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use crate::{Failure, OrFail as _};

    pub use crate::bindings::Guest;
    pub use crate::bindings::export as component;
    pub use crate::manifest::{About, manifest};

    /// Answers a call that came as JSON.
    pub fn invoke<Input: DeserializeOwned, Output: Serialize>(
        call_id: String,
        input: &str,
        tool: impl FnOnce(Input) -> Result<Output, Failure>,
    ) -> Result<String, Failure> {
        #[cfg(target_arch = "wasm32")]
        std::panic::set_hook(Box::new(|panic| crate::log::error(panic.to_string())));
        super::set_call_id(call_id);
        let input = serde_json::from_str(input).or_fail("invalid_input")?;
        serde_json::to_string(&tool(input)?).or_fail("invalid_output")
    }
}
