//! Normal numbers for noise, many at once.
//!
//! Box and Muller, "A note on the generation of random normal deviates", 1958: of two uniform words, one becomes the
//! radius √(−2 ln u) of a point and the other its angle; the coordinates of the point are two independent normal numbers.
//! There are no branches and nothing is rejected, so the index of a component alone determines its noise, and loops are
//! vectorised. A ziggurat takes fewer operations, but computes one number after another.
//!
//! u is an odd multiple of 2⁻⁶⁴, so no number exceeds √(128 ln 2) = 9.4; the normal distribution has 5e-21 of
//! its mass beyond that. The angle has one of 2⁵³ values.
//!
//! The bits are the same on every machine and with any number of threads: the words come from a cipher, all
//! arithmetic rounds correctly in a fixed order, and the position of a component's words does not depend on registers.

use super::chacha::{Stream, Words};
use super::elementary::{minus_twice_ln, sin_cos};
use dualtape::Scalar;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The number of components for which a group of blocks has words: one word of 64 bits for each.
const GROUP: usize = 2 * PAIRS;

/// The number of points in the plane for a group.
const PAIRS: usize = 64;

/// The smallest number of groups that one thread processes.
const GROUPS_OF_PIECE: usize = 64;
const PIECE: usize = GROUP * GROUPS_OF_PIECE;

/// The number of components from which on it is worth waking threads.
pub(crate) const PARALLEL_FROM: usize = 4 * PIECE;

/// Adds `deviation` times a standard normal number to each component. The number depends only on the key, the step and the
/// index of the component, not on the number of components or of threads in rayon's current pool. Numbers of type `f32`
/// get the same noise, rounded.
///
/// The words for the noise come from [`Stream`] number `step` with a counter below 2⁶³.
pub(crate) fn add_normal<F: Scalar>(key: &[u8; 32], step: u64, deviation: f64, numbers: &mut [F]) {
    add_normal_in(Arch::new(), key, step, deviation, numbers);
}

fn add_normal_in<F: Scalar>(arch: Arch, key: &[u8; 32], step: u64, deviation: f64, numbers: &mut [F]) {
    let stream = Stream::new(key, step);
    let add = |(piece, numbers): (usize, &mut [F])| {
        let first_group = (piece * GROUPS_OF_PIECE) as u64;
        arch.dispatch(Addition { stream, first_group, deviation, numbers });
    };
    if numbers.len() < PARALLEL_FROM {
        add((0, numbers));
    } else {
        numbers.par_chunks_mut(PIECE).enumerate().for_each(add);
    }
}

/// The work of one thread, in the instruction set to which it is dispatched.
struct Addition<'a, F> {
    stream: Stream,
    first_group: u64,
    deviation: f64,
    numbers: &'a mut [F],
}

impl<F: Scalar> WithSimd for Addition<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (mut words, mut normals) = (Words::default(), [0.0; GROUP]);
        for (group, numbers) in (self.first_group..).zip(self.numbers.chunks_mut(GROUP)) {
            self.stream.blocks(group, &mut words);
            fill(&words, self.deviation, &mut normals);
            for (x, normal) in numbers.iter_mut().zip(&normals) {
                *x += F::nearest(*normal);
            }
        }
    }
}

/// The first coordinates of all points, and then the second ones, times `deviation`.
#[inline(always)]
fn fill(words: &Words, deviation: f64, normals: &mut [f64; GROUP]) {
    let [radii, angles] = words.as_flattened().as_chunks::<PAIRS>().0 else { unreachable!("words are 128") };
    let [first, second] = normals.as_chunks_mut::<PAIRS>().0 else { unreachable!("normals are as many") };
    // There are two loops, because the registers of AVX2 hold the constants of only one of them.
    for (radius, &word) in second.iter_mut().zip(radii) {
        *radius = deviation * unit_radius(word);
    }
    for ((first, second), &word) in first.iter_mut().zip(second).zip(angles) {
        let (radius, [x, y]) = (*second, unit_point(word));
        (*first, *second) = (radius * x, radius * y);
    }
}

/// The distance of a normal point in the plane from the origin: √(−2 ln u).
#[inline(always)]
fn unit_radius(word: u64) -> f64 {
    minus_twice_ln((word | 1) as f64).sqrt()
}

/// A point of the unit circle. The upper 51 bits place it within an eighth of the circle to either side of the first axis;
/// the lowest two bits then rotate it.
#[inline(always)]
fn unit_point(word: u64) -> [f64; 2] {
    // This is an odd multiple of 2⁻⁵² between −½ and ½, so that both signs are equally likely.
    let quarters = f64::from_bits((word >> 12) | 1.0_f64.to_bits() | 1) - 1.5;
    let (sin, cos) = sin_cos(quarters);
    let cos = f64::from_bits(cos.to_bits() ^ (word << 63));
    if word & 2 == 0 { [cos, sin] } else { [sin, cos] }
}

#[cfg(test)]
mod tests {
    use super::{GROUP, PARALLEL_FROM, PIECE, add_normal, add_normal_in, unit_point, unit_radius};
    use dualtape::{Differentiable, Scalar};
    use pulp::Arch;
    use std::f64::consts::{LN_2, SQRT_2};

    const KEY: [u8; 32] = *b"noise is tested with this key...";
    const MANY: usize = 1_000_000;

    fn normals(step: u64, count: usize) -> Vec<f64> {
        let mut numbers = vec![0.0; count];
        add_normal(&KEY, step, 1.0, &mut numbers);
        numbers
    }

    fn bits(numbers: &[f64]) -> Vec<u64> {
        numbers.iter().map(|x| x.to_bits()).collect()
    }

    /// The instruction sets of this machine.
    fn instruction_sets() -> Vec<Arch> {
        let mut sets = vec![Arch::Scalar, Arch::new()];
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        sets.extend(pulp::x86::V3::try_new().map(Arch::V3));
        sets
    }

    /// The mass below x.
    fn distribution(x: f64) -> f64 {
        0.5 * Differentiable::erfc(-x / SQRT_2)
    }

    /// The mean of products, in standard deviations of the mean that uncorrelated numbers would have.
    fn correlation<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
        let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), (a, b)| (sum + a * b, count + 1.0));
        sum / f64::sqrt(count)
    }

    #[test]
    fn moments_are_those_of_the_normal_distribution() {
        let numbers = normals(1, MANY);
        let moment = |n: i32| numbers.iter().map(|x| x.powi(n)).sum::<f64>() / MANY as f64;
        // E xⁿ, and E x²ⁿ for the deviation of the estimate.
        for (n, expected, square) in
            [(1, 0.0, 1.0), (2, 1.0, 3.0), (3, 0.0, 15.0), (4, 3.0, 105.0), (6, 15.0, 10395.0)]
        {
            let deviation = f64::sqrt((square - expected * expected) / MANY as f64);
            assert!((moment(n) - expected).abs() < 3.5 * deviation, "moment {n}: {}", moment(n));
        }
    }

    #[test]
    fn numbers_pass_the_test_of_kolmogorov_and_smirnov() {
        for step in 1..=3 {
            let mut numbers = normals(step, MANY);
            numbers.sort_by(f64::total_cmp);
            let (count, mut largest) = (MANY as f64, 0.0_f64);
            for (i, &x) in numbers.iter().enumerate() {
                let (below, mass) = (i as f64 / count, distribution(x));
                largest = largest.max(mass - below).max(below + 1.0 / count - mass);
            }
            // One sample in a thousand exceeds this number.
            assert!(largest * count.sqrt() < 1.95, "step {step}: {}", largest * count.sqrt());
        }
    }

    #[test]
    fn tails_on_both_sides_have_their_mass() {
        let numbers = normals(4, 10 * MANY);
        for beyond in [3.0, 4.0, 5.0] {
            let expected = distribution(-beyond) * numbers.len() as f64;
            for sign in [-1.0, 1.0] {
                let count = numbers.iter().filter(|&&x| sign * x > beyond).count() as f64;
                assert!(
                    (count - expected).abs() < 3.5 * expected.sqrt(),
                    "{sign}·{beyond}: {count}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn the_largest_radius_is_beyond_9_sigma_and_the_smallest_is_zero() {
        assert!((unit_radius(0) - (128.0 * LN_2).sqrt()).abs() < 1e-14);
        assert_eq!(unit_radius(u64::MAX), 0.0);
        // A share e⁻³² of all radii is beyond 8.
        let beyond_8 = (f64::exp(-32.0) * 2.0_f64.powi(64)) as u64;
        assert!(unit_radius(beyond_8) < 8.000_001 && unit_radius(beyond_8 - beyond_8 / 1000) > 8.0);
    }

    #[test]
    fn points_lie_on_the_circle_in_all_directions_alike() {
        const STEPS: u64 = 1 << 12;
        let mut sums = [0.0; 5];
        for i in 0..STEPS {
            for turn in 0..4 {
                let [x, y] = unit_point((i << 52) | (1 << 51) | turn);
                assert!((x * x + y * y - 1.0).abs() < 2e-15, "{x}, {y}");
                // The middle of an arc of width π/2/STEPS has the mean over the arc, apart from a factor of 1 − 6e-9.
                for (sum, term) in sums.iter_mut().zip([x, y, x * y, x * x - y * y, x * x * x * x]) {
                    *sum += term / (4 * STEPS) as f64;
                }
            }
        }
        for (sum, expected) in sums.into_iter().zip([0.0, 0.0, 0.0, 0.0, 0.375]) {
            assert!((sum - expected).abs() < 1e-8, "{sums:?}");
        }
    }

    #[test]
    fn nothing_is_correlated() {
        let (one, other) = (normals(1, MANY), normals(2, MANY));
        let mut key = KEY;
        key[31] ^= 1;
        let mut of_other_key = vec![0.0; MANY];
        add_normal(&key, 1, 1.0, &mut of_other_key);
        let squares: Vec<f64> = one.iter().map(|x| (x * x - 1.0) / SQRT_2).collect();
        // These are neighbours, the two numbers of one point, and numbers of neighbouring groups and pieces.
        for distance in [1, 2, GROUP / 2 - 1, GROUP / 2, GROUP / 2 + 1, GROUP, PIECE] {
            let c = correlation(one.iter().zip(&one[distance..]));
            assert!(c.abs() < 4.0, "at distance {distance}: {c}");
            let c = correlation(squares.iter().zip(&squares[distance..]));
            assert!(c.abs() < 4.0, "of squares at distance {distance}: {c}");
        }
        // These are only the two numbers of one point.
        let points = || one.chunks_exact(GROUP).flat_map(|group| group.iter().zip(&group[GROUP / 2..]));
        assert!(correlation(points()).abs() < 4.0);
        assert!(correlation(one.iter().zip(&other)).abs() < 4.0, "between steps");
        assert!(correlation(one.iter().zip(&of_other_key)).abs() < 4.0, "between keys");
    }

    #[test]
    fn bits_do_not_depend_on_the_instruction_set() {
        for count in [1, 2, 63, 64, 65, 400, 10_001, PARALLEL_FROM + 1] {
            let expected = bits(&normals(5, count));
            for arch in instruction_sets() {
                let mut numbers = vec![0.0; count];
                add_normal_in(arch, &KEY, 5, 1.0, &mut numbers);
                assert_eq!(bits(&numbers), expected, "{count} numbers, {arch:?}");
            }
        }
    }

    #[test]
    fn bits_depend_neither_on_threads_nor_on_how_many_components_there_are() {
        let most = 3 * PARALLEL_FROM + 77;
        let expected = bits(&normals(6, most));
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for count in [1, 100, GROUP, PIECE + 1, PARALLEL_FROM - 1, PARALLEL_FROM, most] {
                let numbers = pool.install(|| normals(6, count));
                assert_eq!(bits(&numbers), expected[..count], "{count} numbers on {threads} threads");
            }
        }
    }

    #[test]
    fn noise_is_that_of_its_definition_and_the_same_as_ever() {
        let numbers = normals(7, 2000);
        // Another program computed the cipher, and the logarithm and the angle to 40 digits.
        let worked_out = [
            (0, -0.072_736_895_524_340_61),
            (1, -2.216_930_241_125_238_5),
            (63, 0.205_588_372_299_712_66),
            (64, 0.724_716_400_275_343_7),
            (65, -0.473_297_661_847_524_4),
            (127, -0.201_398_218_532_480_36),
            (15 * 128 + 32, -0.051_207_279_711_487_974),
        ];
        for (i, expected) in worked_out {
            assert!((numbers[i] / expected - 1.0).abs() < 1e-15, "{i}: {}, not {expected}", numbers[i]);
        }
        let folded = numbers.iter().fold(0_u64, |sum, x| sum.rotate_left(7) ^ x.to_bits());
        assert_eq!(folded, 5_912_810_441_373_817_515);
    }

    #[test]
    fn noise_is_added_with_its_deviation_to_either_type_of_number() {
        let unit = normals(8, 1000);
        let (mut wide, mut narrow) = (vec![3.0_f64; 1000], vec![3.0_f32; 1000]);
        add_normal(&KEY, 8, 0.25, &mut wide);
        add_normal(&KEY, 8, 0.25, &mut narrow);
        for ((unit, wide), narrow) in unit.into_iter().zip(wide).zip(narrow) {
            // A power of two scales exactly.
            assert_eq!(wide, 3.0 + 0.25 * unit);
            assert_eq!(narrow, 3.0 + f32::nearest(0.25 * unit));
        }
        let mut untouched = [1.5, -2.5];
        add_normal(&KEY, 8, 0.0, &mut untouched);
        assert_eq!(untouched, [1.5, -2.5]);
        add_normal::<f64>(&KEY, 8, 1.0, &mut []);
    }
}
