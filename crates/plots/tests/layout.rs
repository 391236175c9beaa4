//! What a reader sees at once: texts that leave the picture or lie on each other.

mod common;

use common::{odd_ones, one_of_each};
use dualtape_plots::{Error, Picture, Size};
use plotters::style::{FontDesc, FontFamily, FontStyle};

/// A text of an SVG: what it says, and its left, top, right and bottom in pixels.
struct Text {
    says: String,
    size: f64,
    place: [f64; 4],
}

fn texts(svg: &str) -> Vec<Text> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let nodes = document.descendants().filter(|node| node.has_tag_name("text"));
    let text = |node: roxmltree::Node<'_, '_>| {
        let number = |key| node.attribute(key).unwrap().parse::<f64>().unwrap() / 10.0;
        let says = node.text().unwrap_or_default().trim().to_owned();
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let bold = if node.attribute("font-weight").is_some() { FontStyle::Bold } else { FontStyle::Normal };
        // As fine as the font is registered by the picture, see `font.rs`: ascent plus descent are 1.164 ems.
        let face = FontDesc::new(FontFamily::Name("DejaVu Sans, Verdana, Arial, sans-serif"), 1164.0, bold);
        let ((left, _), (right, _)) = face.layout_box(&says).unwrap();
        let length = size * f64::from(right - left) / 1000.0;
        let before = match node.attribute("text-anchor") {
            Some("middle") => length / 2.0,
            Some("end") => length,
            _ => 0.0,
        };
        let place = match node.attribute("transform") {
            // The place is the upper left corner of the text before it is turned.
            Some(turn) if turn.starts_with("rotate(270") => [x, y + before - length, x + size, y + before],
            Some(_) => [x - size, y - before, x, y - before + length],
            None => [x - before, y, x - before + length, y + size],
        };
        Text { says, size, place }
    };
    nodes.map(text).collect()
}

/// The first text that leaves the picture or touches another.
fn fault(texts: &[Text], size: Size) -> Option<String> {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    for (index, text) in texts.iter().enumerate() {
        let [left, top, right, bottom] = text.place;
        if left < -0.5 || top < -0.5 || right > width + 0.5 || bottom > height + 0.5 {
            return Some(format!("'{}' leaves the picture: {:?}", text.says, text.place));
        }
        // Ascent and descent are those of the tallest letters: a little of both may meet.
        let slack = 0.1 * text.size;
        for other in &texts[..index] {
            let slack = slack + 0.1 * other.size;
            let there = other.place;
            let apart = right - slack <= there[0]
                || there[2] <= left + slack
                || bottom - slack <= there[1]
                || there[3] <= top + slack;
            if !apart {
                return Some(format!("'{}' lies on '{}'", text.says, other.says));
            }
        }
    }
    None
}

#[test]
fn no_text_leaves_its_picture_or_lies_on_another() {
    let mut faults = Vec::new();
    let mut look = |name: &str, picture: &dyn Picture, size: Size| match picture.svg(size) {
        Ok(svg) => faults.extend(fault(&texts(&svg), size).map(|fault| format!("{name}, {size:?}: {fault}"))),
        Err(Error::Crowded { .. }) => {}
        Err(error) => panic!("{name}: {error}"),
    };
    for (name, picture) in one_of_each() {
        for size in [picture.natural_size(), Size::new(200, 200), Size::new(250, 900), Size::new(1200, 240)] {
            look(name, &*picture, size);
        }
    }
    for (name, picture) in odd_ones() {
        for size in [picture.natural_size(), Size::new(420, 300)] {
            look(&name, &*picture, size);
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
