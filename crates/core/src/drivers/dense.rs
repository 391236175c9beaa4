//! How large a dense matrix a driver allocates unless the caller allows more.

use crate::{Differentiable, Error};

/// The most bytes that a driver allocates for a dense Jacobian or Hessian: 512 MiB, which is 8192 rows and columns of
/// `f64`.
///
/// Above this limit, [`jacobian`](crate::jacobian), [`hessian`](crate::hessian) and the other dense drivers refuse:
/// most matrices of that size have few nonzero entries, and the module [`sparse`](crate::sparse) computes only those.
/// If you need a larger dense matrix, give [`jacobian_within`](crate::jacobian_within),
/// [`hessian_within`](crate::hessian_within) or another `_within` driver your own limit. Drivers that write into the
/// caller's memory have no limit.
///
/// ```
/// use dualtape::{DENSE_LIMIT, hessian_within};
/// let (_, _, hessian) = hessian_within(2 * DENSE_LIMIT, |x| x[0] * x[1], &[3.0_f64, 4.0])?;
/// assert_eq!(hessian, [0.0, 1.0, 1.0, 0.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub const DENSE_LIMIT: usize = 512 << 20;

/// Refuses a dense matrix that takes more than `limit` bytes, or more than any allocation may.
pub(crate) fn check_dense<T>(
    what: &'static str,
    rows: usize,
    columns: usize,
    limit: usize,
) -> Result<(), Error> {
    let bytes = size_of::<T>() as u128 * rows as u128 * columns as u128;
    let limit = limit.min(isize::MAX as usize);
    if bytes > limit as u128 {
        Err(Error::DenseTooLarge { what, rows, columns, bytes, limit })
    } else {
        Ok(())
    }
}

/// A dense matrix of zeros, row after row, of at most `limit` bytes.
pub(super) fn zeros<T: Differentiable>(
    what: &'static str,
    rows: usize,
    columns: usize,
    limit: usize,
) -> Result<Vec<T>, Error> {
    check_dense::<T>(what, rows, columns, limit)?;
    Ok(vec![T::zero(); rows * columns])
}

/// The result of a driver that has no error to return. The panic names the line of the driver's caller.
#[track_caller]
pub(crate) fn or_panic<R>(result: Result<R, Error>) -> R {
    match result {
        Ok(result) => result,
        Err(error) => panic!("{error}"),
    }
}
