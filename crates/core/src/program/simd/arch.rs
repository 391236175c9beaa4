//! The instruction set of lanes: the widest available, or a narrower one if the environment variable says so.

use std::sync::OnceLock;

/// The variable that restricts the instruction set, so that a wide machine can be tested as a narrow one.
const VARIABLE: &str = "DUALTAPE_INSTRUCTIONS";

/// The instruction set. It is detected once.
///
/// # Panics
///
/// If the variable names no instruction set.
pub(in crate::program) fn arch() -> pulp::Arch {
    static ARCH: OnceLock<pulp::Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("widest") => pulp::Arch::new(),
        Ok("avx2") => at_most_avx2(),
        Ok("scalar") => pulp::Arch::Scalar,
        Ok(other) => panic!("{VARIABLE} must be widest, avx2 or scalar, not '{other}'"),
    })
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn at_most_avx2() -> pulp::Arch {
    pulp::x86::V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3)
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn at_most_avx2() -> pulp::Arch {
    pulp::Arch::new()
}
