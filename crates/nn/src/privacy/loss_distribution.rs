//! Privacy loss distributions of the subsampled Gaussian mechanism: an upper bound that is almost exact.
//!
//! The privacy loss of an output is the logarithm of the ratio of its densities with the sample and without it, or the
//! other way round. Both directions are computed, and the larger result counts. The losses of independent steps add up, so
//! the distribution of their sum is a convolution, and δ(ε) = E[(1 − e^(ε − loss))₊].
//!
//! - The loss of one step is placed on multiples of an interval by connecting the dots: Doroshenko, Ghazi, Kamath, Kumar
//!   and Manurangsi, "Connect the dots: tighter discrete approximations of privacy loss distributions", 2022. The mass
//!   between two neighbouring multiples is shared between them such that both distributions keep their mass. Then δ(ε) is
//!   exact at the multiples and a chord between them, so it is never too small, and this remains true under composition.
//! - The far tail with large losses counts as an infinite loss; the other tail is placed at the end of the grid.
//! - The convolution is a power of a Fourier transform. The distribution is first tilted by a factor e^(θ · loss) that moves
//!   its mean to the place of the answer. Therefore, the rounding error of the transform is small compared with a δ of any
//!   size (as in a saddle-point method), and the transform spans a few deviations instead of all losses.
//! - The mass that a transform wraps around, or that lies outside its window, is bounded by Chernoff's inequality and added.

use super::accountant::SubsampledGaussian;
use realfft::RealFftPlanner;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The share by which the grid may enlarge the second moment of a step's loss, and thereby, approximately, ε.
const COARSENESS: f64 = 2e-4;

/// The numbers of points for one step, and for the window of all steps, that cost almost nothing. A grid with fewer points
/// is not made coarser.
const CHEAP: f64 = 3e4;

/// The largest number of points of a transform; if more are needed, the interval grows.
const MOST_POINTS: usize = 1 << 21;

/// The largest number of points of the grid of one step; these points are more expensive.
const MOST_STEP_POINTS: f64 = 2e5;

/// The share of δ that the tails of single steps may use.
const TAIL_SHARE: f64 = 1e-8;

/// The mass of the tails of single steps when δ is computed: no smaller δ can be distinguished.
const LEAST_DELTA: f64 = 1e-30;

/// The mass outside the window of a transform is e to the power of minus this number, before the tilt is removed.
const WINDOW: f64 = 28.0;

/// Below this noise, losses are too large to compute with; ε is then useless anyway.
const LEAST_NOISE: f64 = 1e-3;

/// Above this noise, or below this probability, losses are so small that their squares vanish. The limits are then used in
/// place of the given numbers: they cost more privacy, so they give an upper bound.
const MOST_NOISE: f64 = 1e6;
const LEAST_PROBABILITY: f64 = 1e-12;

/// The ε after this number of steps, for a δ in (0, 1).
pub(super) fn epsilon(mechanism: &SubsampledGaussian, steps: u64, delta: f64) -> f64 {
    larger(mechanism, steps, TAIL_SHARE * delta, |step| {
        let tilt = step.chernoff(steps, 0.0, 1.0, -delta.ln()).exponent;
        Some(step.composed(steps, tilt)?.epsilon(delta))
    })
    .unwrap_or(f64::INFINITY)
}

/// The δ after this number of steps, for an ε of at least 0.
pub(super) fn delta(mechanism: &SubsampledGaussian, steps: u64, epsilon: f64) -> f64 {
    larger(mechanism, steps, LEAST_DELTA, |step| {
        let tilt = step.tilt_to(epsilon / steps as f64);
        Some(step.composed(steps, tilt)?.delta(epsilon))
    })
    .unwrap_or(1.0)
}

/// The larger of the results of both directions, on the finest grid that gives one. `tail` is the mass of the losses of all
/// steps that may count as infinite. `None` below the smallest noise.
fn larger(
    mechanism: &SubsampledGaussian,
    steps: u64,
    tail: f64,
    result: impl Fn(&Step) -> Option<f64>,
) -> Option<f64> {
    if mechanism.noise < LEAST_NOISE {
        return None;
    }
    let density = Densities::new(mechanism, tail / steps as f64);
    let mut interval = density.interval(steps);
    loop {
        let [removed, added] = density.step(interval);
        // Without subsampling, the two directions are mirror images.
        let second = if mechanism.probability == 1.0 { Some(0.0) } else { result(&added) };
        if let (Some(first), Some(second)) = (result(&removed), second) {
            return Some(first.max(second));
        }
        interval *= 2.0;
    }
}

/// The two densities of one step's output: N(0, σ²) without the sample, and mixed with N(1, σ²) with it.
struct Densities {
    probability: f64,
    noise: f64,
    /// The range of outputs that is used. On each side, less than `tail` of either density lies outside.
    ends: [f64; 2],
    tail: f64,
}

/// The nodes and weights of the Gauss-Legendre rule on [−1, 1].
const RULE: [(f64, f64); 4] = [
    (-0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
    (-0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.339_981_043_584_856_26, 0.652_145_154_862_546_1),
    (0.861_136_311_594_052_6, 0.347_854_845_137_453_85),
];

impl Densities {
    fn new(mechanism: &SubsampledGaussian, tail: f64) -> Self {
        let probability = mechanism.probability.max(LEAST_PROBABILITY);
        let noise = mechanism.noise.min(MOST_NOISE);
        // Φ(−z) is below e^(−z²/2)/2.
        let reach = (-2.0 * (2.0 * tail).clamp(f64::MIN_POSITIVE, 0.5).ln()).sqrt();
        let tail = 0.5 * libm::erfc(reach * FRAC_1_SQRT_2);
        Self { probability, noise, ends: [-reach * noise, 1.0 + reach * noise], tail }
    }

    /// The loss of an output, in the direction of removing: ln(1 − q + q eʳ), where eʳ is the ratio of the densities
    /// of N(1, σ²) and N(0, σ²). It increases with the output.
    fn loss(&self, output: f64) -> f64 {
        let (q, ratio) = (self.probability, (output - 0.5) / (self.noise * self.noise));
        let change = q * ratio.exp_m1();
        if change.abs() < 0.5 {
            return change.ln_1p();
        }
        let (rest, drawn) = ((-q).ln_1p(), q.ln() + ratio);
        rest.max(drawn) + (-(rest - drawn).abs()).exp().ln_1p()
    }

    /// The output that has this loss, or −∞ if the loss is below all losses.
    fn output(&self, loss: f64) -> f64 {
        let q = self.probability;
        let ratio = if loss.abs() < 0.5 {
            (loss.exp_m1() / q).max(-1.0).ln_1p()
        } else {
            loss - q.ln() + ((q - 1.0) * (-loss).exp()).max(-1.0).ln_1p()
        };
        self.noise * self.noise * ratio + 0.5
    }

    /// Calls `visit` for each node of a quadrature between two outputs, with the loss there and the masses
    /// without and with the sample.
    fn integrate(&self, from: f64, to: f64, mut visit: impl FnMut(f64, f64, f64)) {
        // On a sixteenth of a deviation, the rule is exact to 1e-11, even far out.
        let pieces = ((to - from) * 16.0 / self.noise).ceil().max(1.0);
        let half = 0.5 * (to - from) / pieces;
        for piece in 0..pieces as u32 {
            let middle = from + half * f64::from(2 * piece + 1);
            for (node, weight) in RULE {
                let output = middle + half * node;
                let (loss, z) = (self.loss(output), output / self.noise);
                let weight = weight * half / (self.noise * (2.0 * PI).sqrt());
                visit(loss, weight * (-0.5 * z * z).exp(), weight * (loss - 0.5 * z * z).exp());
            }
        }
    }

    /// The interval of the grid; see the constants.
    fn interval(&self, steps: u64) -> f64 {
        let mut without = Vec::new();
        let mut with = Vec::new();
        self.integrate(self.ends[0], self.ends[1], |loss, p, q| {
            without.push((loss, p));
            with.push((loss, q));
        });
        let [low, high] = self.ends.map(|end| self.loss(end));
        let window = 2.0 * (2.0 * WINDOW * steps as f64).sqrt();
        let interval = |masses: &[(f64, f64)]| {
            let square = masses.iter().map(|(loss, mass)| loss * loss * mass).sum::<f64>();
            fine_enough(masses, square).min((window * square.sqrt()).max(high - low) / CHEAP)
        };
        interval(&without).min(interval(&with)).max((high - low) / MOST_STEP_POINTS)
    }

    /// The loss of one step in the directions of removing and of adding.
    fn step(&self, interval: f64) -> [Step; 2] {
        let [lowest, highest] = self.ends.map(|end| self.loss(end) / interval);
        let (lowest, highest) = (lowest.floor() as i64, highest.ceil() as i64);
        let mut removed = vec![0.0; (highest - lowest + 1) as usize];
        let mut added = removed.clone();
        let mut from = self.ends[0];
        for k in lowest..highest {
            let at = (k - lowest) as usize;
            let (below, to) = (k as f64 * interval, self.output((k + 1) as f64 * interval));
            let to = to.clamp(from, self.ends[1]);
            self.integrate(from, to, |loss, without, with| {
                let upper = ((-(loss - below)).exp_m1() / (-interval).exp_m1()).clamp(0.0, 1.0);
                removed[at] += with * (1.0 - upper);
                removed[at + 1] += with * upper;
                // At each point, the share of the other density is e^−loss times the share of this one.
                let ratio = (loss - below).exp();
                added[at] += without * ratio * (1.0 - upper);
                added[at + 1] += without * ratio * (-interval).exp() * upper;
            });
            from = to;
        }
        // The tail with small losses is rounded up to the last point that is not below it.
        removed[1] += self.tail;
        let last = added.len() - 2;
        added[last] += self.tail;
        added.reverse();
        [(lowest, removed), (-highest, added)].map(|(lowest, masses)| {
            // Masses that underflow contain no information, but at an end they would determine its scale.
            let some = |mass: &f64| *mass > 0.0;
            let first = masses.iter().position(some).unwrap_or(0);
            let last = masses.iter().rposition(some).unwrap_or(0);
            // Mass that was lost by rounding would be lost in each step.
            let scale = ((1.0 - self.tail) / masses.iter().sum::<f64>()).max(1.0);
            let masses = masses[first..=last].iter().map(|mass| scale * mass).collect();
            Step { interval, lowest: lowest + first as i64, masses, infinite: self.tail }
        })
    }
}

/// The largest interval for which sharing the mass between two points adds at most the allowed part to the second moment.
/// For one loss, it adds at most |loss| · interval; over many intervals, it adds interval²/6 on average.
fn fine_enough(masses: &[(f64, f64)], square: f64) -> f64 {
    let added = |interval: f64| -> f64 {
        masses.iter().map(|(loss, mass)| mass * (loss.abs() * interval).min(interval * interval / 6.0)).sum()
    };
    let mut interval = (6.0 * COARSENESS * square).sqrt();
    for factor in [1e3, 1e2, 10.0, 4.0, 2.0, 1.5, 1.25, 1.125] {
        while added(interval * factor) <= COARSENESS * square {
            interval *= factor;
        }
    }
    interval
}

/// The distribution of the loss of one step, in one direction.
struct Step {
    interval: f64,
    /// The first loss, as a multiple of the interval.
    lowest: i64,
    masses: Vec<f64>,
    /// The mass of infinite loss.
    infinite: f64,
}

/// The logarithm of E[e^(θ · loss)] and its derivatives by θ: the mean and variance of the tilted loss.
struct Cumulants {
    ln_moment: f64,
    mean: f64,
    variance: f64,
}

/// An exponent, and the Chernoff bound on the loss that it gives.
struct Chernoff {
    exponent: f64,
    bound: f64,
}

impl Step {
    fn losses(&self) -> impl Iterator<Item = (f64, f64)> {
        (self.lowest..).zip(&self.masses).map(|(k, &mass)| (k as f64 * self.interval, mass))
    }

    /// The smallest and the largest loss.
    fn ends(&self) -> [f64; 2] {
        [self.lowest, self.lowest + self.masses.len() as i64 - 1].map(|k| k as f64 * self.interval)
    }

    fn cumulants(&self, tilt: f64) -> Cumulants {
        // This is the loss at which the factor is largest, so the other masses cannot overflow.
        let reference = self.ends()[usize::from(tilt > 0.0)];
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for (loss, mass) in self.losses() {
            let mass = mass * (tilt * (loss - reference)).exp();
            sum += mass;
            first += mass * loss;
            second += mass * loss * loss;
        }
        let mean = first / sum;
        let variance = (second / sum - mean * mean).max(0.0);
        Cumulants { ln_moment: sum.ln() + tilt * reference, mean, variance }
    }

    /// The largest useful exponent: from each point of the grid to the next, it gives a factor of e⁴⁰.
    fn largest_tilt(&self) -> f64 {
        40.0 / self.interval
    }

    /// Chernoff's bound on the losses of all steps under the tilted distribution, upward (sign 1) or downward (−1):
    /// less than e^−`nats` of the mass is beyond it. Any exponent gives a bound; Newton's method finds the best.
    fn chernoff(&self, steps: u64, tilt: f64, sign: f64, nats: f64) -> Chernoff {
        let n = steps as f64;
        let start = self.cumulants(tilt);
        let (mut low, mut high) = (0.0, self.largest_tilt());
        let mut exponent = (2.0 * nats / (n * start.variance)).sqrt().min(high);
        let mut best = Chernoff { exponent, bound: sign * f64::INFINITY };
        for _ in 0..50 {
            let there = self.cumulants(tilt + sign * exponent);
            let rise = n * (there.ln_moment - start.ln_moment);
            let bound = sign * (rise + nats) / exponent;
            if sign * bound < sign * best.bound {
                best = Chernoff { exponent, bound };
            }
            // The derivative of the bound is zero where this is zero. It increases with the exponent.
            let excess = n * sign * there.mean * exponent - rise - nats;
            *(if excess < 0.0 { &mut low } else { &mut high }) = exponent;
            if excess.abs() < 1e-3 * nats || low >= high {
                break;
            }
            let newton = exponent - excess / (n * there.variance * exponent);
            let other =
                if excess < 0.0 { (4.0 * exponent).min(0.5 * (low + high)) } else { 0.5 * (low + high) };
            exponent = if newton > low && newton < high { newton } else { other };
        }
        best
    }

    /// The exponent, at least 0, that moves the mean of the loss of one step to this value.
    fn tilt_to(&self, mean: f64) -> f64 {
        let start = self.cumulants(0.0);
        if start.mean >= mean {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, self.largest_tilt());
        let mut tilt = ((mean - start.mean) / start.variance).min(high);
        for _ in 0..50 {
            let there = self.cumulants(tilt);
            let missing = mean - there.mean;
            *(if missing > 0.0 { &mut low } else { &mut high }) = tilt;
            if missing.abs() < 1e-3 * (mean - start.mean) || low >= high {
                break;
            }
            let newton = tilt + missing / there.variance;
            let other = if missing > 0.0 { (4.0 * tilt).min(0.5 * (low + high)) } else { 0.5 * (low + high) };
            tilt = if newton > low && newton < high { newton } else { other };
        }
        tilt
    }

    /// The distribution of the losses of all steps, in the range where the tilted distribution has its mass; `None` if that
    /// takes too many points.
    fn composed(&self, steps: u64, tilt: f64) -> Option<Composed> {
        let n = steps as f64;
        let Cumulants { ln_moment, mean, .. } = self.cumulants(tilt);
        let [lower, upper] = [-1.0, 1.0].map(|sign| self.chernoff(steps, tilt, sign, WINDOW).bound);
        let [least, most] = self.ends().map(|end| n * end);
        let first = (lower.max(least) / self.interval).floor();
        let last = (upper.min(most) / self.interval).ceil();
        let points = (last - first + 1.0) as usize;
        if points > MOST_POINTS {
            return None;
        }
        // The factor is applied in two halves, because it may overflow where the mass almost underflows.
        let tilted = |(loss, mass): (f64, f64)| {
            let half = (0.5 * (tilt * loss - ln_moment)).exp();
            mass * half * half
        };
        let tilted: Vec<f64> = self.losses().map(tilted).collect();
        let powers = cyclic_power(&tilted, points, steps as u32);
        // The first point of the power is `steps` times the first point of one step.
        let offset = first as i64 - self.lowest * steps as i64;
        let center = n * mean;
        // The power multiplies the rounding errors of the transform. They are added, to be on the safe side.
        let ln_scale = n * (ln_moment + 4.0 * f64::EPSILON) - tilt * center;
        let mass = |(i, k): (i64, i64)| {
            let tilted = powers[(offset + i).rem_euclid(powers.len() as i64) as usize];
            let factor = (ln_scale - tilt * (k as f64 * self.interval - center)).exp();
            // These are masses that rounding made negative, and 0 times an overflow.
            if tilted > 0.0 { tilted * factor } else { 0.0 }
        };
        let masses = (0..).zip(first as i64..=last as i64).map(mass).collect();
        let beyond = (ln_scale - tilt * (upper - center).max(0.0) - WINDOW).exp();
        let infinite = -(n * (-self.infinite).ln_1p()).exp_m1() + beyond;
        Some(Composed { interval: self.interval, first: first as i64, masses, infinite })
    }
}

/// The convolution of this number of copies of the masses, on a circle of at least this number of points.
fn cyclic_power(masses: &[f64], points: usize, power: u32) -> Vec<f64> {
    // Lengths with small factors are fast, and even lengths have the simplest form.
    let lengths = [1usize, 3, 5, 9, 15].map(|odd| odd * points.div_ceil(odd).next_power_of_two().max(2));
    let length = lengths.into_iter().min().unwrap_or(2);
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let mut values = forward.make_input_vec();
    for (i, mass) in masses.iter().enumerate() {
        values[i % length] += mass;
    }
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut values, &mut spectrum).expect("buffers of the plan's own lengths");
    for value in &mut spectrum {
        *value = value.powu(power) / length as f64;
    }
    inverse.process(&mut spectrum, &mut values).expect("a spectrum that is real at both ends");
    values
}

/// The upper part of the distribution of the losses of all steps.
struct Composed {
    interval: f64,
    /// The first loss, as a multiple of the interval.
    first: i64,
    masses: Vec<f64>,
    infinite: f64,
}

/// The losses from a point on: δ(ε) = mass − discounted · e^(ε − loss), for ε from the next lower loss to this loss.
struct Above {
    loss: f64,
    mass: f64,
    discounted: f64,
}

impl Composed {
    /// The mass above each point, from the last point down.
    fn downward(&self) -> impl Iterator<Item = Above> {
        let decay = (-self.interval).exp();
        let (mut mass, mut discounted) = (self.infinite, 0.0);
        self.masses.iter().enumerate().rev().map(move |(i, here)| {
            mass += here;
            discounted = discounted * decay + here;
            Above { loss: (self.first + i as i64) as f64 * self.interval, mass, discounted }
        })
    }

    fn epsilon(&self, delta: f64) -> f64 {
        if self.infinite > delta {
            return f64::INFINITY;
        }
        let decay = (-self.interval).exp();
        // Going down, δ is small enough at each point, until it is too large at one.
        let crossed =
            self.downward().find(|above| above.loss <= 0.0 || above.mass - above.discounted * decay > delta);
        match crossed {
            None => (self.first as f64 * self.interval).max(0.0),
            Some(above) if above.loss <= 0.0 => 0.0,
            Some(above) => (above.loss + ((above.mass - delta) / above.discounted).ln()).max(0.0),
        }
    }

    fn delta(&self, epsilon: f64) -> f64 {
        let above = self.downward().take_while(|above| above.loss > epsilon).last();
        let delta =
            above.map_or(self.infinite, |above| above.mass - above.discounted * (epsilon - above.loss).exp());
        delta.clamp(self.infinite.min(1.0), 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_grid_both_distributions_keep_their_mass() {
        for probability in [1e-5, 0.01, 0.5, 1.0 - 1e-9, 1.0] {
            for noise in [1.0, 4.0, 30.0] {
                let densities = Densities::new(&SubsampledGaussian { probability, noise }, 1e-20);
                for step in densities.step(densities.interval(100)) {
                    let one = step.masses.iter().sum::<f64>();
                    let other = step.losses().map(|(loss, mass)| mass * (-loss).exp()).sum::<f64>();
                    assert!((one - 1.0).abs() < 1e-10, "q {probability}, σ {noise}: {one}");
                    assert!((other - 1.0).abs() < 1e-10, "q {probability}, σ {noise}: {other}");
                }
            }
        }
    }

    #[test]
    fn outputs_and_losses_are_inverse() {
        for probability in [1e-9, 0.01, 0.7, 1.0] {
            let densities = Densities::new(&SubsampledGaussian { probability, noise: 0.5 }, 1e-20);
            for output in [-1.0, 0.0, 0.5, 1.0, 4.0] {
                let back = densities.output(densities.loss(output));
                assert!((back - output).abs() < 1e-6, "q {probability}: {output} {back}");
            }
        }
    }

    #[test]
    fn powers_are_repeated_convolutions() {
        let power = cyclic_power(&[0.5, 0.25, 0.25], 7, 3);
        let expected = [0.125, 0.1875, 0.28125, 0.203125, 0.140625, 0.046875, 0.015625];
        for (a, b) in power.iter().zip(expected) {
            assert!((a - b).abs() < 1e-15, "{power:?}");
        }
        // On a smaller circle, the mass beyond its end is added at its beginning.
        let around = cyclic_power(&[0.5, 0.25, 0.25], 4, 3);
        assert!((around[0] - 0.265625).abs() < 1e-15, "{around:?}");
    }
}
