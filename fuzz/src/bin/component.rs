//! Components: the input is one, as somebody installs it.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bloom_fuzz::tool::examines_or_explains(input));
