//! The reader of IR documents, and their load-time checks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bloom_fuzz::reads_or_explains(bytes));
