//! Functions whose Jacobians are sparse.

use dualtape::{Differentiable, Function};

/// Functions with many outputs, each of which depends on a few inputs.
#[derive(Clone, Copy, Debug)]
pub enum Sparse {
    /// The differences of neighbours on a line.
    Line,
    /// A diffusion with a reaction on a square grid.
    Grid(usize),
    /// The Brusselator on a square grid, with its two species interleaved.
    Brusselator(usize),
    /// Each input together with the first, and the sum of all.
    Arrow,
    /// The cumulative sums, each computed from the start: n²/2 terms.
    RunningSums,
    /// The squares of the cumulative sums, each computed from the previous one.
    Chained,
    /// Outputs that depend on nothing, or only through step functions.
    Resting,
}

/// All of them, in sizes for tests.
pub const SPARSE: [Sparse; 7] = [
    Sparse::Line,
    Sparse::Grid(7),
    Sparse::Brusselator(5),
    Sparse::Arrow,
    Sparse::RunningSums,
    Sparse::Chained,
    Sparse::Resting,
];

impl Sparse {
    /// The number of inputs in tests, and the number of outputs.
    pub fn inputs(self) -> usize {
        match self {
            Self::Grid(side) => side * side,
            Self::Brusselator(side) => 2 * side * side,
            _ => 70,
        }
    }
}

/// The four neighbours of a point on a periodic square grid.
fn neighbours(side: usize, place: usize) -> [usize; 4] {
    let (row, column) = (place / side, place % side);
    let at = |row: usize, column: usize| row % side * side + column % side;
    [at(row + 1, column), at(row + side - 1, column), at(row, column + 1), at(row, column + side - 1)]
}

impl Function<f64> for Sparse {
    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        let n = x.len();
        match *self {
            Self::Line => (0..n).for_each(|i| y[i] = if i == 0 { x[0] } else { x[i] - x[i - 1] }),
            Self::Grid(side) => (0..n).for_each(|i| {
                let around: D = neighbours(side, i).iter().map(|&j| x[j]).sum();
                y[i] = around - x[i] * 4.0 + x[i].exp();
            }),
            Self::Brusselator(side) => (0..n).for_each(|i| {
                let (place, u, v) = (i / 2, x[i / 2 * 2], x[i / 2 * 2 + 1]);
                let around: D = neighbours(side, place).iter().map(|&j| x[2 * j + i % 2]).sum();
                let reaction = if i % 2 == 0 { u * u * v - u * 4.4 + 1.0 } else { u * 3.4 - u * u * v };
                y[i] = (around - x[i] * 4.0) * 0.1 + reaction;
            }),
            Self::Arrow => {
                (1..n).for_each(|i| y[i] = x[0] * x[i].sin());
                y[0] = x.iter().fold(D::zero(), |sum, &x| sum + x * x);
            }
            Self::RunningSums => {
                (0..n).for_each(|i| y[i] = x[..=i].iter().fold(D::zero(), |sum, &x| sum + x.exp()));
            }
            Self::Chained => {
                let mut sum = D::zero();
                for (y, &x) in y.iter_mut().zip(x) {
                    sum += x * x;
                    *y = sum * sum;
                }
            }
            Self::Resting => {
                let mut steps = [D::floor, D::signum, D::stop_gradient, D::round].iter().cycle();
                (0..n).for_each(|i| y[i] = steps.next().expect("it goes on")(x[i]));
                y[0] = D::constant(7.0);
            }
        }
    }
}
