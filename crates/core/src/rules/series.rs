//! Recurrences of Taylor coefficients: how the derivative of an operation changes along a curve, in O(N²) products.
//!
//! An operation `z = f(x)` on series in t satisfies z′ = p·x′, where p is the derivative that its row of the table
//! states. If p is a function of x alone, made of other operations, it is evaluated in series arithmetic, and [`Sum`]
//! integrates the product: the row is enough. This file holds the remaining operations. Their derivative uses the
//! output z, or would lead from one operation to the next without end (sin → cos → −sin → …). For these it states the
//! derivative of p itself (of an exponential, proportional to the output; of a sine, to its negative). Order 0 of p
//! always comes from the table.
//!
//! A series is given as its coefficient of order 0 and a slice of the coefficients from order 1 on. They are
//! normalised: the k-th is the k-th derivative over k!. Sources: Griewank and Walther, *Evaluating Derivatives*, 2nd
//! edition 2008, chapter 13; Knuth, *The Art of Computer Programming* 2, section 4.7, for powers.
//!
//! Each coefficient, once known, is added to the sums of all later ones: the loops then run over independent sums,
//! which the compiler vectorises. `CAREFUL` lets exact zeros win over ∞ and NaN in each product; it is for numbers
//! that are recorded, that are on a tape, or that turned out not to be finite.

use super::Partial::Of;
use crate::{Differentiable, Lanes, Scalar};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;

/// The coefficients of a series from order 1 on.
pub(crate) type Orders<T, N> = GenericArray<T, N>;

/// The coefficients of a constant.
pub(crate) fn still<T: Differentiable, N: Lanes<T>>() -> Orders<T, N> {
    Orders::<T, N>::generate(|_| T::zero())
}

/// A product; exact zeros win if `CAREFUL` is set.
#[inline(always)]
fn product<T: Differentiable, const CAREFUL: bool>(a: T, b: T) -> T {
    if !CAREFUL {
        return a * b;
    }
    match T::one() {
        one if one.is_same(&a) => b,
        one if one.is_same(&b) => a,
        _ => Of(a).times(b),
    }
}

/// A sum, without an operation if a term is known to be zero.
#[inline(always)]
pub(crate) fn sum<T: Differentiable>(a: T, b: T) -> T {
    if T::KNOWS_ZEROS && a.is_identically_zero() {
        return b;
    }
    if T::KNOWS_ZEROS && b.is_identically_zero() { a } else { a + b }
}

/// A difference, likewise.
#[inline(always)]
pub(crate) fn difference<T: Differentiable>(a: T, b: T) -> T {
    if T::KNOWS_ZEROS && a.is_identically_zero() {
        return negative(b);
    }
    if T::KNOWS_ZEROS && b.is_identically_zero() { a } else { a - b }
}

#[inline(always)]
pub(crate) fn negative<T: Differentiable>(x: T) -> T {
    if T::KNOWS_ZEROS && x.is_identically_zero() { x } else { -x }
}

/// A number times a whole number, or its reciprocal.
#[inline(always)]
pub(crate) fn scaled<T: Differentiable>(x: T, factor: f64) -> T {
    if factor == 1.0 || (T::KNOWS_ZEROS && x.is_identically_zero()) {
        x
    } else {
        x * T::Scalar::nearest(factor)
    }
}

#[inline(always)]
fn over<T: Differentiable>(x: T, order: usize) -> T {
    scaled(x, 1.0 / order as f64)
}

#[inline(always)]
fn times<T: Differentiable>(x: T, order: usize) -> T {
    scaled(x, order as f64)
}

/// Adds `factor` times each of `x` to the sums.
#[inline(always)]
fn push<T: Differentiable, const CAREFUL: bool>(sums: &mut [T], factor: T, x: &[T]) {
    if factor.is_identically_zero() {
        return;
    }
    for (to, &x) in sums.iter_mut().zip(x) {
        if CAREFUL {
            *to = sum(*to, product::<T, true>(factor, x));
        } else {
            *to += factor * x;
        }
    }
}

/// Adds to the sums the square of the `k`-th coefficient and twice its products with the coefficients before it.
#[inline(always)]
fn push_square<T: Differentiable, const CAREFUL: bool>(sums: &mut [T], z: &[T], k: usize) {
    push::<T, CAREFUL>(&mut sums[k..], scaled(z[k - 1], 2.0), &z[..k - 1]);
    if 2 * k <= z.len() {
        push::<T, CAREFUL>(&mut sums[2 * k - 1..2 * k], z[k - 1], &z[k - 1..k]);
    }
}

/// The coefficients of t·x′.
#[inline(always)]
fn turned<T: Differentiable, N: Lanes<T>>(x: &Orders<T, N>) -> Orders<T, N> {
    Orders::<T, N>::generate(|i| times(x[i], i + 1))
}

#[inline(always)]
fn each<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(factor: T, x: &Orders<T, N>) -> Orders<T, N> {
    let mut all = still();
    push::<T, CAREFUL>(&mut all, factor, x);
    all
}

/// The integral of Σ p·x′ over the operands, with the series p known.
pub(crate) struct Sum<T, N: Lanes<T>>(Orders<T, N>);

impl<T: Differentiable, N: Lanes<T>> Sum<T, N> {
    pub(crate) fn new() -> Self {
        Self(still())
    }

    /// Adds an operand and the derivative with respect to it.
    #[inline]
    pub(crate) fn add<const CAREFUL: bool>(&mut self, p: T, rest: &Orders<T, N>, x: &Orders<T, N>) {
        let dx = turned(x);
        push::<T, CAREFUL>(&mut self.0, p, &dx);
        for k in 1..N::USIZE {
            push::<T, CAREFUL>(&mut self.0[k..], rest[k - 1], &dx);
        }
    }

    pub(crate) fn integrated(self) -> Orders<T, N> {
        Orders::<T, N>::generate(|i| over(self.0[i], i + 1))
    }
}

/// A derivative whose change is `rate` times that of the output: exponentials.
#[inline]
pub(crate) fn exponential<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    p: T,
    rate: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let dx = turned(x);
    let (mut z, mut sums) = (still::<T, N>(), each::<T, N, CAREFUL>(p, &dx));
    for k in 1..=N::USIZE {
        z[k - 1] = over(sums[k - 1], k);
        push::<T, CAREFUL>(&mut sums[k..], product::<T, CAREFUL>(rate, z[k - 1]), &dx);
    }
    z
}

/// A derivative that itself has the derivative `sign`·z: sine and cosine with −1, hyperbolic ones with 1.
#[inline]
pub(crate) fn circular<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    p0: T,
    sign: f64,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let dx = turned(x);
    let mut z = still::<T, N>();
    let (mut sums, mut derivatives) = (each::<T, N, CAREFUL>(p0, &dx), each::<T, N, CAREFUL>(z0, &dx));
    for k in 1..=N::USIZE {
        z[k - 1] = over(sums[k - 1], k);
        let p = scaled(derivatives[k - 1], sign / k as f64);
        push::<T, CAREFUL>(&mut sums[k..], p, &dx);
        push::<T, CAREFUL>(&mut derivatives[k..], z[k - 1], &dx);
    }
    z
}

/// A derivative that changes as `first`·z + `second`·z² does: tangents and the logistic function.
#[inline]
pub(crate) fn riccati<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    p0: T,
    [first, second]: [f64; 2],
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let dx = turned(x);
    let (mut z, mut squares) = (still::<T, N>(), still::<T, N>());
    let mut sums = each::<T, N, CAREFUL>(p0, &dx);
    let derivative = z0 * T::Scalar::nearest(2.0 * second) + T::Scalar::nearest(first);
    for k in 1..=N::USIZE {
        z[k - 1] = over(sums[k - 1], k);
        let p = sum(product::<T, CAREFUL>(derivative, z[k - 1]), scaled(squares[k - 1], second));
        push_square::<T, CAREFUL>(&mut squares, &z, k);
        push::<T, CAREFUL>(&mut sums[k..], p, &dx);
    }
    z
}

/// z·y = x, from the quotient z at order 0.
#[inline]
pub(crate) fn quotient<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    y0: T,
    x: &Orders<T, N>,
    y: &Orders<T, N>,
) -> Orders<T, N> {
    let (mut z, mut sums, inverse) = (still::<T, N>(), *x, y0.recip());
    push::<T, CAREFUL>(&mut sums, -z0, y);
    for k in 1..=N::USIZE {
        z[k - 1] = product::<T, CAREFUL>(inverse, sums[k - 1]);
        push::<T, CAREFUL>(&mut sums[k..], negative(z[k - 1]), y);
    }
    z
}

/// x·z′ = x′.
#[inline]
pub(crate) fn logarithm<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    p0: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let (mut z, mut sums) = (still::<T, N>(), still::<T, N>());
    for k in 1..=N::USIZE {
        z[k - 1] = product::<T, CAREFUL>(p0, difference(x[k - 1], over(sums[k - 1], k)));
        push::<T, CAREFUL>(&mut sums[k..], times(z[k - 1], k), x);
    }
    z
}

/// z² = x.
#[inline]
pub(crate) fn square_root<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    p0: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let (mut z, mut squares) = (still::<T, N>(), still::<T, N>());
    for k in 1..=N::USIZE {
        z[k - 1] = product::<T, CAREFUL>(p0, difference(x[k - 1], squares[k - 1]));
        push_square::<T, CAREFUL>(&mut squares, &z, k);
    }
    z
}

/// z³ = x.
#[inline]
pub(crate) fn cube_root<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    p0: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    // The sums of z² and z³ hold the terms that are known before the k-th coefficient of z.
    let (mut z, mut squares, mut cubes) = (still::<T, N>(), still::<T, N>(), still::<T, N>());
    for k in 1..=N::USIZE {
        let known = sum(product::<T, CAREFUL>(z0, squares[k - 1]), cubes[k - 1]);
        z[k - 1] = product::<T, CAREFUL>(p0, difference(x[k - 1], known));
        squares[k - 1] = sum(squares[k - 1], scaled(product::<T, CAREFUL>(z0, z[k - 1]), 2.0));
        push_square::<T, CAREFUL>(&mut squares, &z, k);
        // Products of squares and roots whose later factor is the k-th.
        push::<T, CAREFUL>(&mut cubes[k..], squares[k - 1], &z[..k]);
        push::<T, CAREFUL>(&mut cubes[k..], z[k - 1], &squares[..k - 1]);
    }
    z
}

/// x·y.
#[inline]
pub(crate) fn cauchy<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    (x0, x): (T, &Orders<T, N>),
    (y0, y): (T, &Orders<T, N>),
) -> Orders<T, N> {
    let mut z = each::<T, N, CAREFUL>(x0, y);
    push::<T, CAREFUL>(&mut z, y0, x);
    add_products::<T, N, CAREFUL>(&mut z, x, y);
    z
}

/// Adds the products in which neither factor is of order 0.
#[inline]
pub(crate) fn add_products<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z: &mut Orders<T, N>,
    x: &Orders<T, N>,
    y: &Orders<T, N>,
) {
    for k in 1..N::USIZE {
        push::<T, CAREFUL>(&mut z[k..], x[k - 1], y);
    }
}

/// Adds the products of a series with itself in which neither factor is of order 0.
#[inline]
pub(crate) fn add_squares<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z: &mut Orders<T, N>,
    x: &Orders<T, N>,
) {
    for k in 1..N::USIZE {
        push_square::<T, CAREFUL>(z, x, k);
    }
}

/// x².
#[inline]
pub(crate) fn square<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    x0: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let mut z = each::<T, N, CAREFUL>(scaled(x0, 2.0), x);
    add_squares::<T, N, CAREFUL>(&mut z, x);
    z
}

/// x to a positive integer power, by squares and products: it has no singular point.
#[inline]
pub(crate) fn whole_power<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    x0: T,
    x: &Orders<T, N>,
    exponent: u32,
) -> Orders<T, N> {
    let (mut z0, mut z) = (x0, *x);
    // The highest bit is the power from which this starts.
    for bit in (0..exponent.ilog2()).rev() {
        (z0, z) = (z0 * z0, square::<T, N, CAREFUL>(z0, &z));
        if exponent >> bit & 1 == 1 {
            (z0, z) = (z0 * x0, cauchy::<T, N, CAREFUL>((z0, &z), (x0, x)));
        }
    }
    z
}

/// x to a constant power y, if x is not 0: x·z′ = y·z·x′.
#[inline]
pub(crate) fn power<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    y: T,
    x0: T,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let (dx, inverse) = (turned(x), x0.recip());
    let (mut z, mut sums) = (still::<T, N>(), each::<T, N, CAREFUL>(y * z0, &dx));
    for k in 1..=N::USIZE {
        z[k - 1] = over(product::<T, CAREFUL>(inverse, sums[k - 1]), k);
        push::<T, CAREFUL>(&mut sums[k..], product::<T, CAREFUL>(y, z[k - 1]), &dx);
        push::<T, CAREFUL>(&mut sums[k..], scaled(z[k - 1], -(k as f64)), x);
    }
    z
}

/// g(x) for a function whose coefficients at x₀ are all known, by Horner's scheme: O(N³), for functions that have no
/// recurrence.
#[inline(never)]
pub(crate) fn composition<T: Differentiable, N: Lanes<T>>(
    g: &Orders<T, N>,
    x: &Orders<T, N>,
) -> Orders<T, N> {
    let mut z = still::<T, N>();
    for order in (1..=N::USIZE).rev() {
        // A term that is still to be multiplied by several factors x − x₀ need not go up to order N.
        let wanted = N::USIZE - (order - 1);
        let mut next = still::<T, N>();
        push::<T, true>(&mut next[..wanted], g[order - 1], x);
        for k in 1..wanted {
            push::<T, true>(&mut next[k..wanted], z[k - 1], x);
        }
        z = next;
    }
    z
}

/// √Σ x²: the operands come with their derivatives at order 0, and `squares` holds the products of their coefficients
/// in which neither factor is of order 0.
#[inline]
pub(crate) fn norm<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z0: T,
    mut linear: Orders<T, N>,
    squares: &Orders<T, N>,
) -> Orders<T, N> {
    let (mut known, half) = (still::<T, N>(), scaled(z0, 2.0).recip());
    for k in 1..=N::USIZE {
        let bend = product::<T, CAREFUL>(half, difference(squares[k - 1], known[k - 1]));
        linear[k - 1] = sum(linear[k - 1], bend);
        push_square::<T, CAREFUL>(&mut known, &linear, k);
    }
    linear
}

/// Adds `factor` times a series.
#[inline]
pub(crate) fn add_scaled<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z: &mut Orders<T, N>,
    factor: T,
    x: &Orders<T, N>,
) {
    push::<T, CAREFUL>(z, factor, x);
}

/// The coefficients of ln Σ exp xᵢ from the weights of its terms at order 0: z′ = Σ wᵢxᵢ′ and wᵢ′ = wᵢ(xᵢ − z)′.
pub(crate) fn log_sum_exp<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    weights: &[T],
    terms: &[Orders<T, N>],
) -> Orders<T, N> {
    let mut z = still::<T, N>();
    let turns: Vec<_> = terms.iter().map(turned).collect();
    // For each term: the coefficients of the weight, and the sums of t·wᵢ′ as far as they are known.
    let mut moving = vec![(still::<T, N>(), still::<T, N>()); terms.len()];
    for k in 1..=N::USIZE {
        // t·z′ of order k, over all pairs of a term and a weight of lower order.
        let mut total = T::zero();
        for ((&w0, (w, _)), dx) in weights.iter().zip(&moving).zip(&turns) {
            total = sum(total, product::<T, CAREFUL>(w0, dx[k - 1]));
            for i in 1..k {
                total = sum(total, product::<T, CAREFUL>(w[k - 1 - i], dx[i - 1]));
            }
        }
        z[k - 1] = over(total, k);
        for ((&w0, (w, ahead)), dx) in weights.iter().zip(&mut moving).zip(&turns) {
            ahead[k - 1] = difference(dx[k - 1], total);
            let mut derivative = product::<T, CAREFUL>(w0, ahead[k - 1]);
            for i in 1..k {
                derivative = sum(derivative, product::<T, CAREFUL>(w[k - 1 - i], ahead[i - 1]));
            }
            w[k - 1] = over(derivative, k);
        }
    }
    z
}
