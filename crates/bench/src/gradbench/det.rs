//! `det`: a determinant by expansion of minors along the rows.

use super::measure::{Clock, Failure, Reply, check, parse};
use dualtape::{Differentiable, Program};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    /// The matrix, row by row.
    #[serde(rename = "A")]
    matrix: Vec<f64>,
    ell: usize,
}

/// A square matrix of `n` rows. Its minors are taken from its last rows, in as many columns.
struct Expansion<'a, D> {
    matrix: &'a [D],
    n: usize,
    /// The minors found so far, indexed by the bits of their columns; empty if they are not kept.
    known: Vec<Option<D>>,
}

impl<'a, D: Differentiable> Expansion<'a, D> {
    /// The determinant, with all products of the expansion.
    fn new(matrix: &'a [D], n: usize) -> Self {
        Self { matrix, n, known: Vec::new() }
    }

    /// The same, with each minor computed once.
    fn sharing_minors(matrix: &'a [D], n: usize) -> Self {
        Self { matrix, n, known: vec![None; 1 << n] }
    }

    fn determinant(&mut self) -> D {
        match self.n {
            0 => D::one(),
            1 => self.matrix[0],
            n => self.minor(u32::MAX >> (u32::BITS - n as u32)),
        }
    }

    /// The minor in the columns whose bits are set; there must be at least two.
    fn minor(&mut self, columns: u32) -> D {
        match self.known.get(columns as usize) {
            Some(&Some(minor)) => minor,
            Some(None) => {
                let minor = self.expanded(columns);
                self.known[columns as usize] = Some(minor);
                minor
            }
            None => self.expanded(columns),
        }
    }

    /// The same, expanded along its first row.
    fn expanded(&mut self, columns: u32) -> D {
        let (matrix, n, count) = (self.matrix, self.n, columns.count_ones() as usize);
        let (own, below) = matrix[(n - count) * n..].split_at(n);
        let mut left = columns;
        let mut next = || {
            let column = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (column < n).then_some(column)
        };
        let [first, second] = [next(), next()].map(|column| column.expect("there are two columns"));
        if count == 2 {
            return own[first] * below[second] - own[second] * below[first];
        }
        let mut term = |column: usize| own[column] * self.minor(columns & !(1 << column));
        let mut sum = term(first) - term(second);
        let mut positive = true;
        while let Some(column) = next() {
            sum = if positive { sum + term(column) } else { sum - term(column) };
            positive = !positive;
        }
        sum
    }
}

/// With fewer rows than this, threads do not pay off.
const MANY: usize = 8;

/// The determinant, with the minors of the first row distributed among threads.
fn determinant(matrix: &[f64], n: usize) -> f64 {
    if n < MANY {
        return Expansion::new(matrix, n).determinant();
    }
    let all = u32::MAX >> (u32::BITS - n as u32);
    let term = |column: usize| matrix[column] * Expansion::new(matrix, n).minor(all & !(1 << column));
    let terms: Vec<f64> = (0..n).into_par_iter().map(term).collect();
    let signed = terms.iter().enumerate().map(|(column, &term)| if column % 2 == 0 { term } else { -term });
    signed.sum()
}

/// With more rows than this, the computation would take too long.
const LARGEST: usize = 12;

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { matrix, ell } = parse(input)?;
    if ell > LARGEST {
        return Err(Failure(format!(
            "a determinant of {ell} rows has {ell}! terms; expected at most {LARGEST} rows"
        )));
    }
    check("numbers of the matrix", matrix.len(), ell * ell)?;
    match function {
        "primal" => clock.run(0.0, |y| {
            *y = determinant(&matrix, ell);
            Ok(())
        }),
        // Minors occur repeatedly; the recording contains each once.
        "gradient" => {
            let program =
                Program::record(|matrix| Expansion::sharing_minors(matrix, ell).determinant(), &matrix)?
                    .optimized();
            let mut workspace = program.workspace();
            clock.run(vec![0.0; matrix.len()], |gradient| {
                program.gradient(&mut workspace, &matrix, gradient)?;
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}
