//! Checks the guide and the pages next to it: the table of contents lists each chapter, links and pictures have
//! existing targets, and listings are tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the repository").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The chapters of the guide, without the table of contents.
fn chapters() -> Vec<PathBuf> {
    let mut files = markdown_of(&top().join("docs/guide/src"));
    files.retain(|file| file.file_name().is_some_and(|name| name != "SUMMARY.md"));
    assert!(files.len() > 10, "the guide has lost its chapters");
    files
}

fn markdown_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files
}

/// The lines outside code blocks, with their numbers from 1; code within a line is blanked.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fence: Option<String> = None;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let marks: String = line.trim_start().chars().take_while(|&c| c == '`').collect();
        match &fence {
            Some(open) if marks.len() >= open.len() => fence = None,
            Some(_) => {}
            None if marks.len() >= 3 => fence = Some(marks),
            None => {
                let code = |(i, part): (usize, &str)| {
                    if i % 2 == 0 { part.to_owned() } else { " ".repeat(part.len()) }
                };
                lines.push((number + 1, line.split('`').enumerate().map(code).collect::<Vec<_>>().join("`")));
            }
        }
    }
    lines
}

/// The addresses of the links and pictures in a line.
fn links(line: &str) -> Vec<&str> {
    let address = |rest: &'_ str| rest.find(')').map(|end| &line[line.len() - rest.len()..][..end]);
    line.match_indices("](").filter_map(|(at, mark)| address(&line[at + mark.len()..])).collect()
}

/// The part after `#` in a link to this heading, as made by GitHub and mdBook.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a page. Headings keep their code, so they are taken from the unchanged lines.
fn anchors(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).into_iter().map(|(number, _)| lines[number - 1]);
    headings
        .filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')))
        .filter(|rest| rest.starts_with(' '))
        .map(|rest| {
            let anchor = anchor(rest);
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        })
        .collect()
}

/// The path without `.` and `..`, as messages show it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What is wrong with a link of a page; `None` if it is right, or leads to the web.
fn problem(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let folder = page.parent().expect("a page stands in a folder");
    let target = if file.is_empty() { page.to_owned() } else { plain(&folder.join(file)) };
    if !target.exists() {
        return Some("there is no such file".to_owned());
    }
    let guide = top().join("docs/guide/src");
    let is_page = target.extension().is_some_and(|extension| extension == "md");
    if is_page && page.starts_with(&guide) && !target.starts_with(&guide) {
        return Some("mdBook takes it for a chapter, but it is not one; name the file instead".to_owned());
    }
    let anchor = anchor.filter(|_| is_page)?;
    let missing = !anchors(&read(&target)).contains(anchor);
    missing.then(|| "there is no such heading".to_owned())
}

#[test]
fn every_link_and_picture_leads_to_what_is_there() {
    let top = top();
    let mut pages = chapters();
    pages.push(top.join("docs/guide/src/SUMMARY.md"));
    pages.extend(["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(|name| top.join(name)));
    let crates = fs::read_dir(top.join("crates")).expect("there are crates");
    pages.extend(
        crates
            .map(|entry| entry.expect("it can be read").path().join("README.md"))
            .filter(|page| page.exists()),
    );

    let (mut problems, mut count) = (Vec::new(), 0);
    for page in &pages {
        for (number, line) in prose(&read(page)) {
            for link in links(&line) {
                count += 1;
                if let Some(problem) = problem(page, link) {
                    let page = page.strip_prefix(&top).unwrap_or(page).display();
                    problems.push(format!("{page}, line {number}, link '{link}': {problem}"));
                }
            }
        }
    }
    assert!(count > 100, "only {count} links were found");
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn the_summary_lists_each_chapter_once_and_no_other() {
    let summary = read(&top().join("docs/guide/src/SUMMARY.md"));
    let mut listed: Vec<String> =
        prose(&summary).iter().flat_map(|(_, line)| links(line)).map(str::to_owned).collect();
    listed.sort();
    let there: Vec<String> = chapters()
        .iter()
        .map(|page| page.file_name().expect("it is a file").to_string_lossy().into_owned())
        .collect();
    assert_eq!(listed, there, "docs/guide/src/SUMMARY.md on the left, the files next to it on the right");
}

#[test]
fn every_page_with_listings_is_tested() {
    let tested = read(&top().join("tests/src/lib.rs"));
    for page in chapters() {
        let name = page.file_name().expect("it is a file").to_string_lossy().into_owned();
        let listings = read(&page).lines().filter(|line| line.trim_start().starts_with("```rust")).count();
        let included = tested.contains(&format!("\"{name}\""));
        assert!(
            included == (listings > 0),
            "docs/guide/src/{name} has {listings} Rust listings, so tests/src/lib.rs {} include it",
            if listings > 0 { "has to" } else { "need not" }
        );
    }
}

/// The names of items, fields and variants declared in the sources of the crates.
fn declared() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders: Vec<PathBuf> =
        ["core", "nn", "jit", "build"].map(|name| top().join("crates").join(name).join("src")).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the sources are there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(read(&path).lines().filter_map(declared_by));
            }
        }
    }
    names
}

/// The name that a line declares, if it begins like a declaration.
fn declared_by(line: &str) -> Option<String> {
    const KEYWORDS: [&str; 9] = ["pub", "const", "unsafe", "fn", "struct", "enum", "trait", "type", "mod"];
    let line = line.trim_start();
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    let first = words.next().filter(|word| !word.is_empty())?;
    let is_variant = first.starts_with(char::is_uppercase);
    let name = if is_variant { first } else { words.find(|word| !KEYWORDS.contains(word))? };
    (is_variant || KEYWORDS.contains(&first)).then(|| name.to_owned())
}

#[test]
fn names_of_ours_in_tables_of_other_libraries_are_declared() {
    // Names of the language, of typenum, and of parameters.
    const OTHERS: [&str; 8] = ["Copy", "f64", "N", "D", "U3", "typenum", "_", "if"];
    let (declared, mut count) = (declared(), 0);
    let text = read(&top().join("docs/guide/src/coming-from.md"));
    for (number, line) in text.lines().enumerate() {
        let Some(ours) = line.strip_prefix('|').and_then(|line| line.split('|').nth(1)) else { continue };
        // Package names have hyphens, and operators have no letters.
        let code = ours.split('`').skip(1).step_by(2).filter(|code| !code.contains('-'));
        let words = code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_'));
        for word in words.filter(|word| !word.is_empty() && !OTHERS.contains(word)) {
            count += 1;
            assert!(
                declared.contains(word),
                "coming-from.md, line {}: dualtape declares no name `{word}`",
                number + 1
            );
        }
    }
    assert!(count > 100, "only {count} names were found");
}

#[test]
fn headings_have_the_anchors_that_links_use() {
    let text =
        "# One *two*\n\n```text\n# no heading\n```\n\n## `D` of {float}: a, b\n## Twice\n## Twice\n#hash\n";
    let expected = ["one-two", "d-of-float-a-b", "twice", "twice-1"].map(str::to_owned);
    assert_eq!(anchors(text), BTreeSet::from(expected));
}

#[test]
fn what_is_wrong_with_a_link_is_seen() {
    let page = top().join("docs/guide/src/introduction.md");
    let of = |link| problem(&page, link);
    assert_eq!(of("modes.md#forward-mode-dual-numbers"), None);
    assert_eq!(of("https://example.org/x.md#y"), None);
    assert!(of("modes.md#nowhere").is_some_and(|problem| problem.contains("heading")));
    assert!(of("nowhere.md").is_some_and(|problem| problem.contains("file")));
    assert!(of("../../../README.md").is_some_and(|problem| problem.contains("chapter")));
    assert_eq!(links("a [b](c.md) and ![d](e.svg#f)"), ["c.md", "e.svg#f"]);
    assert_eq!(prose("a `[b](c)` d\n```\n[e](f)\n```\ng").len(), 2);
}
