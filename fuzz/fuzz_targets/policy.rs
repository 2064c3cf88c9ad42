#![no_main]

#[path = "../../remediator-core/tests/inputs/policy.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|input: &[u8]| inputs::policy(input));
