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

/// The determinant of the given rows, of `n` numbers each, in the columns whose bits are set: at least two, and as
/// many as rows.
fn minor<D: Differentiable>(rows: &[D], n: usize, columns: u32) -> D {
    let (own, below) = rows.split_at(n);
    let mut left = columns;
    let mut next = || {
        let column = left.trailing_zeros() as usize;
        left &= left.wrapping_sub(1);
        (column < n).then_some(column)
    };
    let [first, second] = [next(), next()].map(|column| column.expect("there are two columns"));
    if columns.count_ones() == 2 {
        return own[first] * below[second] - own[second] * below[first];
    }
    let term = |column: usize| own[column] * minor(below, n, columns & !(1 << column));
    let mut sum = term(first) - term(second);
    let mut positive = true;
    while let Some(column) = next() {
        sum = if positive { sum + term(column) } else { sum - term(column) };
        positive = !positive;
    }
    sum
}

fn determinant<D: Differentiable>(matrix: &[D], n: usize) -> D {
    match n {
        0 => D::one(),
        1 => matrix[0],
        _ => minor(matrix, n, u32::MAX >> (u32::BITS - n as u32)),
    }
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
