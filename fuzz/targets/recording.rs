#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| grader_fuzz::recording(data));
