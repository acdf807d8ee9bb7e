//! What the tools have in common: the world `bloom:tool/adapter`, JSON in and out, and files behind a trait, so that a tool
//! is a function that native tests can call.

/// Generated from the WIT package.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the documentation is in the WIT package")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../schemas/wit/bloom-tool",
        world: "adapter",
        additional_derives: [PartialEq],
        pub_export_macro: true,
    });
}

mod files;
#[cfg(not(target_arch = "wasm32"))]
pub mod folder;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use bindings::bloom::tool::files::{Entry, Page};
pub use bindings::bloom::tool::types::Failure;
pub use files::{Files, Granted, list_all, read_if_there, read_text};

/// A failure that the same call would meet again.
pub fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure { code: code.into(), message: message.into(), retryable: false }
}

/// Answers a call that came as JSON.
pub fn answer<Input: DeserializeOwned, Output: Serialize>(
    input: &str,
    call: impl FnOnce(Input, &Granted) -> Result<Output, Failure>,
) -> Result<String, Failure> {
    let input = serde_json::from_str(input).map_err(|error| failure("invalid_input", error.to_string()))?;
    let output = call(input, &Granted)?;
    serde_json::to_string(&output).map_err(|error| failure("invalid_output", error.to_string()))
}

/// Makes a component of a manifest and a function `(Input, &impl Files) -> Result<Output, Failure>`.
#[macro_export]
macro_rules! tool {
    ($manifest:expr, $call:expr) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Tool;

            impl $crate::bindings::Guest for Tool {
                fn describe() -> String {
                    $manifest.into()
                }

                fn invoke(_call_id: String, input: String) -> Result<String, $crate::Failure> {
                    $crate::answer(&input, $call)
                }
            }

    $crate::bindings::export!(Tool with_types_in $crate::bindings);
        };
    };
}
