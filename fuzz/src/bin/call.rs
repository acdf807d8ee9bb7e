//! Arguments: the input is JSON that tools are called with.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bloom_fuzz::tool::calls_or_explains(input));
