//! `det`: a determinant by expansion of minors along the rows.

use super::measure::{Clock, Failure, Reply, check, parse};
use dualtape::{Differentiable, Program};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    /// The matrix, row after row.
    #[serde(rename = "A")]
    matrix: Vec<f64>,
    ell: usize,
}

/// The minor of the rows from `row` on and the columns whose bits are set, of a matrix with `n` columns.
fn minor<D: Differentiable>(matrix: &[D], n: usize, row: usize, columns: u32) -> D {
    let own = &matrix[row * n..][..n];
    let mut sum = None;
    let mut positive = true;
    for column in (0..n).filter(|column| columns >> column & 1 == 1) {
        let others = columns & !(1 << column);
        let term = if others == 0 { own[column] } else { own[column] * minor(matrix, n, row + 1, others) };
        sum = Some(match sum {
            None => term,
            Some(sum) if positive => sum + term,
            Some(sum) => sum - term,
        });
        positive = !positive;
    }
    sum.unwrap_or_else(D::one)
}

fn determinant<D: Differentiable>(matrix: &[D], n: usize) -> D {
    if n == 0 { D::one() } else { minor(matrix, n, 0, u32::MAX >> (u32::BITS - n as u32)) }
}

/// Beyond this, there are more terms than anyone can wait for.
const LARGEST: usize = 12;

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { matrix, ell } = parse(input)?;
    if ell > LARGEST {
        return Err(Failure(format!(
            "a determinant of {ell} rows has {ell}! terms; at most {LARGEST} rows are taken"
        )));
    }
    check("numbers of the matrix", matrix.len(), ell * ell)?;
    match function {
        "primal" => clock.run(0.0, |y| {
            *y = determinant(&matrix, ell);
            Ok(())
        }),
        // Minors come up again and again; a recording keeps each once.
        "gradient" => {
            let program = Program::record(|matrix| determinant(matrix, ell), &matrix)?.optimized();
            let mut workspace = program.workspace();
            clock.run(vec![0.0; matrix.len()], |gradient| {
                program.gradient(&mut workspace, &matrix, gradient)?;
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}
