//! Machine code frees its memory. This test runs alone in its process, since it measures the memory of the whole process.

use dualtape::codegen::Quantity;
use dualtape::{Float, Program};
use dualtape_jit::{Jit, Tier};

/// The memory of this process in bytes.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

#[test]
fn memory_of_code_that_is_dropped_is_given_back() {
    let count = std::env::var("DUALTAPE_COMPILATIONS").map_or(20_000, |text| text.parse().expect("a number"));
    let program = Program::record(|x| x[0] * x[1] + x[0].sin(), &[1.0, 2.0]).unwrap();
    let (jit, mut before, mut outputs) = (Jit::new(Tier::SinglePass).unwrap(), None, [0.0; 3]);
    for k in 0..count {
        let mut gradient = jit.compile(&program, Quantity::Gradient).unwrap();
        gradient.call(&[0.5, f64::from(k)], &mut outputs).expect("it is smooth");
        if k == 1000 {
            before = resident();
        }
    }
    // Code takes whole pages, so a leak of thousands of compilations would show.
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after < before + (32 << 20), "{before} bytes, then {after}");
    }
}
