//! Programs of all kinds: documents made of the input that pass the load-time checks, and runs of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // An input that is too short for what it means is none.
    let _ = bloom_fuzz::program::runs_or_explains(bytes);
});
