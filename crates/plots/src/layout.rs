//! Checks for visible faults: texts that leave the picture or overlap.

use crate::common::{odd_ones, one_of_each};
use crate::font;
use crate::picture::sheet;
use crate::sheet::{ASCENT, DESCENT, Shape, Text, UNITS};
use crate::{Error, Picture, Size};
use plotters::style::text_anchor::HPos;

fn texts(picture: &dyn Picture, size: Size) -> Result<Vec<Text>, Error> {
    let shapes = sheet(picture, size)?.shapes.into_iter();
    Ok(shapes.filter_map(|shape| if let Shape::Text(text) = shape { Some(text) } else { None }).collect())
}

/// The area covered by a text, in pixels: left, top, right, bottom.
fn extent(text: &Text) -> [f64; 4] {
    let pixels = |units: f64| units / f64::from(UNITS);
    let size = pixels(text.size);
    let length = size * font::width(&text.text, text.bold);
    let before = match text.anchor {
        HPos::Left => 0.0,
        HPos::Center => length / 2.0,
        HPos::Right => length,
    };
    let (ascent, descent) = (ASCENT * size, DESCENT * size);
    let (x, y) = (pixels(text.place.0.into()), pixels(text.place.1.into()));
    if text.upward {
        [x - ascent, y + before - length, x + descent, y + before]
    } else {
        [x - before, y - ascent, x - before + length, y + descent]
    }
}

/// Describes the first text that leaves the picture or touches another.
fn fault(texts: &[Text], size: Size) -> Option<String> {
    let inset =
        |[left, top, right, bottom]: [f64; 4], by: f64| [left + by, top + by, right - by, bottom - by];
    for (index, text) in texts.iter().enumerate() {
        let place = extent(text);
        let [left, top, right, bottom] = inset(place, 0.5);
        if left < 0.0 || top < 0.0 || right > size.width.into() || bottom > size.height.into() {
            return Some(format!("'{}' leaves the picture: {place:?}", text.text));
        }
        // Ascent and descent are those of the tallest letters, so a small overlap is allowed.
        let place = inset(place, 0.1 * text.size / f64::from(UNITS));
        for other in &texts[..index] {
            let there = inset(extent(other), 0.1 * other.size / f64::from(UNITS));
            let apart =
                place[2] <= there[0] || there[2] <= place[0] || place[3] <= there[1] || there[3] <= place[1];
            if !apart {
                return Some(format!("'{}' lies on '{}'", text.text, other.text));
            }
        }
    }
    None
}

#[test]
fn no_text_leaves_its_picture_or_lies_on_another() {
    let mut faults = Vec::new();
    for (name, picture) in one_of_each() {
        for size in [picture.natural_size(), Size::new(200, 200), Size::new(250, 900), Size::new(1200, 240)] {
            match texts(&*picture, size) {
                Ok(texts) => {
                    faults.extend(fault(&texts, size).map(|fault| format!("{name}, {size:?}: {fault}")));
                }
                Err(Error::Crowded { .. }) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    for (name, picture) in odd_ones() {
        for size in [picture.natural_size(), Size::new(420, 300)] {
            let texts = texts(&*picture, size).unwrap();
            faults.extend(fault(&texts, size).map(|fault| format!("{name}, {size:?}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
