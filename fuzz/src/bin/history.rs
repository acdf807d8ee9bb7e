//! Histories: the input is one, as it was exported, archived, or sent by a worker.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| bloom_fuzz::history::replays_or_explains(text));
