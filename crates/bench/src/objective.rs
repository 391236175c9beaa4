//! Functions that can be differentiated in every mode.

use dualtape::Differentiable;

/// A function of many numbers.
pub trait Objective {
    /// The function, on any kind of number.
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

/// A function that is a sum of the same function over points, plus a rest.
pub trait Summed: Objective {
    /// The term of one point.
    fn point<D: Differentiable<Scalar = f64>>(&self, x: &[D], point: &[D]) -> D;

    /// The points, concatenated, and the number of values of each.
    fn points(&self) -> (&[f64], usize);

    /// The part that does not depend on the points.
    fn rest<D: Differentiable<Scalar = f64>>(&self, _: &[D]) -> D {
        D::zero()
    }
}
