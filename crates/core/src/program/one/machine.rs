//! Evaluation at one point by machine code, which a compiler outside this crate makes from routines.

use crate::ProgramScalar;
use crate::codegen::{Quantity, Routine};
use crate::program::Program;
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
    made: OnceLock<Option<Arc<dyn MachineCode<F>>>>,
}

impl<F: ProgramScalar> Machines<F> {
    pub(in crate::program) fn new(compiler: Arc<dyn Compiler<F>>) -> Self {
        let machine = |()| Machine { uses: AtomicU32::new(0), made: OnceLock::new() };
        Self { compiler, of: [(); 5].map(machine) }
    }

    /// Computes a quantity of a program, to which these machines belong; returns whether that succeeded.
    pub(in crate::program) fn run(
        &self,
        program: &Program<F>,
        quantity: Quantity,
        inputs: [&[F]; INPUTS],
        outputs: [&mut [F]; OUTPUTS],
        workspace: &mut Vec<F>,
    ) -> bool {
        let Some(code) = self.code(program, quantity) else { return false };
        let len = code.workspace();
        if workspace.len() < len {
            workspace.resize(len, F::zero());
        }
        code.run(inputs, outputs, workspace)
    }

    #[inline]
    fn code(&self, program: &Program<F>, quantity: Quantity) -> Option<&dyn MachineCode<F>> {
        let machine = &self.of[kind(quantity)];
        match machine.made.get() {
            Some(made) => made.as_deref(),
            None => self.count(machine, program, quantity),
        }
    }

    #[cold]
    fn count<'a>(
        &self,
        Machine { uses, made }: &'a Machine<F>,
        program: &Program<F>,
        quantity: Quantity,
    ) -> Option<&'a dyn MachineCode<F>> {
        let before = uses.load(Ordering::Relaxed);
        if before < self.compiler.worthwhile_after() {
            // Counts that are lost between threads do no harm.
            uses.store(before + 1, Ordering::Relaxed);
            return None;
        }
        made.get_or_init(|| self.compiler.compile(Routine::new(program, quantity).ok()?)).as_deref()
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
    /// The program, evaluated at single points by machine code from a compiler: values, gradients, and products with
    /// Jacobians and Hessians. Each is compiled when it is first needed.
    ///
    /// If the machine code refuses, at singular points and on other branches, the program is evaluated without it;
    /// the same happens if no code can be made. Results have the bits of a program that was just recorded, except
    /// forward products, which are the same up to rounding. Clones share the code. Programs derived from this one are
    /// not compiled.
    ///
    /// [`Compiler`] has an example.
    #[must_use]
    pub fn optimized_by(self, compiler: Arc<dyn Compiler<F>>) -> Self {
        Self { machines: Some(Arc::new(Machines::new(compiler))), ..self }
    }
}
