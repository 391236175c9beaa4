//! Elementary functions without branches, so that loops over lanes of numbers become vector instructions.
//!
//! Each function reduces the argument to a short interval, evaluates a polynomial there, and reconstructs the result,
//! all with selects and bit patterns. The error is below 2 units in the last place everywhere; `tests/elementary.rs`
//! measures it. The polynomials are near-minimax, from Chebyshev interpolation at 60 digits. Numbers of type `f32`
//! use the same formulas in `f64`, with shorter polynomials.
//!
//! The methods are standard ones (Muller, *Elementary Functions*, 3rd edition, chapters 3, 11 and 12).

/// Vectorised functions. `FMA` states whether the processor multiplies and adds in one instruction.
pub trait Elementary: crate::program::simd::vector::Vectors {
    /// a·b + c, rounded once or twice.
    fn contract<const FMA: bool>(self, b: Self, c: Self) -> Self;
    /// e to the power `x`.
    fn exp_lane<const FMA: bool>(self) -> Self;
    /// eˣ − 1.
    fn exp_m1_lane<const FMA: bool>(self) -> Self;
    /// The natural logarithm.
    fn ln_lane<const FMA: bool>(self) -> Self;
    /// ln(1 + x).
    fn ln_1p_lane<const FMA: bool>(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh_lane<const FMA: bool>(self) -> Self;
    /// The logistic function.
    fn sigmoid_lane<const FMA: bool>(self) -> Self;
    /// ln(1 + eˣ).
    fn softplus_lane<const FMA: bool>(self) -> Self;
    /// The sine, for arguments up to [`TRIGONOMETRIC_RANGE`].
    fn sin_lane<const FMA: bool>(self) -> Self;
    /// The cosine, for arguments up to [`TRIGONOMETRIC_RANGE`].
    fn cos_lane<const FMA: bool>(self) -> Self;
}

/// Above this, sines and cosines need more digits of π than the formulas here have.
pub(crate) const TRIGONOMETRIC_RANGE: f64 = 5e5;

/// Writes the functions that are computed in `f64` by functions of this module.
macro_rules! through_f64 {
    ($F:ty, $SHORT:literal: $($method:ident $function:ident;)*) => { $(
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
        #[inline(always)]
        fn $method<const FMA: bool>(self) -> Self {
            $function::<FMA, $SHORT>(f64::from(self)) as $F
        }
    )* };
}

macro_rules! elementary {
    ($F:ty, $SHORT:literal) => {
        impl Elementary for $F {
            #[inline(always)]
            fn contract<const FMA: bool>(self, b: Self, c: Self) -> Self {
                if FMA { self.mul_add(b, c) } else { self * b + c }
            }

            through_f64! { $F, $SHORT:
                exp_lane exp;
                exp_m1_lane exp_m1;
                ln_lane ln;
                ln_1p_lane ln_1p;
                tanh_lane tanh;
                sigmoid_lane sigmoid;
                softplus_lane softplus;
                sin_lane sin;
                cos_lane cos;
            }
        }
    };
}

elementary!(f32, true);
elementary!(f64, false);

/// (eʳ − 1 − r)/r² for |r| ≤ ½ ln 2, to 1e-16.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_623_824,
    0.008_333_333_333_330_039,
    0.001_388_888_891_736_708_1,
    0.000_198_412_698_631_715_57,
    2.480_152_105_786_820_4e-5,
    2.755_726_827_690_569_6e-6,
    2.762_020_159_103_154_7e-7,
    2.510_047_250_569_499_6e-8,
];

/// The same, to 1e-9.
const EXP_SHORT: [f64; 6] = [
    0.500_000_001_353_873,
    0.166_666_666_817_042_15,
    0.041_666_464_197_405_69,
    0.008_333_310_844_647_862,
    0.001_393_373_071_579_208_3,
    0.000_198_910_804_639_988_43,
];

/// (2 artanh(s) − 2s)/s³ in s² ≤ 0.0295, to 3e-16.
const LN: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_992_4,
    0.285_714_286_260_958_9,
    0.222_222_111_151_441_6,
    0.181_828_905_566_956_02,
    0.153_316_740_301_678_6,
    0.146_170_375_487_916_5,
];

/// The same, to 1e-9.
const LN_SHORT: [f64; 4] =
    [0.666_666_665_543_001_8, 0.400_001_220_008_168_8, 0.285_508_025_532_767_1, 0.233_309_640_517_720_4];

/// (sin r − r)/r³ in r² for |r| ≤ π/4, to 2e-17.
const SIN: [f64; 6] = [
    -0.166_666_666_666_666_66,
    0.008_333_333_333_330_946,
    -0.000_198_412_698_367_549_7,
    2.755_731_610_068_303e-6,
    -2.505_113_145_542_794_6e-8,
    1.591_810_123_027_412e-10,
];

/// (cos r − 1 + r²/2)/r⁴ in r² for |r| ≤ π/4, to 2e-18.
const COS: [f64; 6] = [
    0.041_666_666_666_666_664,
    -0.001_388_888_888_888_739_5,
    2.480_158_729_876_343_3e-5,
    -2.755_731_727_056_032_6e-7,
    2.087_614_602_468_974_7e-9,
    -1.138_261_486_855_632_5e-11,
];

/// ln 2 in two parts; the product of the first with a small integer is exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// π/2 in four parts; the product of each of the first three with an integer below 2²⁰ is exact.
const HALF_PI: [f64; 4] = [
    1.570_796_326_734_125_6,
    6.077_100_506_303_966e-11,
    2.022_266_248_711_166_5e-21,
    8.478_427_660_368_9e-32,
];

/// Adding this to a number below 2⁵⁰ leaves the nearest integer in the last bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

#[inline(always)]
fn fma<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    a.contract::<FMA>(b, c)
}

/// A polynomial with the given coefficients, the constant first.
#[inline(always)]
fn polynomial<const FMA: bool, const N: usize>(coefficients: [f64; N], x: f64) -> f64 {
    let mut sum = coefficients[N - 1];
    let mut next = N - 1;
    while next > 0 {
        next -= 1;
        sum = fma::<FMA>(sum, x, coefficients[next]);
    }
    sum
}

/// The nearest integer to a number below 2⁵⁰, as a number and in the last bits of a pattern.
#[inline(always)]
fn nearest(x: f64) -> (f64, u64) {
    let shifted = x + ROUNDER;
    (shifted - ROUNDER, shifted.to_bits().wrapping_sub(ROUNDER.to_bits()))
}

/// x = n ln 2 + r: returns r, eʳ − 1 − r, and 2ⁿ as two factors, because 2ⁿ may exceed the range.
#[inline(always)]
fn exp_parts<const FMA: bool, const SHORT: bool>(x: f64) -> (f64, f64, [f64; 2]) {
    let (n, bits) = nearest(x * std::f64::consts::LOG2_E);
    let (high, low) = (fma::<FMA>(-n, LN_2[0], x), n * LN_2[1]);
    let r = high - low;
    let lost = (high - r) - low;
    let q = if SHORT { polynomial::<FMA, 6>(EXP_SHORT, r) } else { polynomial::<FMA, 10>(EXP, r) };
    let half = (bits.wrapping_add(4096) >> 1).wrapping_sub(2048);
    let power = |n: u64| f64::from_bits(n.wrapping_add(1023) << 52);
    (r, fma::<FMA>(r * r, q, lost), [power(half), power(bits.wrapping_sub(half))])
}

/// Limited so that neither the result nor the scale leaves the range of the numbers by more than it should.
#[inline(always)]
fn clamped(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    if x < -750.0 { -750.0 } else { x }
}

#[inline(always)]
fn exp<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let (r, tail, [a, b]) = exp_parts::<FMA, SHORT>(clamped(x));
    (1.0 + (r + tail)) * a * b
}

#[inline(always)]
fn exp_m1<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let (r, tail, [a, b]) = exp_parts::<FMA, SHORT>(clamped(x));
    let scale = a * b;
    let small = fma::<FMA>(scale, tail, fma::<FMA>(scale, r, scale - 1.0));
    let large = (1.0 + (r + tail)) * a * b;
    let result = if x > 40.0 { large } else { small };
    if x == 0.0 { x } else { result }
}

#[inline(always)]
fn tanh<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let size = x.abs();
    let held = if size > 25.0 { 25.0 } else { size };
    let (r, tail, [a, b]) = exp_parts::<FMA, SHORT>(-2.0 * held);
    let (p, scale) = (r + tail, a * b);
    // With q = e^(−2|x|): (1 − q)/(1 + q) if q is not small, and 1 − 2q/(1 + q) if it is.
    let q = fma::<FMA>(scale, p, scale);
    let minus_q_less_1 = -fma::<FMA>(scale, tail, fma::<FMA>(scale, r, scale - 1.0));
    let near = size < 0.55;
    let ratio = (if near { minus_q_less_1 } else { 2.0 * q }) / (1.0 + q);
    let result = if near { ratio } else { 1.0 - ratio };
    // So small that the square does not matter; this also keeps subnormal numbers and NaN.
    let result = if size > 1e-9 { result } else { size };
    result.copysign(x)
}

#[inline(always)]
fn sigmoid<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let e = exp::<FMA, SHORT>(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[inline(always)]
fn softplus<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let tail = ln_1p::<FMA, SHORT>(exp::<FMA, SHORT>(-x.abs()));
    (if x > 0.0 { x } else { 0.0 }) + tail
}

/// ln(u) + c for a normal u, with c small compared with the result.
#[inline(always)]
fn ln_sum<const FMA: bool, const SHORT: bool>(u: f64, scaled_by: f64, c: f64) -> f64 {
    // u = 2ᵏ(1 + f), with 1 + f between √½ and √2.
    const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    let shifted = u.to_bits().wrapping_sub(HALF_ROOT).wrapping_add(1 << 62);
    let k = (shifted >> 52).wrapping_sub(1 << 10);
    let f = f64::from_bits(u.to_bits().wrapping_sub(k << 52)) - 1.0;
    let exponent = f64::from_bits((shifted >> 52) | ROUND_UP_BITS) - ROUND_UP - 1024.0 - scaled_by;
    let s = f / (2.0 + f);
    let z = s * s;
    let p = if SHORT { polynomial::<FMA, 4>(LN_SHORT, z) } else { polynomial::<FMA, 7>(LN, z) };
    let half_square = 0.5 * f * f;
    let tail = fma::<FMA>(s, fma::<FMA>(z, p, half_square), fma::<FMA>(exponent, LN_2[1], c));
    fma::<FMA>(exponent, LN_2[0], f - (half_square - tail))
}

/// 2⁵², above which all numbers are integers.
const ROUND_UP: f64 = 4_503_599_627_370_496.0;
const ROUND_UP_BITS: u64 = ROUND_UP.to_bits();

#[inline(always)]
fn ln<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let (u, scaled_by) = if subnormal { (x * 18_014_398_509_481_984.0, 54.0) } else { (x, 0.0) };
    let result = ln_sum::<FMA, SHORT>(u, scaled_by, 0.0);
    // ∞ and NaN are their own logarithms.
    let result = if x < f64::INFINITY { result } else { x };
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    if x < 0.0 { f64::NAN } else { result }
}

#[inline(always)]
fn ln_1p<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let u = 1.0 + x;
    // What the sum lost by rounding, relative to the sum.
    let lost = (if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) }) / u;
    let result = ln_sum::<FMA, SHORT>(u, 0.0, lost);
    let result = if x < f64::INFINITY { result } else { x };
    let result = if x == -1.0 { f64::NEG_INFINITY } else { result };
    let result = if x < -1.0 { f64::NAN } else { result };
    if x.abs() < 1e-300 { x } else { result }
}

/// x = n π/2 + r: returns the sine and cosine of r, and n in the last bits.
#[inline(always)]
fn sin_cos_parts<const FMA: bool>(x: f64) -> (f64, f64, u64) {
    let (n, bits) = nearest(x * std::f64::consts::FRAC_2_PI);
    let mut r = x;
    r -= n * HALF_PI[0];
    r -= n * HALF_PI[1];
    r -= n * HALF_PI[2];
    r = fma::<FMA>(-n, HALF_PI[3], r);
    let z = r * r;
    let sin = fma::<FMA>(r * z, polynomial::<FMA, 6>(SIN, z), r);
    let half = 0.5 * z;
    let one_less = 1.0 - half;
    let cos = one_less + fma::<FMA>(z * z, polynomial::<FMA, 6>(COS, z), (1.0 - one_less) - half);
    (sin, cos, bits)
}

/// The one of two numbers that a quadrant needs.
#[inline(always)]
fn in_quadrant(quadrant: u64, even: f64, odd: f64) -> f64 {
    let chosen = if quadrant & 1 == 0 { even } else { odd };
    f64::from_bits(chosen.to_bits() ^ ((quadrant & 2) << 62))
}

#[inline(always)]
fn sin<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let (sin, cos, quadrant) = sin_cos_parts::<FMA>(x);
    let result = in_quadrant(quadrant, sin, cos);
    if x.abs() < 1e-9 { x } else { result }
}

#[inline(always)]
fn cos<const FMA: bool, const SHORT: bool>(x: f64) -> f64 {
    let (sin, cos, quadrant) = sin_cos_parts::<FMA>(x);
    in_quadrant(quadrant.wrapping_add(1), sin, cos)
}
