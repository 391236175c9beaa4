//! `ProgramOf`: a program recorded from a function of a structure.

use super::{Like, Parameters, check_tensors, rebuild};
use crate::program::{BatchWorkspace, Outputs, Points};
use crate::{Error, Program, ProgramScalar, Traced, Workspace};

/// A [`Program`] recorded from a function of a structure, and evaluated at structures of the same shapes.
///
/// The numbers of the structure are the parameters of the program. Whatever in the structure is no number (a field that
/// the derive skips, for example) has the value in the program that it had in the recording.
///
/// ```
/// use dualtape::parameters::ProgramOf;
///
/// let program = ProgramOf::record(|(x, y)| x[0] * x[1] * *y, &([1.0, 1.0], 1.0))?;
/// let mut workspace = program.program().workspace();
/// let (value, gradient) = program.gradient(&mut workspace, &([2.0, 3.0], 4.0), &[])?;
/// assert_eq!((value, gradient), (24.0, ([12.0, 8.0], 6.0)));
/// # Ok::<(), dualtape::Error>(())
/// ```
///
/// A structure of other shapes is an error that names the tensor:
///
/// ```
/// use dualtape::parameters::ProgramOf;
///
/// let program = ProgramOf::record(|(x, y): &(Vec<_>, _)| x[0] * x[1] * *y, &(vec![1.0, 1.0], 1.0))?;
/// let problem = program.value(&mut program.program().workspace(), &(vec![2.0], 4.0), &[]).unwrap_err();
/// assert_eq!(problem.to_string(), "the tensor `0` of the point needs the shape [2], not [1]");
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProgramOf<P: Parameters<Number: ProgramScalar>> {
    program: Program<P::Number>,
    tensors: Vec<(String, Vec<usize>)>,
}

impl<P: Parameters<Number: ProgramScalar>> ProgramOf<P> {
    /// Records a function of a structure, at `x`. The function returns one output or several, as an array or a vector.
    ///
    /// # Errors
    ///
    /// As for [`Program::record`].
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::{Float, parameters::ProgramOf};
    /// let program = ProgramOf::record(|(x, y)| (x[0] * *y).sin(), &([1.0], 2.0))?;
    /// let value = program.value(&mut program.program().workspace(), &([0.0], 3.0), &[])?;
    /// assert_eq!(value, 0.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn record<O: Outputs<P::Number>>(
        f: impl FnOnce(&P::With<Traced<P::Number>>) -> O,
        x: &P,
    ) -> Result<Self, Error> {
        Self::record_with_data(|x, _| f(x), x, &[])
    }

    /// Records a function of a structure, which is the same at every point of a batch, and of data, which differ from
    /// point to point.
    ///
    /// # Errors
    ///
    /// As for [`Program::record_with_data`].
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::parameters::ProgramOf;
    /// let program = ProgramOf::record_with_data(|(a, b), x| *a * x[0] + *b, &(1.0, 1.0), &[1.0])?;
    /// let (value, gradient) = program.gradient(&mut program.program().workspace(), &(2.0, 1.0), &[10.0])?;
    /// assert_eq!((value, gradient), (21.0, (10.0, 1.0)));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn record_with_data<O: Outputs<P::Number>>(
        f: impl FnOnce(&P::With<Traced<P::Number>>, &[Traced<P::Number>]) -> O,
        x: &P,
        data: &[P::Number],
    ) -> Result<Self, Error> {
        let of_slices = |numbers: &[_], data: &[_]| f(&rebuild(x, numbers), data);
        let program = Program::record_with_data(of_slices, &x.numbers(), data)?;
        Ok(Self { program, tensors: x.tensors() })
    }

    /// The program over slices: for workspaces, products, code, and whatever else has no form for structures. Its
    /// parameters are the numbers of the structure, in order.
    ///
    /// ```
    /// use dualtape::{Parameters, parameters::ProgramOf};
    /// let point = ([3.0, 4.0], 1.0);
    /// let program = ProgramOf::record(|(x, y)| [x[0] * x[1], x[0] + *y], &point)?;
    /// let (mut values, mut jacobian) = ([0.0; 2], [0.0; 6]);
    /// let flat = program.program();
    /// flat.jacobian(&mut flat.workspace(), &point.numbers(), &mut values, &mut jacobian)?;
    /// assert_eq!((values, jacobian), ([12.0, 4.0], [4.0, 3.0, 0.0, 1.0, 0.0, 1.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn program(&self) -> &Program<P::Number> {
        &self.program
    }

    /// The name and the shape of each tensor, in the order of the parameters.
    ///
    /// ```
    /// use dualtape::parameters::ProgramOf;
    /// let program = ProgramOf::record(|(x, y)| x[0] * *y, &([1.0; 3], 2.0))?;
    /// assert_eq!(program.tensors(), [("0".to_owned(), vec![3]), ("1".to_owned(), vec![])]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn tensors(&self) -> &[(String, Vec<usize>)] {
        &self.tensors
    }

    /// The value at `x` and one row of data, with the same bits as the function itself. `data` is empty if the program
    /// was recorded without data.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `x` do not have the names and shapes of the recording; otherwise as for
    /// [`Program::value`].
    ///
    /// ```
    /// use dualtape::{Float, parameters::ProgramOf};
    /// let program = ProgramOf::record(|x| x[0].hypot(x[1]), &[1.0, 1.0])?;
    /// assert_eq!(program.value(&mut program.program().workspace(), &[3.0, 4.0], &[])?, 5.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn value(
        &self,
        workspace: &mut Workspace<P::Number>,
        x: &P,
        data: &[P::Number],
    ) -> Result<P::Number, Error> {
        self.program.value(workspace, &self.inputs(x, data)?)
    }

    /// The value at `x` and one row of data, and the gradient with respect to `x`. `data` is empty if the program was
    /// recorded without data.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `x` do not have the names and shapes of the recording; otherwise as for
    /// [`Program::gradient`].
    ///
    /// ```
    /// use dualtape::parameters::ProgramOf;
    /// let program = ProgramOf::record(|x: &Vec<[_; 2]>| x[0][0] * x[1][1], &vec![[1.0; 2]; 2])?;
    /// let point = vec![[2.0, 3.0], [4.0, 5.0]];
    /// let (value, gradient) = program.gradient(&mut program.program().workspace(), &point, &[])?;
    /// assert_eq!((value, gradient), (10.0, vec![[5.0, 0.0], [0.0, 2.0]]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient(
        &self,
        workspace: &mut Workspace<P::Number>,
        x: &P,
        data: &[P::Number],
    ) -> Result<(P::Number, Like<P>), Error> {
        let inputs = self.inputs(x, data)?;
        let mut gradient = inputs.clone();
        let value = self.program.gradient(workspace, &inputs, &mut gradient)?;
        Ok((value, rebuild(x, &gradient)))
    }

    /// The value at `x` and one row of data, the gradient with respect to `x`, and the Hessian with respect to `x` times
    /// `direction`. `data` is empty if the program was recorded without data.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `x` or `direction` do not have the names and shapes of the recording; otherwise
    /// as for [`Program::hvp`].
    ///
    /// ```
    /// use dualtape::parameters::ProgramOf;
    /// let program = ProgramOf::record(|(x, y)| x[0] * x[0] * *y, &([1.0], 1.0))?;
    /// let workspace = &mut program.program().workspace();
    /// let (value, gradient, product) = program.hvp(workspace, &([3.0], 4.0), &[], &([1.0], 10.0))?;
    /// assert_eq!((value, gradient, product), (36.0, ([24.0], 9.0), ([68.0], 6.0)));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[allow(clippy::type_complexity)] // value, gradient, product
    pub fn hvp(
        &self,
        workspace: &mut Workspace<P::Number>,
        x: &P,
        data: &[P::Number],
        direction: &P,
    ) -> Result<(P::Number, Like<P>, Like<P>), Error> {
        let inputs = self.inputs(x, data)?;
        check_tensors("direction", &self.tensors, direction)?;
        // The data stay where they are.
        let mut along = direction.numbers();
        along.resize(inputs.len(), num_traits::Zero::zero());
        let (mut gradient, mut product) = (inputs.clone(), inputs.clone());
        let value = self.program.hvp(workspace, &inputs, &along, &mut gradient, &mut product)?;
        Ok((value, rebuild(x, &gradient), rebuild(x, &product)))
    }

    /// The sum of the values over all points of a batch, and its gradient with respect to `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `x` do not have the names and shapes of the recording; otherwise as for
    /// [`Program::sum_gradient`].
    ///
    /// ```
    /// use dualtape::{parameters::ProgramOf, program::Rows};
    /// let program = ProgramOf::record_with_data(|(a, b), x| *a * x[0] + *b, &(1.0, 1.0), &[1.0])?;
    /// let workspace = &mut program.program().batch_workspace();
    /// let (sum, gradient) = program.sum_gradient(workspace, &(2.0, 1.0), &Rows::new(&[10.0, 20.0], 1))?;
    /// assert_eq!((sum, gradient), (62.0, (30.0, 2.0)));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient(
        &self,
        workspace: &mut BatchWorkspace<P::Number>,
        x: &P,
        points: &(impl Points<P::Number> + ?Sized),
    ) -> Result<(P::Number, Like<P>), Error> {
        let parameters = self.parameters(x)?;
        let mut gradient = parameters.clone();
        let sum = self.program.sum_gradient(workspace, &parameters, points, &mut gradient)?;
        Ok((sum, rebuild(x, &gradient)))
    }

    /// The mean of the values over all points of a batch, and its gradient with respect to `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `x` do not have the names and shapes of the recording; otherwise as for
    /// [`Program::mean_gradient`].
    ///
    /// ```
    /// use dualtape::{parameters::ProgramOf, program::Rows};
    /// let program = ProgramOf::record_with_data(|(a, b), x| *a * x[0] + *b, &(1.0, 1.0), &[1.0])?;
    /// let workspace = &mut program.program().batch_workspace();
    /// let (mean, gradient) = program.mean_gradient(workspace, &(2.0, 1.0), &Rows::new(&[10.0, 20.0], 1))?;
    /// assert_eq!((mean, gradient), (31.0, (15.0, 1.0)));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn mean_gradient(
        &self,
        workspace: &mut BatchWorkspace<P::Number>,
        x: &P,
        points: &(impl Points<P::Number> + ?Sized),
    ) -> Result<(P::Number, Like<P>), Error> {
        let parameters = self.parameters(x)?;
        let mut gradient = parameters.clone();
        let mean = self.program.mean_gradient(workspace, &parameters, points, &mut gradient)?;
        Ok((mean, rebuild(x, &gradient)))
    }

    /// The numbers of `x`, whose shapes are checked.
    fn parameters(&self, x: &P) -> Result<Vec<P::Number>, Error> {
        check_tensors("point", &self.tensors, x)?;
        Ok(x.numbers())
    }

    /// The inputs of the program at one point: the numbers of `x`, and then the data.
    fn inputs(&self, x: &P, data: &[P::Number]) -> Result<Vec<P::Number>, Error> {
        let mut inputs = self.parameters(x)?;
        Error::check_length("row of data", "datum of the recording", self.program.data(), data.len())?;
        inputs.extend_from_slice(data);
        Ok(inputs)
    }
}
