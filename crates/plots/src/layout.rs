//! Checks of what a reader sees at once: texts that leave the picture or lie on each other.

use crate::common::{odd_ones, one_of_each};
use crate::picture::scene;
use crate::scene::{Rect, Shape, Text};
use crate::{Error, Picture, Size};

fn texts(picture: &dyn Picture, size: Size) -> Result<Vec<Text>, Error> {
    let shapes = scene(picture, size)?.shapes.into_iter();
    Ok(shapes.filter_map(|shape| if let Shape::Text(text) = shape { Some(text) } else { None }).collect())
}

/// The first text that leaves the picture or touches another.
fn fault(texts: &[Text], size: Size) -> Option<String> {
    let whole = Rect { left: 0.0, top: 0.0, right: size.width.into(), bottom: size.height.into() };
    for (index, text) in texts.iter().enumerate() {
        let place = text.extent();
        let inside = place.left >= whole.left - 0.5
            && place.right <= whole.right + 0.5
            && place.top >= whole.top - 0.5
            && place.bottom <= whole.bottom + 0.5;
        if !inside {
            return Some(format!("'{}' leaves the picture: {place:?}", text.text));
        }
        // Ascent and descent are those of the tallest letters: a little of both may meet.
        let place = place.inset(0.1 * text.size);
        for other in &texts[..index] {
            let there = other.extent().inset(0.1 * other.size);
            let apart = place.right <= there.left
                || there.right <= place.left
                || place.bottom <= there.top
                || there.bottom <= place.top;
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
