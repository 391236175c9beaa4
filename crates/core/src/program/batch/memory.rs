//! The memory of batches, reused by each batch.

use super::task::Task;
use crate::ProgramScalar;
use crate::program::lanes::uniform::Scratch;

/// Buffers for evaluating a [`Program`](crate::Program) over batches, reused by each batch.
///
/// They may serve several programs, one at a time, and keep the memory that the largest batch took.
///
/// ```
/// use dualtape::{Program, program::{BatchWorkspace, Rows}};
/// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
/// let (mut batch, mut gradient) = (BatchWorkspace::default(), [0.0]);
/// for points in [[1.0, 2.0], [3.0, 4.0]] {
///     let sum = square.sum_gradient(&mut batch, &[10.0], &Rows::new(&points, 1), &mut gradient)?;
///     assert_eq!(sum, 10.0 * gradient[0]);
/// }
/// assert_eq!(gradient, [25.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchWorkspace<F: ProgramScalar> {
    pub(in crate::program) uniform: UniformMemory<F>,
    pub(in crate::program) tasks: Vec<Task<F>>,
    pub(in crate::program) piece: Piece<F>,
}

/// Values of uniform slots, and their adjoints.
#[derive(Clone, Debug)]
pub(in crate::program) struct UniformMemory<F> {
    pub(in crate::program) values: Vec<F>,
    pub(in crate::program) adjoints: Vec<F>,
    pub(in crate::program) scratch: Scratch<F>,
    /// The factors of groups of dot products, as kernels read them.
    pub(in crate::program) panels: Vec<F>,
}

impl<F: ProgramScalar> Default for BatchWorkspace<F> {
    fn default() -> Self {
        let uniform = UniformMemory {
            values: Vec::new(),
            adjoints: Vec::new(),
            scratch: Scratch::default(),
            panels: Vec::new(),
        };
        Self { uniform, tasks: Vec::new(), piece: Piece::default() }
    }
}

/// The memory for a piece of a stream.
#[derive(Clone, Debug)]
pub(in crate::program) struct Piece<F> {
    pub(in crate::program) rows: Vec<F>,
    pub(in crate::program) gradient: Vec<F>,
}

impl<F> Default for Piece<F> {
    fn default() -> Self {
        Self { rows: Vec::new(), gradient: Vec::new() }
    }
}
