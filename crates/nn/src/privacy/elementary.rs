//! Elementary functions for noise and samples. They have the same bits on every machine, and loops over them are vectorised.
//!
//! They consist of operations on bit patterns, and of additions, multiplications and divisions of `f64` in a fixed order,
//! which round correctly wherever Rust runs. Nothing is contracted, and no function of the platform is used. The
//! methods are the usual ones (Muller, *Elementary Functions*, 3rd edition, chapters 3 and 11). The polynomials are
//! near-minimax, from Chebyshev interpolation with 60 digits. The relative error stays below 1e-15.
//!
//! Programs have functions of this kind too, but they use contracted operations where the processor has them, so their bits
//! may differ.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2};

/// −2 (2 artanh(s) − 2s)/s³ in s² ≤ 0.0295, to 4e-18 of the logarithm.
const LN: [f64; 7] = [
    -1.333_333_333_333_334,
    -0.799_999_999_997_990_1,
    -0.571_428_572_519_510_3,
    -0.444_444_222_695_810_9,
    -0.363_657_782_511_842,
    -0.306_634_431_791_486_14,
    -0.292_328_996_415_649_5,
];

/// sin(πx/2)/x in x² for |x| ≤ ½, to 3e-18.
const SIN: [f64; 7] = [
    FRAC_PI_2,
    -0.645_964_097_506_244_3,
    0.079_692_626_246_043_01,
    -0.004_681_754_132_340_976,
    0.000_160_441_150_742_190_9,
    -3.598_643_352_982_31e-6,
    5.633_933_781_537_854e-8,
];

/// (cos(πx/2) − 1)/x² in x² for |x| ≤ ½, to 2e-16 of the cosine.
const COS: [f64; 6] = [
    -1.233_700_550_136_169,
    0.253_669_507_900_830_4,
    -0.020_863_480_753_196_88,
    0.000_919_260_101_442_624_9,
    -2.520_070_376_196_541_4e-5,
    4.663_205_388_690_343_7e-7,
];

/// A polynomial; its coefficients begin with the constant.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: [f64; N], x: f64) -> f64 {
    let mut sum = coefficients[N - 1];
    let mut next = N - 1;
    while next > 0 {
        next -= 1;
        sum = sum * x + coefficients[next];
    }
    sum
}

/// 2⁶⁴: dividing a word of 64 bits by it gives a number below 1.
pub(super) const WORDS: f64 = 18_446_744_073_709_551_616.0;

/// −2 ln(x/2⁶⁴), for 1 ≤ x ≤ 2⁶⁴.
#[inline(always)]
pub(super) fn minus_twice_ln(x: f64) -> f64 {
    const HALF_ROOT: u64 = FRAC_1_SQRT_2.to_bits();
    const EXPONENT: u64 = 0xfff << 52;
    /// 2⁵², whose last bits are whole numbers.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    // x = 2ᵏ(1 + f), with 1 + f between √½ and √2.
    let k = x.to_bits().wrapping_sub(HALF_ROOT);
    let f = f64::from_bits(x.to_bits().wrapping_sub(k & EXPONENT)) - 1.0;
    let k_less_64 = f64::from_bits((k >> 52) | WHOLE.to_bits()) - (WHOLE + 64.0);
    minus_twice_ln_of_sum(f) + k_less_64 * (-2.0 * LN_2)
}

/// −2 ln(1 + f), with 1 + f between √½ and √2. Only the error of f affects the result, not the rounding error of 1 + f.
#[inline(always)]
fn minus_twice_ln_of_sum(f: f64) -> f64 {
    let s = f / (2.0 + f);
    let z = s * s;
    s * (z * polynomial(LN, z) - 4.0)
}

/// −2 ln(1 − p), for 0 ≤ p < 1; if p is subnormal, the result may be 0.
pub(super) fn minus_twice_ln_of_complement(p: f64) -> f64 {
    // From ¼ on, 1 − p and its logarithm are right to the last bits; below ¼, the difference would lose the last bits of p.
    if p < 0.25 { minus_twice_ln_of_sum(-p) } else { minus_twice_ln((1.0 - p) * WORDS) }
}

/// sin(πx/2) and cos(πx/2), for |x| ≤ ½.
#[inline(always)]
pub(super) fn sin_cos(x: f64) -> (f64, f64) {
    let z = x * x;
    (x * polynomial(SIN, z), 1.0 + z * polynomial(COS, z))
}

#[cfg(test)]
mod tests {
    use super::{WORDS, minus_twice_ln, minus_twice_ln_of_complement, sin_cos};
    use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, SQRT_2};

    /// The largest relative error of any of these functions.
    const ERROR: f64 = 1e-15;

    /// Compares with the functions of the platform, which are right to about a unit in the last place, 2e-16.
    fn assert_close(given: f64, expected: f64, of: f64) {
        let error = (given - expected).abs();
        assert!(error <= ERROR * expected.abs(), "of {of}: {given} and not {expected}, off by {error:e}");
    }

    fn neighbours(x: f64) -> [f64; 3] {
        [x.next_down(), x, x.next_up()]
    }

    #[test]
    fn logarithms_are_right_to_their_error_from_the_smallest_word_to_the_largest() {
        let exponents = (0..=64).map(|k| 2.0_f64.powi(k));
        let edges =
            exponents.flat_map(|power| [power, power * SQRT_2, power * FRAC_1_SQRT_2]).flat_map(neighbours);
        // These are geometric steps through all exponents, and smaller steps where the logarithm goes to zero.
        let all = (0..400_000).map(|i| 1.000_110_9_f64.powi(i));
        let last = (0..200_000).map(|i| WORDS * 0.999_996_f64.powi(i));
        let approaching = (1..54).map(|i| WORDS * (1.0 - 0.5_f64.powi(i)));
        for x in edges.chain(all).chain(last).chain(approaching).filter(|x| (1.0..=WORDS).contains(x)) {
            assert_close(minus_twice_ln(x), -2.0 * (x / WORDS).ln(), x);
        }
    }

    #[test]
    fn logarithms_of_complements_are_right_to_their_error() {
        let small = (0..100_000).map(|i| 1e-300 * 1.006_93_f64.powi(i)).take_while(|&p| p < 0.9);
        let even = (0..100_000).map(|i| f64::from(i) / 1e5);
        let edges = [0.25, 0.5, FRAC_1_SQRT_2, 1.0 - FRAC_1_SQRT_2].into_iter().flat_map(neighbours);
        for p in small.chain(even).chain(edges).chain([1.0_f64.next_down()]) {
            assert_close(minus_twice_ln_of_complement(p), -2.0 * (-p).ln_1p(), p);
        }
        assert_eq!(minus_twice_ln_of_complement(0.0), 0.0);
    }

    #[test]
    fn sines_and_cosines_are_right_to_their_error() {
        let even = (-100_000..=100_000).map(|i| f64::from(i) / 2e5);
        let small = (1..1000).map(|i| 0.5_f64.powi(i));
        for x in even.chain(small) {
            let (sin, cos) = sin_cos(x);
            assert_close(sin, (FRAC_PI_2 * x).sin(), x);
            assert_close(cos, (FRAC_PI_2 * x).cos(), x);
        }
    }
}
