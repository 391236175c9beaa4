//! Differential equations whose right-hand sides are random programs.

use crate::case::{Case, Followed, INPUTS, Kind};
use dualtape::ode::{self, Method};
use dualtape::rules::Op;
use dualtape::{Differentiable, Error, ProgramScalar};
use std::marker::PhantomData;
use std::sync::Arc;

/// A differential equation: y₀′ is a random program of the state, the parameter and the time; y₁′ = y₀ − y₁.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flow {
    pub(crate) flow: Arc<Case>,
    pub(crate) steps: usize,
    pub(crate) method: Method,
}

/// Of each stage of a method, the time as a fraction of the step, and the weights of the stages before; then the weights
/// of all stages.
pub(crate) type Tableau = (&'static [(f64, &'static [f64])], &'static [f64]);

/// The methods, in weights of their own.
pub(crate) const METHODS: [(Method, Tableau); 3] = [
    (Method::Euler, (&[(0.0, &[])], &[1.0])),
    (Method::Midpoint, (&[(0.0, &[]), (0.5, &[0.5])], &[0.0, 1.0])),
    (
        Method::RungeKutta4,
        (
            &[(0.0, &[]), (0.5, &[0.5]), (0.5, &[0.0, 0.5]), (1.0, &[0.0, 0.0, 1.0])],
            &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
        ),
    ),
];

/// The right-hand side of a [`Flow`].
#[derive(Clone)]
struct RandomFlow<F> {
    flow: Arc<Case>,
    scalar: PhantomData<fn() -> F>,
}

impl<F: ProgramScalar> ode::Flow for RandomFlow<F> {
    type Scalar = F;

    fn derivative<D: Differentiable<Scalar = F>>(
        &self,
        time: D,
        y: &[D],
        parameters: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error> {
        let x = [y[0], y[1], parameters[0], time, D::literal(0.7), D::literal(-0.2)];
        derivative.copy_from_slice(&[self.flow.call(&x), y[0] - y[1]]);
        Ok(())
    }
}

impl Flow {
    pub(crate) fn apply<F: ProgramScalar, D: Differentiable<Scalar = F>>(&self, of: &[D]) -> D {
        let flow = RandomFlow { flow: Arc::clone(&self.flow), scalar: PhantomData };
        let solver = ode::Solver::new(flow, self.method, self.steps);
        solver.end([D::zero(), of[3]], &of[..2], &of[2..3]).expect("nothing is refused")[0]
    }

    /// See [`Case::scale`]: the magnitudes of the contributions of the operands, operation by operation.
    pub(crate) fn follow<F: ProgramScalar>(&self, of: &[F], sizes: &[Vec<f64>]) -> Followed<F> {
        let unused = INPUTS - of.len();
        let x = [of, &vec![F::zero(); unused]].concat();
        self.written_out().follow(&x, &[sizes, &vec![vec![0.0; INPUTS]; unused]].concat())
    }

    /// The solution, operation by operation. The first inputs are the operands.
    fn written_out(&self) -> Case {
        let (_, (stages, weights)) =
            METHODS.iter().find(|(method, _)| *method == self.method).expect("all methods that are drawn");
        let mut case = Case(Vec::new());
        let fraction = case.push(Kind::Constant(1.0 / self.steps as f64), &[]);
        let width = case.push(Kind::Op(Op::Mul), &[3, fraction]);
        let others = [0.7, -0.2].map(|other| case.push(Kind::Constant(other), &[]));
        let mut y = [0, 1];
        for step in 0..self.steps {
            let mut derivatives: Vec<[usize; 2]> = Vec::new();
            for &(part, before) in *stages {
                let time = case.push(Kind::Constant(step as f64 + part), &[]);
                let time = case.push(Kind::Op(Op::Mul), &[width, time]);
                let [a, b] =
                    [0, 1].map(|i| case.moved(y[i], derivatives.iter().map(|d| d[i]), before, width));
                let call = [a, b, 2, time, others[0], others[1]];
                derivatives.push([
                    case.push(Kind::Call(Arc::clone(&self.flow)), &call),
                    case.push(Kind::Op(Op::Sub), &[a, b]),
                ]);
            }
            y = [0, 1].map(|i| case.moved(y[i], derivatives.iter().map(|d| d[i]), weights, width));
        }
        case.push(Kind::Sum, &[y[0]]);
        case
    }
}
