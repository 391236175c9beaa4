//! Points in the plane, generated from a seed, of two classes that no line separates.

use super::Dataset;
use crate::{Error, initialize};
use rand::distr::Distribution;
use rand_distr::StandardNormal;
use std::f64::consts::PI;

/// The largest number of points; nobody draws more, or trains a small network on more.
const MOST_POINTS: usize = 10_000_000;

/// Two interleaved half circles of radius 1, with half of the points on each. The first class is the upper one.
///
/// # Errors
///
/// [`Error::Setting`] if there are fewer than 2 points or more than ten million, or if the noise is negative or not
/// finite. The noise is the standard deviation of the numbers that are added to the coordinates.
///
/// ```
/// let moons = dualtape_nn::data::generate::moons(400, 0.1, 1)?;
/// assert_eq!((moons.len(), moons.features().len(), moons.classes().len()), (400, 2, 2));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn moons(points: usize, noise: f64, seed: u64) -> Result<Dataset, Error> {
    made("moons", points, noise, seed, |class, share| {
        let (sin, cos) = (PI * share).sin_cos();
        if class == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
    })
}

/// A circle of radius 1 around one of radius ½, with half of the points on each. The first class is the outer one.
///
/// # Errors
///
/// As [`moons`].
///
/// ```
/// let circles = dualtape_nn::data::generate::circles(100, 0.0, 1)?;
/// let radius = |class| if class == 0 { 1.0 } else { 0.5 };
/// assert!(circles.samples().all(|(x, class)| (x[0].hypot(x[1]) - radius(class)).abs() < 1e-12));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn circles(points: usize, noise: f64, seed: u64) -> Result<Dataset, Error> {
    made("circles", points, noise, seed, |class, share| {
        let (sin, cos) = (2.0 * PI * share).sin_cos();
        let radius = if class == 0 { 1.0 } else { 0.5 };
        [radius * cos, radius * sin]
    })
}

/// Two spirals of one and a half turns, from radius 0.1 to 1, with half of the points on each.
///
/// # Errors
///
/// As [`moons`].
///
/// ```
/// let spirals = dualtape_nn::data::generate::spirals(100, 0.0, 1)?;
/// assert!(spirals.samples().all(|(x, _)| (0.1 - 1e-12..1.0 + 1e-12).contains(&x[0].hypot(x[1]))));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn spirals(points: usize, noise: f64, seed: u64) -> Result<Dataset, Error> {
    made("spirals", points, noise, seed, |class, share| {
        let (sin, cos) = (3.0 * PI * share + PI * class as f64).sin_cos();
        let radius = 0.1 + 0.9 * share;
        [radius * cos, radius * sin]
    })
}

/// Noisy points along a curve for each of two classes. The curve is a function of a parameter from 0 to 1. The
/// points of the first class come first.
fn made(
    name: &str,
    points: usize,
    noise: f64,
    seed: u64,
    place: impl Fn(usize, f64) -> [f64; 2],
) -> Result<Dataset, Error> {
    if !(2..=MOST_POINTS).contains(&points) {
        let (what, given) = ("number of points", points.to_string());
        return Err(Error::Setting { what, given, expected: "from 2 to 10000000" });
    }
    if !(noise.is_finite() && noise >= 0.0) {
        let (what, given) = ("noise", noise.to_string());
        return Err(Error::Setting { what, given, expected: "a number of 0 or more" });
    }
    let mut stream = initialize::stream(seed);
    let (mut inputs, mut labels) = (Vec::with_capacity(2 * points), Vec::with_capacity(points));
    let first = points.div_ceil(2);
    for (class, count) in [(0, first), (1, points - first)] {
        for i in 0..count {
            let share = i as f64 / (count.max(2) - 1) as f64;
            for coordinate in place(class, share) {
                let normal: f64 = StandardNormal.sample(&mut stream);
                inputs.push(coordinate + noise * normal);
            }
            labels.push(class);
        }
    }
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    Dataset::classification(name, names(["x", "y"]), names(["0", "1"]), inputs, labels)
}
