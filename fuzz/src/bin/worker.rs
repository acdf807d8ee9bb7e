//! Workers: each input says what becomes of the messages of one on their way to the server.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bloom_fuzz::worker::is_believed_or_refused(bytes));
