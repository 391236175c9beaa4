//! Second partial derivatives. They are not stated anywhere: they are the partial derivatives of the rows, evaluated
//! in dual numbers.

use super::{Binary, Partial, Ternary, Unary};
use crate::{Differentiable, Dual, Lanes};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U1, U2, U3};

/// The derivatives of a partial derivative along the lanes.
#[inline(always)]
fn derivatives<T: Differentiable, N: Lanes<T>, const M: usize>(
    partial: Partial<Dual<T, N>>,
) -> [Partial<T>; M] {
    match partial {
        Partial::Of(derivative) => std::array::from_fn(|lane| Partial::Of(derivative.raw_tangent()[lane])),
        _ => [Partial::Zero; M],
    }
}

/// The second derivative of an operation of one operand, from its value and its derivative.
#[inline(always)]
pub(crate) fn unary<O: Unary, T: Differentiable>(op: O, x: T, z: T, p: Partial<T>) -> Partial<T> {
    let z: Dual<T, U1> = Dual::new(z, GenericArray::generate(|_| p.number()));
    let [second] = derivatives(op.partial(Dual::variable(x), z));
    second
}

/// The second derivative in the left operand, the mixed derivative, and the second derivative in the right operand.
#[inline(always)]
pub(crate) fn binary<O: Binary, T: Differentiable>(
    op: O,
    [x, y]: [T; 2],
    z: T,
    p: [Partial<T>; 2],
) -> [Partial<T>; 3] {
    let (x, y) = (Dual::<T, U2>::along(x, 0), Dual::along(y, 1));
    let z = Dual::new(z, GenericArray::generate(|lane| p[lane].number()));
    let [left, mixed] = derivatives(op.left(x, y, z));
    let [_, right] = derivatives::<T, U2, 2>(op.right(x, y, z));
    [left, mixed, right]
}

/// The second derivatives for each pair of operands, row after row.
pub(crate) fn ternary<O: Ternary, T: Differentiable>(
    op: O,
    x: [T; 3],
    z: T,
    p: [Partial<T>; 3],
) -> [[Partial<T>; 3]; 3] {
    let x = std::array::from_fn(|lane| Dual::<T, U3>::along(x[lane], lane));
    let z = Dual::new(z, GenericArray::generate(|lane| p[lane].number()));
    op.partials(x, z).map(derivatives)
}

/// The second derivative in the left operand, with the right one held constant.
#[inline(always)]
pub(crate) fn left<O: Binary, T: Differentiable>(op: O, x: T, y: T, z: T, p: Partial<T>) -> Partial<T> {
    let z: Dual<T, U1> = Dual::new(z, GenericArray::generate(|_| p.number()));
    let [second] = derivatives(op.left(Dual::variable(x), Dual::lift(y), z));
    second
}

/// The second derivative in the right operand, with the left one held constant.
#[inline(always)]
pub(crate) fn right<O: Binary, T: Differentiable>(op: O, x: T, y: T, z: T, p: Partial<T>) -> Partial<T> {
    let z: Dual<T, U1> = Dual::new(z, GenericArray::generate(|_| p.number()));
    let [second] = derivatives(op.right(Dual::lift(x), Dual::variable(y), z));
    second
}
