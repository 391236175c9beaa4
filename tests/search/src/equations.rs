//! Functions defined by equations, for moderate operands.

use dualtape::implicit::{
    self, Equations, LinearOperator, Map, Objective, WarmRoot, conjugate_gradients, linear_solve,
};
use dualtape::{Differentiable, Error, ProgramScalar};
use std::marker::PhantomData;

/// The unknown of an equation; a and b are the operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equation {
    /// z + 0.3 sin z · tanh a = b.
    Root,
    /// The same, from the solution of an equation solved before. Its last digits depend on that one.
    WarmRoot,
    /// The first unknown of two linear equations.
    Linear,
    /// The first unknown of two linear equations, by conjugate gradients.
    ConjugateGradients,
    /// The fixed point of 0.3 cos z · tanh a + b.
    FixedPoint,
    /// The minimum of z²/2 + 0.3 cos z · tanh a − b z.
    Minimum,
}

impl Equation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Root, Self::WarmRoot, Self::Linear, Self::ConjugateGradients, Self::FixedPoint, Self::Minimum];

    /// The unknown.
    ///
    /// # Panics
    ///
    /// If there are not two operands, or if they are not moderate.
    pub fn solve<F: ProgramScalar, D: Differentiable<Scalar = F>>(self, of: &[D]) -> D {
        let moderate = [of[0], of[1].atan()];
        let unknowns = match self {
            Self::Root => implicit::root(&Wave(PhantomData), &moderate),
            Self::WarmRoot => {
                let root = WarmRoot::new(Wave(PhantomData));
                root.solve(&[F::nearest(0.4), F::nearest(-1.2)]).expect("the left side rises");
                root.solve(&moderate)
            }
            Self::Linear => {
                let (a, b) = (of[0].atan(), of[1].atan());
                let matrix = [a + D::literal(3.0), b, D::one(), b + D::literal(4.0)];
                linear_solve(&matrix, of)
            }
            Self::ConjugateGradients => conjugate_gradients(&Definite(PhantomData), &moderate, of),
            Self::FixedPoint => implicit::fixed_point(&Contraction(PhantomData), &[F::zero()], &moderate),
            Self::Minimum => implicit::minimum(&Bowl(PhantomData), &moderate),
        };
        unknowns.expect("it has a solution at moderate numbers")[0]
    }

    /// Whether the same operands always give the same bits.
    pub fn is_repeatable(self) -> bool {
        self != Self::WarmRoot
    }
}

/// z + 0.3 sin z · tanh a = b, by Newton's method.
#[derive(Clone)]
struct Wave<F>(PhantomData<fn() -> F>);

impl<F: ProgramScalar> Equations for Wave<F> {
    type Scalar = F;

    fn unknowns(&self) -> usize {
        1
    }

    fn residual<D: Differentiable<Scalar = F>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0] + z[0].sin() * p[0].tanh() * F::nearest(0.3) - p[1]]
    }

    fn solve(&self, p: &[F]) -> Result<Vec<F>, Error> {
        self.solve_near(p, &p[1..])
    }

    fn solve_near(&self, p: &[F], last: &[F]) -> Result<Vec<F>, Error> {
        let height = p[0].tanh() * F::nearest(0.3);
        Ok(vec![newton(last[0], |z| (z + z.sin() * height - p[1]) / (F::one() + z.cos() * height))])
    }
}

/// [[tanh a + 3, atan b], [atan b, 4]], which is positive definite.
#[derive(Clone)]
struct Definite<F>(PhantomData<fn() -> F>);

impl<F: ProgramScalar> LinearOperator for Definite<F> {
    type Scalar = F;

    fn apply<D: Differentiable<Scalar = F>>(&self, x: &[D], p: &[D]) -> Vec<D> {
        let beside = p[1].atan();
        vec![x[0] * (p[0].tanh() + D::literal(3.0)) + x[1] * beside, x[0] * beside + x[1] * D::literal(4.0)]
    }
}

/// The same map as [`Wave`] has, up to a phase, as a fixed point.
#[derive(Clone)]
struct Contraction<F>(PhantomData<fn() -> F>);

impl<F: ProgramScalar> Map for Contraction<F> {
    type Scalar = F;

    fn image<D: Differentiable<Scalar = F>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0].cos() * p[0].tanh() * F::nearest(0.3) + p[1]]
    }
}

/// Its derivative in z is z − 0.3 sin z · tanh a − b.
#[derive(Clone)]
struct Bowl<F>(PhantomData<fn() -> F>);

impl<F: ProgramScalar> Objective for Bowl<F> {
    type Scalar = F;

    fn unknowns(&self) -> usize {
        1
    }

    fn value<D: Differentiable<Scalar = F>>(&self, z: &[D], p: &[D]) -> D {
        z[0] * z[0] * F::nearest(0.5) + z[0].cos() * p[0].tanh() * F::nearest(0.3) - z[0] * p[1]
    }

    fn minimize(&self, p: &[F]) -> Result<Vec<F>, Error> {
        let height = p[0].tanh() * F::nearest(0.3);
        Ok(vec![newton(p[1], |z| (z - z.sin() * height - p[1]) / (F::one() - z.cos() * height))])
    }
}

/// Thirty steps of Newton's method.
fn newton<F: ProgramScalar>(start: F, step: impl Fn(F) -> F) -> F {
    (0..30).fold(start, |z, _| z - step(z))
}
