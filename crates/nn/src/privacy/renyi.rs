//! Rényi differential privacy of the subsampled Gaussian mechanism.
//!
//! Mironov, Talwar and Zhang, "Rényi differential privacy of the sampled Gaussian mechanism", 2019. The divergence of
//! order α from the distribution without the sample to the one with it is the larger of the two directions (their
//! theorem 5), so only this direction is computed. The divergences of steps add up. The sum is converted to an ε for a δ,
//! or to a δ for an ε, by theorem 21 of Balle, Barthe, Gaboardi, Hsu and Sato, "Hypothesis testing interpretations and
//! Rényi differential privacy", 2020, in the form of proposition 12 of Canonne, Kamath and Steinke, "The discrete Gaussian
//! for differential privacy", 2020.

use super::accountant::SubsampledGaussian;
use crate::Error;
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, PI};

/// The orders of divergence from which the best ε is taken: 1.1, 1.2, … 10.9, 11, 12, … 63, and 128, 256, 512, 1024, as in
/// Google's dp-accounting.
///
/// ```
/// use dualtape_nn::privacy::renyi::orders;
/// assert_eq!((orders().next(), orders().last(), orders().count()), (Some(1.1), Some(1024.0), 156));
/// ```
pub fn orders() -> impl Iterator<Item = f64> {
    let fractional = (1..100).map(|tenths| 1.0 + f64::from(tenths) / 10.0);
    fractional.chain((11..64).map(f64::from)).chain([128.0, 256.0, 512.0, 1024.0])
}

/// The Rényi divergence, in nats, of one step, at an order above 1. It is infinite for a noise of 0.
///
/// # Errors
///
/// If the check of the mechanism fails, or the order is not a finite number above 1.
///
/// ```
/// use dualtape_nn::privacy::{accountant::SubsampledGaussian, renyi};
/// let mechanism = SubsampledGaussian { probability: 0.01, noise: 1.0 };
/// assert!((renyi::divergence(&mechanism, 2.0)? / 1.718e-4 - 1.0).abs() < 1e-3);
/// // For the plain Gaussian mechanism, it is α/(2σ²).
/// let plain = SubsampledGaussian { probability: 1.0, noise: 2.0 };
/// assert_eq!(renyi::divergence(&plain, 6.0)?, 0.75);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn divergence(mechanism: &SubsampledGaussian, order: f64) -> Result<f64, Error> {
    mechanism.check()?;
    if !(order.is_finite() && order > 1.0) {
        let expected = "a finite number above 1";
        return Err(Error::Setting { what: "order of divergence", given: order.to_string(), expected });
    }
    Ok(at(mechanism, order))
}

/// The divergence for arguments that were checked.
fn at(mechanism: &SubsampledGaussian, order: f64) -> f64 {
    let SubsampledGaussian { probability: q, noise: sigma } = *mechanism;
    if sigma == 0.0 {
        f64::INFINITY
    } else if q == 1.0 {
        order / (2.0 * sigma * sigma)
    } else {
        ln_moment(q, sigma, order) / (order - 1.0)
    }
}

/// Below this number, the rounding error of sums close to 1 is no longer small compared with the logarithm of the moment.
const SMALL: f64 = 1e-9;

/// ln E[(1 − q + q r)^α], where r is the ratio of the densities of N(1, σ²) and N(0, σ²), under the latter.
fn ln_moment(q: f64, sigma: f64, order: f64) -> f64 {
    if order.fract() == 0.0 {
        return whole(q, sigma, order);
    }
    let moment = fractional(q, sigma, order);
    if moment > SMALL {
        return moment;
    }
    // The logarithm is a convex function of the order, so the chord between two integer orders bounds it.
    let (below, above) = (order.floor(), order.ceil());
    (above - order) * whole(q, sigma, below) + (order - below) * whole(q, sigma, above)
}

/// For an integer order: the binomial sum without its 1. The terms added to 1 are positive, so nothing cancels.
fn whole(q: f64, sigma: f64, order: f64) -> f64 {
    let mut ln_binomial = 0.0;
    let mut terms = Vec::new();
    for i in 1..=order as u32 {
        let i = f64::from(i);
        ln_binomial += ((order - i + 1.0) / i).ln();
        let exponent = i * (i - 1.0) / (2.0 * sigma * sigma);
        if exponent > 0.0 {
            let ln_weight = ln_binomial + i * q.ln() + (order - i) * (-q).ln_1p();
            terms.push((1.0, ln_weight + exponent + (-(-exponent).exp()).ln_1p()));
        }
    }
    ln_1p_exp(ln_sum(&terms))
}

/// The terms of a series are cut off this many nats below the sum, which is at least 1.
const NEGLIGIBLE: f64 = 32.0;

/// The largest number of terms. It suffices for the slowest series, whose terms start below 1 and fall as i^−(α + 2).
const MOST_TERMS: u32 = 200_000;

/// For any other order: the integrals on both sides of the point where the two densities of the mixture are equal. Each is
/// a binomial series, computed with logarithms and signs. The result is NaN if the series do not end.
fn fractional(q: f64, sigma: f64, order: f64) -> f64 {
    let (ln_q, ln_p) = (q.ln(), (-q).ln_1p());
    let middle = sigma * sigma * (ln_p - ln_q) + 0.5;
    let tail = |z: f64| ln_erfc(z * FRAC_1_SQRT_2 / sigma) - LN_2;
    let power = |k: f64| k * (k - 1.0) / (2.0 * sigma * sigma);
    let (mut sign, mut ln_binomial, mut largest) = (1.0, 0.0, 0.0f64);
    let mut terms = Vec::new();
    for i in 0..MOST_TERMS {
        let i = f64::from(i);
        let j = order - i;
        let left = ln_binomial + i * ln_q + j * ln_p + power(i) + tail(i - middle);
        let right = ln_binomial + j * ln_q + i * ln_p + power(j) + tail(middle - j);
        terms.extend([(sign, left), (sign, right)]);
        largest = largest.max(left).max(right);
        if j < 0.0 && left.max(right) < largest - NEGLIGIBLE {
            return ln_sum(&terms);
        }
        // The coefficients have alternating signs from the first i above the order on.
        sign *= j.signum();
        ln_binomial += (j.abs() / (i + 1.0)).ln();
    }
    f64::NAN
}

/// The logarithm of a sum of numbers, which are given as signs and logarithms.
fn ln_sum(terms: &[(f64, f64)]) -> f64 {
    let largest = terms.iter().map(|term| term.1).fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        return largest;
    }
    largest + terms.iter().map(|(sign, ln)| sign * (ln - largest).exp()).sum::<f64>().ln()
}

/// ln(1 + eˣ).
fn ln_1p_exp(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// ln erfc(x), even where erfc(x) underflows.
fn ln_erfc(x: f64) -> f64 {
    if x < 20.0 {
        return libm::erfc(x).ln();
    }
    // The asymptotic series; its next term is below 3e-13.
    let u = 0.5 / (x * x);
    let series = -u * (1.0 - 3.0 * u * (1.0 - 5.0 * u * (1.0 - 7.0 * u * (1.0 - 9.0 * u))));
    series.ln_1p() - x * x - (x * PI.sqrt()).ln()
}

/// The ε after this number of steps, for a δ in (0, 1).
pub(super) fn epsilon(mechanism: &SubsampledGaussian, steps: u64, delta: f64) -> f64 {
    least_over_orders(mechanism, steps, |order, divergence| {
        // The Kullback-Leibler divergence gives δ ≤ √(1 − e^−KL) for any ε.
        if delta * delta + (-divergence).exp_m1() > 0.0 {
            return 0.0;
        }
        divergence + (-1.0 / order).ln_1p() - (delta * order).ln() / (order - 1.0)
    })
    .max(0.0)
}

/// The δ after this number of steps, for an ε of at least 0.
pub(super) fn delta(mechanism: &SubsampledGaussian, steps: u64, epsilon: f64) -> f64 {
    let ln_delta = least_over_orders(mechanism, steps, |order, divergence| {
        let by_order = (order - 1.0) * (divergence - epsilon + (-1.0 / order).ln_1p()) - order.ln();
        by_order.min(0.5 * (-(-divergence).exp_m1()).ln())
    });
    ln_delta.min(0.0).exp()
}

/// The smallest of the bounds that the function gives for the orders. Its arguments are the order and the divergence of all
/// steps.
fn least_over_orders(mechanism: &SubsampledGaussian, steps: u64, bound: impl Fn(f64, f64) -> f64) -> f64 {
    orders().map(|order| bound(order, steps as f64 * at(mechanism, order))).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_erfc_has_no_seam_and_no_underflow() {
        assert!((ln_erfc(20.0) - libm::erfc(20.0).ln()).abs() < 1e-12);
        // mpmath, 30 digits.
        for (x, expected) in [
            (25.0, -628.792_039_174_071_7),
            (100.0, -10_005.177_585_122_664),
            (-3.0, 0.693_136_135_250_446_8),
        ] {
            assert!((ln_erfc(x) / expected - 1.0).abs() < 1e-14, "{x}: {}", ln_erfc(x));
        }
    }
}
