//! Expressions: the input is one.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| bloom_fuzz::expression::evaluates_or_explains(text));
