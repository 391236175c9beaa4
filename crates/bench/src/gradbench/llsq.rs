//! `llsq`: a polynomial fitted to the sign function, by least squares.
//!
//! y(x) = ½ Σᵢ (sᵢ − Σⱼ xⱼ tᵢʲ)², where tᵢ runs from −1 to 1 and sᵢ = sign tᵢ.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::program::Rows;
use dualtape::{Differentiable, Program};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    /// The coefficients.
    x: Vec<f64>,
    /// The number of points.
    n: usize,
}

/// t, t², t³ and so on: the powers so far, times the last one, give the next powers, doubling their number.
fn powers<D: Differentiable>(t: D, count: usize) -> Vec<D> {
    let mut powers = vec![t];
    while powers.len() < count {
        let last = powers[powers.len() - 1];
        powers.extend_from_within(..);
        let half = powers.len() / 2;
        powers[half..].iter_mut().for_each(|power| *power *= last);
    }
    powers.truncate(count);
    powers
}

/// The number of powers of t, including 1, shared by all blocks of coefficients.
const BLOCK: usize = 16;

/// x₀ + x₁t + x₂t² + …, block by block: the second block has the factor t¹⁶, the third t³². So few powers are needed, and
/// the blocks are a matrix of coefficients times the shared powers.
fn polynomial<D: Differentiable>(x: &[D], t: D) -> D {
    let shared = powers(t, BLOCK - 1);
    let block = |x: &[D]| D::dot(&x[1..], &shared[..x.len() - 1]) + x[0];
    let blocks: Vec<D> = x.chunks(BLOCK).map(block).collect();
    match &blocks[..] {
        [] => D::zero(),
        [only] => *only,
        [first, others @ ..] => {
            let factors = powers(shared[BLOCK - 2] * t, others.len());
            D::dot(others, &factors) + *first
        }
    }
}

/// Half the squared residual at one point (s, t).
pub(crate) fn residual<D: Differentiable>(x: &[D], point: &[D]) -> D {
    let [s, t] = [point[0], point[1]];
    let short = s - polynomial(x, t);
    short * short / D::literal(2.0)
}

/// The points (s, t), concatenated.
pub(crate) fn write_points(n: usize, points: &mut Vec<f64>) {
    points.clear();
    for i in 0..n {
        let t = -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let sign = if t == 0.0 { 0.0 } else { t.signum() };
        points.extend([sign, t]);
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { x, n } = parse(input)?;
    if n < 2 {
        return Err(Failure(format!(
            "{n} points do not span the interval from -1 to 1: n must be at least 2"
        )));
    }
    // A sum of the same function over points is a batch.
    let program = Program::record_with_data(residual, &x, &[1.0, 0.5])?;
    let (mut batch, mut points) = (program.batch_workspace(), Vec::with_capacity(2 * n));
    match function {
        "primal" => {
            let mut values = vec![0.0; n];
            clock.run(0.0, |y| {
                write_points(n, &mut points);
                program.values(&mut batch, &x, &Rows::new(&points, 2), &mut values)?;
                *y = values.iter().sum();
                Ok(())
            })
        }
        "gradient" => clock.run(vec![0.0; x.len()], |gradient| {
            write_points(n, &mut points);
            program.sum_gradient(&mut batch, &x, &Rows::new(&points, 2), gradient)?;
            Ok(())
        }),
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}
