//! Manifests: the input is what a component says of itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| bloom_fuzz::tool::reads_manifest_or_explains(input));
