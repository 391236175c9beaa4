//! The choice of rows for training and for validation, drawn by a seed and spread evenly over the classes.

use super::table::UNKNOWN;
use crate::{Error, initialize};
use rand::seq::SliceRandom;

/// For each row, whether it is for training. The other rows, a share of each class, are for validation. Neither part is
/// empty.
pub(super) fn draw_training(
    name: &str,
    rows: usize,
    classes: Option<&[usize]>,
    validation_share: f64,
    seed: u64,
) -> Result<Vec<bool>, Error> {
    if !(validation_share > 0.0 && validation_share < 1.0) {
        return Err(Error::Setting {
            what: "validation share",
            given: validation_share.to_string(),
            expected: "a number between 0 and 1",
        });
    }
    if rows < 2 {
        let samples = if rows == 1 { "is 1 sample" } else { "are no samples" };
        let problem = format!("there {samples}; expected at least 2, to train on and to validate");
        return Err(Error::Data { origin: name.to_owned(), problem });
    }
    let wanted = ((rows as f64 * validation_share).round() as usize).clamp(1, rows - 1);
    let groups = shuffled_groups(rows, classes, seed);
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let mut training = vec![true; rows];
    for (group, take) in groups.iter().zip(shares(&sizes, wanted)) {
        group[..take].iter().for_each(|&row| training[row] = false);
    }
    Ok(training)
}

/// The fold in which each row is used for validation.
pub(super) fn draw_folds(
    rows: usize,
    classes: Option<&[usize]>,
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>, Error> {
    if folds < 2 || folds > rows {
        return Err(Error::Setting {
            what: "number of folds",
            given: folds.to_string(),
            expected: "at least 2, and at most the number of samples",
        });
    }
    let mut fold_of = vec![0; rows];
    // Each class continues where the class before stopped, so that the folds have equal sizes.
    let rows_in_turn = shuffled_groups(rows, classes, seed).concat();
    for (turn, row) in rows_in_turn.into_iter().enumerate() {
        fold_of[row] = turn % folds;
    }
    Ok(fold_of)
}

/// The rows of each class, in an order drawn by the seed; a single group if there are no classes.
fn shuffled_groups(rows: usize, classes: Option<&[usize]>, seed: u64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut initialize::stream(seed));
    let Some(classes) = classes else { return vec![order] };
    let known = classes.iter().filter(|&&class| class != UNKNOWN).max().map_or(0, |largest| largest + 1);
    // Rows without a class form one more group.
    let mut groups = vec![Vec::new(); known + 1];
    order.into_iter().for_each(|row| groups[classes[row].min(known)].push(row));
    groups
}

/// Shares a total among groups in proportion to their sizes: rounded down, and the rest by largest remainder.
fn shares(sizes: &[usize], wanted: usize) -> Vec<usize> {
    let all: usize = sizes.iter().sum();
    // This is computed in whole numbers, so that rounding has no effect.
    let product = |size: usize| size as u128 * wanted as u128;
    let mut shares: Vec<usize> = sizes.iter().map(|&size| (product(size) / all as u128) as usize).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(product(sizes[i]) % all as u128));
    let left = wanted - shares.iter().sum::<usize>();
    order.into_iter().take(left).for_each(|i| shares[i] += 1);
    shares
}

/// Keeps the chosen rows, in place and in their order.
pub(super) fn retain_rows<T: Copy>(values: &mut Vec<T>, width: usize, keep: &[bool]) {
    let mut end = 0;
    for row in (0..keep.len()).filter(|&row| keep[row]) {
        values.copy_within(row * width..(row + 1) * width, end);
        end += width;
    }
    values.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_in_proportion_and_add_up() {
        for (sizes, wanted, expected) in [
            (&[50, 50, 50][..], 30, &[10, 10, 10][..]),
            (&[90, 10], 20, &[18, 2]),
            (&[3, 3, 3], 2, &[1, 1, 0]),
            (&[1, 99], 20, &[0, 20]),
            (&[0, 4], 2, &[0, 2]),
        ] {
            assert_eq!(shares(sizes, wanted), expected, "{wanted} of {sizes:?}");
        }
    }

    #[test]
    fn folds_have_equally_many_rows_of_each_class() {
        let classes: Vec<usize> = (0..103).map(|row| row % 4).collect();
        let folds = draw_folds(103, Some(&classes), 5, 1).unwrap();
        for fold in 0..5 {
            let in_fold = |class: Option<usize>| {
                (0..103).filter(|&row| folds[row] == fold && class.is_none_or(|c| classes[row] == c)).count()
            };
            assert!((20..=21).contains(&in_fold(None)));
            for class in 0..4 {
                assert!((5..=6).contains(&in_fold(Some(class))), "class {class} in fold {fold}");
            }
        }
        assert!(draw_folds(3, None, 4, 1).is_err() && draw_folds(3, None, 1, 1).is_err());
    }
}
