//! Answers of LLM programs: the input is what one printed, or a script of answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| bloom_fuzz::answer::answers_or_explains(text));
