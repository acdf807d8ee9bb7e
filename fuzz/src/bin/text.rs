//! The grammar: the input is a program in pseudocode, and what is written in an icon.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    bloom_fuzz::compiles_or_explains("fuzz.md", text.as_bytes());
    bloom_fuzz::compiles_or_explains("fuzz.md", format!("BEGIN\n  {text}\nEND\n").as_bytes());
});
