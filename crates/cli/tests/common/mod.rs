//! Helpers shared by all tests of the program.
#![allow(dead_code, unreachable_pub)] // Each test uses only some of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A command that runs the program in a folder.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dualtape"));
    command.current_dir(folder).args(arguments);
    command
}

/// Runs the program in a folder.
pub fn dualtape(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Runs the program, which must succeed and print nothing on standard error. Returns its output.
#[track_caller]
pub fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = dualtape(folder, arguments);
    let complaint = text(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{arguments:?}: {complaint}");
    text(&output.stdout)
}

/// Runs the program, which must fail with this code and one line that contains all these parts.
#[track_caller]
pub fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = dualtape(folder, arguments);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
    assert!(parts.iter().all(|part| complaint.contains(part)), "{arguments:?}: {complaint}");
    assert_eq!(complaint.lines().count(), 1, "{arguments:?}: {complaint}");
    assert!(complaint.starts_with("dualtape: "), "{arguments:?}: {complaint}");
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Checks that the file is a PNG of at least 400 by 300 pixels, and not blank.
#[track_caller]
pub fn check_png(path: &Path) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert!(info.width >= 400 && info.height >= 300, "{}: {} x {}", path.display(), info.width, info.height);
    let pixels: &[[u8; 3]] = pixels.as_chunks().0;
    let colored = |pixel: &&[u8; 3]| pixel.iter().max().unwrap() - pixel.iter().min().unwrap() > 60;
    let (colored, white) =
        (pixels.iter().filter(colored).count(), pixels.iter().filter(|&&pixel| pixel == [255; 3]).count());
    assert!(colored > 100, "{}: {colored} pixels with a colour", path.display());
    assert!(white > 1000 && white < pixels.len() * 99 / 100, "{}: {white} white pixels", path.display());
}

/// Checks that the file is a well-formed SVG that contains this text.
#[track_caller]
pub fn check_svg(path: &Path, expected: &str) {
    let text = fs::read_to_string(path).unwrap();
    let document =
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let texts = document.descendants().filter_map(|node| node.text()).collect::<String>();
    assert!(texts.contains(expected), "{}: {texts}", path.display());
}

/// 300 houses with rooms, area and age, and a price that is computed from them.
pub fn houses() -> String {
    let house = |i: u32| {
        let (rooms, area, age) = (1 + i % 7, 40 + (i * 37) % 90, (i * 53) % 80);
        format!("{rooms},{area},{age},{}\n", 30 + 12 * rooms + 3 * area - age / 2)
    };
    std::iter::once("rooms,area,age,price\n".to_owned()).chain((0..300).map(house)).collect()
}
