//! Comparison of sparse Jacobians with products that use no pattern.

use super::{Component, Report, differences, nearest};
use crate::program::Wrt;
use crate::sparse::SparseJacobian;
use crate::{Error, Program, ProgramScalar};

/// How many directions are tried.
const DIRECTIONS: usize = 3;

/// Compares the Jacobian of a plan at `x`, times three directions, with the same products computed without a pattern
/// (jvps), and with central differences. It finds entries that are missing from your own pattern, if they are not
/// zero at `x`.
///
/// The row of a component is the output, and its column is the number of the direction. Its `reverse` is the product
/// with the sparse matrix, and its `forward` is the jvp.
///
/// # Errors
///
/// [`Error::Length`] if `x` does not have one number for each input, or the plan is of another program or of other
/// inputs, and [`Error::BranchChanged`] if the function takes another branch at `x` or next to it.
///
/// ```
/// use dualtape::{Program, check, program::Wrt};
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, SparseJacobian};
/// let program = Program::record(|x| [x[0] * x[1], x[1] * x[1]], &[1.0_f64, 2.0])?;
/// let plan = SparseJacobian::new(&program, Wrt::Both)?;
/// let report = check::sparse(&program, &plan, Wrt::Both, &[3.0, 4.0])?;
/// assert!(report.passes(), "{report}");
///
/// // The first output depends on the second input, too.
/// let lacking = Pattern::from_rows(2, [[0], [1]])?;
/// let colouring = Colouring::new(&lacking, ColouringKind::Columns, Order::Natural)?;
/// let plan = SparseJacobian::trusting(&program, Wrt::Both, lacking, colouring)?;
/// assert!(!check::sparse(&program, &plan, Wrt::Both, &[3.0, 4.0])?.passes());
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn sparse<F: ProgramScalar>(
    program: &Program<F>,
    plan: &SparseJacobian<F>,
    wrt: Wrt,
    x: &[F],
) -> Result<Report, Error> {
    let (pattern, wanted) = (plan.pattern(), program.wanted(wrt));
    Error::check_length(
        "list of columns of the pattern",
        "requested input",
        wanted.len(),
        pattern.columns(),
    )?;
    Error::check_length("pattern: its rows", "output", program.outputs(), pattern.rows())?;
    let (mut outputs, mut entries) = (vec![F::zero(); pattern.rows()], vec![F::zero(); pattern.len()]);
    plan.evaluate(&mut plan.workspace(), x, &mut outputs, &mut entries)?;
    let mut components = Vec::with_capacity(DIRECTIONS * pattern.rows());
    for number in 0..DIRECTIONS {
        let direction: Vec<F> = (0..wanted.len()).map(|column| weight(number, column)).collect();
        let mut product = vec![0.0; pattern.rows()];
        for ((row, column), entry) in pattern.entries().zip(&entries) {
            product[row] += (*entry * direction[column]).wide();
        }
        let mut tangent = vec![F::zero(); program.inputs()];
        wanted.iter().zip(&direction).for_each(|(&input, &moves)| tangent[input] = moves);
        let compared = along(program, x, &tangent)?;
        let mut derivatives = vec![F::zero(); pattern.rows()];
        program.jvp(&mut program.workspace(), x, &tangent, &mut outputs, &mut derivatives)?;
        components.extend(derivatives.iter().enumerate().map(|(row, derivative)| {
            let difference = nearest(product[row], row, &compared);
            Component { row, column: number, reverse: product[row], forward: derivative.wide(), difference }
        }));
    }
    Ok(Report::new::<F>(components))
}

/// A number between ½ and 1½ that looks random, so that no two entries cancel.
fn weight<F: ProgramScalar>(direction: usize, column: usize) -> F {
    F::nearest(1.0 + 0.5 * ((direction + 1) as f64 * 1.7 + column as f64 * 2.39996).sin())
}

/// Central differences of the outputs along a tangent.
fn along<F: ProgramScalar>(program: &Program<F>, x: &[F], tangent: &[F]) -> Result<[Vec<f64>; 2], Error> {
    let (mut workspace, mut outputs) = (program.workspace(), vec![F::zero(); program.outputs()]);
    let mut refused = None;
    let compared = differences(
        |step: &[F]| {
            let moved: Vec<F> = x.iter().zip(tangent).map(|(&x, &moves)| x + moves * step[0]).collect();
            refused = refused.take().or(program.evaluate(&mut workspace, &moved, &mut outputs).err());
            outputs.iter().map(|y| y.wide()).collect()
        },
        &[F::zero()],
        0,
    );
    refused.map_or(Ok(compared), Err)
}
