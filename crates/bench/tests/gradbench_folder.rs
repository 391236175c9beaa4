//! The folder for GradBench follows the suite's conventions, and describes what the tool does.

use dualtape_bench::gradbench::evals;
use std::path::Path;

fn read(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("gradbench").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn the_evals_that_are_offered_are_those_that_the_tool_knows() {
    let offered = read("evals.txt");
    let known: Vec<&str> = evals().collect();
    assert_eq!(offered.lines().collect::<Vec<_>>(), known, "one name per line, as in the tool");
    assert!(known.is_sorted() && offered.ends_with('\n'), "{offered}");
}

#[test]
fn the_image_is_built_and_labelled_as_the_suite_asks() {
    let recipe = read("Dockerfile");
    let last = "LABEL org.opencontainers.image.source=https://github.com/gradbench/gradbench";
    assert_eq!(recipe.lines().last(), Some(last));
    // In this form, options for the tool, such as `--multithreaded`, are appended to the program.
    assert!(recipe.contains("\nENTRYPOINT [\"gradbench-tool\"]\n"), "{recipe}");
    // An image runs on other processors than the one that built it.
    assert!(!recipe.contains("target-cpu"), "{recipe}");
    assert!(recipe.contains("cargo build --release --locked --package dualtape-bench --bin gradbench-tool"));
}

#[test]
fn the_readme_has_something_on_each_eval_and_says_when_functions_are_recorded() {
    let readme = read("README.md");
    for eval in evals() {
        assert!(readme.contains(&format!("[{eval}](/evals/{eval})")), "nothing on {eval}");
    }
    for part in ["- **Recording.**", "`prepare`", "### Multithreading", "`--multithreaded`"] {
        assert!(readme.contains(part), "nothing on {part}");
    }
}
