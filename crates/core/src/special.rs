//! Values of special functions that no other crate has.

use std::f64::consts::PI;

/// Bernoulli numbers B₂, B₄, … of the asymptotic series.
const BERNOULLI: [f64; 10] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
    -174611.0 / 330.0,
];

/// The highest derivative for which the reflection formula is available.
const MAX_REFLECTED: usize = 16;

/// Each term of a derivative takes as many steps as its order.
const MAX_ORDER: u32 = 1000;

/// The `n`-th derivative of the digamma function; NaN at its poles 0, −1, −2, …, and for negative `x` beyond
/// the sixteenth derivative, and everywhere beyond the thousandth.
///
/// Uses the recurrence until the asymptotic series is accurate, and reflection for negative numbers (Abramowitz and
/// Stegun, 6.3.5, 6.3.7 and 6.3.18; 6.4.6, 6.4.7 and 6.4.11).
// Kept out of the kernels, because LLVM would compute parts of it for every other operation too.
#[inline(never)]
pub(crate) fn polygamma(n: u32, x: f64) -> f64 {
    if (x <= 0.0 && x == x.floor()) || n > MAX_ORDER {
        return f64::NAN;
    }
    if n == 0 {
        return if x > 0.0 { digamma(x) } else { digamma(1.0 - x) - cotangent_derivative(0, x) };
    }
    // ψₙ(x) has the sign (−1)ⁿ⁺¹ for positive x.
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    if x > 0.0 {
        return sign * positive(n, x);
    }
    // (−1)ⁿ ψₙ(1 − x) − ψₙ(x) = π dⁿ/dxⁿ cot πx, and (−1)ⁿ ψₙ(1 − x) = −positive(n, 1 − x).
    -positive(n, 1.0 - x) - cotangent_derivative(n as usize, x)
}

/// The number of steps of the recurrence from `x` to `far`.
fn steps(x: f64, far: f64) -> u32 {
    // None for a large or NaN `x`.
    (far - x).ceil().max(0.0) as u32
}

/// ψ(x) for positive x.
fn digamma(x: f64) -> f64 {
    let steps = steps(x, 12.0);
    let far = x + f64::from(steps);
    // ln x − 1/(2x) − Σ B₂ₖ/(2k x²ᵏ)
    let square = (far * far).recip();
    let terms = BERNOULLI.iter().enumerate().rev();
    let series = terms.fold(0.0, |sum, (k, bernoulli)| (sum + bernoulli / (2 * k + 2) as f64) * square);
    let passed: f64 = (0..steps).rev().map(|k| (x + f64::from(k)).recip()).sum();
    far.ln() - ((0.5 / far + series) + passed)
}

/// n! Σ 1/(x + k)ⁿ⁺¹, for positive x.
fn positive(n: u32, x: f64) -> f64 {
    let factorial: f64 = (1..=n).map(f64::from).product();
    // n!/xⁿ⁺¹; factor by factor if one of the two leaves the range of numbers.
    let term = |x: f64| {
        let power = x.powi(-(n as i32 + 1));
        match factorial.is_finite() && power.is_normal() {
            true => factorial * power,
            false => (1..=n).fold(x.recip(), |product, k| product * (f64::from(k) / x)),
        }
    };
    let steps = steps(x, 20.0 + f64::from(n));
    // The small terms first.
    let sum: f64 = (0..steps).rev().map(|k| term(x + f64::from(k))).sum();
    let x = x + f64::from(steps);
    // (n−1)!/xⁿ + n!/(2xⁿ⁺¹) + Σ B₂ₖ (2k+n−1)!/((2k)! x²ᵏ⁺ⁿ)
    let mut factor = term(x);
    let mut series = factor * x / f64::from(n) + factor / 2.0;
    for (k, bernoulli) in BERNOULLI.into_iter().enumerate() {
        let (k, n) = (k as f64 + 1.0, f64::from(n));
        // From (2k+n−3)!/(2k−2)! to (2k+n−1)!/(2k)!, two powers of x further down.
        factor *= if k == 1.0 {
            (n + 1.0) / (2.0 * x)
        } else {
            (2.0 * k + n - 2.0) * (2.0 * k + n - 1.0) / ((2.0 * k - 1.0) * 2.0 * k * x * x)
        };
        series += bernoulli * factor;
    }
    sum + series
}

/// π dⁿ/dxⁿ cot πx = πⁿ⁺¹ Pₙ(cot πx), where P₀(c) = c and Pₙ₊₁(c) = −(1 + c²) Pₙ′(c).
fn cotangent_derivative(n: usize, x: f64) -> f64 {
    if n > MAX_REFLECTED {
        return f64::NAN;
    }
    let mut polynomial = [0.0; MAX_REFLECTED + 2];
    polynomial[1] = 1.0;
    for degree in 1..=n {
        let mut next = [0.0; MAX_REFLECTED + 2];
        for power in 1..=degree {
            let derivative = power as f64 * polynomial[power];
            next[power - 1] -= derivative;
            next[power + 1] -= derivative;
        }
        polynomial = next;
    }
    // The period is 1; within a quarter of a period on either side of a pole or a zero, no digits are lost.
    let from_pole = x - x.round();
    let from_zero = (0.5 - from_pole.abs()).copysign(from_pole);
    let cotangent =
        if from_zero.abs() > 0.25 { (PI * from_pole).tan().recip() } else { (PI * from_zero).tan() };
    let value = polynomial[..=n + 1].iter().rev().fold(0.0, |value, &c| value * cotangent + c);
    PI.powi(n as i32 + 1) * value
}

#[cfg(test)]
mod tests {
    use super::polygamma;

    /// From 30-digit arithmetic (mpmath).
    #[test]
    fn polygamma_has_its_golden_values() {
        let cases = [
            (0, 1.0, -0.577_215_664_901_532_9),
            (0, 0.5, -1.963_510_026_021_423_5),
            (1, 1.0, 1.644_934_066_848_226_4),
            (1, 0.5, 4.934_802_200_544_679),
            (1, 10.0, 0.105_166_335_681_685_75),
            (1, 1e-3, 1_000_001.642_533_195_9),
            (1, 1e6, 1.000_000_500_000_166_7e-6),
            (2, 1.0, -2.404_113_806_319_188_6),
            (3, 1.0, 6.493_939_402_266_829),
            (1, -0.5, 8.934_802_200_544_68),
            (2, -0.5, -0.828_796_644_234_32),
            (1, -1.25, 19.181_879_647_671_606),
        ];
        for (n, x, expected) in cases {
            let got = polygamma(n, x);
            assert!((got / expected - 1.0).abs() < 1e-13, "ψ{n}({x}) is {got:e}, not {expected:e}");
        }
    }
}
