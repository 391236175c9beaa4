//! The memory that evaluations of a program at one point need, reused by each evaluation.

use crate::program::ir::walk::Buffers;
use crate::program::one::Memory;
use crate::{Dual, ProgramScalar};
use generic_array::typenum::{U1, U8};

/// Buffers for evaluating a [`Program`](crate::program::Program) at one point. One thread at a time can use it. It
/// may serve several programs, and allocates nothing once its buffers are large enough, except for calls of rules and
/// long loops.
///
/// ```
/// use dualtape::{Float, Program, Workspace};
/// let sine = Program::record(|x| x[0].sin(), &[1.0_f64])?;
/// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 1.0])?;
/// let mut workspace = Workspace::default();
/// assert_eq!(sine.value(&mut workspace, &[0.0])?, 0.0);
/// assert_eq!(product.value(&mut workspace, &[3.0, 4.0])?, 12.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Workspace<F: ProgramScalar> {
    /// For instructions.
    pub(in crate::program) values: Memory<F>,
    pub(in crate::program) gradient: Memory<F>,
    pub(in crate::program) jvp: Memory<F>,
    pub(in crate::program) vjp: Memory<F>,
    pub(in crate::program) hvp: Memory<F>,
    /// For machine code.
    pub(in crate::program) machine: Vec<F>,
    pub(in crate::program) unit: Vec<F>,
    pub(in crate::program) column: Vec<F>,
    /// For walks.
    pub(in crate::program) plain: Buffers<F>,
    /// For Jacobian-vector and Hessian-vector products.
    pub(in crate::program) moving: Buffers<Dual<F, U1>>,
    /// For Jacobians and Hessians, eight directions at a time.
    pub(in crate::program) directions: Buffers<Dual<F, U8>>,
}

impl<F: ProgramScalar> Default for Workspace<F> {
    fn default() -> Self {
        Self {
            values: Memory::default(),
            gradient: Memory::default(),
            jvp: Memory::default(),
            vjp: Memory::default(),
            hvp: Memory::default(),
            machine: Vec::new(),
            unit: Vec::new(),
            column: Vec::new(),
            plain: Buffers::default(),
            moving: Buffers::default(),
            directions: Buffers::default(),
        }
    }
}
