//! The host's functions: imports of the component, or what stands in for them in native tests.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::bloom::tool::{artifacts, config, files, http, log};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{artifacts, config, files, http, log};
