//! Sparse Hessians, planned once.

use super::SparseWorkspace;
use super::plan::{self, Function, Plan};
use crate::program::transform::derivative;
use crate::program::{Program, Wrt};
use crate::sparse::{Colouring, Pattern};
use crate::{Error, ProgramScalar};

/// The sparse Hessian of a program with one output, planned once and evaluated at many points.
///
/// It is the Jacobian of the gradient, and its symmetry saves products (a star colouring). Values are in the order of
/// the [pattern](Self::pattern), which has both triangles; entries that mirror each other have the same bits. For a
/// Lagrangian with multipliers as parameters, `Wrt::Data` gives the Hessian alone, and `Wrt::Both` also the Jacobian
/// of the constraints.
///
/// ```
/// use dualtape::{Float, Program, program::Wrt, sparse::SparseHessian};
///
/// // Rosenbrock's function of a thousand inputs: each meets its neighbours.
/// let rosenbrock = |x: &[dualtape::Traced<f64>]| {
///     x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
/// };
/// let program = Program::record(|x| -> dualtape::Traced<f64> { rosenbrock(x) }, &[0.5; 1000])?;
/// let plan = SparseHessian::new(&program, Wrt::Both)?;
/// let (mut gradient, mut values) = (vec![0.0; 1000], vec![0.0; plan.pattern().len()]);
/// let value = plan.evaluate(&mut plan.workspace(), &[1.0; 1000], &mut gradient, &mut values)?;
/// assert_eq!((value, gradient[5], values.len()), (0.0, 0.0, 2998));
/// assert_eq!(values[plan.pattern().position(5, 6).unwrap()], -400.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SparseHessian<F>(Plan<F>);

impl<F: ProgramScalar> SparseHessian<F> {
    /// Plans the Hessian with respect to the requested inputs: finds its pattern, colours it, and makes the program
    /// that computes its entries.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`], and [`Error::NotAPattern`] or [`Error::NotAColouring`] if there are 2³² or more
    /// entries or numbers in products.
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseHessian};
    /// let program = Program::record(|x| x[0] * x[1] + x[2] * x[2], &[1.0_f64; 3])?;
    /// let plan = SparseHessian::new(&program, Wrt::Both)?;
    /// let (mut gradient, mut values) = ([0.0; 3], [0.0; 3]);
    /// let value = plan.evaluate(&mut plan.workspace(), &[3.0, 4.0, 5.0], &mut gradient, &mut values)?;
    /// assert_eq!((value, gradient, values), (37.0, [4.0, 3.0, 10.0], [1.0, 1.0, 2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new(program: &Program<F>, wrt: Wrt) -> Result<Self, Error> {
        Self::make(program, wrt, |function| {
            let pattern = function.pattern()?.symmetric()?;
            let colouring = plan::colour_hessian(&pattern)?;
            Ok((pattern, colouring))
        })
    }

    /// The same with your own pattern, which may have entries that are always zero.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new), [`Error::Length`] for a pattern of another shape, [`Error::NotSymmetric`],
    /// and [`Error::OutsidePattern`] if the pattern lacks an entry.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::{Pattern, SparseHessian}};
    /// let program = Program::record(|x| x[0] * x[1], &[1.0_f64; 2])?;
    /// let plan = SparseHessian::plan(&program, Wrt::Both, Pattern::dense(2, 2)?)?;
    /// let mut values = [0.0; 4];
    /// plan.evaluate(&mut plan.workspace(), &[3.0, 4.0], &mut [0.0; 2], &mut values)?;
    /// assert_eq!(values, [0.0, 1.0, 1.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn plan(program: &Program<F>, wrt: Wrt, pattern: Pattern) -> Result<Self, Error> {
        Self::make(program, wrt, |function| {
            function.check(&pattern)?;
            let colouring = plan::colour_hessian(&pattern)?;
            Ok((pattern, colouring))
        })
    }

    /// The same with your own pattern and colouring, which are not checked against the program: if the pattern lacks
    /// an entry that is not zero, its value is added to another entry, or lost.
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
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, SparseHessian};
    /// let program = Program::record(|x| x[0] * x[1] * x[2], &[1.0_f64; 3])?;
    /// let pattern = program.hessian_pattern(Wrt::Both)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Acyclic, Order::SmallestLast)?;
    /// let plan = SparseHessian::trusting(&program, Wrt::Both, pattern, colouring)?;
    /// let mut values = [0.0; 6];
    /// plan.evaluate(&mut plan.workspace(), &[2.0, 3.0, 4.0], &mut [0.0; 3], &mut values)?;
    /// assert_eq!(values, [4.0, 3.0, 4.0, 2.0, 3.0, 2.0]);
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
        program.one_output()?;
        let wanted = program.wanted(wrt);
        let gradient = derivative::gradient_and_value(&program.written_out(), &wanted);
        let function = Function { graph: &gradient, rows: wanted.len(), wanted: &wanted };
        Ok(Self(Plan::of(&function, choose)?.compiled_like(program)))
    }

    /// The positions of the entries: a row and a column for each requested input, both triangles.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseHessian};
    /// let program = Program::record(|x| x[0] * x[1], &[1.0_f64; 2])?;
    /// let plan = SparseHessian::new(&program, Wrt::Both)?;
    /// assert_eq!(plan.pattern().entries().collect::<Vec<_>>(), [(0, 1), (1, 0)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn pattern(&self) -> &Pattern {
        self.0.pattern()
    }

    /// The colours of the inputs; there is a product for each.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseHessian};
    /// let program = Program::record(|x| x[0] * x[0] + x[1] * x[1], &[1.0_f64; 2])?;
    /// assert_eq!(SparseHessian::new(&program, Wrt::Both)?.colouring().products(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn colouring(&self) -> &Colouring {
        self.0.colouring()
    }

    /// Whether the products are written out as one program, instead of evaluated in lanes.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseHessian};
    /// let program = Program::record(|x| x[0] * x[0] + x[1] * x[1], &[1.0_f64; 2])?;
    /// assert!(SparseHessian::new(&program, Wrt::Both)?.is_written_out());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn is_written_out(&self) -> bool {
        self.0.is_written_out()
    }

    /// An empty workspace, which grows as it is used.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::SparseHessian};
    /// let plan = SparseHessian::new(&Program::record(|x| x[0] * x[0], &[1.0_f64])?, Wrt::Both)?;
    /// let (mut workspace, mut values) = (plan.workspace(), [0.0]);
    /// plan.evaluate(&mut workspace, &[3.0], &mut [0.0], &mut values)?;
    /// assert_eq!(values, [2.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn workspace(&self) -> SparseWorkspace<F> {
        SparseWorkspace::default()
    }

    /// Writes the gradient at `x` with respect to the requested inputs, and the entries in the order of the pattern;
    /// returns the value. Allocates nothing once its buffers are large enough, except for calls of rules and long
    /// loops. In lanes, a product and a sum may be rounded once instead of twice, and elementary functions are within
    /// 2 units in the last place.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input of the program, `gradient` does not have one
    /// for each requested input, or `values` does not have one for each entry of the pattern, and
    /// [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Wrt, sparse::SparseHessian};
    /// let plan = SparseHessian::new(&Program::record(|x| x[0].powi(3), &[1.0_f64])?, Wrt::Both)?;
    /// let (mut gradient, mut values) = ([0.0], [0.0]);
    /// let value = plan.evaluate(&mut plan.workspace(), &[2.0], &mut gradient, &mut values)?;
    /// assert_eq!((value, gradient, values), (8.0, [12.0], [12.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn evaluate(
        &self,
        workspace: &mut SparseWorkspace<F>,
        x: &[F],
        gradient: &mut [F],
        values: &mut [F],
    ) -> Result<F, Error> {
        Error::check_length("gradient", "requested input", self.0.pattern().rows(), gradient.len())?;
        let numbers = self.0.evaluate(&mut workspace.0, x, values)?;
        let (value, derivatives) = numbers.split_last().expect("the value is the last output");
        gradient.copy_from_slice(derivatives);
        Ok(*value)
    }
}
