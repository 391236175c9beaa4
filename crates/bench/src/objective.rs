//! Functions that can be differentiated in every mode.

use dualtape::Differentiable;

/// A function of many numbers.
pub trait Objective {
    /// The function, on any kind of number.
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

/// A function that is a sum over points, which all compute the same, and of a rest.
pub trait Summed: Objective {
    /// What one point adds.
    fn point<D: Differentiable<Scalar = f64>>(&self, x: &[D], point: &[D]) -> D;

    /// The points, one after the other, and how many numbers each has.
    fn points(&self) -> (&[f64], usize);

    /// What does not depend on the points.
    fn rest<D: Differentiable<Scalar = f64>>(&self, _: &[D]) -> D {
        D::zero()
    }
}
