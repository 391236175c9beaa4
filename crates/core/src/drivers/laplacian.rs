//! The Laplacian of a function of many numbers, and similar operators, forward in lanes.

use crate::forward::Tag;
use crate::rules::Partial;
use crate::{Differentiable, Error, ForwardLaplacian, Lanes};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U4, U8};
use num_traits::{Float, Zero};
use std::cell::Cell;

/// The value, the gradient and the Laplacian Σ ∂²f/∂xᵢ² of a function: one evaluation for every eight inputs, without a tape
/// and without a Hessian. See [`ForwardLaplacian`].
///
/// ```
/// use dualtape::{Differentiable, laplacian};
/// // 1/r is harmonic in three dimensions.
/// let (value, _, laplacian) = laplacian(|x| Differentiable::norm(x).recip(), &[1.0, 2.0, 2.0]);
/// assert!((value - 1.0 / 3.0).abs() < 1e-15 && laplacian.abs() < 1e-15);
/// # use dualtape::Float;
/// ```
pub fn laplacian<T, F>(f: F, x: &[T]) -> (T, Vec<T>, T)
where
    T: Differentiable,
    F: Fn(&[ForwardLaplacian<T, U8>]) -> ForwardLaplacian<T, U8>,
{
    laplacian_lanes(f, x)
}

/// [`laplacian`] with a chosen number of lanes: with as many lanes as inputs, it takes one evaluation.
///
/// # Panics
///
/// If there are inputs, but `N` is 0.
///
/// ```
/// use dualtape::{ForwardLaplacian, laplacian_lanes, typenum::U2};
/// let f = |x: &[ForwardLaplacian<f64, U2>]| x[0] * x[0] * x[1];
/// assert_eq!(laplacian_lanes::<_, U2, _>(f, &[3.0, 4.0]), (36.0, vec![24.0, 9.0], 8.0));
/// ```
pub fn laplacian_lanes<T, N, F>(f: F, x: &[T]) -> (T, Vec<T>, T)
where
    T: Differentiable,
    N: Lanes<T>,
    F: Fn(&[ForwardLaplacian<T, N>]) -> ForwardLaplacian<T, N>,
{
    let (mut value, mut gradient, mut laplacian) = (T::zero(), Vec::with_capacity(x.len()), T::zero());
    each_block(
        x,
        &(0..x.len()).collect::<Vec<_>>(),
        |_| T::one(),
        |inputs, count| {
            let y = f(inputs);
            value = y.primal();
            gradient.extend_from_slice(&y.tangent()[..count]);
            laplacian = plus(laplacian, y.laplacian());
        },
    );
    (value, gradient, laplacian)
}

/// The value of a function and Σ aᵢ ∂²f/∂xᵢ², with a constant weight for each input. Inputs of weight 0 cost nothing;
/// inputs of negative weight are evaluated apart from the others.
///
/// # Errors
///
/// [`Error::Length`] if `weights` does not have one number for each input.
///
/// ```
/// // The wave operator ∂²/∂t² − ∂²/∂x², of t²x³.
/// let wave = dualtape::weighted_laplacian(|x| x[0].powi(2) * x[1].powi(3), &[2.0, 3.0], &[1.0, -1.0])?;
/// assert!((wave.0 - 108.0).abs() < 1e-12 && (wave.1 - (54.0 - 72.0)).abs() < 1e-12);
/// # use dualtape::Float;
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn weighted_laplacian<T, F>(f: F, x: &[T], weights: &[T::Scalar]) -> Result<(T, T), Error>
where
    T: Differentiable,
    F: Fn(&[ForwardLaplacian<T, U8>]) -> ForwardLaplacian<T, U8>,
{
    Error::check_length("slice of weights", "input", x.len(), weights.len())?;
    let zero = T::Scalar::zero();
    // A NaN weight counts as positive, so that it is not lost.
    let (negative, others): (Vec<usize>, Vec<usize>) =
        (0..x.len()).filter(|&i| weights[i] != zero).partition(|&i| weights[i] < zero);
    let (mut value, mut sums) = (None, [T::zero(); 2]);
    for (sum, inputs) in sums.iter_mut().zip([others, negative]) {
        // Along a direction of length √|a|, the second derivative is a times as large.
        let length = |i: usize| T::constant(weights[i].abs().sqrt());
        each_block(x, &inputs, length, |inputs, _| {
            let y = f(inputs);
            value = Some(y.primal());
            *sum = plus(*sum, y.laplacian());
        });
    }
    let plain = || f(&x.iter().map(|&x| ForwardLaplacian::lift(x)).collect::<Vec<_>>()).primal();
    Ok((value.unwrap_or_else(plain), sums[0] - sums[1]))
}

/// The value of f and ∇·(a ∇f) = a Δf + ∇a·∇f, for a function that gives f and a. This is diffusion with a
/// conductivity a that differs from place to place.
///
/// ```
/// use dualtape::divergence_form;
/// // f = x², a = x: (x · 2x)′ = 4x
/// assert_eq!(divergence_form(|x| [x[0] * x[0], x[0]], &[3.0]), (9.0, 12.0));
/// ```
pub fn divergence_form<T, F>(f: F, x: &[T]) -> (T, T)
where
    T: Differentiable,
    F: Fn(&[ForwardLaplacian<T, U8>]) -> [ForwardLaplacian<T, U8>; 2],
{
    let (mut value, mut sum) = (T::zero(), T::zero());
    each_block(
        x,
        &(0..x.len()).collect::<Vec<_>>(),
        |_| T::one(),
        |inputs, _| {
            let [y, a] = f(inputs);
            value = y.primal();
            sum = plus(sum, Partial::Of(a.primal()).times(y.laplacian()) + a.inner(&y));
        },
    );
    (value, sum)
}

/// The value, the Laplacian and the biharmonic operator ΔΔf of a function, the Laplacian of the Laplacian. It takes
/// blocks of four by four inputs, so the cost grows as the square of their number.
///
/// ```
/// use dualtape::biharmonic;
/// // x⁴ + x²y²: Δ is 12x² + 2y² + 2x², and ΔΔ is 24 + 4 + 4.
/// let (value, laplacian, biharmonic) = biharmonic(|x| x[0].powi(4) + (x[0] * x[1]).powi(2), &[1.0, 2.0]);
/// assert_eq!((value, laplacian, biharmonic), (5.0, 22.0, 32.0));
/// # use dualtape::Float;
/// ```
pub fn biharmonic<T, F>(f: F, x: &[T]) -> (T, T, T)
where
    T: Differentiable,
    F: Fn(&[Twice<T>]) -> Twice<T>,
{
    let value = Cell::new(T::zero());
    let inner = |x: &[ForwardLaplacian<T, U4>]| {
        let (y, _, laplacian) = laplacian_lanes::<_, U4, _>(&f, x);
        value.set(y.primal());
        laplacian
    };
    let (laplacian, _, biharmonic) = laplacian_lanes::<_, U4, _>(inner, x);
    (value.get(), laplacian, biharmonic)
}

/// The number type for which [`biharmonic`] takes functions.
pub type Twice<T> = ForwardLaplacian<ForwardLaplacian<T, U4>, U4>;

/// Visits the inputs once for each block of them, seeded in a lane each with the given first derivatives, and passes
/// how many are seeded. If there are no inputs at all, there is still one visit, for the value.
fn each_block<T: Differentiable, N: Lanes<T>>(
    x: &[T],
    moving: &[usize],
    speed: impl Fn(usize) -> T,
    mut visit: impl FnMut(&[ForwardLaplacian<T, N>], usize),
) {
    let tag = Tag::fresh();
    let still = |x| ForwardLaplacian::lift(x).tagged(tag);
    let mut inputs: Vec<ForwardLaplacian<T, N>> = x.iter().map(|&x| still(x)).collect();
    if x.is_empty() {
        visit(&inputs, 0);
    }
    assert!(N::USIZE > 0 || moving.is_empty(), "a Laplacian needs at least one lane");
    for block in moving.chunks(N::USIZE.max(1)) {
        for (lane, &i) in block.iter().enumerate() {
            let along = |l| if l == lane { speed(i) } else { T::zero() };
            inputs[i] = ForwardLaplacian::new(x[i], GenericArray::generate(along), T::zero()).tagged(tag);
        }
        visit(&inputs, block.len());
        block.iter().for_each(|&i| inputs[i] = still(x[i]));
    }
}

/// A sum that starts with its first term, without an addition to zero.
fn plus<T: Differentiable>(sum: T, x: T) -> T {
    if sum.is_identically_zero() { x } else { sum + x }
}
