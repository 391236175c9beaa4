//! ndarray: functions of arrays of numbers, with several inputs and outputs of any shape.
//!
//! ```
//! use dualtape::integrations::ndarray::gradient;
//! use ndarray::array;
//!
//! // Σ (x · y), with respect to both matrices.
//! let (x, y) = (array![[1.0, 2.0], [3.0, 4.0]], array![[5.0, 6.0], [7.0, 8.0]]);
//! let (value, derivatives) = gradient(|v| (&v[0] * &v[1]).iter().sum(), &[x.clone(), y.clone()]);
//! assert_eq!(value, 70.0);
//! assert_eq!(derivatives, [y, x]);
//! ```
//!
//! Arrays of several ranks in one call, in every mode and in programs, are a structure: a tuple of them, or a struct with
//! `#[derive(Parameters)]`. The drivers of [`parameters`](crate::parameters) take it, and give derivatives as the same
//! structure:
//!
//! ```
//! use dualtape::parameters;
//! use ndarray::array;
//!
//! let (matrix, vector) = (array![[1.0, 2.0], [3.0, 4.0]], array![10.0, 20.0]);
//! let (value, gradient) =
//!     parameters::gradient(|(a, x)| a.row(0).iter().zip(x).map(|(a, x)| a * x).sum(), &(matrix, vector));
//! assert_eq!(value, 50.0);
//! assert_eq!(gradient, (array![[10.0, 20.0], [0.0, 0.0]], array![1.0, 2.0]));
//! ```
//!
//! Arrays of [`Var`] support element-wise operations with each other and with constants. Functions that ndarray
//! offers for `'static` numbers only do not accept a `Var`; [`dot`] replaces one of them, the matrix product.

use crate::parameters::Tensors;
use crate::{Differentiable, Error, Parameters, Tape, Var};
use ndarray::{Array, Array2, ArrayView2, Dimension};

/// The value of a function of several arrays of one rank, and its gradient with respect to each, of the same shapes, in
/// reverse mode. For arrays of several ranks, and for forward mode, see [`parameters`](crate::parameters).
///
/// ```
/// use dualtape::integrations::ndarray::gradient;
/// use ndarray::array;
///
/// // The sum of the squares of a vector, scaled by another of one element.
/// let (x, scale) = (array![1.0, 2.0], array![10.0]);
/// let (value, derivatives) = gradient(|v| v[0].iter().map(|&x| x * x * v[1][0]).sum(), &[x, scale]);
/// assert_eq!(value, 50.0);
/// assert_eq!(derivatives, [array![20.0, 40.0], array![5.0]]);
/// ```
pub fn gradient<T, D, F>(f: F, inputs: &[Array<T, D>]) -> (T, Vec<Array<T, D>>)
where
    T: Differentiable,
    D: Dimension,
    F: for<'t> FnOnce(&[Array<Var<'t, T>, D>]) -> Var<'t, T>,
{
    let tape = Tape::for_inputs();
    let variables = record(&tape, inputs);
    let y = f(&variables);
    let adjoints = tape.gradient(y);
    (y.primal(), variables.iter().map(|array| array.map(|&x| adjoints[x])).collect())
}

/// The results of a function of arrays, and the derivatives with respect to its inputs.
///
/// ```
/// use dualtape::integrations::ndarray::{Products, vjp};
/// use ndarray::{Ix0, Ix1, array, arr0};
///
/// // From vectors to a sum, which has no dimensions.
/// let done: Products<f64, Ix1, Ix0> =
///     vjp(|v| vec![arr0(v[0].iter().sum())], &[array![1.0, 2.0]], &[arr0(10.0)])?;
/// assert_eq!(done, (vec![arr0(3.0)], vec![array![10.0, 10.0]]));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub type Products<T, D, E> = (Vec<Array<T, E>>, Vec<Array<T, D>>);

/// The values of a function of several arrays with several arrays as results, and the weighted sum of the
/// results' derivatives with respect to each input, in reverse mode. For arrays of several ranks, see
/// [`parameters::vjp`](crate::parameters::vjp).
///
/// `weights` has an array for each result, with the same shape.
///
/// # Errors
///
/// [`Error::Length`] if there are not as many weights as results, or one does not have the shape of its result.
///
/// ```
/// use dualtape::integrations::ndarray::vjp;
/// use ndarray::array;
///
/// let inputs = [array![1.0, 2.0], array![3.0, 4.0]];
/// let weights = [array![1.0, 1.0], array![1.0, 1.0]];
/// let (results, derivatives) = vjp(|v| vec![&v[0] + &v[1], &v[0] * &v[1]], &inputs, &weights)?;
/// assert_eq!(results, [array![4.0, 6.0], array![3.0, 8.0]]);
/// assert_eq!(derivatives, [array![4.0, 5.0], array![2.0, 3.0]]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn vjp<T, D, E, F>(
    f: F,
    inputs: &[Array<T, D>],
    weights: &[Array<T, E>],
) -> Result<Products<T, D, E>, Error>
where
    T: Differentiable,
    D: Dimension,
    E: Dimension,
    F: for<'t> FnOnce(&[Array<Var<'t, T>, D>]) -> Vec<Array<Var<'t, T>, E>>,
{
    let tape = Tape::for_inputs();
    let variables = record(&tape, inputs);
    let results = f(&variables);
    Error::check_length("list of weights", "result", results.len(), weights.len())?;
    for (result, weight) in results.iter().zip(weights) {
        Error::check_length("array of weights", "element of its result", result.len(), weight.len())?;
        for (&expected, &given) in result.shape().iter().zip(weight.shape()) {
            Error::check_length(
                "axis of an array of weights",
                "element along that axis of its result",
                expected,
                given,
            )?;
        }
    }
    let outputs: Vec<_> = results.iter().flatten().copied().collect();
    let weights: Vec<_> = weights.iter().flatten().copied().collect();
    let adjoints = tape.weighted_gradient(&outputs, &weights);
    let values = results.iter().map(|array| array.map(Var::primal)).collect();
    Ok((values, variables.iter().map(|array| array.map(|&x| adjoints[x])).collect()))
}

/// The product of two matrices of any numbers, one statement for each element.
///
/// # Panics
///
/// If the first does not have as many columns as the second has rows.
///
/// ```
/// use dualtape::integrations::ndarray::dot;
/// use ndarray::array;
/// let product = dot(&array![[1.0, 2.0]].view(), &array![[3.0], [4.0]].view());
/// assert_eq!(product, array![[11.0]]);
/// ```
pub fn dot<D: Differentiable>(a: &ArrayView2<'_, D>, b: &ArrayView2<'_, D>) -> Array2<D> {
    assert!(
        a.ncols() == b.nrows(),
        "a matrix of {} columns cannot be multiplied by one of {} rows",
        a.ncols(),
        b.nrows()
    );
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        D::dot_pairs(a.row(i).into_iter().copied().zip(b.column(j).into_iter().copied()), None)
    })
}

fn record<'t, T: Differentiable, D: Dimension>(
    tape: &'t Tape<T>,
    inputs: &[Array<T, D>],
) -> Vec<Array<Var<'t, T>, D>> {
    inputs.iter().map(|array| array.map(|&x| tape.var(x))).collect()
}

/// An array is one tensor of its shape. Its numbers are taken row after row, whatever their order in memory, and the arrays
/// made of it have them in that order.
impl<T: Differentiable, D: Dimension> Parameters for Array<T, D> {
    type Number = T;
    type With<U: Differentiable> = Array<U, D>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        tensors.tensor(self.shape());
    }

    fn each_number(&self, visit: &mut impl FnMut(T)) {
        self.iter().for_each(|&number| visit(number));
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(T) -> U) -> Array<U, D> {
        let numbers = self.iter().map(|&number| f(number)).collect();
        Array::from_shape_vec(self.raw_dim(), numbers).expect("there is a number for each element")
    }
}
