//! Points on a pair of axes: as many as can be told apart.

use crate::color::{Color, WHITE};
use crate::frame::Plot;
use crate::scene::{Marker, Place, Scene};
use std::collections::BTreeSet;

/// Places, of which only the first within each square of two pixels is kept: the others would cover it.
pub(crate) fn distinct(places: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut taken = BTreeSet::new();
    let square = |(x, y): Place| ((x / 2.0).floor() as i64, (y / 2.0).floor() as i64);
    places.into_iter().filter(|&place| taken.insert(square(place))).collect()
}

/// Marks points that lie within the axes: large with a white rim while they are few, small when many.
pub(crate) fn draw(scene: &mut Scene, plot: &Plot, points: &[(f64, f64)], look: (Marker, Color)) {
    let (marker, color) = look;
    let places = distinct(points.iter().map(|&point| plot.at(point)));
    let radius = match places.len() {
        0..=600 => 3.6,
        601..=3000 => 2.6,
        _ => 1.6,
    };
    for place in places {
        if radius > 2.0 {
            scene.rimmed(marker, place, radius, (color, WHITE));
        } else {
            scene.marker(marker, place, radius, color);
        }
    }
}
