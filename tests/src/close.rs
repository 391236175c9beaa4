//! Comparisons of numbers up to a tolerance.

/// Whether two numbers agree within a relative tolerance, or an absolute one below 1; equal infinities
/// agree, and so do two NaNs.
pub fn close(a: f64, b: f64, tolerance: f64) -> bool {
    let same = a == b || (a.is_nan() && b.is_nan());
    same || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

/// Whether two numbers are the same (zeros of either sign are equal, and so are all NaN), or at most `ulps` units in
/// the last place apart.
pub fn near(a: f64, b: f64, ulps: f64) -> bool {
    let same = a == b || (a.is_nan() && b.is_nan());
    same || (a - b).abs() <= ulps * ulp(a.abs().max(b.abs()))
}

/// The distance from a finite positive number to the next.
fn ulp(x: f64) -> f64 {
    x.next_up() - x
}

/// Asserts that all numbers are [`close`], and names the first that is not.
///
/// # Panics
///
/// If a pair differs, or the lengths do.
#[track_caller]
pub fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths differ");
    for (i, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        assert!(close(a, e, tolerance), "{what}[{i}]: got {a:e}, expected {e:e} within {tolerance:e}");
    }
}
