//! Every kind of picture has the requested size, is not blank, and has the same bytes every time, as PNG and as
//! SVG.

mod common;

use common::{BLUE, VERMILION, WHITE, count, decode, one_of_each, texts};
use dualtape_plots::{Curves, Error, Figure, Picture, Size};

#[test]
fn each_kind_has_its_size_and_shows_its_colours() {
    for (name, picture) in one_of_each() {
        for size in [picture.natural_size(), Size::new(640, 400), Size::new(333, 501)] {
            let (width, height, pixels) = decode(&picture.png(size).unwrap());
            assert_eq!((width, height), (size.width, size.height), "{name}");
            let all = pixels.len() / 3;
            assert!(count(&pixels, BLUE) > 100, "{name}, {size:?}: {} blue", count(&pixels, BLUE));
            assert!(count(&pixels, WHITE) > all / 10, "{name}, {size:?}: {} white", count(&pixels, WHITE));
            assert!(count(&pixels, WHITE) < all * 99 / 100, "{name}, {size:?}");
        }
    }
}

#[test]
fn each_kind_is_a_well_formed_svg_of_its_size_with_its_texts() {
    for (name, picture) in one_of_each() {
        let svg = picture.svg(Size::new(700, 500)).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg", "{name}");
        let attribute = |key| root.attribute(key).unwrap();
        assert_eq!((attribute("width"), attribute("height")), ("700", "500"), "{name}");
        assert_eq!(attribute("viewBox"), "0 0 7000 5000", "{name}");
        assert!(texts(&svg).contains(&format!("this is {name}")), "{name}: {:?}", texts(&svg));
        assert!(document.descendants().count() > 30, "{name}");
    }
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    for ((name, first), (_, second)) in one_of_each().into_iter().zip(one_of_each()) {
        let size = Size::new(500, 400);
        assert!(first.png(size).unwrap() == second.png(size).unwrap(), "{name}");
        assert!(first.png(size).unwrap() == first.png(size).unwrap(), "{name}");
        assert!(first.svg(size).unwrap() == second.svg(size).unwrap(), "{name}");
    }
}

#[test]
fn sizes_that_hold_no_picture_are_refused_before_anything_is_drawn() {
    let sizes = [
        (0, 0),
        (0, 500),
        (500, 0),
        (199, 500),
        (500, 10),
        (10_001, 500),
        (8000, 8000),
        (u32::MAX, u32::MAX),
    ];
    for (name, picture) in one_of_each() {
        for (width, height) in sizes {
            for error in [
                picture.png(Size::new(width, height)).unwrap_err(),
                picture.svg(Size::new(width, height)).unwrap_err(),
            ] {
                assert!(matches!(error, Error::Size { .. }), "{name}: {error}");
                let expected = "expected 200 to 10000 each way and at most 40 megapixels";
                assert_eq!(
                    error.to_string(),
                    format!("the picture is {width} x {height} pixels; {expected}")
                );
            }
        }
    }
}

#[test]
fn the_smallest_and_the_longest_pictures_are_drawn() {
    for (name, picture) in one_of_each() {
        // Two panels need more room.
        for size in [Size::new(200, 200), Size::new(200, 1500), Size::new(4000, 200)] {
            let (width, height, _) = match picture.png(size) {
                Ok(png) => decode(&png),
                Err(Error::Crowded { .. }) if name == "Figure" => continue,
                Err(error) => panic!("{name}, {size:?}: {error}"),
            };
            assert_eq!((width, height), (size.width, size.height), "{name}");
        }
    }
    let picture = Curves::new("wide", "", "").curve("training", [(1.0, 1.0), (2.0, 2.0)]);
    // The larger a picture, the fewer samples are averaged for each pixel.
    for size in [Size::new(10_000, 200), Size::new(2500, 2000), Size::new(4000, 3000)] {
        let (width, height, pixels) = decode(&picture.png(size).unwrap());
        assert_eq!((width, height), (size.width, size.height));
        let blue = count(&pixels, BLUE);
        assert!(blue > (width.max(height) / 2) as usize && blue < pixels.len() / 100, "{size:?}: {blue}");
    }
}

#[test]
fn a_figure_needs_panels_and_room_for_them() {
    let empty = Figure::new("nothing");
    let error = empty.png(empty.natural_size()).unwrap_err();
    assert_eq!(error.to_string(), "the figure 'nothing' has no panel; expected at least one");

    let panel = || Curves::new("panel", "", "").curve("training", [(1.0, 1.0)]);
    let crowd = (0..60).fold(Figure::new("a crowd"), |figure, _| figure.with(panel()));
    let error = crowd.png(Size::new(600, 600)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "60 panels in 3 columns would be 200 x 28 pixels each; expected at least 180 x 180: ask for a larger \
         picture, or for fewer panels"
    );
    assert!(crowd.columns(10).png(Size::new(2000, 1200)).is_ok());
}

#[test]
fn a_figure_is_its_panels_beside_each_other() {
    let left = Curves::new("", "", "").curve("training", [(1.0, 1.0), (2.0, 3.0)]);
    let right = Curves::new("", "", "").curve("", []).curve("validation", [(1.0, 1.0), (2.0, 3.0)]);
    let figure = Figure::new("").with(left).with(right);
    let (width, _, pixels) = decode(&figure.png(Size::new(800, 300)).unwrap());
    let half = |start: usize| {
        let rows = pixels.chunks_exact(3 * width as usize);
        rows.flat_map(|row| row[start * 1200..][..1200].to_vec()).collect::<Vec<u8>>()
    };
    assert!(count(&half(0), BLUE) > 100 && count(&half(0), VERMILION) == 0);
    assert!(count(&half(1), VERMILION) > 100 && count(&half(1), BLUE) == 0);
}
