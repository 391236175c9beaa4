//! Sparse Jacobians, planned once.

use super::plan::{self, Function, Memory, Plan};
use crate::program::{Points, Program, Wrt};
use crate::sparse::{Colouring, Pattern};
use crate::{Error, ProgramScalar};

/// The memory of a [`SparseJacobian`] or a [`SparseHessian`](super::SparseHessian). It may serve several of them, one
/// at a time.
///
/// ```
/// use dualtape::sparse::SparseWorkspace;
/// let workspace = SparseWorkspace::<f64>::default(); // grows as it is used
/// ```
#[derive(Clone, Debug)]
pub struct SparseWorkspace<F: ProgramScalar>(pub(super) Memory<F>);

impl<F: ProgramScalar> Default for SparseWorkspace<F> {
    fn default() -> Self {
        Self(Memory::default())
    }
}

/// The sparse Jacobian of a program, planned once and evaluated at many points.
///
/// Inputs that share no output are seeded together, so that a few products with the Jacobian give all its entries,
/// and structural zeros are not computed. Values are in the order of the [pattern](Self::pattern), which is that of
/// the compressed-row format.
///
/// Planning takes as long as some hundreds to thousands of evaluations: 0.3 s for ten thousand unknowns of a grid, 38
/// s for a million. The plan keeps its own program, and does not refer to another.
///
/// ```
/// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
///
/// // Heat flows between neighbours on a line of a thousand places.
/// let heat = |x: &[dualtape::Traced<f64>]| -> Vec<_> {
///     let at = |i: usize| x[i.clamp(1, x.len()) - 1];
///     (1..=x.len()).map(|i| at(i - 1) - at(i) * 2.0 + at(i + 1) - at(i) * at(i)).collect()
/// };
/// let x = vec![0.5; 1000];
/// let program = Program::record(heat, &x)?;
/// let plan = SparseJacobian::new(&program, Wrt::Both)?;
/// let (mut workspace, mut flow) = (plan.workspace(), vec![0.0; 1000]);
/// let mut values = vec![0.0; plan.pattern().len()];
/// plan.evaluate(&mut workspace, &x, &mut flow, &mut values)?;
/// assert_eq!((values.len(), plan.pattern().row(7)), (2998, &[6, 7, 8][..]));
/// assert_eq!(values[plan.pattern().position(7, 7).unwrap()], -3.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SparseJacobian<F>(Plan<F>);

impl<F: ProgramScalar> SparseJacobian<F> {
    /// Plans the Jacobian with respect to the requested inputs: finds its pattern, colours it, and makes the program
    /// that computes its entries.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] and [`Error::NotAColouring`] if there are 2³² or more entries or numbers in products.
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
    /// let program = Program::record(|x| [x[0] * x[1], x[2] * x[2]], &[1.0_f64; 3])?;
    /// let plan = SparseJacobian::new(&program, Wrt::Both)?;
    /// let (mut outputs, mut values) = ([0.0; 2], [0.0; 3]);
    /// plan.evaluate(&mut plan.workspace(), &[3.0, 4.0, 5.0], &mut outputs, &mut values)?;
    /// assert_eq!((outputs, values), ([12.0, 25.0], [4.0, 3.0, 10.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new(program: &Program<F>, wrt: Wrt) -> Result<Self, Error> {
        Self::make(program, wrt, |function| {
            let pattern = function.pattern()?;
            let colouring = plan::colour_jacobian(&pattern)?;
            Ok((pattern, colouring))
        })
    }

    /// The same with your own pattern, which may have entries that are always zero.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new), [`Error::Length`] for a pattern of another shape, and
    /// [`Error::OutsidePattern`] if the pattern lacks an entry.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::{Error, Program, program::Wrt, sparse::{Pattern, SparseJacobian}};
    /// let program = Program::record(|x| [x[0] * x[1], x[1]], &[1.0_f64; 2])?;
    /// let plan = SparseJacobian::plan(&program, Wrt::Both, Pattern::dense(2, 2)?)?;
    /// assert_eq!(plan.pattern().len(), 4);
    /// let lacking = SparseJacobian::plan(&program, Wrt::Both, Pattern::from_rows(2, [[0], [1]])?);
    /// assert_eq!(lacking.unwrap_err(), Error::OutsidePattern { row: 0, column: 1 });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn plan(program: &Program<F>, wrt: Wrt, pattern: Pattern) -> Result<Self, Error> {
        Self::make(program, wrt, |function| {
            function.check(&pattern)?;
            let colouring = plan::colour_jacobian(&pattern)?;
            Ok((pattern, colouring))
        })
    }

    /// The same with your own pattern and colouring, which are not checked against the program: if the pattern lacks
    /// an entry that is not zero, its value is added to another entry, or lost.
    /// [`check::sparse`](crate::check::sparse) detects this at a point.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new), [`Error::Length`] for a pattern of another shape, and
    /// [`Error::NotAColouring`] or [`Error::NotSymmetric`] if the colours are not a colouring of the pattern.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt};
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, SparseJacobian};
    /// // The second input cancels, which the recording does not know.
    /// let program = Program::record(|x| [x[0] + x[1] - x[1]], &[1.0_f64; 2])?;
    /// let pattern = Pattern::from_rows(2, [[0]])?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?;
    /// let plan = SparseJacobian::trusting(&program, Wrt::Both, pattern, colouring)?;
    /// let mut values = [0.0];
    /// plan.evaluate(&mut plan.workspace(), &[3.0, 4.0], &mut [0.0], &mut values)?;
    /// assert_eq!(values, [1.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn trusting(
        program: &Program<F>,
        wrt: Wrt,
        pattern: Pattern,
        colouring: Colouring,
    ) -> Result<Self, Error> {
        Self::make(program, wrt, |function| {
            function.check_shape(&pattern)?;
            Ok((pattern, colouring))
        })
    }

    fn make(
        program: &Program<F>,
        wrt: Wrt,
        choose: impl FnOnce(&Function<'_, F>) -> Result<(Pattern, Colouring), Error>,
    ) -> Result<Self, Error> {
        let (graph, wanted) = (program.written_out(), program.wanted(wrt));
        let function = Function { graph: &graph, rows: program.outputs(), wanted: &wanted };
        Ok(Self(Plan::of(&function, choose)?.compiled_like(program)))
    }

    /// The positions of the entries: a row for each output, a column for each requested input.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
    /// let program = Program::record_with_data(|p, x| [p[0] * x[0], p[1]], &[1.0; 2], &[1.0_f64])?;
    /// let plan = SparseJacobian::new(&program, Wrt::Parameters)?;
    /// assert_eq!(plan.pattern().entries().collect::<Vec<_>>(), [(0, 0), (1, 1)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn pattern(&self) -> &Pattern {
        self.0.pattern()
    }

    /// The colours of inputs and outputs; there is a product for each.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
    /// let program = Program::record(|x| [x[0] * x[0], x[1] * x[1]], &[1.0_f64; 2])?;
    /// assert_eq!(SparseJacobian::new(&program, Wrt::Both)?.colouring().products(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn colouring(&self) -> &Colouring {
        self.0.colouring()
    }

    /// Whether the products are written out as one program, instead of evaluated in lanes.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
    /// let program = Program::record(|x| [x[0] * x[0], x[1] * x[1]], &[1.0_f64; 2])?;
    /// assert!(SparseJacobian::new(&program, Wrt::Both)?.is_written_out());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn is_written_out(&self) -> bool {
        self.0.is_written_out()
    }

    /// An empty workspace, which grows as it is used.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
    /// let plan = SparseJacobian::new(&Program::record(|x| [x[0] * x[0]], &[1.0_f64])?, Wrt::Both)?;
    /// let (mut workspace, mut values) = (plan.workspace(), [0.0]);
    /// for x in [1.0, 2.0] {
    ///     plan.evaluate(&mut workspace, &[x], &mut [0.0], &mut values)?;
    ///     assert_eq!(values, [2.0 * x]);
    /// }
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn workspace(&self) -> SparseWorkspace<F> {
        SparseWorkspace::default()
    }

    /// Writes the outputs at `x`, and the entries in the order of the pattern. Allocates nothing once its buffers are
    /// large enough, except for calls of rules and long loops. In lanes, a product and a sum may be rounded once
    /// instead of twice, and elementary functions are within 2 units in the last place.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input of the program, `outputs` does not have one
    /// for each output, or `values` does not have one for each entry of the pattern, and [`Error::BranchChanged`] if
    /// the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Error, Program, program::Wrt, sparse::SparseJacobian};
    /// let plan = SparseJacobian::new(&Program::record(|x| [x[0] * x[1]], &[1.0_f64; 2])?, Wrt::Both)?;
    /// let (mut workspace, mut values) = (plan.workspace(), [0.0; 2]);
    /// plan.evaluate(&mut workspace, &[3.0, 4.0], &mut [0.0], &mut values)?;
    /// assert_eq!(values, [4.0, 3.0]);
    /// let short = plan.evaluate(&mut workspace, &[3.0, 4.0], &mut [0.0], &mut [0.0]);
    /// assert!(matches!(short, Err(Error::Length { expected: 2, given: 1, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn evaluate(
        &self,
        workspace: &mut SparseWorkspace<F>,
        x: &[F],
        outputs: &mut [F],
        values: &mut [F],
    ) -> Result<(), Error> {
        Error::check_length("slice of outputs", "output", self.0.pattern().rows(), outputs.len())?;
        outputs.copy_from_slice(self.0.evaluate(&mut workspace.0, x, values)?);
        Ok(())
    }

    /// Writes the outputs and the entries at each of many points, with one row of each for every point. Use it for
    /// many small sparse blocks. The parameters are the same for all points. A product and a sum may be rounded once
    /// instead of twice.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `parameters` or a point does not have the program's length, `outputs` does not have a
    /// number for each output and point, or `values` does not have one for each entry and point; and
    /// [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Program, program::{Rows, Wrt}, sparse::SparseJacobian};
    /// let program = Program::record_with_data(|p, x| [p[0] * x[0], x[1] * x[1]], &[1.0], &[1.0_f64; 2])?;
    /// let plan = SparseJacobian::new(&program, Wrt::Data)?;
    /// let (points, mut outputs, mut values) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4], [0.0; 4]);
    /// let points = Rows::new(&points, 2);
    /// plan.evaluate_batch(&mut plan.workspace(), &[10.0], &points, &mut outputs, &mut values)?;
    /// assert_eq!((outputs, values), ([10.0, 4.0, 30.0, 16.0], [10.0, 4.0, 10.0, 8.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn evaluate_batch<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut SparseWorkspace<F>,
        parameters: &[F],
        points: &P,
        outputs: &mut [F],
        values: &mut [F],
    ) -> Result<(), Error> {
        self.0.evaluate_batch(&mut workspace.0, parameters, points, outputs, values)
    }
}
