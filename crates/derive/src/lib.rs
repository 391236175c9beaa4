//! The derive macro of `dualtape::Parameters`. Use it through the feature `derive` of `dualtape`, which exports it
//! beside the trait.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attributes;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `dualtape::Parameters` for a struct with named fields, or a tuple struct, that is generic in its type of
/// number.
///
/// Each field must be a structure of numbers of that type: a number, an array, a `Vec`, a tuple, an `Option`, an array of
/// ndarray or a matrix of nalgebra, or another struct with this derive. The tensors of a field have its name before
/// theirs, with a dot between: `layers.0.weights`; fields of tuple structs are named `0`, `1`, and so on.
///
/// ```
/// use dualtape::{Parameters, parameters};
///
/// #[derive(Parameters)]
/// struct Layer<T> {
///     weights: Vec<[T; 2]>,
///     bias: Vec<T>,
/// }
///
/// #[derive(Parameters)]
/// struct Network<T> {
///     layers: Vec<Layer<T>>,
///     scale: T,
///     #[parameters(skip)]
///     name: String,
/// }
///
/// let layers = vec![Layer { weights: vec![[1.0, 2.0]; 3], bias: vec![3.0; 3] }];
/// let network = Network { layers, scale: 10.0, name: "small".to_owned() };
/// let names: Vec<String> = network.tensors().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["layers.0.weights", "layers.0.bias", "scale"]);
///
/// let (_, gradient) = parameters::gradient(|network| network.layers[0].bias[1] * network.scale, &network);
/// assert_eq!((&gradient.layers[0].bias[..], gradient.scale), (&[0.0, 10.0, 0.0][..], 3.0));
/// assert_eq!(gradient.name, "small");
/// ```
///
/// # Attributes
///
/// `#[parameters(skip)]` on a field keeps it constant: it is cloned, and has no derivative. Its type must not contain the
/// type of the numbers.
///
/// `#[parameters(number = T)]` on the struct says which of several type parameters is that of the numbers. With one type
/// parameter, it is that one.
///
/// ```
/// use dualtape::Parameters;
///
/// #[derive(Parameters)]
/// #[parameters(number = T)]
/// struct Tagged<Tag: Clone, T, const N: usize> {
///     numbers: [T; N],
///     #[parameters(skip)]
///     tag: Tag,
/// }
///
/// let tagged = Tagged { numbers: [1.0, 2.0], tag: 'a' };
/// assert_eq!(tagged.with_numbers(&[3.0, 4.0])?.numbers, [3.0, 4.0]);
/// assert_eq!((tagged.tensors(), tagged.tag), (vec![("numbers".to_owned(), vec![2])], 'a'));
/// # Ok::<(), dualtape::Error>(())
/// ```
///
/// # Errors
///
/// It does not compile for an enum or a union, for a struct without a type parameter, for a field that is neither
/// skipped nor made of the type of the numbers, and for bounds on that type which do not follow from `Differentiable`.
#[proc_macro_derive(Parameters, attributes(parameters))]
pub fn derive_parameters(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::parameters(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
