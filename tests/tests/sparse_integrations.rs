//! Sparse matrices of other crates have the same values as dense ones, and share the memory in which these were computed.
#![cfg(feature = "integrations")]

use dualtape::Error;
use dualtape::integrations::{faer, nalgebra_sparse, sprs};
use dualtape::sparse::{Columns, Pattern};

/// Patterns of several shapes, including empty rows and columns.
fn patterns() -> Vec<Pattern> {
    let band = (0..40_usize).map(|i| i.saturating_sub(2)..40.min(i + 3));
    vec![
        Pattern::from_entries(0, 0, []).unwrap(),
        Pattern::from_entries(3, 5, []).unwrap(),
        Pattern::dense(1, 1).unwrap(),
        Pattern::dense(4, 7).unwrap(),
        Pattern::from_entries(4, 3, [(0, 2), (0, 0), (3, 1)]).unwrap(),
        Pattern::from_entries(3, 6, [(1, 5), (1, 0), (2, 3), (0, 5)]).unwrap(),
        Pattern::from_rows(40, band).unwrap(),
    ]
}

/// Values that are all different, and none of them 0.
fn values(pattern: &Pattern) -> Vec<f64> {
    (1..=pattern.len()).map(|k| k as f64 / 8.0).collect()
}

fn dense(pattern: &Pattern, values: &[f64]) -> Vec<f64> {
    let mut dense = vec![0.0; pattern.rows() * pattern.columns()];
    for ((row, column), value) in pattern.entries().zip(values) {
        dense[row * pattern.columns() + column] = *value;
    }
    dense
}

/// A dense matrix, element by element.
fn filled(pattern: &Pattern, get: impl Fn(usize, usize) -> Option<f64>) -> Vec<f64> {
    let rows = (0..pattern.rows()).flat_map(|row| (0..pattern.columns()).map(move |column| (row, column)));
    rows.map(|(row, column)| get(row, column).unwrap_or(0.0)).collect()
}

/// Whether the second slice is the memory of the first.
fn same_memory<T>(a: &[T], b: &[T]) -> bool {
    std::ptr::eq(a, b)
}

#[test]
fn faers_rows_are_the_dense_ones_and_borrow_everything() {
    for pattern in patterns() {
        let values = values(&pattern);
        let matrix = faer::matrix(&pattern, &values).unwrap();
        assert_eq!((matrix.nrows(), matrix.ncols()), (pattern.rows(), pattern.columns()));
        assert_eq!(
            filled(&pattern, |row, column| matrix.get(row, column).copied()),
            dense(&pattern, &values)
        );
        assert!(same_memory(matrix.val(), &values));
        assert!(same_memory(matrix.row_ptr(), pattern.starts()));
        assert!(same_memory(matrix.col_idx(), pattern.indices()));
    }
}

#[test]
fn sprss_rows_are_the_dense_ones_and_borrow_everything() {
    for pattern in patterns() {
        let values = values(&pattern);
        let matrix = sprs::matrix(&pattern, &values).unwrap();
        assert!(matrix.is_csr() && matrix.shape() == (pattern.rows(), pattern.columns()));
        let get = |row, column| matrix.get(row, column).copied();
        assert_eq!(filled(&pattern, get), dense(&pattern, &values));
        assert!(same_memory(matrix.data(), &values));
        assert!(same_memory(matrix.indices(), pattern.indices()));
    }
}

#[test]
fn nalgebras_rows_are_the_dense_ones_and_the_values_are_moved() {
    for pattern in patterns() {
        let values = values(&pattern);
        let (expected, place) = (dense(&pattern, &values), values.as_ptr());
        let matrix = nalgebra_sparse::matrix(&pattern, values).unwrap();
        let get = |row, column| matrix.get_entry(row, column).map(nalgebra_sparse_value);
        assert_eq!((matrix.nrows(), matrix.ncols()), (pattern.rows(), pattern.columns()));
        assert_eq!(filled(&pattern, get), expected);
        assert_eq!(matrix.values().as_ptr(), place);
    }
}

fn nalgebra_sparse_value(entry: ::nalgebra_sparse::SparseEntry<'_, f64>) -> f64 {
    entry.into_value()
}

#[test]
fn columns_are_the_dense_ones_and_gathered_values_are_not_copied_again() {
    for pattern in patterns() {
        let (values, columns) = (values(&pattern), Columns::of(&pattern));
        let expected = dense(&pattern, &values);
        let mut by_columns = vec![0.0; values.len()];
        columns.gather(&values, &mut by_columns).unwrap();

        let of_faer = faer::matrix_by_columns(&columns, &by_columns).unwrap();
        assert_eq!((of_faer.nrows(), of_faer.ncols()), (pattern.rows(), pattern.columns()));
        assert_eq!(filled(&pattern, |row, column| of_faer.get(row, column).copied()), expected);
        assert!(same_memory(of_faer.val(), &by_columns));

        let of_sprs = sprs::matrix_by_columns(&columns, &by_columns).unwrap();
        assert!(of_sprs.is_csc() && of_sprs.shape() == (pattern.rows(), pattern.columns()));
        assert_eq!(filled(&pattern, |row, column| of_sprs.get(row, column).copied()), expected);
        assert!(same_memory(of_sprs.data(), &by_columns));

        let place = by_columns.as_ptr();
        let of_nalgebra = nalgebra_sparse::matrix_by_columns(&columns, by_columns).unwrap();
        let get = |row, column| of_nalgebra.get_entry(row, column).map(nalgebra_sparse_value);
        assert_eq!(filled(&pattern, get), expected);
        assert_eq!(of_nalgebra.values().as_ptr(), place);
    }
}

#[test]
fn a_symmetric_matrix_is_its_transpose_in_columns() {
    let pattern = Pattern::from_rows(9, (0..9_usize).map(|i| i.saturating_sub(1)..9.min(i + 2))).unwrap();
    assert!(pattern.is_symmetric());
    let values: Vec<f64> =
        pattern.entries().map(|(row, column)| (1 + row * column + row + column) as f64).collect();
    let expected = dense(&pattern, &values);
    let by_columns = faer::matrix(&pattern, &values).unwrap().transpose();
    assert_eq!(filled(&pattern, |row, column| by_columns.get(row, column).copied()), expected);
    let matrix = sprs::matrix(&pattern, &values).unwrap();
    let by_columns = matrix.transpose_view();
    assert!(by_columns.is_csc());
    assert_eq!(filled(&pattern, |row, column| by_columns.get(row, column).copied()), expected);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let pattern = Pattern::dense(2, 2).unwrap();
    let columns = Columns::of(&pattern);
    for given in [0, 3, 5] {
        let values = vec![1.0; given];
        let refusals = [
            faer::matrix(&pattern, &values).err(),
            faer::matrix_by_columns(&columns, &values).err(),
            sprs::matrix(&pattern, &values).err(),
            sprs::matrix_by_columns(&columns, &values).err(),
            nalgebra_sparse::matrix(&pattern, values.clone()).err(),
            nalgebra_sparse::matrix_by_columns(&columns, values.clone()).err(),
            columns.gather(&values, &mut [0.0; 4]).err(),
            columns.gather(&[0.0; 4], &mut vec![0.0; given]).err(),
        ];
        for refused in refusals {
            let expected = format!("the slice of values needs 4 numbers, one for each entry, not {given}");
            assert_eq!(refused.as_ref().map(Error::to_string), Some(expected));
        }
    }
}
