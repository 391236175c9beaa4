//! `gmm`: the log posterior of a mixture of Gaussians with a Wishart prior on their precision matrices.
//!
//! The independent variables are α, and for each component the mean μ, the logarithms q of the diagonal of Q, and its
//! strictly lower triangle l; QᵀQ is the precision matrix.

use super::measure::{Clock, Failure, Reply, check, flatten, parse};
use dualtape::program::Rows;
use dualtape::{Differentiable, Program};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    d: usize,
    k: usize,
    n: usize,
    alpha: Vec<f64>,
    mu: Vec<Vec<f64>>,
    q: Vec<Vec<f64>>,
    l: Vec<Vec<f64>>,
    x: Vec<Vec<f64>>,
    m: usize,
    gamma: f64,
}

/// The sizes, and the prior.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem {
    pub(crate) d: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
    pub(crate) m: usize,
    pub(crate) gamma: f64,
}

impl Problem {
    pub(crate) fn triangle(&self) -> usize {
        self.d * self.d.saturating_sub(1) / 2
    }

    /// The positions, in the column-wise order of the input, of a triangle's entries taken row by row.
    /// In row-wise order, a row of Q is a slice.
    fn column_order(&self) -> Vec<usize> {
        let place = |row: usize, column: usize| column * (2 * self.d - column - 1) / 2 + row - column - 1;
        (1..self.d).flat_map(|row| (0..row).map(move |column| place(row, column))).collect()
    }

    /// The independent variables in one slice: all α, all μ, all q, all l; the last row by row.
    fn flatten(&self, input: &Input) -> Result<Vec<f64>, Failure> {
        check("numbers in alpha", input.alpha.len(), self.k)?;
        for (what, rows) in [("rows of mu", &input.mu), ("rows of q", &input.q), ("rows of l", &input.l)] {
            check(what, rows.len(), self.k)?;
        }
        let mut flat = input.alpha.clone();
        flat.extend(flatten("numbers in a row of mu", &input.mu, self.d)?);
        flat.extend(flatten("numbers in a row of q", &input.q, self.d)?);
        let (l, order) = (flatten("numbers in a row of l", &input.l, self.triangle())?, self.column_order());
        for l in l.chunks(self.triangle().max(1)) {
            flat.extend(order.iter().map(|&place| l[place]));
        }
        Ok(flat)
    }
}

/// The independent variables as separate slices.
pub(crate) struct Mixture<'a, D> {
    problem: Problem,
    pub(crate) alpha: &'a [D],
    pub(crate) mu: &'a [D],
    pub(crate) q: &'a [D],
    pub(crate) l: &'a [D],
}

impl<'a, D: Differentiable<Scalar = f64>> Mixture<'a, D> {
    pub(crate) fn new(problem: Problem, flat: &'a [D]) -> Self {
        let (alpha, rest) = flat.split_at(problem.k);
        let (mu, rest) = rest.split_at(problem.k * problem.d);
        let (q, l) = rest.split_at(problem.k * problem.d);
        Self { problem, alpha, mu, q, l }
    }

    /// The diagonals of all Q.
    pub(crate) fn diagonals(&self) -> Vec<D> {
        self.q.iter().map(|q| q.exp()).collect()
    }

    /// The log likelihood of one observation, without constants.
    pub(crate) fn observation(&self, diagonals: &[D], x: &[D]) -> D {
        let (d, triangle) = (self.problem.d, self.problem.triangle());
        let component = |k: usize| {
            let centred: Vec<D> = x.iter().zip(&self.mu[k * d..]).map(|(&x, &mu)| x - mu).collect();
            let (diagonal, l) = (&diagonals[k * d..][..d], &self.l[k * triangle..][..triangle]);
            let row = |i: usize| {
                let own = diagonal[i] * centred[i];
                let start = i * i.saturating_sub(1) / 2;
                if i == 0 { own } else { own + D::dot(&l[start..start + i], &centred[..i]) }
            };
            let rows: Vec<D> = (0..d).map(row).collect();
            self.alpha[k] + D::sum_of(&self.q[k * d..][..d]) - D::dot(&rows, &rows) * 0.5
        };
        let terms: Vec<D> = (0..self.problem.k).map(component).collect();
        D::log_sum_exp(&terms)
    }

    /// Everything that does not depend on the observations.
    pub(crate) fn rest(&self) -> D {
        let Problem { d, k, n, m, gamma } = self.problem;
        let [d_, k_, n_, m_] = [d, k, n, m].map(|count| count as f64);
        let freedom = d_ + m_ + 1.0;
        let log_gamma: f64 = (0..d).map(|j| Differentiable::ln_gamma(0.5 * (freedom - j as f64))).sum();
        let log_gamma = 0.25 * d_ * (d_ - 1.0) * std::f64::consts::PI.ln() + log_gamma;
        let constant = -n_ * d_ * 0.5 * std::f64::consts::TAU.ln()
            + k_ * (freedom * d_ * (gamma.ln() - 0.5 * 2.0_f64.ln()) - log_gamma);
        let diagonals = self.diagonals();
        let squares = D::dot(&diagonals, &diagonals) + D::dot(self.l, self.l);
        D::sum_of(self.q) * m_ - squares * (0.5 * gamma * gamma) - D::log_sum_exp(self.alpha) * n_ + constant
    }
}

/// The gradient, in the form of the input.
struct Gradient {
    problem: Problem,
    flat: Vec<f64>,
}

impl Serialize for Gradient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Independent<'a> {
            alpha: &'a [f64],
            mu: Vec<&'a [f64]>,
            q: Vec<&'a [f64]>,
            l: Vec<Vec<f64>>,
        }
        let Mixture { problem, alpha, mu, q, l } = Mixture::new(self.problem, &self.flat);
        let order = problem.column_order();
        let by_column = |k: usize| {
            let mut columns = vec![0.0; problem.triangle()];
            order.iter().zip(&l[k * problem.triangle()..]).for_each(|(&place, &l)| columns[place] = l);
            columns
        };
        let l = (0..problem.k).map(by_column).collect();
        Independent { alpha, mu: mu.chunks(problem.d).collect(), q: q.chunks(problem.d).collect(), l }
            .serialize(serializer)
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let input: Input = parse(input)?;
    let Input { d, k, n, m, gamma, .. } = input;
    if d == 0 || k == 0 {
        return Err(Failure(format!(
            "a mixture needs at least one dimension and one component: d is {d}, k is {k}"
        )));
    }
    let problem = Problem { d, k, n, m, gamma };
    let theta = problem.flatten(&input)?;
    check("observations in x", input.x.len(), n)?;
    let x = flatten("numbers in a row of x", &input.x, d)?;
    // A sum of the same function over observations is a batch; what the observations share is replayed once.
    let observation = |theta: &[_], x: &[_]| {
        let mixture = Mixture::new(problem, theta);
        mixture.observation(&mixture.diagonals(), x)
    };
    let likelihood = Program::record_with_data(observation, &theta, &vec![0.0; d])?;
    let (mut batch, observations) = (likelihood.batch_workspace(), Rows::new(&x, d));
    match function {
        "objective" => {
            let mut values = vec![0.0; n];
            clock.run(0.0, |y| {
                likelihood.values(&mut batch, &theta, &observations, &mut values)?;
                *y = values.iter().sum::<f64>() + Mixture::new(problem, &theta).rest();
                Ok(())
            })
        }
        "jacobian" => {
            let rest = Program::record(|theta| Mixture::new(problem, theta).rest(), &theta)?;
            let (mut workspace, mut prior) = (rest.workspace(), vec![0.0; theta.len()]);
            clock.run(Gradient { problem, flat: vec![0.0; theta.len()] }, |gradient| {
                likelihood.sum_gradient(&mut batch, &theta, &observations, &mut gradient.flat)?;
                rest.gradient(&mut workspace, &theta, &mut prior)?;
                gradient.flat.iter_mut().zip(&prior).for_each(|(sum, prior)| *sum += prior);
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
