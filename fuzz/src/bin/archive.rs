//! Archives and exports: each input says what is changed in one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // An input that is too short for what it means is none.
    let _ = bloom_fuzz::archive::restores_or_explains(bytes);
});
