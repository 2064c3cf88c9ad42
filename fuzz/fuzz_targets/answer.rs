#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aws_calls::hostile::answer(input));
