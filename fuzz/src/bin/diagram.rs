//! The reader of diagrams, and all that follows from what it reads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bloom_fuzz::compiles_or_explains("fuzz.drakon", bytes));
