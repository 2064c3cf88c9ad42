#![no_main]

#[path = "../../remediator-core/tests/inputs/event.rs"]
mod inputs;

libfuzzer_sys::fuzz_target!(|input: &[u8]| inputs::event(input));
