//! What the README says of speed is what was recorded.

use dualtape_bench::record;
use std::path::Path;

#[test]
fn the_table_in_the_readme_is_that_of_the_last_record() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let records = std::fs::read_dir(here.join("record")).expect("there are records");
    let mut files: Vec<_> = records.map(|entry| entry.expect("a folder can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let last = files.last().expect("there is a record");
    let table = record::markdown(&record::read(last).expect("a record can be read"));
    let readme = std::fs::read_to_string(here.join("../../README.md")).expect("there is a README");
    assert!(readme.contains(&table), "write this into the README:\n{table}");
}

#[test]
fn a_record_that_cannot_be_read_says_where() {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("bad.jsonl");
    assert!(record::read(&file).unwrap_err().contains("bad.jsonl"));
    std::fs::write(&file, "{ \"machine\": null }\n{ \"workload\": 1 }\n").expect("there is room");
    assert!(record::read(&file).unwrap_err().contains("bad.jsonl, line 2"));
}
