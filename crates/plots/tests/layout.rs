//! Checks for visible faults: texts that leave the picture or overlap.

mod common;

use common::{odd_ones, one_of_each};
use dualtape_plots::{Error, Size};
use plotters::style::{FontDesc, FontFamily, FontStyle};
use roxmltree::{Document, Node};

/// The font size of this crate's SVGs in plotters, as ascent plus descent in ems.
const SIZE_OF_EM: f64 = 1.164;

/// The area covered by a text: left, top, right, bottom; and a tenth of its size.
fn extent(text: Node<'_, '_>) -> ([f64; 4], f64) {
    let number = |name| text.attribute(name).unwrap().parse::<f64>().unwrap();
    let (x, y, size) = (number("x"), number("y"), number("font-size"));
    let style = if text.has_attribute("font-weight") { FontStyle::Bold } else { FontStyle::Normal };
    let family = FontFamily::Name(text.attribute("font-family").unwrap());
    let font = FontDesc::new(family, size * SIZE_OF_EM, style);
    let ((left, _), (right, _)) = font.layout_box(text.text().unwrap_or_default().trim()).unwrap();
    let length = f64::from(right - left);
    let before = match text.attribute("text-anchor").unwrap() {
        "start" => 0.0,
        "middle" => length / 2.0,
        _ => length,
    };
    // The letters reach from the top, where the text is anchored, to a whole size below.
    let place = match text.has_attribute("transform") {
        true => [x, y + before - length, x + size, y + before],
        false => [x - before, y, x - before + length, y + size],
    };
    (place, size / 10.0)
}

/// Describes the first text that leaves the picture or touches another.
fn fault(svg: &str) -> Option<String> {
    let document = Document::parse(svg).unwrap();
    let view: Vec<f64> = document
        .root_element()
        .attribute("viewBox")
        .unwrap()
        .split(' ')
        .map(|x| x.parse().unwrap())
        .collect();
    let inset =
        |[left, top, right, bottom]: [f64; 4], by: f64| [left + by, top + by, right - by, bottom - by];
    let mut before: Vec<(&str, [f64; 4])> = Vec::new();
    for node in document.descendants().filter(|node| node.has_tag_name("text")) {
        let text = node.text().unwrap_or_default().trim();
        let (place, tenth) = extent(node);
        let [left, top, right, bottom] = inset(place, 5.0);
        if left < 0.0 || top < 0.0 || right > view[2] || bottom > view[3] {
            return Some(format!("'{text}' leaves the picture: {place:?}"));
        }
        // Ascent and descent are those of the tallest letters, so a small overlap is allowed.
        let place = inset(place, tenth);
        for (other, there) in &before {
            let apart =
                place[2] <= there[0] || there[2] <= place[0] || place[3] <= there[1] || there[3] <= place[1];
            if !apart {
                return Some(format!("'{text}' lies on '{other}'"));
            }
        }
        before.push((text, place));
    }
    None
}

#[test]
fn no_text_leaves_its_picture_or_lies_on_another() {
    let mut faults = Vec::new();
    for (name, picture) in one_of_each() {
        for size in [picture.natural_size(), Size::new(200, 200), Size::new(250, 900), Size::new(1200, 240)] {
            match picture.svg(size) {
                Ok(svg) => faults.extend(fault(&svg).map(|fault| format!("{name}, {size:?}: {fault}"))),
                Err(Error::Crowded { .. }) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    for (name, picture) in odd_ones() {
        for size in [picture.natural_size(), Size::new(420, 300)] {
            let svg = picture.svg(size).unwrap();
            faults.extend(fault(&svg).map(|fault| format!("{name}, {size:?}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
