//! The host's side of the WIT package in `schemas/wit/bloom-tool`, generated.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "generated from the WIT package, where the documentation is; wasmtime's typed functions need unsafe"
)]

wasmtime::component::bindgen!({
    path: "../../schemas/wit/bloom-tool",
    world: "adapter",
    imports: { default: trappable },
    exports: { default: async },
});
