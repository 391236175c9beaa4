//! Structures of numbers: a function of several arrays, or of your own structs, differentiated in one call.
//!
//! The other drivers take a slice of numbers. A model usually has its numbers in a structure: a matrix of weights, a
//! vector of biases, a list of layers. [`Parameters`] is implemented by structures that are generic in their type of
//! number. The drivers of this module take such a structure, call your function with the same structure of other
//! numbers, and give derivatives as the same structure again.
//!
//! With the feature `derive`, `#[derive(Parameters)]` implements the trait for a struct:
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use dualtape::{Differentiable, Parameters, parameters};
//!
//! #[derive(Parameters, Debug, PartialEq)]
//! struct Layer<T> {
//!     weights: Vec<[T; 2]>,
//!     bias: Vec<T>,
//! }
//!
//! fn sum_of_outputs<D: Differentiable<Scalar = f64>>(layer: &Layer<D>, x: [f64; 2]) -> D {
//!     layer.weights.iter().zip(&layer.bias).map(|(w, b)| w[0] * x[0] + w[1] * x[1] + *b).sum()
//! }
//!
//! let layer = Layer { weights: vec![[1.0, 2.0], [3.0, 4.0]], bias: vec![5.0, 6.0] };
//! let (value, gradient) = parameters::gradient(|layer| sum_of_outputs(layer, [10.0, 20.0]), &layer);
//! assert_eq!(value, 171.0);
//! assert_eq!(gradient, Layer { weights: vec![[10.0, 20.0], [10.0, 20.0]], bias: vec![1.0, 1.0] });
//! # }
//! ```
//!
//! # What is a structure
//!
//! | type | its tensors | their names |
//! |---|---|---|
//! | a number | one, of shape `[]` | |
//! | `[P; N]`, `Vec<P>` of numbers | one, of shape `[N]` | |
//! | the same, of arrays of numbers: `Vec<[T; 2]>` | one, of shape `[n, 2]` | |
//! | the same, of other structures | those of each element | `0`, `1`, … and the element's |
//! | tuples of up to eight structures | those of each | `0`, `1`, … and the element's |
//! | `Option<P>` | those of the structure, or none | |
//! | a struct with the derive | those of each field | the field and the field's tensors |
//! | `Array<T, D>` (feature `ndarray`) | one, of the array's shape | |
//! | `SMatrix`, `DMatrix`, `DVector` (feature `nalgebra`) | one, of `[rows, columns]`, or `[rows]` if there is one column by type | |
//!
//! Parts of a name are joined by dots: the weights of the first of `layers` are `layers.0.weights`. So two arrays of
//! different shapes, or of different ranks, are one argument:
//!
//! ```
//! use dualtape::parameters;
//! let (matrix, vector) = ([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]);
//! let (value, gradient) = parameters::gradient(|(a, x)| a[0][0] * x[0] + a[1][1] * x[1], &(matrix, vector));
//! assert_eq!(value, 90.0);
//! assert_eq!(gradient, ([[10.0, 0.0], [0.0, 20.0]], [1.0, 4.0]));
//! ```
//!
//! # What it costs
//!
//! These drivers copy the numbers into a slice, call the drivers of slices, and build a structure for each call of the
//! function and for each result. In loops that must not allocate, keep the numbers in a slice, and take
//! [`with_numbers`](Parameters::with_numbers) inside the function:
//!
//! ```
//! use dualtape::{Parameters, Reverse};
//!
//! let start = ([1.0_f64, 2.0], 3.0);
//! let (mut flat, mut gradient, mut reverse) = (start.numbers(), [0.0; 3], Reverse::new());
//! for _ in 0..100 {
//!     reverse.gradient(
//!         |numbers| {
//!             let ([x, y], z) = start.with_numbers(numbers).expect("there are three");
//!             x * x + y * y + z * z
//!         },
//!         &flat,
//!         &mut gradient,
//!     )?;
//!     flat.iter_mut().zip(gradient).for_each(|(x, g)| *x -= 0.1 * g);
//! }
//! assert!(flat.iter().all(|x| x.abs() < 1e-8));
//! # Ok::<(), dualtape::Error>(())
//! ```

mod containers;
mod drivers;
mod program;

pub use drivers::{Maps, gradient, gradient_forward, hvp, jvp, vjp};
#[cfg(feature = "derive")]
pub use dualtape_derive::Parameters;
pub use program::ProgramOf;

use crate::{Differentiable, Error};
use std::fmt::{Debug, Display, Write};

/// A structure of numbers, generic in their type.
///
/// The numbers have a fixed order, and belong to *tensors*: each tensor has a name and a shape, and its numbers are in
/// the order of its last index, then of the one before it, and so on: row after row.
///
/// `#[derive(Parameters)]` (feature `derive`) implements the trait for structs. Write it by hand for what the derive
/// does not know, an enum for example. Three methods must then agree on the order of the numbers:
///
/// ```
/// use dualtape::{Differentiable, Parameters, parameters::{self, Tensors}};
///
/// #[derive(Debug, PartialEq)]
/// enum Curve<T> {
///     Line { slope: T },
///     Wave { height: T, frequency: T },
/// }
///
/// impl<T: Differentiable> Parameters for Curve<T> {
///     type Number = T;
///     type With<U: Differentiable> = Curve<U>;
///
///     fn describe(&self, tensors: &mut Tensors<'_>) {
///         let names: &[_] = match self {
///             Self::Line { .. } => &["slope"],
///             Self::Wave { .. } => &["height", "frequency"],
///         };
///         names.iter().for_each(|name| tensors.within(name, |tensors| tensors.tensor(&[])));
///     }
///
///     fn each_number(&self, visit: &mut impl FnMut(T)) {
///         match *self {
///             Self::Line { slope } => visit(slope),
///             Self::Wave { height, frequency } => [height, frequency].into_iter().for_each(visit),
///         }
///     }
///
///     fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(T) -> U) -> Curve<U> {
///         match *self {
///             Self::Line { slope } => Curve::Line { slope: f(slope) },
///             Self::Wave { height, frequency } => Curve::Wave { height: f(height), frequency: f(frequency) },
///         }
///     }
/// }
///
/// impl<T: Differentiable<Scalar = f64>> Curve<T> {
///     fn at(&self, x: f64) -> T {
///         match *self {
///             Self::Line { slope } => slope * x,
///             Self::Wave { height, frequency } => height * (frequency * x).sin(),
///         }
///     }
/// }
///
/// let (value, gradient) = parameters::gradient(|curve| curve.at(3.0), &Curve::Wave { height: 2.0, frequency: 0.0 });
/// assert_eq!((value, gradient), (0.0, Curve::Wave { height: 0.0, frequency: 6.0 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a structure of numbers",
    label = "not a structure of numbers",
    note = "numbers, arrays, `Vec`s, `Option`s and tuples of them are structures; so are arrays of ndarray and matrices \
            of nalgebra, with the features of these names",
    note = "a struct that is generic in its type of number becomes one by `#[derive(dualtape::Parameters)]`, with the \
            feature `derive`"
)]
pub trait Parameters: Sized {
    /// The type of the numbers.
    type Number: Differentiable;

    /// The same structure, of other numbers.
    type With<U: Differentiable>: Parameters<Number = U>;

    /// Names all tensors, in the order of their numbers. Users call [`tensors`](Self::tensors).
    fn describe(&self, tensors: &mut Tensors<'_>);

    /// Visits all numbers in order.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// let mut sum = 0.0;
    /// ([1.0, 2.0], vec![10.0]).each_number(&mut |x| sum += x);
    /// assert_eq!(sum, 13.0);
    /// ```
    fn each_number(&self, visit: &mut impl FnMut(Self::Number));

    /// The structure of what `f` gives for each number, in order. Whatever is no number is cloned.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// assert_eq!(([1.0, 2.0], vec![10.0]).map_numbers(&mut |x| 2.0 * x), ([2.0, 4.0], vec![20.0]));
    /// ```
    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(Self::Number) -> U) -> Self::With<U>;

    /// If every value of this type is one tensor, of a shape that the type determines: that shape. Then an array of
    /// such values is one tensor, too, with one more dimension.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// assert_eq!(<[[f64; 3]; 2]>::fixed_shape(), Some(vec![2, 3]));
    /// assert_eq!(Vec::<f64>::fixed_shape(), None);
    /// ```
    fn fixed_shape() -> Option<Vec<usize>> {
        None
    }

    /// The name and the shape of each tensor, in the order of their numbers. A structure that is a single tensor without
    /// a name is called `parameters`.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// let layers = vec![(vec![[0.0; 2]; 3], [0.0; 3]), (vec![[0.0; 2]; 1], [0.0; 3])];
    /// let tensors = layers.tensors();
    /// assert_eq!(tensors[0], ("0.0".to_owned(), vec![3, 2]));
    /// assert_eq!(tensors[3], ("1.1".to_owned(), vec![3]));
    /// assert_eq!([0.0; 3].tensors(), [("parameters".to_owned(), vec![3])]);
    /// ```
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = Vec::new();
        self.describe(&mut Tensors::new(&mut |name, shape| all.push((name.to_owned(), shape.to_vec()))));
        all
    }

    /// The numbers, in order.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// assert_eq!(([[1.0, 2.0], [3.0, 4.0]], vec![5.0]).numbers(), [1.0, 2.0, 3.0, 4.0, 5.0]);
    /// ```
    fn numbers(&self) -> Vec<Self::Number> {
        let mut all = Vec::new();
        self.each_number(&mut |number| all.push(number));
        all
    }

    /// How many numbers there are.
    ///
    /// ```
    /// use dualtape::Parameters;
    /// assert_eq!((vec![[1.0; 2]; 3], 4.0).number_count(), 7);
    /// ```
    fn number_count(&self) -> usize {
        let mut count = 0;
        self.each_number(&mut |_| count += 1);
        count
    }

    /// The same structure with these numbers, in order. It takes shapes and constants from `self`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there are not as many numbers as in `self`.
    ///
    /// ```
    /// use dualtape::{Dual, Parameters};
    /// let shape = (vec![0.0; 2], 0.0);
    /// assert_eq!(shape.with_numbers(&[1.0, 2.0, 3.0])?, (vec![1.0, 2.0], 3.0));
    /// let (_, last): (Vec<Dual<f64>>, _) = shape.with_numbers(&[Dual::lift(1.0); 3])?;
    /// assert_eq!(last, Dual::lift(1.0));
    ///
    /// let problem = shape.with_numbers(&[1.0]).unwrap_err();
    /// assert_eq!(problem.to_string(), "the slice needs 3 numbers, one for each number of the structure, not 1");
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    fn with_numbers<U: Differentiable>(&self, numbers: &[U]) -> Result<Self::With<U>, Error> {
        Error::check_length("slice", "number of the structure", self.number_count(), numbers.len())?;
        Ok(rebuild(self, numbers))
    }

    /// The structure of what `f` gives for each pair of numbers of two structures: a step of an optimiser, for example.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] if the tensors of `other` do not have the names and shapes of those of `self`.
    ///
    /// ```
    /// use dualtape::{Parameters, parameters};
    /// let mut point = ([1.0_f64, 2.0], 3.0);
    /// for _ in 0..100 {
    ///     let (_, gradient) = parameters::gradient(|(x, y)| x[0] * x[0] + x[1] * x[1] + y * y, &point);
    ///     point = point.zip_numbers(&gradient, |x, g| x - 0.1 * g)?;
    /// }
    /// assert!(point.numbers().iter().all(|x| x.abs() < 1e-8));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    fn zip_numbers<U: Differentiable, V: Differentiable>(
        &self,
        other: &Self::With<U>,
        mut f: impl FnMut(Self::Number, U) -> V,
    ) -> Result<Self::With<V>, Error> {
        check_tensors("other structure", &self.tensors(), other)?;
        let mut others = other.numbers().into_iter();
        Ok(self.map_numbers(&mut |x| f(x, others.next().expect(DISAGREE))))
    }
}

/// A structure like `P`, of numbers of the same type: for every structure that the crate or the derive provides, `P` itself.
/// It is the type of a gradient.
///
/// ```
/// use dualtape::parameters::{self, Like};
/// let gradient: Like<[f64; 2]> = parameters::gradient(|x| x[0] * x[1], &[3.0, 4.0]).1;
/// assert_eq!(gradient, [4.0, 3.0]);
/// ```
pub type Like<P> = <P as Parameters>::With<<P as Parameters>::Number>;

/// What an implementation by hand did if numbers are missing.
const DISAGREE: &str = "describe, each_number and map_numbers agree on the numbers";

/// The name of a tensor that has none.
const UNNAMED: &str = "parameters";

/// Receives the tensors of a structure; see [`Parameters::describe`].
///
/// It knows the name of the structure that is being described, and visits each tensor with its full name.
///
/// ```
/// use dualtape::parameters::Tensors;
/// let mut all = Vec::new();
/// let mut visit = |name: &str, shape: &[usize]| all.push(format!("{name} {shape:?}"));
/// let mut tensors = Tensors::new(&mut visit);
/// tensors.within("layers", |tensors| {
///     tensors.within(0, |tensors| tensors.tensor(&[3, 2]));
///     tensors.within(1, |tensors| tensors.tensor(&[1, 3]));
/// });
/// tensors.within("scale", |tensors| tensors.tensor(&[]));
/// assert_eq!(all, ["layers.0 [3, 2]", "layers.1 [1, 3]", "scale []"]);
/// ```
pub struct Tensors<'v> {
    name: String,
    visit: &'v mut dyn FnMut(&str, &[usize]),
}

impl Debug for Tensors<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tensors").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'v> Tensors<'v> {
    /// Passes each tensor's name and shape to `visit`.
    ///
    /// ```
    /// use dualtape::{Parameters, parameters::Tensors};
    /// let mut largest = 0;
    /// let mut visit = |_: &str, shape: &[usize]| largest = largest.max(shape.iter().product());
    /// ([1.0; 3], [[1.0; 2]; 2]).describe(&mut Tensors::new(&mut visit));
    /// assert_eq!(largest, 4);
    /// ```
    pub fn new(visit: &'v mut dyn FnMut(&str, &[usize])) -> Self {
        Self { name: String::new(), visit }
    }

    /// The structure being described is a tensor of this shape.
    ///
    /// ```
    /// use dualtape::parameters::Tensors;
    /// Tensors::new(&mut |name, shape| assert_eq!((name, shape), ("parameters", &[2, 3][..]))).tensor(&[2, 3]);
    /// ```
    pub fn tensor(&mut self, shape: &[usize]) {
        let name = if self.name.is_empty() { UNNAMED } else { &self.name };
        (self.visit)(name, shape);
    }

    /// Describes a part of the structure, which has this name in it.
    ///
    /// ```
    /// use dualtape::{Parameters, parameters::Tensors};
    /// let mut visit = |name: &str, shape: &[usize]| assert_eq!((name, shape), ("bias", &[3][..]));
    /// Tensors::new(&mut visit).within("bias", |tensors| [0.0; 3].describe(tensors));
    /// ```
    pub fn within(&mut self, part: impl Display, describe: impl FnOnce(&mut Self)) {
        let end = self.name.len();
        let dot = if end == 0 { "" } else { "." };
        write!(self.name, "{dot}{part}").expect("a string takes any text");
        describe(self);
        self.name.truncate(end);
    }
}

/// The structure with these numbers, of which there are enough.
fn rebuild<P: Parameters, U: Differentiable>(structure: &P, numbers: &[U]) -> P::With<U> {
    let mut numbers = numbers.iter();
    structure.map_numbers(&mut |_| *numbers.next().expect(DISAGREE))
}

/// Checks that a structure has the tensors that are expected.
fn check_tensors(
    what: &'static str,
    expected: &[(String, Vec<usize>)],
    given: &impl Parameters,
) -> Result<(), Error> {
    let (mut rest, mut same) = (expected.iter(), true);
    given.describe(&mut Tensors::new(&mut |name, shape| {
        same &= rest.next().is_some_and(|(known, of)| known == name && of == shape);
    }));
    if same && rest.next().is_none() { Ok(()) } else { Err(difference(what, expected, &given.tensors())) }
}

/// The first difference of two lists of tensors that differ.
fn difference(
    what: &'static str,
    expected: &[(String, Vec<usize>)],
    given: &[(String, Vec<usize>)],
) -> Error {
    let place = expected.iter().zip(given).take_while(|(a, b)| a == b).count();
    let is_given = |name: &str| given.iter().any(|(other, _)| other == name);
    let (name, expected, given) = match (expected.get(place), given.get(place)) {
        (Some((name, expected)), Some((other, given))) if name == other => {
            (name, Some(expected), Some(given))
        }
        (Some((name, expected)), None) => (name, Some(expected), None),
        (Some((name, expected)), Some(_)) if !is_given(name) => (name, Some(expected), None),
        (_, Some((name, given))) => (name, None, Some(given)),
        (None, None) => unreachable!("the lists differ"),
    };
    Error::Tensor { what, name: name.clone(), expected: expected.cloned(), given: given.cloned() }
}
