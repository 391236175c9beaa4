//! The README's tables and picture of speed agree with the records.

use dualtape_bench::record::{self, Record};
use dualtape_bench::tables;
use std::path::Path;

/// How to update them.
const AGAIN: &str = "write it from the records: cargo run --release -p dualtape-bench --features peers --bin ratios -- --write";

fn top(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn records() -> Vec<Record> {
    record::all(&record::folder()).expect("there are records")
}

#[test]
fn the_tables_in_the_readme_are_those_of_the_records() {
    let readme = top("README.md");
    let expected = tables::into_readme(&readme, &records()).expect("there is a place for the tables");
    assert!(readme == expected, "README.md does not agree with the records; {AGAIN}");
}

#[test]
fn the_picture_is_that_of_the_newest_record() {
    let expected = tables::picture(&records()[0]).expect("the picture can be drawn");
    assert!(top("docs/speed.svg") == expected, "docs/speed.svg does not agree with the records; {AGAIN}");
}

#[test]
fn a_record_is_named_for_its_processor_and_says_how_it_was_made() {
    for record in records() {
        let file = record::folder().join(record.about.file_name());
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(text, record.text());
        assert_eq!(record.about.command, record::COMMAND);
    }
}

#[test]
fn a_record_that_cannot_be_read_says_where() {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("bad.jsonl");
    assert!(Record::read(&file).unwrap_err().contains("bad.jsonl"));
    let about = records()[0].text().lines().next().expect("a record has a first line").to_owned();
    for (text, words) in [
        ("{ \"cores\": 2 }\n".to_owned(), "bad.jsonl, line 1: missing field `machine`"),
        (about + "\n{ \"workload\": 1 }\n", "bad.jsonl, line 2"),
    ] {
        std::fs::write(&file, text).expect("there is room");
        let error = Record::read(&file).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    std::fs::remove_file(&file).expect("it is there");
    assert!(record::all(folder.path()).unwrap_err().contains("there is no record"));
}

#[test]
fn a_readme_without_a_place_for_the_tables_is_refused() {
    assert!(tables::into_readme("# dualtape\n", &records()).is_err_and(|error| error.contains("no place")));
}
