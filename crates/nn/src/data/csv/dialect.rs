//! Detects, from the first lines of a file, how it separates its cells, and whether its first line names the columns.

use super::cell::{is_missing, is_number};

/// The separators of cells, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The largest number of lines that are examined.
const LINES: usize = 1000;

pub(crate) fn reader(delimiter: u8) -> ::csv::ReaderBuilder {
    let mut builder = ::csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(::csv::Trim::All).delimiter(delimiter);
    builder
}

/// The records at the beginning of a file. The last one may be incomplete, so it is left out if there are others.
pub(crate) fn records(sample: &[u8], delimiter: u8, is_all: bool) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(sample);
    let mut reader = reader(delimiter).from_reader(text.as_bytes());
    let mut records: Vec<Vec<String>> = reader
        .records()
        .map_while(Result::ok)
        .take(LINES)
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect();
    if !is_all && records.len() > 1 && records.len() < LINES {
        records.pop();
    }
    records
}

/// The separator that gives the first lines equally many cells, and as many as possible.
pub(crate) fn delimiter(sample: &[u8], is_all: bool) -> u8 {
    let fit = |&delimiter: &u8| {
        let records = records(sample, delimiter, is_all);
        let width = records.first().map_or(0, Vec::len);
        let same = records.iter().filter(|record| record.len() == width).count();
        // Lines with other numbers of cells count against a separator, for instance in text that contains commas by chance.
        (width > 1 && same * 10 >= records.len() * 9, width)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| {
        let (fits, width) = fit(delimiter);
        if fits { width } else { 0 }
    });
    best.filter(|delimiter| fit(delimiter).0).unwrap_or(b',')
}

/// Whether the first record names the columns. `known` are names that it would then contain; `label` is the label's
/// column, if there is one.
pub(crate) fn has_header(records: &[Vec<String>], label: Option<usize>, known: &[&str]) -> bool {
    let Some((first, others)) = records.split_first() else { return false };
    if !known.is_empty() && known.iter().all(|name| first.iter().any(|cell| cell == name)) {
        return true;
    }
    let below = |column: usize| others.iter().filter_map(move |record| record.get(column));
    let returns = |column: usize| below(column).any(|cell| *cell == first[column]);
    let is_word = |cell: &String| !is_number(cell) && !is_missing(cell);
    let words = first.iter().filter(|cell| is_word(cell)).count();
    if first.iter().all(|cell| !is_number(cell)) {
        // A word that occurs again further down is a value, not a name.
        return words > 0 && !(0..first.len()).any(|column| is_word(&first[column]) && returns(column));
    }
    // Columns may have names like 2020 and 2021; then the label's column decides.
    let Some(column) = label.filter(|&column| first.get(column).is_some_and(is_word)) else { return false };
    let cells: Vec<&String> = below(column).collect();
    let mut different = cells.clone();
    different.sort();
    different.dedup();
    let numbers = cells.iter().any(|cell| is_number(cell))
        && cells.iter().all(|cell| is_number(cell) || is_missing(cell));
    numbers || (!returns(column) && different.len() < cells.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_found_out() {
        for (text, expected) in [
            ("a,b,c\n1,2,3\n", b','),
            ("a;b;c\n1,5;2;3\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("\"a;b\",c\n\"x;y\",2\n", b','),
            ("one\n2\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text.as_bytes(), true), expected, "{text}");
        }
    }

    #[test]
    fn a_header_is_told_from_a_sample() {
        for (text, label, expected) in [
            ("a,b,kind\n1,2,rose\n", Some(2), true),
            ("1,2,rose\n3,4,tulip\n", Some(2), false),
            ("1,2,rose\n3,4,tulip\n5,6,rose\n", Some(2), false),
            ("2020,2021,2022,label\n1,2,3,0\n4,5,6,1\n", Some(3), true),
            ("2020,2021,2022,label\n1,2,3,yes\n4,5,6,no\n7,8,9,yes\n", Some(3), true),
            ("1,2,3\n4,5,6\n", Some(2), false),
            (",a,b\n0,1,2\n", Some(2), true),
            ("red,small,yes\nblue,small,no\n", Some(2), false),
            ("color,size,label\nred,small,yes\nblue,small,no\n", Some(2), true),
            ("1,x,0\n2,3,1\n", Some(2), false),
            ("1,a\n2,\n", Some(1), false),
            ("", Some(0), false),
        ] {
            assert_eq!(has_header(&records(text.as_bytes(), b',', true), label, &[]), expected, "{text}");
        }
        let years = records(b"2020,2021\n1,2\n", b',', true);
        assert!(has_header(&years, None, &["2021", "2020"]));
    }
}
