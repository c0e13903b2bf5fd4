#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| custody_tests::fuzz::run("output", bytes));
