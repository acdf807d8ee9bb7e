//! Requests to the server: each input is a conversation over its routes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // An input that is too short for what it means is none.
    let _ = bloom_fuzz::api::answers_whatever_it_is_asked(bytes);
});
