//! Operations on series: which recurrence each row of the table uses, and what happens if a result is not finite.
//!
//! Every row that is not named here uses its own derivative, evaluated on series. Such a derivative must not use the
//! output: it receives an output whose coefficients are NaN, so that a row which uses it is detected.

use super::Taylor;
use crate::forward::lanes::{combined, scaled};
use crate::rules::series::{self, Orders, Sum, still};
use crate::rules::{Binary, Op, Partial, Ternary, Unary};
use crate::{Differentiable, Lanes, Relation};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::U1;
use num_traits::{Float, Zero as _};

/// The result of a function for a coefficient that is not known to be zero.
#[inline(always)]
pub(super) fn moved<T: Differentiable>(x: T, f: impl FnOnce(T) -> T) -> T {
    if T::KNOWS_ZEROS && x.is_identically_zero() { x } else { f(x) }
}

/// Whether every product needs care: numbers on a tape or in a recording know their exact zeros.
pub(super) const fn always_careful<T: Differentiable>() -> bool {
    T::RECORDS || T::KNOWS_ZEROS
}

/// Whether a result needs no correction. A recorded result has no value to test.
#[inline(always)]
pub(super) fn is_settled<T: Differentiable, N: Lanes<T>>(z: &T, orders: &Orders<T, N>) -> bool {
    T::RECORDS || (z.value().is_finite() && orders.iter().all(|c| c.value().is_finite()))
}

/// The coefficients of a NaN value: NaN from the first order at which an operand has a nonzero coefficient.
#[cold]
#[inline(never)]
pub(super) fn nan_orders<T: Differentiable, N: Lanes<T>>(z: &T, operands: &[&Orders<T, N>]) -> Orders<T, N> {
    let mut moving = Vec::new();
    Orders::<T, N>::generate(|i| {
        let edges = operands.iter().map(|x| (T::one(), x[i]));
        moving.extend(edges.filter(|(_, c)| !c.is_identically_zero()));
        if moving.is_empty() { T::zero() } else { T::chain_rule(*z, &moving) }
    })
}

/// The coefficient of order 1, as a tangent.
fn tangent<T: Differentiable, N: Lanes<T>>(x: &Taylor<T, N>) -> GenericArray<T, U1> {
    GenericArray::generate(|_| x.orders.first().copied().unwrap_or(T::zero()))
}

/// The same coefficients except the first.
fn with_first<T: Differentiable, N: Lanes<T>>(
    mut orders: Orders<T, N>,
    first: GenericArray<T, U1>,
) -> Orders<T, N> {
    if let Some(order) = orders.first_mut() {
        *order = first[0];
    }
    orders
}

/// A number of which only the value is known.
fn unknown<T: Differentiable, N: Lanes<T>>(z: T) -> Taylor<T, N> {
    Taylor::new(z, Orders::<T, N>::generate(|_| T::nan()))
}

#[inline]
pub(super) fn unary<O: Unary, T: Differentiable, N: Lanes<T>>(op: O, z: T, x: &Taylor<T, N>) -> Taylor<T, N> {
    let orders = if N::USIZE == 1 {
        scaled(&z, op.partial(x.primal, z), &x.orders)
    } else if always_careful::<T>() {
        unary_orders::<O, T, N, true>(op, z, x)
    } else {
        unary_orders::<O, T, N, false>(op, z, x)
    };
    if N::USIZE == 1 || is_settled(&z, &orders) {
        return Taylor::new(z, orders);
    }
    settle_unary(op, z, x)
}

/// If a result is not finite: careful recurrences, with the first order by the chain rule of all modes.
#[cold]
#[inline(never)]
fn settle_unary<O: Unary, T: Differentiable, N: Lanes<T>>(op: O, z: T, x: &Taylor<T, N>) -> Taylor<T, N> {
    if z.is_nan() {
        return Taylor::new(z, nan_orders(&z, &[&x.orders]));
    }
    let first = scaled(&z, op.partial(x.primal, z), &tangent(x));
    Taylor::new(z, with_first(unary_orders::<O, T, N, true>(op, z, x), first))
}

#[inline]
fn unary_orders<O: Unary, T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
) -> Orders<T, N> {
    let (x0, orders) = (x.primal, &x.orders);
    let derivative = || op.partial(x0, z).number();
    let riccati = |powers| series::riccati::<T, N, CAREFUL>(z, derivative(), powers, orders);
    match op.code() {
        Op::Exp | Op::ExpM1 => series::exponential::<T, N, CAREFUL>(derivative(), T::one(), orders),
        Op::Exp2 => series::exponential::<T, N, CAREFUL>(derivative(), T::LN_2(), orders),
        Op::Sin | Op::Cos => series::circular::<T, N, CAREFUL>(z, derivative(), -1.0, orders),
        Op::Sinh | Op::Cosh => series::circular::<T, N, CAREFUL>(z, derivative(), 1.0, orders),
        Op::Tan => riccati([0.0, 1.0]),
        Op::Tanh => riccati([0.0, -1.0]),
        Op::Sigmoid => riccati([1.0, -1.0]),
        Op::Ln => series::logarithm::<T, N, CAREFUL>(derivative(), orders),
        Op::Sqrt => series::square_root::<T, N, CAREFUL>(derivative(), orders),
        Op::Cbrt => series::cube_root::<T, N, CAREFUL>(z, derivative(), orders),
        Op::Recip => series::quotient::<T, N, CAREFUL>(z, x0, &still(), orders),
        Op::Powi(n) => whole_power::<T, N, CAREFUL>(n, z, x),
        Op::Digamma => series::composition(&polygamma(0, x0), orders),
        Op::Polygamma(n) => series::composition(&polygamma(n, x0), orders),
        _ => match op.partial(*x, unknown(z)) {
            Partial::Zero => still(),
            Partial::One => *orders,
            Partial::MinusOne => Orders::<T, N>::generate(|i| series::negative(orders[i])),
            Partial::Of(p) => {
                let mut sum = Sum::new();
                sum.add::<CAREFUL>(p.primal, &p.orders, orders);
                sum.integrated()
            }
        },
    }
}

fn whole_power<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    n: i32,
    z: T,
    x: &Taylor<T, N>,
) -> Orders<T, N> {
    match n {
        0 => still(),
        2 => series::square::<T, N, CAREFUL>(x.primal, &x.orders),
        1.. => series::whole_power::<T, N, CAREFUL>(x.primal, &x.orders, n.unsigned_abs()),
        -1 => series::quotient::<T, N, CAREFUL>(z, x.primal, &still(), &x.orders),
        _ => {
            let inverse = x.recip();
            series::whole_power::<T, N, CAREFUL>(inverse.primal, &inverse.orders, n.unsigned_abs())
        }
    }
}

/// The coefficients of a polygamma function at `x`: each is the derivative of the one before.
fn polygamma<T: Differentiable, N: Lanes<T>>(n: u32, x: T) -> Orders<T, N> {
    let mut factorial = 1.0;
    Orders::<T, N>::generate(|i| {
        let order = i + 1;
        factorial *= order as f64;
        series::scaled(x.unary(crate::rules::Polygamma(n + order as u32)), 1.0 / factorial)
    })
}

#[inline]
pub(super) fn binary<O: Binary, T: Differentiable, N: Lanes<T>>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
) -> Taylor<T, N> {
    let orders = if N::USIZE == 1 {
        first_order(op, z, x, y, &x.orders, &y.orders)
    } else if always_careful::<T>() {
        binary_orders::<O, T, N, true>(op, z, x, y)
    } else {
        binary_orders::<O, T, N, false>(op, z, x, y)
    };
    if N::USIZE == 1 || is_settled(&z, &orders) {
        return Taylor::new(z, orders);
    }
    settle_binary(op, z, x, y)
}

/// The chain rule of two operands with the given tangents.
#[inline(always)]
fn first_order<O: Binary, T: Differentiable, N: Lanes<T>, M: Lanes<T>>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
    dx: &GenericArray<T, M>,
    dy: &GenericArray<T, M>,
) -> GenericArray<T, M> {
    let (x, y) = (x.primal, y.primal);
    combined(&z, (op.left(x, y, z), dx), (op.right(x, y, z), dy))
}

#[cold]
#[inline(never)]
fn settle_binary<O: Binary, T: Differentiable, N: Lanes<T>>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
) -> Taylor<T, N> {
    if z.is_nan() {
        return Taylor::new(z, nan_orders(&z, &[&x.orders, &y.orders]));
    }
    let first = first_order(op, z, x, y, &tangent(x), &tangent(y));
    Taylor::new(z, with_first(binary_orders::<O, T, N, true>(op, z, x, y), first))
}

#[inline]
fn binary_orders<O: Binary, T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
) -> Orders<T, N> {
    let both = |f: fn(T, T) -> T| Orders::<T, N>::generate(|i| f(x.orders[i], y.orders[i]));
    match op.code() {
        Op::Add => both(series::sum),
        Op::Sub => both(series::difference),
        Op::Mul => series::cauchy::<T, N, CAREFUL>((x.primal, &x.orders), (y.primal, &y.orders)),
        Op::Div => series::quotient::<T, N, CAREFUL>(z, y.primal, &x.orders, &y.orders),
        Op::Powf if y.is_still() => constant_power::<O, T, N, CAREFUL>(op, z, x, y),
        Op::Powf => {
            let exponent = *y * x.ln();
            let orders = series::exponential::<T, N, CAREFUL>(z, T::one(), &exponent.orders);
            nowhere_at_zero(op, z, x, y, &[x.primal, z], orders)
        }
        Op::Log => {
            let (above, below) = (x.ln(), y.ln());
            let orders = series::quotient::<T, N, CAREFUL>(z, below.primal, &above.orders, &below.orders);
            if y.is_still() { orders } else { nowhere_at_zero(op, z, x, y, &[y.primal], orders) }
        }
        Op::Hypot => {
            let derivatives = [op.left(x.primal, y.primal, z), op.right(x.primal, y.primal, z)];
            norm::<T, N, CAREFUL>(z, [*x, *y].into_iter().zip(derivatives))
        }
        _ => {
            let (z, mut sum) = (unknown(z), Sum::new());
            if !x.is_still() {
                add::<T, N, CAREFUL>(&mut sum, op.left(*x, *y, z), x);
            }
            if !y.is_still() {
                add::<T, N, CAREFUL>(&mut sum, op.right(*x, *y, z), y);
            }
            sum.integrated()
        }
    }
}

/// The coefficients of an operation that has no series because some number is zero: a power with base 0 whose
/// exponent varies, or a base too small for its coefficients to be computed; a logarithm whose base varies and starts
/// at 0. The first order follows the chain rule of all modes, and the others are NaN.
fn nowhere_at_zero<O: Binary, T: Differentiable, N: Lanes<T>>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
    zeros: &[T],
    orders: Orders<T, N>,
) -> Orders<T, N> {
    if T::RECORDS {
        let mut others = orders;
        for &zero in zeros {
            let is_zero = T::predicate(Relation::Equal, zero, T::zero());
            others = Orders::<T, N>::generate(|i| moved(others[i], |c| T::select_by(is_zero, T::nan(), c)));
        }
        return with_first(others, first_order(op, z, x, y, &tangent(x), &tangent(y)));
    }
    // An infinite result has no coefficients either.
    if zeros.iter().all(|zero| zero.value().is_normal()) {
        orders
    } else {
        Orders::<T, N>::generate(|_| T::nan())
    }
}

/// Adds the contribution of an operand, given the derivative with respect to it.
fn add<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    sum: &mut Sum<T, N>,
    derivative: Partial<Taylor<T, N>>,
    x: &Taylor<T, N>,
) {
    if derivative != Partial::Zero {
        let p = derivative.number();
        sum.add::<CAREFUL>(p.primal, &p.orders, &x.orders);
    }
}

/// x to a constant power. If x is 0, the power is too small or too large for a number, or either may happen in a
/// replay, it uses the coefficients of the power itself, y(y − 1)…x^(y−k)/k!.
fn constant_power<O: Binary, T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    op: O,
    z: T,
    x: &Taylor<T, N>,
    y: &Taylor<T, N>,
) -> Orders<T, N> {
    if !T::RECORDS && x.primal.value().is_normal() && z.value().is_normal() {
        return series::power::<T, N, CAREFUL>(z, y.primal, x.primal, &x.orders);
    }
    let mut binomial = T::one();
    let coefficients = Orders::<T, N>::generate(|i| {
        let left = y.primal - T::literal(i as f64);
        binomial = binomial * left / T::literal((i + 1) as f64);
        Partial::Of(binomial).times(x.primal.powf(left - T::one()))
    });
    let orders = series::composition(&coefficients, &x.orders);
    with_first(orders, first_order(op, z, x, y, &tangent(x), &tangent(y)))
}

/// A norm of operands, given their derivatives at order 0.
pub(super) fn norm<T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    z: T,
    operands: impl Iterator<Item = (Taylor<T, N>, Partial<T>)>,
) -> Orders<T, N> {
    if !T::RECORDS && z.value() == T::Scalar::zero() {
        return still();
    }
    let (mut linear, mut squares) = (still::<T, N>(), still::<T, N>());
    for (x, derivative) in operands {
        series::add_scaled::<T, N, CAREFUL>(&mut linear, derivative.number(), &x.orders);
        series::add_squares::<T, N, CAREFUL>(&mut squares, &x.orders);
    }
    let orders = series::norm::<T, N, CAREFUL>(z, linear, &squares);
    if !T::RECORDS {
        return orders;
    }
    let at_origin = T::predicate(Relation::Equal, z, T::zero());
    Orders::<T, N>::generate(|i| moved(orders[i], |c| T::select_by(at_origin, T::zero(), c)))
}

#[inline]
pub(super) fn ternary<O: Ternary, T: Differentiable, N: Lanes<T>>(
    op: O,
    z: T,
    x: &[Taylor<T, N>; 3],
) -> Taylor<T, N> {
    let orders = if always_careful::<T>() {
        ternary_orders::<O, T, N, true>(op, z, x)
    } else {
        ternary_orders::<O, T, N, false>(op, z, x)
    };
    if is_settled(&z, &orders) { Taylor::new(z, orders) } else { settle_ternary(op, z, x) }
}

#[cold]
#[inline(never)]
fn settle_ternary<O: Ternary, T: Differentiable, N: Lanes<T>>(
    op: O,
    z: T,
    x: &[Taylor<T, N>; 3],
) -> Taylor<T, N> {
    if z.is_nan() {
        return Taylor::new(z, nan_orders(&z, &[&x[0].orders, &x[1].orders, &x[2].orders]));
    }
    let primals = [x[0].primal, x[1].primal, x[2].primal];
    let terms = op.partials(primals, z).into_iter().zip(x).map(|(p, x)| scaled(&z, p, &tangent(x)));
    let first = terms.fold(GenericArray::generate(|_| T::zero()), |sum: GenericArray<T, U1>, term| {
        GenericArray::generate(|_| sum[0] + term[0])
    });
    Taylor::new(z, with_first(ternary_orders::<O, T, N, true>(op, z, x), first))
}

fn ternary_orders<O: Ternary, T: Differentiable, N: Lanes<T>, const CAREFUL: bool>(
    op: O,
    z: T,
    operands: &[Taylor<T, N>; 3],
) -> Orders<T, N> {
    if let Op::MulAdd = op.code() {
        let [x, y, w] = operands;
        let product = series::cauchy::<T, N, CAREFUL>((x.primal, &x.orders), (y.primal, &y.orders));
        return Orders::<T, N>::generate(|i| series::sum(product[i], w.orders[i]));
    }
    let mut sum = Sum::new();
    for (derivative, x) in op.partials(*operands, unknown(z)).into_iter().zip(operands) {
        add::<T, N, CAREFUL>(&mut sum, derivative, x);
    }
    sum.integrated()
}
