//! Derivatives of high order of functions of many numbers: along curves and directions, mixed, and as tensors.

use super::derivative::all_derivatives;
use crate::forward::Tag;
use crate::{Differentiable, Dual, Error, Lanes, Order, Scalar, Taylor, Var, gradient};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use std::collections::BTreeMap;

/// The values of a function, and their Taylor coefficients along a curve through `x`.
///
/// `coefficients` holds, for each input, the normalised coefficients of orders 1 to `N` of the curve, row after row.
/// The second result holds the same for each output. The k-th coefficient is the k-th derivative over k!.
///
/// # Errors
///
/// [`Error::Length`] if there are not `N` coefficients for each input.
///
/// ```
/// use dualtape::{Float, jet, typenum::U2};
/// // Along (1 + t, t²), xy eʸ is t² + t³ + …
/// let f = |x: &[dualtape::Taylor<f64, U2>]| vec![x[0] * x[1] * x[1].exp(), x[0] + x[1]];
/// let (values, coefficients) = jet(f, &[1.0, 0.0], &[1.0, 0.0, 0.0, 1.0])?;
/// assert_eq!(values, [0.0, 1.0]);
/// assert_eq!(coefficients, [0.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn jet<N, T, F>(f: F, x: &[T], coefficients: &[T]) -> Result<(Vec<T>, Vec<T>), Error>
where
    N: Lanes<T>,
    T: Differentiable,
    F: FnOnce(&[Taylor<T, N>]) -> Vec<Taylor<T, N>>,
{
    let expected = x.len() * N::USIZE;
    Error::check_length("curve", "input and order", expected, coefficients.len())?;
    let tag = Tag::fresh();
    let row = |i: usize| GenericArray::generate(|k| coefficients[i * N::USIZE + k]);
    let inputs: Vec<_> = x.iter().enumerate().map(|(i, &x)| Taylor::new(x, row(i)).tagged(tag)).collect();
    let outputs = f(&inputs);
    let values = outputs.iter().map(Taylor::primal).collect();
    Ok((values, outputs.iter().flat_map(Taylor::coefficients).collect()))
}

/// The value of a function, and its derivatives of orders 1 to `N` along a direction: dᵏ/dtᵏ f(x + t·direction) at t = 0,
/// not divided by k!. The cost grows as N².
///
/// # Errors
///
/// [`Error::Length`] if `direction` does not have the length of `x`.
///
/// ```
/// use dualtape::{directional_derivatives, typenum::U3};
/// let all = directional_derivatives::<U3, _, _>(|x| x[0] * x[0] * x[1], &[1.0, 2.0], &[1.0, 1.0])?;
/// assert_eq!(all[..], [2.0, 5.0, 8.0, 6.0]); // of (1 + t)² (2 + t)
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn directional_derivatives<N, T, F>(
    f: F,
    x: &[T],
    direction: &[T],
) -> Result<GenericArray<T, <N as Order<T>>::Terms>, Error>
where
    N: Order<T>,
    T: Differentiable,
    F: FnOnce(&[Taylor<T, N>]) -> Taylor<T, N>,
{
    Error::check_length("direction", "input", x.len(), direction.len())?;
    let tag = Tag::fresh();
    let inputs: Vec<_> = x.iter().zip(direction).map(|(&x, &v)| moving(x, v).tagged(tag)).collect();
    Ok(all_derivatives(&f(&inputs)))
}

/// A number with a given first-order coefficient.
fn moving<T: Differentiable, N: Lanes<T>>(x: T, speed: T) -> Taylor<T, N> {
    Taylor::new(x, GenericArray::generate(|k| if k == 0 { speed } else { T::zero() }))
}

/// A mixed partial derivative of order `N`. `orders` says how often f is differentiated in each input; its numbers
/// add up to `N`. See [`mixed_partials`].
///
/// # Errors
///
/// [`Error::Length`] if `orders` does not have one number for each input, [`Error::Order`] if they do not add up to
/// `N`.
///
/// ```
/// use dualtape::{Float, mixed_partial, typenum::U3};
/// // d³/(dx² dy) of x³ sin y
/// let derivative = mixed_partial::<U3, _, _>(|x| x[0].powi(3) * x[1].sin(), &[2.0, 0.0], &[2, 1])?;
/// assert!((derivative - 12.0).abs() < 1e-12);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn mixed_partial<N, T, F>(f: F, x: &[T], orders: &[usize]) -> Result<T, Error>
where
    N: Lanes<T>,
    T: Differentiable,
    F: Fn(&[Taylor<T, N>]) -> Taylor<T, N>,
{
    Ok(mixed_partials(f, x, &[orders])?[0])
}

/// Several mixed partial derivatives of order `N`, from Taylor series along straight lines.
///
/// Each row of `orders` says how often f is differentiated in each input; the result has one derivative for each row.
/// Each way to distribute `N` steps over the inputs of a row is a line, which gives one Taylor coefficient. Each
/// derivative is a sum of these coefficients, with weights that do not depend on f. A derivative in d inputs takes at
/// most C(N + d − 1, N) lines, and all derivatives in the same inputs share them. The weights are accurate to the
/// last places, but their signs alternate: about one digit is lost for every three orders.
///
/// Source: Griewank, Utke and Walther, "Evaluating higher derivative tensors by forward propagation of univariate Taylor
/// series", *Mathematics of Computation* 69, 2000.
///
/// # Errors
///
/// [`Error::Length`] if a row does not have an order for each input, [`Error::Order`] if it does not add up to `N`.
///
/// ```
/// use dualtape::{mixed_partials, typenum::U2};
/// // The Hessian of x²y at (3, 4) from three lines.
/// let hessian = mixed_partials::<U2, _, _>(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &[&[2, 0], &[1, 1], &[0, 2]])?;
/// assert_eq!(hessian, [8.0, 6.0, 0.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn mixed_partials<N, T, F>(f: F, x: &[T], orders: &[&[usize]]) -> Result<Vec<T>, Error>
where
    N: Lanes<T>,
    T: Differentiable,
    F: Fn(&[Taylor<T, N>]) -> Taylor<T, N>,
{
    // The derivatives that each line takes part in, with weights.
    let mut lines: BTreeMap<Line, Vec<(usize, f64)>> = BTreeMap::new();
    for (row, orders) in orders.iter().enumerate() {
        Error::check_length("row of orders", "input", x.len(), orders.len())?;
        let given = orders.iter().fold(0, |sum: usize, &order| sum.saturating_add(order));
        if given != N::USIZE {
            return Err(Error::Order { expected: N::USIZE, given });
        }
        let inputs: Vec<usize> = (0..x.len()).filter(|&i| orders[i] > 0).collect();
        let wanted: Vec<usize> = inputs.iter().map(|&i| orders[i]).collect();
        for steps in parts(N::USIZE, inputs.len()) {
            let weight = weight(&wanted, &steps, N::USIZE);
            if weight != 0.0 {
                let moving = inputs.iter().copied().zip(steps).filter(|&(_, steps)| steps > 0);
                lines.entry(moving.collect()).or_default().push((row, weight));
            }
        }
    }
    let mut derivatives = vec![T::zero(); orders.len()];
    for (line, rows) in lines {
        let tag = Tag::fresh();
        let mut inputs: Vec<Taylor<T, N>> = x.iter().map(|&x| Taylor::lift(x).tagged(tag)).collect();
        line.iter().for_each(|&(i, steps)| inputs[i] = moving(x[i], T::literal(steps as f64)).tagged(tag));
        let coefficient = f(&inputs).coefficient(N::USIZE);
        rows.iter().for_each(|&(row, weight)| {
            derivatives[row] += coefficient * <T::Scalar as Scalar>::nearest(weight);
        });
    }
    Ok(derivatives)
}

/// A straight line: which inputs change, and by how many steps.
type Line = Vec<(usize, usize)>;

/// All ways to distribute a sum over a given number of places.
fn parts(sum: usize, places: usize) -> Vec<Vec<usize>> {
    match places {
        0 => vec![Vec::new(); usize::from(sum == 0)],
        1 => vec![vec![sum]],
        _ => {
            let with = |first| {
                parts(sum - first, places - 1).into_iter().map(move |rest| [vec![first], rest].concat())
            };
            (0..=sum).flat_map(with).collect()
        }
    }
}

/// The weight of the coefficient along a line in a derivative (Griewank, Utke and Walther, equation 13): the sum over 0 < k ≤
/// orders of (−1)^|orders − k| · C(orders, k) · C(n k/|k|, steps) · (|k|/n)ⁿ, where n is the order.
fn weight(orders: &[usize], steps: &[usize], n: usize) -> f64 {
    let counts: usize = orders.iter().map(|order| order + 1).product();
    let mut weight = 0.0;
    if n == 0 {
        return 1.0;
    }
    for mut index in 1..counts {
        let digit = |order: &usize| {
            let digit = index % (order + 1);
            index /= order + 1;
            digit
        };
        let k: Vec<usize> = orders.iter().map(digit).collect();
        let size = k.iter().sum::<usize>() as f64;
        let share = n as f64 / size;
        let chosen = |(&order, &k): (&usize, &usize)| binomial(order as f64, k);
        let reached = |(&k, &steps): (&usize, &usize)| binomial(k as f64 * share, steps);
        let product = orders.iter().zip(&k).map(chosen).product::<f64>()
            * k.iter().zip(steps).map(reached).product::<f64>();
        let sign = if (n - size as usize).is_multiple_of(2) { 1.0 } else { -1.0 };
        weight += sign * product * share.powi(-(n as i32));
    }
    weight
}

/// The generalised binomial coefficient.
fn binomial(a: f64, b: usize) -> f64 {
    (0..b).map(|i| (a - i as f64) / (b - i) as f64).product()
}

/// The third derivative of a function, a symmetric tensor, applied to two directions: for each input, the third
/// derivative along `u`, `v` and that input. It takes one recording and one sweep, whatever the number of inputs. The
/// dot product of the result with a third direction is the third derivative along all three.
///
/// # Errors
///
/// [`Error::Length`] if `u` or `v` does not have the length of `x`.
///
/// ```
/// // Of x²y, d³f/dx²dy is 2, and all others with other inputs are 0.
/// let product = dualtape::third_derivative_product(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &[1.0, 0.0], &[10.0, 1.0])?;
/// assert_eq!(product, [2.0, 20.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn third_derivative_product<T, F>(f: F, x: &[T], u: &[T], v: &[T]) -> Result<Vec<T>, Error>
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, Dual<Dual<T>>>]) -> Var<'t, Dual<Dual<T>>>,
{
    Error::check_length("first direction", "input", x.len(), u.len())?;
    Error::check_length("second direction", "input", x.len(), v.len())?;
    let tags = [Tag::fresh(), Tag::fresh()];
    let along = |(i, &x): (usize, &T)| {
        let primal = Dual::new(x, GenericArray::generate(|_| u[i])).tagged(tags[0]);
        Dual::new(primal, GenericArray::generate(|_| Dual::lift(v[i]))).tagged(tags[1])
    };
    let inputs: Vec<Dual<Dual<T>>> = x.iter().enumerate().map(along).collect();
    let (_, derivatives) = gradient(f, &inputs);
    Ok(derivatives.iter().map(|gradient| gradient.derivative(0).derivative(0)).collect())
}
