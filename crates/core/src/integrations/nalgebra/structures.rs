//! Matrices and vectors as structures of numbers.
//!
//! nalgebra stores columns; as everywhere in this crate, the numbers of a tensor are taken row after row.

use crate::parameters::Tensors;
use crate::{Differentiable, Parameters};
use nalgebra::{Const, DMatrix, DVector, Dim, Dyn, Matrix, RawStorage, SMatrix, VecStorage};

/// Visits the components row after row.
fn by_rows<T: Copy, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
) -> impl Iterator<Item = T> {
    let (rows, columns) = matrix.shape();
    (0..rows).flat_map(move |row| (0..columns).map(move |column| matrix[(row, column)]))
}

/// A matrix is one tensor, `[rows, columns]`; a vector is one of `[rows]`.
impl<T: Differentiable, const R: usize, const C: usize> Parameters for SMatrix<T, R, C> {
    type Number = T;
    type With<U: Differentiable> = SMatrix<U, R, C>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        tensors.tensor(&shape(R, C));
    }

    fn each_number(&self, visit: &mut impl FnMut(T)) {
        by_rows(self).for_each(visit);
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(T) -> U) -> SMatrix<U, R, C> {
        let mut columns = [[U::zero(); R]; C];
        for row in 0..R {
            for (column, numbers) in columns.iter_mut().enumerate() {
                numbers[row] = f(self[(row, column)]);
            }
        }
        SMatrix::from_array_storage(nalgebra::ArrayStorage(columns))
    }

    fn fixed_shape() -> Option<Vec<usize>> {
        Some(shape(R, C))
    }
}

/// A matrix of one column by type is a vector.
fn shape(rows: usize, columns: usize) -> Vec<usize> {
    if columns == 1 { vec![rows] } else { vec![rows, columns] }
}

/// A matrix is one tensor, `[rows, columns]`.
impl<T: Differentiable> Parameters for DMatrix<T> {
    type Number = T;
    type With<U: Differentiable> = DMatrix<U>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        tensors.tensor(&[self.nrows(), self.ncols()]);
    }

    fn each_number(&self, visit: &mut impl FnMut(T)) {
        by_rows(self).for_each(visit);
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(T) -> U) -> DMatrix<U> {
        let (rows, columns) = self.shape();
        let by_rows: Vec<U> = by_rows(self).map(f).collect();
        let by_columns = (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
        let numbers = by_columns.map(|(row, column)| by_rows[row * columns + column]).collect();
        DMatrix::from_vec_storage(VecStorage::new(Dyn(rows), Dyn(columns), numbers))
    }
}

/// A vector is one tensor, `[rows]`.
impl<T: Differentiable> Parameters for DVector<T> {
    type Number = T;
    type With<U: Differentiable> = DVector<U>;

    fn describe(&self, tensors: &mut Tensors<'_>) {
        tensors.tensor(&[self.nrows()]);
    }

    fn each_number(&self, visit: &mut impl FnMut(T)) {
        by_rows(self).for_each(visit);
    }

    fn map_numbers<U: Differentiable>(&self, f: &mut impl FnMut(T) -> U) -> DVector<U> {
        let numbers = by_rows(self).map(f).collect();
        DVector::from_vec_storage(VecStorage::new(Dyn(self.nrows()), Const::<1>, numbers))
    }
}
