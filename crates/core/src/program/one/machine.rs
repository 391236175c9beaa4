//! Evaluation at one point by machine code, which a compiler outside this crate makes from routines.

use crate::ProgramScalar;
use crate::codegen::{Quantity, Routine};
use crate::program::Program;
use crate::program::one::Workspace;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// A compiler of routines to machine code, for [`Program::optimized_by`]. The crate `dualtape-jit` provides one.
///
/// ```
/// use dualtape::{Float, Program};
/// use dualtape::codegen::{Compiler, MachineCode, Routine};
/// use std::sync::Arc;
///
/// /// A compiler that knows one function.
/// struct Doubling;
///
/// impl Compiler<f64> for Doubling {
///     fn compile(&self, routine: Routine<f64>) -> Option<Arc<dyn MachineCode<f64>>> {
///         let doubles = routine.operations() == 1 && routine.inputs().len() == 1;
///         doubles.then(|| Arc::new(Doubling) as _)
///     }
/// }
///
/// impl MachineCode<f64> for Doubling {
///     fn workspace(&self) -> usize {
///         0
///     }
///
///     fn run(&self, [x, _]: [&[f64]; 2], [value, _, _]: [&mut [f64]; 3], _: &mut [f64]) -> bool {
///         value[0] = x[0] + x[0];
///         true
///     }
/// }
///
/// let program = Program::record(|x| x[0] + x[0], &[1.0_f64])?.optimized_by(Arc::new(Doubling));
/// assert_eq!(program.value(&mut program.workspace(), &[21.0])?, 42.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub trait Compiler<F>: Send + Sync {
    /// Machine code for a routine; if it is `None`, the program is evaluated without machine code.
    fn compile(&self, routine: Routine<F>) -> Option<Arc<dyn MachineCode<F>>>;

    /// The number of evaluations of one kind after which compiling is worth its time; the default is 0.
    fn worthwhile_after(&self) -> u32 {
        0
    }
}

/// A routine as machine code. [`Compiler`] has an example.
pub trait MachineCode<F>: Send + Sync {
    /// How many numbers of workspace it needs.
    fn workspace(&self) -> usize;

    /// Computes the output arrays from the input arrays. Arrays that the routine does not have are empty; the
    /// workspace may hold anything. Returns whether all checks of the routine held, and its outputs are as
    /// [required](crate::codegen::Array::required); otherwise the outputs may be anything.
    ///
    /// # Panics
    ///
    /// If the length of an array differs from the routine's, or the workspace is shorter than
    /// [`workspace`](Self::workspace).
    fn run(&self, inputs: [&[F]; INPUTS], outputs: [&mut [F]; OUTPUTS], workspace: &mut [F]) -> bool;
}

/// The most input arrays of a routine.
pub const INPUTS: usize = 2;

/// The most output arrays of a routine.
pub const OUTPUTS: usize = 3;

/// The machine code of a program: its compiler, and the compiled routines, by kind of evaluation.
pub(in crate::program) struct Machines<F> {
    compiler: Arc<dyn Compiler<F>>,
    of: [Machine<F>; 5],
}

// A panic in a compiler leaves a program intact, so programs can still be used after it.
impl<F> UnwindSafe for Machines<F> {}
impl<F> RefUnwindSafe for Machines<F> {}

impl<F> fmt::Debug for Machines<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.of.iter().filter(|machine| matches!(machine.made.get(), Some(Some(_))));
        f.debug_struct("Machines").field("made", &made.count()).finish()
    }
}

struct Machine<F> {
    uses: AtomicU32,
    made: OnceLock<Option<Made<F>>>,
}

/// Machine code with the length of its workspace, so that a run need not ask for it.
struct Made<F> {
    code: Arc<dyn MachineCode<F>>,
    workspace: usize,
}

impl<F: ProgramScalar> Machines<F> {
    pub(in crate::program) fn new(compiler: Arc<dyn Compiler<F>>) -> Self {
        let machine = |()| Machine { uses: AtomicU32::new(0), made: OnceLock::new() };
        Self { compiler, of: [(); 5].map(machine) }
    }

    /// Computes a quantity of a program, to which these machines belong; returns whether that succeeded.
    #[inline]
    pub(in crate::program) fn run(
        &self,
        program: &Program<F>,
        quantity: Quantity,
        inputs: [&[F]; INPUTS],
        outputs: [&mut [F]; OUTPUTS],
        workspace: &mut Vec<F>,
    ) -> bool {
        let machine = &self.of[kind(quantity)];
        let made = match machine.made.get() {
            Some(made) => made.as_ref(),
            None => self.count(machine, program, quantity),
        };
        let Some(Made { code, workspace: len }) = made else { return false };
        if workspace.len() < *len {
            workspace.resize(*len, F::zero());
        }
        code.run(inputs, outputs, workspace)
    }

    #[cold]
    fn count<'a>(
        &self,
        Machine { uses, made }: &'a Machine<F>,
        program: &Program<F>,
        quantity: Quantity,
    ) -> Option<&'a Made<F>> {
        let before = uses.load(Ordering::Relaxed);
        if before < self.compiler.worthwhile_after() {
            // Counts that are lost between threads do no harm.
            uses.store(before + 1, Ordering::Relaxed);
            return None;
        }
        let make = || {
            let code = self.compiler.compile(Routine::new(program, quantity).ok()?)?;
            Some(Made { workspace: code.workspace(), code })
        };
        made.get_or_init(make).as_ref()
    }
}

fn kind(quantity: Quantity) -> usize {
    match quantity {
        Quantity::Values => 0,
        Quantity::Gradient => 1,
        Quantity::Jvp => 2,
        Quantity::Vjp => 3,
        Quantity::Hvp => 4,
        _ => unreachable!("matrices are made of products"),
    }
}

impl<F: ProgramScalar> Program<F> {
    /// The program, evaluated at single points by machine code from a compiler: values, gradients, products with
    /// Jacobians and Hessians, and these matrices themselves, product by product. Each is compiled when it is first
    /// needed.
    ///
    /// If the machine code refuses, at singular points and on other branches, the program is evaluated without it;
    /// the same happens if no code can be made. Results have the bits of a program that was just recorded, except
    /// forward products, which are the same up to rounding. Clones share the code. Programs derived from this one,
    /// such as [`gradient_program`](Self::gradient_program), and sparse plans have the same compiler, and code of
    /// their own.
    ///
    /// [`Compiler`] has an example.
    #[must_use]
    pub fn optimized_by(self, compiler: Arc<dyn Compiler<F>>) -> Self {
        Self { machines: Some(Arc::new(Machines::new(compiler))), ..self }
    }

    /// This program, evaluated by machine code if another one is, from the same compiler.
    #[must_use]
    pub(in crate::program) fn compiled_like(self, other: &Self) -> Self {
        match &other.machines {
            Some(machines) => self.optimized_by(Arc::clone(&machines.compiler)),
            None => self,
        }
    }

    /// The outputs and the Jacobian, row by row or column by column; `None` without machine code, or if it refuses.
    pub(super) fn jacobian_by_machine_code(
        &self,
        in_reverse: bool,
        workspace: &mut Workspace<F>,
        x: &[F],
        outputs: &mut [F],
        jacobian: &mut [F],
    ) -> Option<()> {
        let machines = self.machines.as_deref()?;
        let Workspace { machine: memory, unit, column, .. } = workspace;
        let (rows, columns) = (outputs.len(), x.len());
        let directions = if in_reverse { rows } else { columns };
        column.resize(rows, F::zero());
        each_unit(unit, directions, |index, unit| {
            if in_reverse {
                let row = &mut jacobian[index * columns..][..columns];
                return machines.run(self, Quantity::Vjp, [x, unit], [outputs, row, &mut []], memory);
            }
            let done = machines.run(self, Quantity::Jvp, [x, unit], [outputs, column, &mut []], memory);
            let entries = jacobian[index..].iter_mut().step_by(columns);
            entries.zip(&*column).for_each(|(entry, &derivative)| *entry = derivative);
            done
        })
    }

    /// The value, the gradient and the Hessian, row by row; `None` without machine code, or if it refuses.
    pub(super) fn hessian_by_machine_code(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        gradient: &mut [F],
        hessian: &mut [F],
    ) -> Option<F> {
        let machines = self.machines.as_deref()?;
        let Workspace { machine: memory, unit, .. } = workspace;
        let (n, mut value) = (x.len(), [F::zero()]);
        each_unit(unit, n, |index, unit| {
            let outputs = [&mut value[..], gradient, &mut hessian[index * n..][..n]];
            machines.run(self, Quantity::Hvp, [x, unit], outputs, memory)
        })?;
        Some(value[0])
    }
}

/// Computes a product for each unit vector of a length; `None` if there are none, or if a product is refused.
fn each_unit<F: ProgramScalar>(
    unit: &mut Vec<F>,
    len: usize,
    mut product: impl FnMut(usize, &[F]) -> bool,
) -> Option<()> {
    unit.clear();
    unit.resize(len, F::zero());
    let mut done = |index: usize| {
        unit[index] = F::one();
        let done = product(index, unit);
        unit[index] = F::zero();
        done
    };
    (len > 0 && (0..len).all(&mut done)).then_some(())
}
